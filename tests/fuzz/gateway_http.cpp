// SPDX-License-Identifier: Apache-2.0
// Any bytes as requests on a connection, and as the answer of a member: cut in two they read the
// same. The first two bytes say where.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include <gateway/http_reader.hpp>

using namespace thv::gateway;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

std::string told(http_request const& r) {
  std::string out = r.method;
  for (auto const* part :
       {&r.target, &r.host, &r.origin, &r.accept, &r.content_type, &r.authorization, &r.session,
        &r.revision, &r.mcp_method, &r.mcp_name, &r.last_event_id, &r.parameters})
    out.append("|").append(*part);
  out.append("|").append(r.body);
  for (bool const flag : {r.has_host, r.has_origin, r.repeated, r.keep_alive})
    out += flag ? '1' : '0';
  return out;
}

/// All requests that the pieces hold, and `bad` where they stop being any.
std::vector<std::string> requests(std::vector<std::string_view> const& pieces,
                                  std::size_t limit = 1u << 20) {
  request_reader reader(limit, limit);
  std::vector<std::string> all;
  std::string rest;
  for (auto const piece : pieces) {
    rest += piece;
    std::string_view bytes = rest;
    for (bool more = true; more && !bytes.empty();) {
      std::size_t used = 0;
      auto const outcome = reader.feed(bytes, used);
      require(used <= bytes.size());
      bytes.remove_prefix(used);
      more = outcome == http_outcome::done;
      if (more) {
        require(reader.request().body.size() <= limit);
        require(reader.request().parameters.size() <= 2 * limit);
        all.push_back(told(reader.request()));
      } else if (outcome != http_outcome::more) {
        all.push_back("bad");
        return all;
      }
    }
    rest = std::string(bytes);
  }
  return all;
}

/// Status and body of an answer; empty if it is broken before its head is whole.
std::string answer(std::vector<std::string_view> const& pieces) {
  response_reader reader;
  http_response head;
  std::string body;
  std::string rest;
  for (auto const piece : pieces) {
    rest += piece;
    for (bool more = true; more && !rest.empty();) {
      std::size_t used = 0;
      auto const outcome = reader.feed(rest, used, head, body);
      require(used <= rest.size());
      rest.erase(0, used);
      more = outcome == http_outcome::head;
      if (outcome == http_outcome::done) return std::to_string(head.status) + body;
      if (!more && outcome != http_outcome::more) return "broken";
    }
  }
  return reader.finish() == http_outcome::done ? std::to_string(head.status) + body : "broken";
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  if (size < 2) return 0;
  std::string_view const text(reinterpret_cast<char const*>(data) + 2, size - 2);
  auto const cut = text.empty() ? 0 : (std::size_t{data[0]} << 8 | data[1]) % text.size();
  auto const a = text.substr(0, cut);
  auto const b = text.substr(cut);
  auto whole = requests({text});
  auto pieces = requests({a, b});
  bool const bad = !whole.empty() && whole.back() == "bad";
  if (!pieces.empty() && pieces.back() == "bad") require(bad);
  // Of a head that begins wrong and comes in pieces, the parser may wait for the end.
  for (auto* const one : {&whole, &pieces})
    if (!one->empty() && one->back() == "bad") one->pop_back();
  require(whole == pieces);
  // Where exactly the limit of a head lies depends on the pieces; that there is one does not.
  (void)requests({a, b}, 256);
  auto const one = answer({text});
  auto const two = answer({a, b});
  // Of trailers that are none, the parser sees more when they come whole.
  require(one == two || one == "broken" || two == "broken");
  return 0;
}
