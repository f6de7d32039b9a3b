// SPDX-License-Identifier: Apache-2.0
#include "scripted.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>
#include <boost/json.hpp>

namespace thv::test {

namespace json = boost::json;

namespace {

void replace(std::string& in, std::string_view what, std::string_view with) {
  for (auto at = in.find(what); at != std::string::npos; at = in.find(what, at + with.size()))
    in.replace(at, what.size(), with);
}

json::parse_options deep() {
  json::parse_options options;
  options.max_depth = 300;
  return options;
}

void write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    auto const n = ::write(fd, bytes.data(), bytes.size());
    if (n <= 0) return;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
}

}  // namespace

struct scripted_members::one {
  std::string name;
  thv::transport transport;
  script words;
  std::string listen = "0";
  std::uint16_t port = 0;
  int starts = 0;
  bool lost = false;
  std::vector<std::string> heard;

  /// All that it says to a message.
  std::vector<std::string> answer(std::string_view text) {
    json::error_code ec;
    auto const value = json::parse({text.data(), text.size()}, ec, {}, deep());
    auto const* in = value.if_object();
    auto const* method = in ? in->if_contains("method") : nullptr;
    auto const* id = in ? in->if_contains("id") : nullptr;
    if (!method && in) heard.emplace_back(text);
    if (!method || !method->is_string() || !id) return {};
    auto const raw = json::serialize(*id);
    std::string const name_of_method(method->get_string());
    if (name_of_method == "subscriptions/listen") listen = raw;
    std::vector<std::string> out;
    if (auto const* i = value.find_pointer("/params/arguments/i", ec);
        name_of_method == "tools/call" && i && i->is_int64() &&
        static_cast<std::size_t>(i->get_int64()) < words.acts.size())
      out = words.acts[static_cast<std::size_t>(i->get_int64())];
    else if (auto const found = words.answers.find(name_of_method); found != words.answers.end())
      out = {found->second};
    else
      out = {R"({"jsonrpc":"2.0","id":"@ID@","result":{}})"};
    auto const* token = value.find_pointer("/params/_meta/progressToken", ec);
    for (auto& line : out) {
      replace(line, "\"@ID@\"", raw);
      replace(line, "\"@TOKEN@\"", token ? json::serialize(*token) : "null");
      replace(line, "\"@LISTEN@\"", listen);
    }
    return out;
  }
};

struct scripted_members::peer {
  enum class kind { stdio, listens, http } is;
  one* of;
  int in;
  int out;
  std::string kept;
  bool gone = false;
  bool ends = false;  ///< it was removed
  std::uint64_t number = 0;

  peer(kind k, one* who, int read_fd, int write_fd) : is(k), of(who), in(read_fd), out(write_fd) {}
  peer(peer const&) = delete;
  peer& operator=(peer const&) = delete;
  ~peer() {
    ::close(in);
    if (out != in) ::close(out);
  }
};

scripted_members::scripted_members() {
  ::signal(SIGPIPE, SIG_IGN);
  if (::pipe2(wake_, O_CLOEXEC | O_NONBLOCK) != 0) throw std::runtime_error("pipe2 failed");
  thread_ = std::thread([this] { run(); });
}

scripted_members::~scripted_members() {
  {
    std::lock_guard const lock(guard_);
    stop_ = true;
  }
  wake();
  thread_.join();
  ::close(wake_[0]);
  ::close(wake_[1]);
}

void scripted_members::wake() const {
  write_all(wake_[1], "x");
}

void scripted_members::add_peer(std::unique_ptr<peer> p) {
  p->number = ++last_peer_;
  new_peers_.push_back(std::move(p));
  wake();
}

void scripted_members::add(std::string const& name, thv::transport transport, script words) {
  std::lock_guard const lock(guard_);
  auto& slot = all_[name];
  slot = std::make_unique<one>();
  slot->name = name;
  slot->transport = transport;
  slot->words = std::move(words);
  gateway::member m;
  m.name = name;
  m.transport = transport;
  m.streams = transport == thv::transport::stdio;
  declared_.push_back(std::move(m));
  if (transport == thv::transport::stdio) return;
  int const fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof at;
  if (::bind(fd, reinterpret_cast<sockaddr*>(&at), sizeof at) != 0 || ::listen(fd, 512) != 0 ||
      ::getsockname(fd, reinterpret_cast<sockaddr*>(&at), &size) != 0)
    throw std::runtime_error("cannot listen");
  slot->port = ntohs(at.sin_port);
  add_peer(std::make_unique<peer>(peer::kind::listens, slot.get(), fd, fd));
}

