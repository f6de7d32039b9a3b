// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace thv::gateway {

enum class http_verb : std::uint8_t { get, post, del, head, options, other };

/// A request of a client, with the fields that a gateway looks at. Reused from one to the next.
struct http_request {
  http_verb verb = http_verb::other;
  std::string method;  ///< as sent
  std::string target;
  std::string host;
  std::string origin;
  std::string accept;
  std::string content_type;
  std::string authorization;
  std::string session;        ///< Mcp-Session-Id
  std::string revision;       ///< MCP-Protocol-Version
  std::string mcp_method;     ///< Mcp-Method
  std::string mcp_name;       ///< Mcp-Name
  std::string last_event_id;  ///< Last-Event-ID
  std::string parameters;     ///< Mcp-Param-* fields as they came: `Name: value\r\n` each
  bool has_host = false;
  bool has_origin = false;
  bool has_revision = false;
  bool has_mcp_method = false;
  bool has_mcp_name = false;
  bool repeated = false;  ///< a field that decides something stands twice
  bool keep_alive = true;
  std::string_view body;  ///< lives as long as the bytes it was read from

  void clear();
};

/// The head of a member's answer.
struct http_response {
  int status = 0;
  std::string content_type;
  std::string session;  ///< Mcp-Session-Id
  bool keep_alive = true;
  std::optional<std::uint32_t> idle_timeout;  ///< Keep-Alive: timeout=SECONDS (RFC 2068, 19.7.1.1)
  bool chunked_or_endless = false;            ///< the body's size is not known beforehand

  void clear();
};

enum class http_outcome : std::uint8_t {
  more,        ///< feed again, with what was not used in front
  head,        ///< (answers) the head is there
  done,        ///< the message is whole
  bad,         ///< no HTTP/1.1
  head_large,  ///< 431
  body_large,  ///< 413
};

/// Reads requests from pieces of a connection's bytes. Beast's parser does the work; a request that
/// lies whole in the bytes is not copied.
class request_reader {
 public:
  request_reader(std::size_t head_limit, std::size_t body_limit);
  ~request_reader();
  request_reader(request_reader&&) noexcept;
  request_reader& operator=(request_reader&&) noexcept;

  /// Takes bytes; `used` says how many. After `done` the next call begins a new request. The body
  /// is a view of `bytes` or of the reader, until the next call.
  http_outcome feed(std::string_view bytes, std::size_t& used);

  /// What was read. Lives until the next call of `feed`.
  [[nodiscard]] http_request& request();

  /// In the middle of a request.
  [[nodiscard]] bool begun() const;

  /// The client waits for `100 Continue` before it sends the body. True once for each request.
  [[nodiscard]] bool wants_continue();

 private:
  struct state;
  std::unique_ptr<state> state_;
};

/// Reads answers likewise. Bodies are handed on as they come, de-chunked.
class response_reader {
 public:
  response_reader();
  ~response_reader();
  response_reader(response_reader&&) noexcept;
  response_reader& operator=(response_reader&&) noexcept;

  /// `body` is what `bytes` held of the body, views of them. `done` may come with body too.
  http_outcome feed(std::string_view bytes, std::size_t& used, http_response& into,
                    std::string& body);
  /// The peer closed the connection: `done` if that ends the answer.
  http_outcome finish();

 private:
  struct state;
  std::unique_ptr<state> state_;
};

}  // namespace thv::gateway
