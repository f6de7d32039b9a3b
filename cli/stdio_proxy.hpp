// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <thv/gateway/message.hpp>

#include "mcp_http.hpp"

namespace thv::cli {

/// Carries messages between a client that only speaks stdio and the gateway: a line in is a POST,
/// each message of its answer a line out. Requests are carried at the same time. Of the revisions
/// with sessions it keeps one, opens another when the gateway has forgotten it, and reads the
/// server's own messages; of the stateless one it sets the header fields and ends an answer's
/// stream where the client cancels.
class stdio_proxy {
 public:
  /// Finds the endpoint; asked again when nothing answers there.
  using locator = std::function<result<mcp_endpoint>()>;
  /// Takes one line without its end. Called by one thread at a time.
  using line_sink = std::function<void(std::string_view)>;

  stdio_proxy(locator locate, line_sink out);
  ~stdio_proxy();
  stdio_proxy(stdio_proxy const&) = delete;
  stdio_proxy& operator=(stdio_proxy const&) = delete;

  /// Carries a message of the client. Blocks for what must come in order.
  void take(std::string const& line);

  /// Waits for the answers that are due, until the deadline or stop, and ends the session.
  void finish(plugin::call const& c);

 private:
  struct flight;
  struct session_state {
    std::string id;        ///< of the session; empty: none yet, or a server without
    std::string revision;  ///< that was agreed on
  };

  void take_request(gateway::message const& m, std::string const& line);
  void take_other(gateway::message const& m, std::string const& line);
  void open_session(gateway::message const& m, std::string const& line);
  void carry(flight& f);
  bool carry_once(flight& f, bool last);
  result<net::response> post(plugin::call const& c, std::string const& text,
                             http_headers const& headers, message_sink const& sink);
  result<void> renew_session(std::string const& lost);
  void listen(std::stop_token stop);
  void start_listening();

  [[nodiscard]] http_headers headers_for(gateway::message const& m) const;
  [[nodiscard]] session_state session_now() const;
  void write(std::string_view message);
  void refuse(std::string const& id, std::int64_t code, std::string const& why);
  void reap();

  locator locate_;
  line_sink out_;
  gateway::message_scanner scanner_;

  std::mutex out_mutex_;
  mutable std::mutex mutex_;
  std::condition_variable_any landed_;
  mcp_endpoint endpoint_;
  bool located_ = false;
  session_state session_;
  std::string initialize_;  ///< the client's request, to open a session anew
  std::vector<std::unique_ptr<flight>> flights_;
  std::stop_source ending_;
  std::mutex renewing_;
  std::jthread listener_;
};

}  // namespace thv::cli
