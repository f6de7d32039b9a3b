// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <thv/gateway/attribution.hpp>
#include <thv/gateway/message.hpp>
#include <thv/gateway/server.hpp>
#include <thv/mcp/readiness.hpp>

#include "channel.hpp"
#include "connection.hpp"
#include "upstream.hpp"

namespace thv::gateway {

/// A member's request that a client of a session was asked to answer.
struct asked_client {
  std::uint64_t id = 0;     ///< ours, towards the client
  channel* from = nullptr;  ///< who asked
  std::string member_id;    ///< raw; empty: a round of a stateless member's call
  std::uint64_t slot = 0;   ///< the call it belongs to, of such a round
};

/// A client's session with one member, of the era that has sessions.
struct session {
  std::string id;
  served_member* of = nullptr;
  std::string revision;
  std::string client_info;   ///< JSON
  std::string capabilities;  ///< JSON
  bool samples = false;
  bool elicits = false;
  bool has_roots = false;
  bool over_sse = false;  ///< HTTP+SSE: answers go to the stream
  std::int8_t log_level = -1;
  connection* stream = nullptr;
  std::uint32_t in_flight = 0;
  std::uint32_t last_used = 0;
  std::uint64_t next_id = 1;
  std::unique_ptr<channel> own;  ///< with a member over HTTP
  std::string initialize_params;
  std::vector<std::string> subscriptions;
  std::vector<asked_client> asked;
  std::size_t undelivered_bytes = 0;
  std::vector<std::string> undelivered;  ///< what came while no stream was open
};

/// A `subscriptions/listen` of a client that the gateway answers itself.
struct listener {
  std::uint64_t number = 0;
  connection* to = nullptr;
  std::string id;  ///< raw
  bool tools = false;
  bool prompts = false;
  bool resources = false;
  std::vector<std::string> uris;
};

/// A request that waits for its member.
struct waiting_request {
  std::shared_ptr<connection> from;
  http_request request;
  std::string body;
  std::uint32_t until = 0;
  bool must_wait = false;  ///< when its time is over it fails, rather than to begin
};

enum class member_phase : std::uint8_t { untried, opening, greeting, ready, down, sleeping };

/// A member's request of which it is not clear yet whose call it belongs to: a call that ends
/// without its answer was not the one.
struct open_question {
  std::string text;
  std::vector<std::uint64_t> candidates;  ///< in flight when it came
  std::uint32_t until = 0;
};

/// A member and everything that goes on with it.
struct served_member {
  member declared;
  member_phase phase = member_phase::untried;
  std::string why;  ///< it is down
  std::uint32_t retry_at = 0;
  std::uint32_t attempts = 0;
  catalogue known;
  std::string session_key;
  std::optional<plugin::endpoint> endpoint;
  std::shared_ptr<upstream_pool> pool;
  std::unique_ptr<channel> shared;  ///< stream members, and gateways' own sessions over HTTP
  std::unique_ptr<channel> modern;  ///< stateless requests over HTTP
  std::vector<std::function<void(std::string_view)>> stateless_waiting;
  std::optional<bool> speaks_modern;  ///< over HTTP; unknown until asked
  std::unique_ptr<mcp::readiness_exchange> greeting;
  std::uint64_t greeting_slot = 0;  ///< of the last request of it
  std::deque<waiting_request> waiting;
  std::size_t waiting_bytes = 0;
  std::size_t held_bytes = 0;
  std::size_t client_calls = 0;  ///< in flight, whatever the channel
  attribution voices;            ///< of calls that share a stream
  std::deque<open_question> questions;
  std::deque<waiting_request> held;  ///< calls that wait until another client's has ended
  std::set<session*> sessions;
  std::vector<listener> listeners;
  std::vector<std::function<void()>> subscribing;  ///< wait until the member acknowledges
  std::vector<std::function<void()>> subscribing_next;
  std::map<std::string, std::size_t, std::less<>> subscribed;  ///< at the member, with how many
  int log_level = -1;                                          ///< set at the member
  int stateless_level = -1;  ///< the lowest that a stateless client wanted
  std::vector<std::function<void(result<catalogue>)>> provers;
  std::uint32_t last_used = 0;
  std::uint64_t calls = 0;
  std::uint64_t errors = 0;
  std::uint64_t restarts = 0;
  std::array<std::uint64_t, 12> latency{};
  double latency_sum = 0;
  bool gone = false;  ///< not a member any more
  bool refresh_lists = false;
  bool releasing = false;
  bool follow_again = false;

