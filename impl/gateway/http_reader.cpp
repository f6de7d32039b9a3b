// SPDX-License-Identifier: Apache-2.0
#include "http_reader.hpp"

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>

namespace thv::gateway {

namespace http = boost::beast::http;
using boost::beast::string_view;
using boost::system::error_code;

namespace {

std::string_view text(string_view s) {
  return {s.data(), s.size()};
}

bool equals(std::string_view a, std::string_view lower) {
  if (a.size() != lower.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    char const c = a[i];
    if ((c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c) != lower[i]) return false;
  }
  return true;
}

bool starts_with(std::string_view a, std::string_view lower) {
  return a.size() > lower.size() && equals(a.substr(0, lower.size()), lower);
}

http_outcome outcome_of(error_code const& ec) {
  if (ec == http::error::header_limit) return http_outcome::head_large;
  if (ec == http::error::body_limit) return http_outcome::body_large;
  return http_outcome::bad;
}

/// What both directions share: Beast calls these for what they ignore.
template <bool IsRequest>
class base_parser : public http::basic_parser<IsRequest> {
 protected:
  void on_header_impl(error_code&) override { header_done = true; }
  void on_body_init_impl(boost::optional<std::uint64_t> const&, error_code&) override {}
  void on_chunk_header_impl(std::uint64_t size, string_view, error_code&) override {
    chunk_left = size;
  }
  std::size_t on_chunk_body_impl(std::uint64_t left, string_view piece, error_code&) override {
    chunk_left = left - piece.size();
    take(piece);
    return piece.size();
  }
  std::size_t on_body_impl(string_view piece, error_code&) override {
    take(piece);
    return piece.size();
  }
  void on_finish_impl(error_code&) override {}

  virtual void take(string_view piece) = 0;

 public:
  bool header_done = false;
  std::uint64_t chunk_left = 0;  ///< bytes of the open chunk that are still to come
};

/// Beast 1.81 asserts that the last chunk is five bytes when it looks at it a second time: between
/// two chunks it is not asked with fewer. Nothing is lost by that, since more has to follow anyway.
template <class Parser>
bool half_chunk_header(Parser const& p, std::string_view rest) {
  return p.header_done && p.chunked() && p.chunk_left == 0 && rest.size() < 5;
}

class request_parser : public base_parser<true> {
 public:
  http_request* into = nullptr;
  std::string_view body;  ///< of this feed
  std::string kept;       ///< of earlier feeds
  bool expects = false;

 protected:
  void on_request_impl(http::verb verb, string_view method, string_view target, int version,
                       error_code& ec) override {
    if (version != 11) ec = http::error::bad_version;
    auto& r = *into;
    switch (verb) {
      case http::verb::get:
        r.verb = http_verb::get;
        break;
      case http::verb::post:
        r.verb = http_verb::post;
        break;
      case http::verb::delete_:
        r.verb = http_verb::del;
        break;
      case http::verb::head:
        r.verb = http_verb::head;
        break;
      case http::verb::options:
        r.verb = http_verb::options;
        break;
      default:
        r.verb = http_verb::other;
    }
    r.method.assign(method.data(), method.size());
    r.target.assign(target.data(), target.size());
  }
  void on_response_impl(int, string_view, int, error_code&) override {}

  void on_field_impl(http::field name, string_view name_text, string_view value,
                     error_code&) override {
    if (header_done) return;  // trailers decide nothing
    auto& r = *into;
    auto const set = [&](std::string& field, bool decides = true) {
      if (decides && !field.empty()) r.repeated = true;
      field.assign(value.data(), value.size());
    };
    switch (name) {
      case http::field::host:
        if (r.has_host) r.repeated = true;
        r.has_host = true;
        return set(r.host);
      case http::field::origin:
        if (r.has_origin) r.repeated = true;
        r.has_origin = true;
        return set(r.origin);
      case http::field::accept:
        if (!r.accept.empty()) r.accept += ',';
        r.accept.append(value.data(), value.size());
        return;
      case http::field::content_type:
        return set(r.content_type);
      case http::field::authorization:
        return set(r.authorization);
      case http::field::expect:
        expects = equals(text(value), "100-continue");
        return;
      case http::field::unknown:
        return unknown(text(name_text), text(value));
      default:
        return;
    }
  }

