// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <cstdlib>
#include <limits>
#include <memory>
#include <optional>
#include <utility>

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <thv/net/http.hpp>
#include <thv/net/open.hpp>

#include "connection.hpp"
#include "proxy.hpp"

namespace thv::net {

namespace {

namespace http = boost::beast::http;
using boost::system::error_code;

using head_sink = std::function<bool(response const&)>;
using body_sink = std::function<bool(std::string_view)>;

constexpr std::size_t head_limit = 256u << 10;
constexpr std::size_t error_body_limit = 1u << 20;

/// A connection as Beast's blocking stream.
class blocking_stream {
 public:
  explicit blocking_stream(connection& c) : connection_(c) {}

  template <class Buffers>
  std::size_t read_some(Buffers const& buffers, error_code& ec) {
    for (auto i = boost::asio::buffer_sequence_begin(buffers);
         i != boost::asio::buffer_sequence_end(buffers); ++i) {
      boost::asio::mutable_buffer const b(*i);
      if (b.size() > 0) return connection_.read_some(b.data(), b.size(), ec);
    }
    ec = {};
    return 0;
  }

  template <class Buffers>
  std::size_t write_some(Buffers const& buffers, error_code& ec) {
    for (auto i = boost::asio::buffer_sequence_begin(buffers);
         i != boost::asio::buffer_sequence_end(buffers); ++i) {
      boost::asio::const_buffer const b(*i);
      if (b.size() > 0) return connection_.write_some(b.data(), b.size(), ec);
    }
    ec = {};
    return 0;
  }

  // Beast's concept asks for the throwing forms too.
  template <class Buffers>
  std::size_t read_some(Buffers const& buffers) {
    error_code ec;
    auto const n = read_some(buffers, ec);
    if (ec) throw boost::system::system_error(ec);
    return n;
  }
  template <class Buffers>
  std::size_t write_some(Buffers const& buffers) {
    error_code ec;
    auto const n = write_some(buffers, ec);
    if (ec) throw boost::system::system_error(ec);
    return n;
  }