  [[nodiscard]] bool stateless() const { return known.revision >= mcp::stateless_revision; }
};

struct text_hash {
  using is_transparent = void;
  std::size_t operator()(std::string_view s) const { return std::hash<std::string_view>()(s); }
};

/// What goes on behind `server`: everything lives on one thread, the one of the loop.
class service final : public request_handler {
 public:
  service(backend& members, server_options options);
  ~service() override;

  asio::io_context io{1};
  server_options options;

  // ---- from outside, on the loop --------------------------------------------------------------
  void begin();
  void refresh();
  void shut_down();
  void prove(std::string const& name, std::function<void(result<catalogue>)> done,
             bool read = false);
  void release(std::string const& name);
  [[nodiscard]] gateway::status snapshot() const;
  void add_connection(client_socket socket, bool control);
  void log(log_line::level level, std::string_view member, std::string message) const;
  std::uint16_t port = 0;

  // ---- connections ----------------------------------------------------------------------------
  void on_request(connection& from, http_request& request) override;
  void on_left(connection& who) override;
  void on_closed(connection& who) override;

  // ---- from members ---------------------------------------------------------------------------
  bool on_member_message(channel& from, std::string_view text, std::uint64_t slot);
  void on_call_failed(channel& from, std::uint64_t slot, int status, std::string_view why);
  void on_session_renewed(channel& over);
  void on_channel_ended(channel& from, std::string_view why);

 private:
  friend class channel;

  // server_routes.cpp: which request goes where
  void route(connection& c, http_request& r);
  [[nodiscard]] bool admitted(connection& c, http_request const& r);
  void serve_member(connection& c, http_request& r, std::string_view name, std::string_view rest);
  void serve_post(served_member& m, connection& c, http_request& r);
  void serve_get(served_member& m, connection& c, http_request& r);
  void serve_delete(served_member& m, connection& c, http_request& r);
  void serve_sse(served_member& m, connection& c, http_request& r);
  void serve_sse_message(served_member& m, connection& c, http_request& r);
  void serve_ready(served_member& m, connection& c);
  void serve_control(connection& c, http_request& r);
  [[nodiscard]] std::string metrics() const;
  /// False: the request waits for its member, or was refused.
  [[nodiscard]] bool member_there(served_member& m, connection& c, http_request& r);
  void answer_fault(connection& c, message_fault fault);
  void answer_error(connection& c, std::string_view id, int status, std::int64_t code,
                    std::string_view text, std::string_view data = {});

  // legacy.cpp: clients with sessions
  void legacy_message(served_member& m, connection& c, http_request& r, message const& in);
  void legacy_initialize(served_member& m, connection& c, message const& in, session* over_sse);
  void legacy_request(session& s, connection& c, message const& in);
  void legacy_notification(session& s, message const& in);
  void cancel_held(session& s, message const& in);
  void legacy_response(session& s, message const& in);
  bool legacy_own_answer(session& s, connection& c, message const& in);
  void legacy_cross(session& s, connection& c, message const& in, channel& to);
  [[nodiscard]] channel* channel_of(session& s);
  void reply_to(session& s, connection& c, std::string_view head, std::string_view id,
                std::string_view tail, std::string_view fields = {});
  void reply_result(session& s, connection& c, std::string_view id, std::string_view result,
                    std::string_view fields = {});
  session& make_session(served_member& m);
  /// A member's session by its id; null if it is unknown, or another member's.
  [[nodiscard]] session* session_of(served_member const& m, std::string_view id) const;
  void end_session(session& s);
  void subscribe(served_member& m, std::string const& uri, int by);
  void set_level(served_member& m);

