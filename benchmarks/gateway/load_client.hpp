// SPDX-License-Identifier: Apache-2.0
// What the parts of the load client share: options, the calls and their check, and the tally.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "http_message.hpp"

namespace bench {

using clock = std::chrono::steady_clock;

struct options {
  std::string mode, host, path;
  std::uint16_t port = 0;
  std::vector<std::string> urls;  // all that were given; host, port and path are of one of them
  std::vector<std::string> command;
  std::string headers;  // further header lines, each with its line end
  std::string tool;     // empty: the first listed one whose name ends in "echo"
  std::string prefix;   // what the tool puts in front of the text that it says again
  std::string method = "tools/call";
  std::uint64_t in_flight = 1, calls = 0, warm_up = 0, sessions = 1, tools = 1;
  std::size_t size = 64;
  double seconds = 0, timeout = 30;
  bool own_sessions = false, stream = false, wait = false, stateless = false, sse = false;
};

/// A server that cannot be spoken to; a wrong or failed call is counted instead.
struct load_error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Makes the calls, a text of its own in each, and checks their answers.
class echo_calls {
 public:
  explicit echo_calls(options const& chosen, std::string tool);

  /// Writes the message of a call; the connection makes texts differ where ids do not.
  void make(std::string& out, std::uint64_t id, std::uint64_t connection) const;

  enum class verdict { right, wrong, failed };
  verdict check(std::string_view answer, std::uint64_t id, std::uint64_t connection) const;

  std::string const& tool() const { return tool_; }

 private:
  void text(std::string& out, std::uint64_t id, std::uint64_t connection) const;
  bool same_text(std::string_view quoted, std::uint64_t id, std::uint64_t connection) const;

  bool lists_;
  std::string tool_, prefix_, head_, tail_, filler_;
};

/// What happened to the calls of one run; prints it as one line of JSON.
class tally {
 public:
  void right(clock::duration took) { times_.push_back(took); }
  void bad(echo_calls::verdict how, std::string_view answer);
  void reconnected() { ++reconnects_; }
  void begin();
  void end();
  /// Returns whether every call was answered, and rightly.
  bool print() const;

 private:
  std::vector<clock::duration> times_;
  std::uint64_t wrong_ = 0, failed_ = 0, reconnects_ = 0;
  std::string first_problem_;
  clock::time_point begun_, ended_;
  double cpu_begun_ = 0, cpu_ended_ = 0;
};

/// The answer among the messages of an event stream, or the body itself.
std::string_view answer_in(http_message const& response, std::string& scratch);

/// Sends one message and returns its answer, empty for a notification.
using exchange = std::function<std::string(std::string const& message)>;

/// Sets host, port and path.
void read_url(options& chosen, std::string const& url);

/// Opens a session over an exchange.
void open_session(exchange const& send);
/// The names of the tools that end in "echo".
std::vector<std::string> echo_tools(exchange const& send, bool stateless);

/// A blocking connection for what is not measured: opening sessions, listing tools.
class http_link {
 public:
  explicit http_link(options const& chosen, std::string session = {});
  ~http_link();
  http_link(http_link const&) = delete;
  http_link& operator=(http_link const&) = delete;

  /// The answer to a POST; throws `load_error` when there is none.
  std::string post(std::string const& message);
  /// Opens the stream for the server's own messages; returns the status.
  int open_stream();
  /// Gives the connection away, for the measured part.
  int release();

  std::string const& session() const { return session_; }
  int socket() const { return socket_; }
  /// What has come and was not taken: a stream's head and the first events.
  std::string_view received() const { return received_; }

 private:
  void send_all(std::string_view text);
  bool receive();

  options const& options_;
  int socket_ = -1;
  std::string session_, received_;
};

/// The stream of the older transport, HTTP+SSE, on which all answers come.
class event_source {
 public:
  explicit event_source(options const& chosen);

  /// The options with the address that the server has named for messages.
  options const& messages_to() const { return options_; }
  /// Sends over a link to that address, and waits for the answer on the stream.
  std::string post(http_link& link, std::string const& message);
  /// The messages that one read completes; blocks, unless the socket is known to be readable.
  std::vector<std::string> read();
  int socket() const { return link_.socket(); }

 private:
  void feed(std::string_view bytes);
  void feed_text(std::string_view text);
  void take_line(std::string_view line);

  options options_;
  http_link link_;
  bool chunked_ = false;
  std::size_t left_ = 0;
  std::string raw_, line_, event_, data_, endpoint_;
  std::vector<std::string> messages_;
};

/// A connected socket, without Nagle's delay; throws `load_error`.
int connect_to(options const& chosen);
/// The request head up to the value of Content-Length.
std::string post_head(options const& chosen, std::string const& session, std::string const& tool);

/// Tells the caller that the measured part may begin, and waits for a line, when asked to.
void announce(options const& chosen);
/// Holds what is open until the caller ends our input, when asked to.
void hold(options const& chosen);

bool load_http(options const& chosen);
bool load_stdio(options const& chosen);
bool first_list(options const& chosen);
bool idle_sessions(options const& chosen);

}  // namespace bench
