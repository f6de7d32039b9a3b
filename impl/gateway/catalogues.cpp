// SPDX-License-Identifier: Apache-2.0
// What a member is able to do: asked once, kept, and asked again when it says that it has changed.
#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <boost/json/serialize.hpp>
#include <thv/gateway/translate.hpp>

#include "service.hpp"

namespace thv::gateway {

namespace json = boost::json;

namespace {

constexpr std::size_t most_list_bytes = 8u << 20;  // of all pages of a list
constexpr std::size_t most_in_flight = 60'000;     // places of a channel have 16 bits

}  // namespace

std::uint64_t service::ask(channel& c, std::string_view method, std::string_view params,
                           std::function<void(message const*, std::string_view)> done) {
  if (!c.way() || c.in_flight() >= most_in_flight) {
    done(nullptr, c.way() ? "it is busy" : "it is down");
    return 0;
  }
  pending p;
  p.done = std::move(done);
  p.deadline = after(options.limits.start_time);
  auto const slot = c.add(std::move(p));
  auto text = fmt::format(R"({{"jsonrpc":"2.0","id":{},"method":"{}","params":{}}})", slot, method,
                          params.empty() ? "{}" : params);
  if (c.stateless) text = stateless_request(text, std::to_string(slot), {}, {own_info(), "{}", {}});
  auto const number = std::to_string(slot);
  outgoing o;
  o.text = text;
  // Said again under another id where the session is lost.
  if (method == "initialize")
    o.first = {std::string_view(text).substr(text.find(number), number.size()), number};
  o.method = method;
  o.slot = slot;
  o.alone = c.in_flight() == 1;
  c.way()->send(o);
  return slot;
}

namespace {

/// Asks for all pages of a list, and puts them together.
struct list_reader : std::enable_shared_from_this<list_reader> {
  std::string method;
  std::string key;
  json::object joined;
  json::array items;
  int pages = 0;
  std::size_t bytes = 0;
  std::function<void(std::string_view, std::function<void(message const*, std::string_view)>)> ask;
  std::function<void(std::string)> done;

  void next(std::string const& cursor) {
    auto const params =
        cursor.empty() ? std::string("{}") : fmt::format(R"({{"cursor":{}}})", quoted_json(cursor));
    ask(params, [self = shared_from_this()](message const* m, std::string_view) { self->take(m); });
  }

  void take(message const* m) {
    if (!m || m->kind != message_kind::response) return done({});
    auto const value = parsed(m->text);
    auto const* result = member_at(value, {"result"});
    auto const* list = result ? member_at(*result, {key}) : nullptr;
    if (!list || !list->is_array()) return done({});
    if (pages++ == 0) joined = result->get_object();
    for (auto const& one : list->get_array()) items.push_back(one);
    bytes += m->text.size();
    auto const* cursor = member_at(*result, {"nextCursor"});
    if (cursor && cursor->is_string() && pages < 100 && items.size() < 10'000 &&
        bytes < most_list_bytes)
      return next(std::string(cursor->get_string()));
    joined.erase("nextCursor");
    joined[json::string_view(key.data(), key.size())] = std::move(items);
    done(json::serialize(joined));
  }
};

}  // namespace

/// Where the gateway asks for itself.
channel* service::own_channel(served_member& m) {
  if (m.declared.streams || !m.stateless()) return m.shared.get();
  return m.pool ? &modern_channel(m) : nullptr;
}

void service::ask_lists(served_member& m, std::function<void()> then) {
  auto* over = own_channel(m);
  if (!over || !over->way()) return then();
  auto const said = parsed(m.known.initialize_result);
  std::vector<std::pair<std::string, std::string>> wanted;
  if (member_at(said, {"capabilities", "tools"})) wanted.emplace_back("tools/list", "tools");
  if (member_at(said, {"capabilities", "prompts"})) wanted.emplace_back("prompts/list", "prompts");
  if (member_at(said, {"capabilities", "resources"})) {
    wanted.emplace_back("resources/list", "resources");
    wanted.emplace_back("resources/templates/list", "resourceTemplates");
  }
  if (wanted.empty()) return then();
  auto left = std::make_shared<std::size_t>(wanted.size());
  auto after = std::make_shared<std::function<void()>>(std::move(then));
  auto const key = m.session_key;
  for (auto& [method, list] : wanted) {
    auto reader = std::make_shared<list_reader>();
    reader->method = method;
    reader->key = list;
    reader->ask = [this, &m, method = method, key](std::string_view params, auto then) {
      auto* to = m.gone || m.session_key != key ? nullptr : own_channel(m);
      if (!to) return then(nullptr, "it is down");
      ask(*to, method, params, std::move(then));
    };
    reader->done = [this, &m, left, after, method = method, key](std::string text) {
      bool const there = !m.gone && m.session_key == key;
      if (there && !text.empty()) m.known.lists[method] = std::move(text);
      if (--*left != 0) return;
      if (there) keep(m);
      (*after)();
    };
    reader->next({});
  }
}

void service::keep(served_member& m) {
  on_worker([this, name = m.declared.name, said = m.known] { return backend_.keep(name, said); },
            [this, &m](result<void> kept) {
              if (!kept && !m.gone && kept.error().code != errc::not_found)
                log(log_line::level::warning, m.declared.name,
                    "what it offers could not be kept: " + to_string(kept.error()));
            });
}

}  // namespace thv::gateway