void scripted_members::swap_transports(std::string const& one_name, std::string const& other_name) {
  std::lock_guard const lock(guard_);
  auto& first = all_.at(one_name);
  auto& second = all_.at(other_name);
  std::swap(first, second);
  std::swap(first->name, second->name);
  for (auto& m : declared_) {
    if (m.name != one_name && m.name != other_name) continue;
    m.transport = all_.at(m.name)->transport;
    m.streams = m.transport == thv::transport::stdio;
  }
  for (auto& p : peers_)
    if (p->is == peer::kind::stdio && (p->of == first.get() || p->of == second.get()))
      p->ends = true;
  wake();
}

std::vector<std::string> scripted_members::heard(std::string const& name) {
  std::lock_guard const lock(guard_);
  return all_.at(name)->heard;
}

std::size_t scripted_members::connections() {
  std::lock_guard const lock(guard_);
  return static_cast<std::size_t>(std::count_if(
      peers_.begin(), peers_.end(), [](auto const& p) { return p->is == peer::kind::http; }));
}

std::uint64_t scripted_members::opened() {
  std::lock_guard const lock(guard_);
  return last_peer_;
}

result<std::vector<gateway::member>> scripted_members::members() {
  std::lock_guard const lock(guard_);
  return declared_;
}

result<gateway::attachment> scripted_members::open(plugin::call const&, std::string const& name) {
  std::lock_guard const lock(guard_);
  auto& m = *all_.at(name);
  gateway::attachment a;
  a.session_key = std::to_string(++m.starts);
  if (m.transport != thv::transport::stdio) {
    a.session_key = "url";
    a.endpoint = plugin::endpoint{fmt::format("http://127.0.0.1:{}/{}", m.port,
                                              m.transport == thv::transport::sse ? "sse" : "mcp"),
                                  {},
                                  {},
                                  false};
    return a;
  }
  int in[2];
  int out[2];
  if (::pipe2(in, O_CLOEXEC) != 0 || ::pipe2(out, O_CLOEXEC) != 0)
    return fail(errc::io, "cannot make pipes");
  add_peer(std::make_unique<peer>(peer::kind::stdio, &m, in[0], out[1]));
  a.stream = plugin::stream{out[0], in[1], plugin::stream::framing::raw, false, {}};
  return a;
}

result<void> scripted_members::keep(std::string const&, gateway::catalogue const&) {
  return {};
}
result<void> scripted_members::sleep(plugin::call const&, std::string const&) {
  return {};
}

void scripted_members::run() {
  for (;;) {
    {
      std::lock_guard const lock(guard_);
      if (stop_) {
        peers_.clear();
        new_peers_.clear();
        return;
      }
      for (auto& p : std::exchange(new_peers_, {})) peers_.push_back(std::move(p));
    }
    std::vector<pollfd> fds{{wake_[0], POLLIN, 0}};
    for (auto const& p : peers_) fds.push_back({p->in, POLLIN, 0});
    if (::poll(fds.data(), fds.size(), -1) < 0) continue;
    char bytes[256];
    while (::read(wake_[0], bytes, sizeof bytes) > 0) {
    }
    for (std::size_t i = 1; i < fds.size(); ++i)
      if (fds[i].revents != 0) peers_[i - 1]->gone = !read_peer(*peers_[i - 1]);
    std::lock_guard const lock(guard_);
    std::erase_if(peers_, [](auto const& p) { return p->gone || p->ends; });
  }
}

bool scripted_members::read_peer(peer& p) {
  if (p.is == peer::kind::listens) {
    int const fd = ::accept4(p.in, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd >= 0) {
      std::lock_guard const lock(guard_);
      add_peer(std::make_unique<peer>(peer::kind::http, p.of, fd, fd));
    }
    return true;
  }
  char bytes[65536];
  auto const n = ::read(p.in, bytes, sizeof bytes);
  if (n <= 0) return false;
  p.kept.append(bytes, static_cast<std::size_t>(n));
  if (p.is == peer::kind::stdio)
    lines(p);
  else
    requests(p);
  return true;
}

