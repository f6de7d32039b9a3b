// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <thv/gateway/backend.hpp>
#include <thv/gateway/server.hpp>

namespace thv::test {

/// What a member of ours says, word for word. In its texts `"@ID@"` becomes the id of the request
/// that it answers, `"@TOKEN@"` its progress token, `"@LISTEN@"` the id of the last
/// `subscriptions/listen`.
struct script {
  /// By method: the whole answer. What is not here is answered with `{}`.
  std::map<std::string, std::string> answers;
  /// What `tools/call` with `arguments.i` says, line by line.
  std::vector<std::vector<std::string>> acts;
  bool events = false;  ///< over HTTP: answers are event streams
  bool keeps = false;   ///< over HTTP: the streams of answers stay open
  bool talks = false;   ///< over HTTP: offers a stream of its own, and says something on it
  bool slow = false;    ///< over HTTP: takes its time to end a session
  int rests = 0;        ///< over HTTP: promises to keep resting connections for so many seconds
  bool mute = false;    ///< over HTTP: gives no answer to notifications, and none to `hang`
};

/// An act that is never answered.
inline constexpr std::string_view hang = "@HANG@";
/// An act at which the member goes: its stream ends, or the connection over HTTP.
inline constexpr std::string_view die = "@DIE@";
/// An act at which a member over HTTP says, each second time, that it knows no such session.
inline constexpr std::string_view lose = "@LOSE@";

/// Members of ours over each transport in one thread of the test, as the gateway's backend.
class scripted_members final : public gateway::backend {
 public:
  scripted_members();
  ~scripted_members() override;

  /// Before the gateway runs.
  void add(std::string const& name, thv::transport transport, script words);
  /// Each becomes what the other was, as if both were removed and made again.
  void swap_transports(std::string const& one, std::string const& other);

  /// The answers that a member was given to its own requests.
  [[nodiscard]] std::vector<std::string> heard(std::string const& name);
  /// The open connections of all members over HTTP.
  [[nodiscard]] std::size_t connections();
  /// All that were ever opened.
  [[nodiscard]] std::uint64_t opened();

  result<std::vector<gateway::member>> members() override;
  result<gateway::attachment> open(plugin::call const& c, std::string const& name) override;
  result<void> keep(std::string const& name, gateway::catalogue const& said) override;
  result<void> sleep(plugin::call const& c, std::string const& name) override;

 private:
  struct one;
  struct peer;
  void run();
  void wake() const;
  void add_peer(std::unique_ptr<peer> p);
  bool read_peer(peer& p);
  void lines(peer& p);
  void requests(peer& p);
  void answer_http(peer& p, std::string_view method, std::string_view target,
                   std::string_view body);

  std::mutex guard_;
  std::map<std::string, std::unique_ptr<one>> all_;
  std::vector<gateway::member> declared_;
  std::vector<std::unique_ptr<peer>> new_peers_;
  std::vector<std::unique_ptr<peer>> peers_;
  std::uint64_t last_peer_ = 0;
  int wake_[2] = {-1, -1};
  bool stop_ = false;
  std::thread thread_;
};

/// A gateway in this process over such members.
class scripted_gateway {
 public:
  scripted_gateway(scripted_members& members, gateway::server_options options);
  ~scripted_gateway();
  [[nodiscard]] std::uint16_t port() const { return server_.port(); }
  [[nodiscard]] gateway::server& server() { return server_; }
  /// Requests in flight at all members; waits until they are no more than `most`, but no longer
  /// than this.
  [[nodiscard]] std::size_t in_flight(std::chrono::seconds patience, std::size_t most = 0);

 private:
  gateway::server server_;
  std::thread loop_;
};

/// Every text that differs from the message in one place: there a value of another type, or
/// nothing. In an order that is always the same.
[[nodiscard]] std::vector<std::string> mutations(std::string_view message);

/// The answers of a well-behaved member of an era to whatever the gateway asks by itself.
[[nodiscard]] script sound_script(bool stateless);

}  // namespace thv::test