 private:
  void unknown(std::string_view name, std::string_view value) {
    auto& r = *into;
    auto const set = [&](std::string& field, bool& has) {
      if (has) r.repeated = true;
      has = true;
      field.assign(value);
    };
    if (equals(name, "mcp-session-id")) {
      if (!r.session.empty()) r.repeated = true;
      r.session.assign(value);
    } else if (equals(name, "mcp-protocol-version")) {
      set(r.revision, r.has_revision);
    } else if (equals(name, "mcp-method")) {
      set(r.mcp_method, r.has_mcp_method);
    } else if (equals(name, "mcp-name")) {
      set(r.mcp_name, r.has_mcp_name);
    } else if (equals(name, "last-event-id")) {
      r.last_event_id.assign(value);
    } else if (starts_with(name, "mcp-param-")) {
      r.parameters.append(name).append(": ").append(value).append("\r\n");
    }
  }

  void take(string_view piece) override {
    if (piece.empty()) return;
    if (kept.empty() && body.empty()) {
      body = text(piece);
      return;
    }
    keep();
    kept.append(piece.data(), piece.size());
  }

 public:
  void keep() {
    if (kept.empty() && !body.empty()) kept.assign(body);
    body = {};
  }
};

/// The seconds in `timeout=5, max=100`.
std::optional<std::uint32_t> idle_timeout_in(std::string_view value) {
  constexpr std::string_view key = "timeout=";
  while (!value.empty()) {
    auto const end = std::min(value.find(','), value.size());
    auto one = value.substr(0, end);
    value.remove_prefix(std::min(end + 1, value.size()));
    one.remove_prefix(std::min(one.find_first_not_of(" \t"), one.size()));
    if (one.size() <= key.size() || !equals(one.substr(0, key.size()), key)) continue;
    std::uint32_t seconds = 0;
    if (std::from_chars(one.data() + key.size(), one.data() + one.size(), seconds).ec ==
        std::errc())
      return seconds;
  }
  return {};
}

class response_parser : public base_parser<false> {
 public:
  http_response* into = nullptr;
  std::string* body = nullptr;