void scripted_members::lines(peer& p) {
  for (auto end = p.kept.find('\n'); end != std::string::npos; end = p.kept.find('\n')) {
    std::string all;
    {
      std::lock_guard const lock(guard_);
      for (auto const& line : p.of->answer(p.kept.substr(0, end)))
        if (line == die)
          p.ends = true;
        else if (line != hang && line != lose)
          all += line + "\n";
    }
    p.kept.erase(0, end + 1);
    write_all(p.out, all);
  }
}

void scripted_members::requests(peer& p) {
  for (;;) {
    auto const head_end = p.kept.find("\r\n\r\n");
    if (head_end == std::string::npos) return;
    auto const head = p.kept.substr(0, head_end);
    std::size_t size = 0;
    if (auto const at = head.find("Content-Length: "); at != std::string::npos)
      size = std::strtoul(head.c_str() + at + 16, nullptr, 10);
    if (p.kept.size() < head_end + 4 + size) return;
    auto const body = p.kept.substr(head_end + 4, size);
    p.kept.erase(0, head_end + 4 + size);
    auto const space = head.find(' ');
    answer_http(p, head.substr(0, space),
                head.substr(space + 1, head.find(' ', space + 1) - space - 1), body);
  }
}

void scripted_members::answer_http(peer& p, std::string_view method, std::string_view target,
                                   std::string_view body) {
  auto const say = [&](int status, std::string_view type, std::string_view text) {
    auto const rests = p.of->words.rests;
    write_all(p.out, fmt::format("HTTP/1.1 {} x\r\nContent-Type: {}\r\nMcp-Session-Id: s{}\r\n"
                                 "{}Content-Length: {}\r\n\r\n{}",
                                 status, type, p.of->port,
                                 rests ? fmt::format("Keep-Alive: timeout={}\r\n", rests) : "",
                                 text.size(), text));
  };
  bool const old = p.of->transport == thv::transport::sse;
  auto const does = [&](std::vector<std::string> const& all, std::string_view what) {
    return std::find(all.begin(), all.end(), what) != all.end();
  };
  if (method == "GET" && old)
    return write_all(p.out, fmt::format("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
                                        "event: endpoint\ndata: /messages?to={}\n\n",
                                        p.number));
  if (method == "GET" && p.of->words.talks)
    return write_all(
        p.out,
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
        "data: {\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}\n\n"
        "data: {\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"roots/list\"}\n\n"
        "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\"}\n\n");
  if (method == "GET") return say(405, "text/plain", "no");
  if (method != "POST") {
    if (p.of->words.slow) ::usleep(300'000);
    return say(200, "text/plain", "");
  }
  std::vector<std::string> replies;
  {
    std::lock_guard const lock(guard_);
    replies = p.of->answer(body);
  }
  if (does(replies, die)) {
    p.ends = true;
    return;
  }
  if (does(replies, lose) && (p.of->lost = !p.of->lost)) return say(404, "application/json", "{}");
  std::string events;
  for (auto const& reply : replies)
    if (!reply.starts_with('@')) events += fmt::format("data: {}\n\n", reply);
  if (old) {
    say(202, "text/plain", "");
    auto const to = std::strtoull(target.data() + target.find('=') + 1, nullptr, 10);
    for (auto const& one : peers_)
      if (one->number == to) write_all(one->out, events);
    return;
  }
  bool const asks = body.find("\"method\"") != std::string_view::npos &&
                    body.find("\"id\"") != std::string_view::npos;
  auto const& words = p.of->words;
  if (!asks && words.mute) return;
  if (!asks) return say(202, "text/plain", "");
  if (does(replies, hang)) return;
  if (words.keeps)
    return write_all(p.out, fmt::format("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                                        "Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{}\r\n",
                                        events.size(), events));
  if (!words.events && replies.size() == 1) return say(200, "application/json", replies[0]);
  say(200, "text/event-stream", events);
}

// ---- the gateway --------------------------------------------------------------------------------

scripted_gateway::scripted_gateway(scripted_members& members, gateway::server_options options)
    : server_(members, [&] {
        options.port = 0;
        return std::move(options);
      }()) {
  if (auto const listens = server_.listen(); !listens)
    throw std::runtime_error(to_string(listens.error()));
  loop_ = std::thread([this] { server_.run(); });
}

scripted_gateway::~scripted_gateway() {
  server_.stop();
  loop_.join();
}

std::size_t scripted_gateway::in_flight(std::chrono::seconds patience, std::size_t most) {
  auto const until = std::chrono::steady_clock::now() + patience;
  for (;;) {
    std::size_t count = 0;
    for (auto const& m : server_.status().members) count += m.in_flight;
    if (count <= most || std::chrono::steady_clock::now() > until) return count;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
}

// ---- mutations ----------------------------------------------------------------------------------

namespace {

std::vector<json::value> other_values() {
  json::value deep = json::array{};
  for (int i = 0; i < 60; ++i) deep = json::array{std::move(deep)};
  return {nullptr,
          true,
          0,
          -7,
          1.5,
          18446744073709551615u,
          1.7976931348623157e308,
          "",
          "x",
          "5",
          "\"\\\u2028",
          json::array{},
          json::array{1, nullptr, json::object{}},
          json::object{},
          json::object{{"a", json::object{{"b", nullptr}}}},
          std::move(deep)};
}

/// Calls `visit` with each value inside of `at`, and what removes it.
void each_place(json::value& at, std::function<void(json::value&)> const& visit,
                std::function<void()> const& whole) {
  if (auto* object = at.if_object()) {
    std::vector<std::string> keys;
    for (auto const& [key, value] : *object) keys.emplace_back(key.data(), key.size());
    for (auto const& key : keys) {
      visit(object->at(key));
      each_place(object->at(key), visit, whole);
      auto const kept = *object;
      object->erase(key);
      whole();
      *object = kept;
    }
  } else if (auto* array = at.if_array()) {
    for (auto& value : *array) {
      visit(value);
      each_place(value, visit, whole);
    }
  }
}

}  // namespace

std::vector<std::string> mutations(std::string_view message) {
  auto root = json::parse({message.data(), message.size()}, {}, deep());
  std::vector<std::string> out;
  auto const whole = [&] { out.push_back(json::serialize(root)); };
  auto const others = other_values();
  each_place(
      root,
      [&](json::value& place) {
        auto const kept = place;
        for (auto const& other : others) {
          place = other;
          whole();
        }
        place = kept;
      },
      whole);
  return out;
}

script sound_script(bool stateless) {
  script s;
  std::string const capabilities =
      R"({"tools":{"listChanged":true},"prompts":{"listChanged":true},)"
      R"("resources":{"listChanged":true,"subscribe":true},"logging":{}})";
  auto const answers = [&](char const* method, std::string const& result) {
    s.answers[method] = R"({"jsonrpc":"2.0","id":"@ID@","result":)" + result + "}";
  };
  auto const refuses = [&](char const* method) {
    s.answers[method] =
        R"({"jsonrpc":"2.0","id":"@ID@","error":{"code":-32601,"message":"unknown method"}})";
  };
  std::string const more = stateless ? R"("resultType":"complete","ttlMs":0,)" : "";
  if (stateless) {
    refuses("initialize");
    answers("server/discover",
            R"({"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":)" +
                capabilities +
                R"(,"instructions":"i","_meta":{"io.modelcontextprotocol/serverInfo":)"
                R"({"name":"scripted","version":"1"}}})");
  } else {
    refuses("server/discover");
    answers("initialize", R"({"protocolVersion":"2025-11-25","capabilities":)" + capabilities +
                              R"(,"serverInfo":{"name":"scripted","version":"1"},)"
                              R"("instructions":"i","_meta":{"a/b":1}})");
  }
  answers("tools/list", "{" + more +
                            R"("tools":[{"name":"act","description":"d","inputSchema":{"type":)"
                            R"("object","properties":{"i":{"type":"integer","x-mcp-header":"I"}}},)"
                            R"("execution":{"taskSupport":"optional"}}],"_meta":{"a/b":1}})");
  answers("prompts/list", "{" + more + R"("prompts":[{"name":"p","arguments":[{"name":"a"}]}]})");
  answers("resources/list", "{" + more + R"("resources":[{"uri":"a:b","name":"r"}]})");
  answers("resources/templates/list",
          "{" + more + R"("resourceTemplates":[{"uriTemplate":"a:{b}","name":"t"}]})");
  if (stateless)
    s.answers["subscriptions/listen"] =
        R"({"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":)"
        R"({"notifications":{},"_meta":{"io.modelcontextprotocol/subscriptionId":"@LISTEN@"}}})";
  return s;
}

}  // namespace thv::test