  // modern.cpp: stateless clients
  void modern_message(served_member& m, connection& c, http_request& r, message const& in);
  [[nodiscard]] bool modern_envelope(connection& c, http_request const& r, message const& in);
  void modern_listen(served_member& m, connection& c, message const& in);
  void modern_cross(served_member& m, connection& c, message const& in, channel& to);
  bool modern_resume(served_member& m, connection& c, message const& in);
  void park(channel& from, pending& p, std::uint64_t slot);
  void end_listener(served_member& m, std::uint64_t number, bool tell);

  // from_member.cpp
  void on_answer(channel& from, std::uint64_t slot, message const& in);
  void on_request_of(channel& from, std::uint64_t slot, message const& in);
  void on_notification_of(channel& from, std::uint64_t slot, message const& in);
  void initialized(channel& from, pending& p, message const& in, std::string_view head,
                   std::string_view id, std::string_view tail);
  void member_cancels(channel& from, message const& in);
  void log_of_member(channel& from, std::uint64_t slot, message const& in);
  void changed(served_member& m, message const& in);
  void answer_crossing(channel& from, std::uint64_t slot, message const& in);
  void next_round(channel& from, std::uint64_t slot, message const& in);
  void continue_round(channel& from, std::uint64_t slot);
  void related(pending& p, std::string_view head, std::string_view middle = {},
               std::string_view tail = {});
  void to_stream(session& s, std::string_view head, std::string_view middle = {},
                 std::string_view tail = {});
  void on_shared_request(channel& from, pending& p, std::uint64_t slot, message const& in);
  void settle_questions(channel& from);
  [[nodiscard]] std::uint64_t only_caller(channel& from, std::vector<std::uint64_t> const& among,
                                          bool& several);
  void ask_session(session& s, pending* p, asked_client a, message const& in);
  void refuse_member(channel& from, std::string_view id, std::string_view why);
  [[nodiscard]] bool takes_more(channel const& to) const;
  void answer_member(channel& to, std::string_view raw_id, std::string_view body);
  void finish(channel& from, std::uint64_t slot, pending& p, bool failed);
  void fail_call(channel& from, std::uint64_t slot, std::string_view why, int status = 0);
  [[nodiscard]] pending* speaker(channel& from, std::uint64_t& slot);

  // members.cpp: how members come and go
  void open(served_member& m);
  void opened(served_member& m, result<attachment> way);
  void greet(served_member& m);
  void greeted(served_member& m, mcp::readiness_step step);
  void become_ready(served_member& m);
  void become_down(served_member& m, std::string why);
  void ask_lists(served_member& m, std::function<void()> then);
  [[nodiscard]] channel* own_channel(served_member& m);
  void keep(served_member& m);
  void wake_waiting(served_member& m);
  void fail_waiting(served_member& m, std::string_view why);
  void sleep(served_member& m);
  void take_members(std::vector<member> all);
  void drop_member(served_member& m);
  void drop_channel(channel& from, std::string_view why);
  void settle_provers(served_member& m, result<catalogue> with);
  void need_modern(served_member& m, std::function<void(std::string_view)> then);
  void open_session(served_member& m);
  void settle_stateless(served_member& m, std::string_view why);
  void drop_own_channels(served_member& m, std::string_view why);
  channel& modern_channel(served_member& m);
  void after_restart(served_member& m);
  std::uint64_t ask(channel& c, std::string_view method, std::string_view params,
                    std::function<void(message const*, std::string_view)> done);
  void follow_changes(served_member& m);
  void changes_followed(channel& over);
  /// True: the call has to wait until another client's has ended.
  bool hold_back(channel& to, attribution::caller who, connection& c, message const& in);
  void let_go_held(served_member& m);
  void serve_again(served_member& m, waiting_request& w);
  [[nodiscard]] bool shares_stream(channel const& c) const;
  static void forget_asked(channel& at, std::uint64_t slot);
  void cancel_at_member(channel& at, std::uint64_t slot, std::string_view text = {},
                        std::string_view id_in_text = {});
  [[nodiscard]] bool busy(channel const& to) const;
  void send_call(channel& to, pending p, connection& c, message const& in, std::string_view text,
                 std::string_view parameters = {});
  void send_crossing(channel& to, pending p, connection* c, std::string_view name,
                     std::string const* responses = nullptr, std::string_view state = {});