 protected:
  void on_request_impl(http::verb, string_view, string_view, int, error_code&) override {}
  void on_response_impl(int code, string_view, int, error_code&) override { into->status = code; }
  void on_field_impl(http::field name, string_view name_text, string_view value,
                     error_code&) override {
    if (name == http::field::content_type)
      into->content_type.assign(value.data(), value.size());
    else if (name == http::field::keep_alive)
      into->idle_timeout = idle_timeout_in(text(value));
    else if (name == http::field::unknown && equals(text(name_text), "mcp-session-id"))
      into->session.assign(value.data(), value.size());
  }
  void take(string_view piece) override { body->append(piece.data(), piece.size()); }
};

}  // namespace

void http_request::clear() {
  verb = http_verb::other;
  for (auto* field : {&method, &target, &host, &origin, &accept, &content_type, &authorization,
                      &session, &revision, &mcp_method, &mcp_name, &last_event_id, &parameters})
    field->clear();
  has_host = has_origin = has_revision = has_mcp_method = has_mcp_name = repeated = false;
  keep_alive = true;
  body = {};
}

void http_response::clear() {
  status = 0;
  content_type.clear();
  session.clear();
  keep_alive = true;
  idle_timeout.reset();
  chunked_or_endless = false;
}

struct request_reader::state {
  std::size_t head_limit;
  std::size_t body_limit;
  std::optional<request_parser> parser;
  bool told_continue = false;
  http_request request;
};

request_reader::request_reader(std::size_t head_limit, std::size_t body_limit)
    : state_(new state{head_limit, body_limit, {}, false, {}}) {}
request_reader::~request_reader() = default;
request_reader::request_reader(request_reader&&) noexcept = default;
request_reader& request_reader::operator=(request_reader&&) noexcept = default;

http_request& request_reader::request() {
  return state_->request;
}

bool request_reader::begun() const {
  return state_->parser && state_->parser->got_some() && !state_->parser->is_done();
}

http_outcome request_reader::feed(std::string_view bytes, std::size_t& used) {
  auto& s = *state_;
  auto& into = s.request;
  used = 0;
  if (!s.parser || s.parser->is_done()) {
    s.parser.emplace();
    s.parser->header_limit(static_cast<std::uint32_t>(s.head_limit));
    s.parser->body_limit(s.body_limit);
    s.parser->eager(true);
    s.told_continue = false;
    into.clear();
  }
  auto& p = *s.parser;
  p.into = &into;
  p.body = {};
  error_code ec;
  while (used < bytes.size() && !p.is_done() && !half_chunk_header(p, bytes.substr(used))) {
    auto const n = p.put(boost::asio::buffer(bytes.data() + used, bytes.size() - used), ec);
    used += n;
    if (ec == http::error::need_more || (!ec && n == 0)) break;
    if (ec) {
      s.parser.reset();  // others read with it next
      return outcome_of(ec);
    }
  }
  if (!p.is_done()) {
    p.keep();
    return http_outcome::more;
  }
  into.keep_alive = p.keep_alive();
  into.body = p.kept.empty() ? p.body : std::string_view(p.kept);
  return http_outcome::done;
}

bool request_reader::wants_continue() {
  auto& s = *state_;
  if (!s.parser || !s.parser->header_done || !s.parser->expects || s.told_continue) return false;
  s.told_continue = true;
  return true;
}

struct response_reader::state {
  std::optional<response_parser> parser;
  bool told_head = false;
};

response_reader::response_reader() : state_(new state) {}
response_reader::~response_reader() = default;
response_reader::response_reader(response_reader&&) noexcept = default;
response_reader& response_reader::operator=(response_reader&&) noexcept = default;

http_outcome response_reader::feed(std::string_view bytes, std::size_t& used, http_response& into,
                                   std::string& body) {
  auto& s = *state_;
  used = 0;
  error_code ec;
  for (;;) {
    if (!s.parser || (s.parser->is_done() && s.told_head)) {
      s.parser.emplace();
      s.parser->header_limit(64u << 10);
      s.parser->body_limit(std::numeric_limits<std::uint64_t>::max());
      s.parser->eager(true);
      s.told_head = false;
      into.clear();
    }
    auto& p = *s.parser;
    p.into = &into;
    p.body = &body;
    while (used < bytes.size() && !p.is_done() && !half_chunk_header(p, bytes.substr(used))) {
      auto const n = p.put(boost::asio::buffer(bytes.data() + used, bytes.size() - used), ec);
      used += n;
      if (ec == http::error::need_more || (!ec && n == 0)) break;
      if (ec) return outcome_of(ec);
    }
    if (!p.header_done) return http_outcome::more;
    if (into.status < 200 && into.status != 101) {  // an interim answer
      s.parser.reset();
      continue;
    }
    bool const first = !s.told_head;
    s.told_head = true;
    if (first) {
      into.keep_alive = p.keep_alive();
      into.chunked_or_endless = p.chunked() || p.need_eof();
    }
    if (p.is_done()) return http_outcome::done;
    return first ? http_outcome::head : http_outcome::more;
  }
}

http_outcome response_reader::finish() {
  auto& s = *state_;
  if (!s.parser || !s.parser->got_some()) return http_outcome::bad;
  error_code ec;
  s.parser->put_eof(ec);
  return !ec && s.parser->is_done() ? http_outcome::done : http_outcome::bad;
}

}  // namespace thv::gateway