 private:
  connection& connection_;
};

std::string lower(std::string_view text) {
  std::string out(text);
  for (auto& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

template <class Message>
response head_of(Message const& message) {
  response r;
  r.status = static_cast<int>(message.result_int());
  for (auto const& field : message.base()) {
    auto& value = r.headers[lower({field.name_string().data(), field.name_string().size()})];
    if (!value.empty()) value += ", ";
    value.append(field.value().data(), field.value().size());
  }
  return r;
}

/// One request on one connection and the reading of its answer.
class exchange_on {
 public:
  exchange_on(connection c, address const& where)
      : connection_(std::move(c)), stream_(connection_), peer_(name_of(where)) {}

  result<void> send(http::request<http::string_body> const& message) {
    error_code ec;
    http::write(stream_, message, ec);
    // A server may answer and close before it has read everything: its answer says more.
    sent_ = ec;
    if (ec && ec != boost::system::errc::broken_pipe && ec != boost::system::errc::connection_reset)
      return connection_.explain(ec, "sending to");
    return {};
  }

  /// Reads the head of the answer, skipping interim (1xx) ones.
  result<response> head(bool without_body) {
    for (int interim = 0; interim < 16; ++interim) {
      parser_.emplace();
      parser_->header_limit(head_limit);
      parser_->body_limit(std::numeric_limits<std::uint64_t>::max());
      parser_->skip(without_body);
      error_code ec;
      http::read_header(stream_, buffer_, *parser_, ec);
      if (ec) return broken(ec);
      auto const status = parser_->get().result_int();
      if (status >= 200 || status == 101) return head_of(parser_->get());
    }
    return fail(errc::engine, peer_ + " sends interim answers without end");
  }

  /// Feeds the body to the sink until its end or until the sink says no.
  result<void> body(body_sink const& sink) {
    std::array<char, 65536> bytes;
    while (!parser_->is_done()) {
      parser_->get().body().data = bytes.data();
      parser_->get().body().size = bytes.size();
      parser_->get().body().more = true;
      error_code ec;
      http::read_some(stream_, buffer_, *parser_, ec);
      auto const got = bytes.size() - parser_->get().body().size;
      if (got > 0 && !sink({bytes.data(), got})) return {};
      if (ec && ec != http::error::need_buffer) return broken(ec);
    }
    return {};
  }

  result<std::string> whole_body(std::size_t limit) {
    std::string text;
    bool fits = true;
    THV_CHECK(body([&](std::string_view piece) {
      fits = piece.size() <= limit - text.size();
      if (fits) text += piece;
      return fits;
    }));
    if (!fits)
      return fail(errc::engine,
                  "the answer of " + peer_ + " is over " + std::to_string(limit) + " bytes");
    return text;
  }

  result<int> detach() {
    auto const rest = buffer_.data();
    return std::move(connection_)
        .detach(std::string(static_cast<char const*>(rest.data()), rest.size()));
  }

 private:
  [[nodiscard]] error broken(error_code const& ec) const {
    if (ec == http::error::end_of_stream || ec == http::error::partial_message)
      return connection_.explain(boost::asio::error::eof, "reading from");
    if (ec.category() == http::make_error_code(http::error::bad_version).category())
      return fail(errc::engine, peer_ + " does not answer in HTTP: " + ec.message());
    return connection_.explain(sent_ ? sent_ : ec, sent_ ? "sending to" : "reading from");
  }

  connection connection_;
  blocking_stream stream_;
  std::string peer_;
  error_code sent_;
  boost::beast::flat_buffer buffer_{head_limit + 65536};
  std::optional<http::response_parser<http::buffer_body>> parser_;
};

bool is_header_text(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos;
}

result<http::request<http::string_body>> message_of(request const& r, address const& where,
                                                    std::string const& target) {
  http::request<http::string_body> m;
  if (!is_header_text(target) || target.find(' ') != std::string::npos)
    return fail(errc::invalid_argument, "a request's target holds a space or a line break");
  m.version(11);
  m.method_string(r.method);
  m.target(target);
  bool const default_port = where.port == (where.tls ? 443 : 80);
  auto host = where.unix_path.empty() ? name_of(where) : std::string("localhost");
  if (where.unix_path.empty() && default_port) host.resize(host.rfind(':'));
  m.set(http::field::host, host);
  m.set(http::field::user_agent, "thv-engine");
  m.set(http::field::connection, "close");
  for (auto const& [name, value] : r.headers) {
    if (!is_header_text(name) || !is_header_text(value))
      return fail(errc::invalid_argument, "the header '" + name + "' holds a line break");
    m.set(name, value);
  }
  m.body() = r.body;
  if (!r.body.empty() || (r.method != "GET" && r.method != "HEAD" && r.method != "CONNECT"))
    m.content_length(r.body.size());
  return m;
}

/// Asks a proxy for a tunnel to the address.
result<connection> tunnel(plugin::call const& c, proxy const& via, address const& where) {
  connection raw(c);
  THV_CHECK(raw.connect(via.where));
  request ask{.method = "CONNECT", .target = name_of(where)};
  ask.headers["Host"] = ask.target;
  if (!via.authorization.empty()) ask.headers["Proxy-Authorization"] = via.authorization;
  ask.headers["Connection"] = "keep-alive";
  THV_TRY(auto const message, message_of(ask, via.where, ask.target));
  blocking_stream stream(raw);
  error_code ec;
  http::write(stream, message, ec);
  if (ec) return raw.explain(ec, "sending to the proxy");
  boost::beast::flat_buffer buffer(head_limit);
  http::response_parser<http::buffer_body> parser;
  parser.header_limit(head_limit);
  http::read_header(stream, buffer, parser, ec);
  if (ec == http::error::end_of_stream) ec = boost::asio::error::eof;
  if (ec) return raw.explain(ec, "reading from the proxy");
  auto const status = parser.get().result_int();
  if (status / 100 != 2)
    return fail(errc::unavailable, "the proxy " + name_of(via.where) + " refuses a tunnel to " +
                                       ask.target + ": " + std::to_string(status) + " " +
                                       std::string(parser.get().reason()));
  return raw;
}

/// The proxy that the environment names for an address that may go through one.
result<std::optional<proxy>> proxy_of(address const& where) {
  if (!where.use_proxy_environment) return std::optional<proxy>();
  return proxy_for(where, [](std::string const& name) {
    auto const* value = std::getenv(name.c_str());
    return std::string(value ? value : "");
  });
}

/// Connects (through a proxy if need be) and sends the request.
result<std::unique_ptr<exchange_on>> begin(plugin::call const& c, address const& where,
                                           request const& r) {
  THV_TRY(auto const via, proxy_of(where));
  auto target = r.target;
  auto sent = r;
  connection raw(c);
  if (via && where.tls) {
    THV_TRY(raw, tunnel(c, *via, where));
  } else {
    THV_CHECK(raw.connect(via ? via->where : where));
  }
  if (via && !where.tls) {
    target = "http://" + name_of(where) + r.target;
    if (!via->authorization.empty()) sent.headers["Proxy-Authorization"] = via->authorization;
  }
  if (where.tls) THV_CHECK(raw.start_tls(where.tls_files, where.host));
  THV_TRY(auto const message, message_of(sent, where, target));
  auto e = std::make_unique<exchange_on>(std::move(raw), where);
  THV_CHECK(e->send(message));
  return e;
}

}  // namespace

result<response> exchange(plugin::call const& c, address const& where, request const& request,
                          std::size_t limit) {
  THV_TRY(auto e, begin(c, where, request));
  THV_TRY(auto answer, e->head(request.method == "HEAD"));
  THV_TRY(answer.body, e->whole_body(limit));
  return answer;
}

result<response> stream(plugin::call const& c, address const& where, request const& request,
                        std::function<bool(response const&)> const& on_head,
                        std::function<bool(std::string_view)> const& sink) {
  THV_TRY(auto e, begin(c, where, request));
  THV_TRY(auto answer, e->head(request.method == "HEAD"));
  if (on_head && !on_head(answer)) return answer;
  if (answer.status / 100 == 2) {
    THV_CHECK(e->body(sink));
  } else {
    THV_TRY(answer.body, e->whole_body(64u << 20));
  }
  return answer;
}

result<int> open(plugin::call const& c, address const& where) {
  THV_TRY(auto const via, proxy_of(where));
  if (via && !where.tls)
    return fail(errc::unsupported, name_of(where) + " is behind a proxy and has no TLS",
                "use its https:// address, or list it in NO_PROXY");
  connection raw(c);
  if (via) {
    THV_TRY(raw, tunnel(c, *via, where));
  } else {
    THV_CHECK(raw.connect(where));
  }
  if (where.tls) THV_CHECK(raw.start_tls(where.tls_files, where.host));
  return std::move(raw).detach({});
}

result<int> upgrade(plugin::call const& c, address const& where, request const& request) {
  THV_TRY(auto e, begin(c, where, request));
  THV_TRY(auto const answer, e->head(false));
  if (answer.status == 101 || answer.status == 200) return e->detach();
  auto refused = fail(errc::engine, name_of(where) + " refuses to switch protocols: status " +
                                        std::to_string(answer.status));
  THV_TRY(refused.engine_message, e->whole_body(error_body_limit));
  return refused;
}

}  // namespace thv::net