  /// On the service's clock, which counts whole seconds.
  [[nodiscard]] static std::uint32_t whole_seconds(std::chrono::milliseconds time) {
    return static_cast<std::uint32_t>(std::chrono::ceil<std::chrono::seconds>(time).count());
  }
  /// When this time is over, on the service's clock; never before, since the second that runs has
  /// begun already.
  [[nodiscard]] std::uint32_t after(std::chrono::milliseconds time) const {
    return now_ + whole_seconds(time) + 1;
  }
  void time_out(channel& at, std::uint64_t slot);
  void sweep();
  void end_soon(int patience);
  void schedule_sweep();
  /// Runs what blocks on a thread of its own, and what follows on the loop.
  template <class Job, class Then>
  void on_worker(Job job, Then then) {
    using outcome = decltype(job());
    ++workers_;
    auto shared = std::make_shared<Then>(std::move(then));
    auto finish = [this, shared](std::shared_ptr<outcome> got) {
      asio::post(io, [this, got, shared] {
        --workers_;
        (*shared)(std::move(*got));
      });
    };
    try {
      std::thread([job, finish, guard = asio::make_work_guard(io)]() mutable {
        std::shared_ptr<outcome> got;
        try {
          got = std::make_shared<outcome>(job());
        } catch (std::exception const& e) {
          got = std::make_shared<outcome>(broken<outcome>(e.what()));
        }
        finish(std::move(got));
      }).detach();
    } catch (std::exception const& e) {  // no more threads
      finish(std::make_shared<outcome>(broken<outcome>(e.what())));
    }
  }
  template <class Outcome>
  static Outcome broken(char const* why) {
    if constexpr (std::is_same_v<Outcome, control_response>)
      return {500, R"({"error":"internal"})"};
    else
      return fail(errc::internal, why);
  }

  backend& backend_;
  shared_memory memory_;
  std::array<char, 65536> member_bytes_{};
  message_scanner from_client_;
  message_scanner from_member_;
  message_scanner from_questions_;
  asio::steady_timer timer_;
  std::uint32_t now_ = 1;
  std::uint32_t last_call_ = 0;
  std::uint64_t next_listener_ = 1;
  std::map<std::string, std::unique_ptr<served_member>, std::less<>> members_;
  std::vector<std::unique_ptr<served_member>> graveyard_;
  std::unordered_map<std::string, std::unique_ptr<session>, text_hash, std::equal_to<>> sessions_;
  std::unordered_map<std::string, std::pair<channel*, std::uint64_t>> parked_;
  std::set<std::shared_ptr<connection>> connections_;
  std::vector<waiting_request> unknown_;  ///< for members that are not known, while they are read
  std::vector<std::function<void()>> after_reading_;
  std::size_t workers_ = 0;
  std::size_t sessions_before_ = 0;
  std::uint32_t trim_at_ = 0;
  bool reading_members_ = false;
  bool read_again_ = false;
  bool stopping_ = false;
  std::stop_source stop_;
  std::uint64_t refused_ = 0;
  bool open_to_all_hosts_ = false;
  http_request* current_ = nullptr;  ///< that is being served
};

/// Levels of `notifications/message`, by their place in RFC 5424, debug 0 to emergency 7; -1: none.
[[nodiscard]] int level_of(std::string_view name);
[[nodiscard]] std::string_view level_name(int level);
/// The `Mcp-Param-*` lines that a tool's schema asks for (`x-mcp-header`), for a call of it.
[[nodiscard]] std::string parameter_headers(catalogue const& known, std::string_view call);
/// The first such field of `given` (lines as they came) that is missing or does not say what the
/// call's arguments say; empty: all agree.
[[nodiscard]] std::string wrong_parameter(catalogue const& known, std::string_view call,
                                          std::string_view given);
/// 128 random bits as 22 characters of base64url.
[[nodiscard]] std::string random_id();
/// A text as a JSON string, with its quotes.
[[nodiscard]] std::string quoted_json(std::string_view text);

/// `clientInfo` of the gateway itself, as JSON.
[[nodiscard]] std::string own_info();

}  // namespace thv::gateway
