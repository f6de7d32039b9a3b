// SPDX-License-Identifier: Apache-2.0
#include "upstream.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <map>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/url.hpp>
#include <thv/gateway/header_value.hpp>
#include <thv/mcp/readiness.hpp>
#include <thv/mcp/sse.hpp>

#include "upstream_connection.hpp"

namespace thv::gateway {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

constexpr std::chrono::milliseconds first_retry{1000};
constexpr int resume_attempts = 10;
constexpr std::chrono::milliseconds shortest_retry{100};
constexpr std::chrono::milliseconds longest_retry{30'000};
constexpr std::chrono::seconds greeting_time{30};
constexpr std::chrono::seconds farewell_time{5};
constexpr std::chrono::seconds notification_time{30};
constexpr std::chrono::seconds linger_time{10};
constexpr std::size_t most_lingering = 32;  // of a link
constexpr std::size_t most_unheard = 256;   // notifications of a member, and answers to it
constexpr std::uint64_t greeting_slot = std::uint64_t(-1);
constexpr std::string_view greeting_id = "\"thv-engine-greeting\"";

bool begins_with(std::string_view value, std::string_view lower) {
  if (value.size() < lower.size()) return false;
  for (std::size_t i = 0; i < lower.size(); ++i) {
    char const c = value[i];
    if ((c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c) != lower[i]) return false;
  }
  return true;
}

class http_link;

/// One request over HTTP, or one stream, and what comes back on it.
class http_exchange final : public exchange_events {
 public:
  http_exchange(http_link& link, std::shared_ptr<upstream_state> pool, std::uint64_t slot,
                bool stream)
      : link_(&link), pool_(std::move(pool)), slot_(slot), stream_(stream) {}
  ~http_exchange() override {
    pool_->held -= held_;
    if (patience_) --pool_->unheard;
  }

  /// Its body counts among what waits for the member.
  void hold(std::size_t bytes) {
    held_ = bytes;
    pool_->held += bytes;
  }

  void on_head(http_response const& head) override;
  bool on_body(std::string& piece) override;
  void on_done() override;
  void on_broken(std::string_view why) override;

  void on_replaced(std::shared_ptr<upstream_connection> by) override { connection = std::move(by); }

  std::shared_ptr<upstream_connection> connection;
  bool repeatable_ = false;  ///< a member that gets it twice does no harm
  bool repeated_ = false;
  http_link* link_;
  std::shared_ptr<upstream_state> pool_;
  std::size_t held_ = 0;
  std::unique_ptr<asio::steady_timer> patience_;  ///< with what needs no answer
  bool marked_ = false;                           ///< answered, and its stream goes on
  std::uint64_t const slot_;                      ///< 0: of no request
  bool const stream_;                             ///< a GET
  int status_ = 0;
  bool events_ = false;
  bool answered_ = false;
  std::string body_;
  std::string body_sent_;
  std::optional<mcp::sse_parser> parser_;
  std::string last_id_;
  int attempts_ = 0;
};

class http_link final : public std::enable_shared_from_this<http_link> {
 public:
  http_link(std::shared_ptr<upstream_state> pool, link_events& events, thv::transport transport,
            bool stateless)
      : pool_(std::move(pool)),
        told_(&events),
        old_(transport == thv::transport::sse),
        stateless_(stateless),
        patience_(pool_->io) {}

  void start() {
    if (old_) get({}, 0);
  }

  void stop() {
    told_ = nullptr;
    for (auto& [number, one] : exchanges_) {
      one->link_ = nullptr;
      if (one->connection) one->connection->cancel();
    }
    exchanges_.clear();
  }

  void send(outgoing const& m) {
    std::string body;
    append_with(body, m.text, m.first, m.second);
    if (m.method == "initialize" && !stateless_) {
      greeting_.clear();
      append_with(greeting_, m.text, {m.first.part, greeting_id});
    }
    auto const slot = m.kind == message_kind::request ? m.slot : 0;
    if (renewing_ || (old_ && post_target_.empty())) {
      early_.push_back({std::move(body), slot, false});
      return;
    }
    post(std::move(body), slot, m.method, m.name, m.parameters);
  }

  [[nodiscard]] std::size_t queued() const {
    std::size_t bytes = pool_->held;
    for (auto const& one : early_) bytes += one.body.size();
    return bytes;
  }

  void renew(std::string_view initialize) {
    greeting_ = initialize;
    greet();
  }

  void abandon(std::uint64_t slot) {
    if (slot != 0) std::erase_if(early_, [&](early_message const& m) { return m.slot == slot; });
    for (auto i = exchanges_.begin(); i != exchanges_.end(); ++i) {
      if (i->second->slot_ != slot || slot == 0) continue;
      auto const one = i->second;
      return cut(*one);
    }
  }

  void open_stream() {
    if (old_ || stateless_ || streaming_) return;
    streaming_ = true;
    ++stream_round_;
    get({}, 0);
  }

  void end() {
    if (session_.empty()) return;
    // Nobody waits for what is said to that.
    auto one = std::make_shared<farewell>(pool_->io);
    one->patience.async_wait([one](error_code) {
      if (one->connection) one->connection->cancel();
    });
    one->connection = pool_->exchange(head("DELETE", pool_->target) + "\r\n", {}, *one, true);
  }

  void agree(std::string_view revision) { revision_ = revision; }

  // ---- from exchanges -------------------------------------------------------------------------

  void on_head(http_exchange& e, http_response const& head) {
    e.status_ = head.status;
    e.events_ = begins_with(head.content_type, "text/event-stream");
    if (e.events_ && head.status == 200) e.parser_.emplace(pool_->limit);
    if (!head.session.empty() && session_.empty() && !stateless_) session_ = head.session;
  }

  bool on_body(http_exchange& e, std::string& piece) {
    if (!e.parser_) {
      if (e.body_.size() + piece.size() > pool_->limit) {
        auto const held = drop(e);
        fail(e.slot_, 0, "its answer is larger than a message may be");
        return false;
      }
      if (e.body_.empty())
        e.body_.swap(piece);
      else
        e.body_ += piece;
      return true;
    }
    auto const self = shared_from_this();
    auto const held = find(e);
    auto const fed = e.parser_->feed(piece, [&](mcp::sse_event const& event) {
      on_event(e, event);
      return e.link_ != nullptr;
    });
    if (!e.link_) return false;
    if (!fed) {
      (void)drop(e);
      if (e.stream_ && old_)
        ended(fed.error().message);
      else
        fail(e.slot_, 0, fed.error().message);
      return false;
    }
    return true;
  }

  void on_event(http_exchange& e, mcp::sse_event const& event) {
    if (!event.id.empty()) e.last_id_ = event.id;
    if (old_ && event.type == "endpoint") return on_endpoint(event.data);
    if (event.type != "message" || event.data.empty()) return;
    std::string text = event.data;
    make_one_line(text.data(), text.data() + text.size());
    if (!tell(text, e.slot_)) return;
    if (!std::exchange(e.answered_, true) && e.link_ && e.slot_ != 0) linger();
  }

  void on_done(http_exchange& e) {
    auto const self = shared_from_this();
    auto const held = drop(e);
    if (e.status_ == 404 && e.connection) e.body_sent_ = e.connection->take_body();
    if (!told_ || (e.answered_ && e.slot_ != 0)) return;
    if (e.parser_) return stream_over(e, "its stream ended");
    if (e.stream_) {
      if (e.slot_ != 0) return fail(e.slot_, e.status_, "it does not take up its stream again");
      if (old_) return ended(refusal(e.status_));
      if (e.status_ == 405 || e.status_ == 501) return;  // no stream is offered
      return stream_over(e, "its stream was refused");
    }
    if (old_ && e.status_ / 100 == 2) return;  // the answer comes on the stream
    if (e.status_ == 202 || e.status_ == 204)
      return fail(e.slot_, e.status_, "it took the request and gave no answer");
    if (e.status_ == 200 || (e.status_ >= 400 && !e.body_.empty() && e.body_.front() == '{')) {
      make_one_line(e.body_.data(), e.body_.data() + e.body_.size());
      bool const rpc = e.status_ == 200 || e.body_.find("\"jsonrpc\"") != std::string::npos;
      // A member that lost our session says so with 404 and an error of its own.
      if (rpc && !(e.status_ == 404 && !session_.empty())) {
        if (!tell(e.body_, e.slot_)) fail(e.slot_, e.status_, "it answered something else");
        return;
      }
    }
    if (e.status_ == 404 && !session_.empty() && !greeting_.empty() && !e.repeated_ &&
        !e.body_sent_.empty()) {
      early_.push_back({std::move(e.body_sent_), e.slot_, true});
      if (!renewing_) greet();
      return;
    }
    fail(e.slot_, e.status_, refusal(e.status_));
  }

  void on_broken(http_exchange& e, std::string_view why) {
    auto const self = shared_from_this();
    auto const held = drop(e);
    if (!told_) return;
    if (e.answered_ && e.slot_ != 0) return;
    if (e.stream_ || e.parser_) return stream_over(e, why);
    fail(e.slot_, 0, why);
  }

 private:
  /// Lives with its timer, and so no longer than the loop.
  struct farewell final : exchange_events {
    explicit farewell(asio::io_context& io) : patience(io, farewell_time) {}
    asio::steady_timer patience;
    std::shared_ptr<upstream_connection> connection;
    void over() {
      connection.reset();
      patience.cancel();
    }
    void on_replaced(std::shared_ptr<upstream_connection> by) override {
      connection = std::move(by);
    }
    void on_head(http_response const&) override {}
    bool on_body(std::string&) override { return true; }
    void on_done() override { over(); }
    void on_broken(std::string_view) override { over(); }
  };

  static std::string refusal(int status) {
    if (status == 401 || status == 403)
      return fmt::format("it refuses our credentials (HTTP {})", status);
    return fmt::format("it answers with HTTP {}", status);
  }

  std::string head(std::string_view method, std::string_view target) const {
    std::string text;
    text.reserve(512);
    text.append(method).append(" ").append(pool_->prefix).append(target);
    text.append(" HTTP/1.1\r\nHost: ").append(pool_->host).append("\r\n").append(pool_->fields);
    if (!session_.empty()) text.append("Mcp-Session-Id: ").append(session_).append("\r\n");
    if (stateless_)
      text.append("MCP-Protocol-Version: ").append(mcp::stateless_revision).append("\r\n");
    else if (!revision_.empty())
      text.append("MCP-Protocol-Version: ").append(revision_).append("\r\n");
    return text;
  }

  void post(std::string body, std::uint64_t slot, std::string_view method, std::string_view name,
            std::string_view parameters, bool repeated = false) {
    auto text = head("POST", old_ ? post_target_ : pool_->target);
    text.append(
        "Content-Type: application/json\r\n"
        "Accept: application/json, text/event-stream\r\n");
    if (stateless_ && slot != 0) {
      text.append("Mcp-Method: ").append(method).append("\r\n");
      if (!name.empty()) text.append("Mcp-Name: ").append(encode_header_value(name)).append("\r\n");
      text.append(parameters);
    }
    char digits[24];
    auto const end = std::to_chars(digits, digits + sizeof digits, body.size()).ptr;
    text.append("Content-Length: ").append(digits, end).append("\r\n\r\n");
    auto one = std::make_shared<http_exchange>(*this, pool_, slot, false);
    one->repeatable_ = !method.empty() && method != "tools/call";
    one->repeated_ = repeated;
    one->hold(body.size());
    if (slot == 0 && !await_taken(one)) return;
    run(std::move(text), std::move(body), std::move(one));
  }

  void greet() {
    renewing_ = true;
    session_.clear();
    patience_.expires_after(greeting_time);
    patience_.async_wait([weak = weak_from_this()](error_code ec) {
      auto const self = weak.lock();
      if (!ec && self && self->renewing_) self->greeted(false, "it does not answer");
    });
    if (!old_ || !post_target_.empty()) post(greeting_, greeting_slot, {}, {}, {});
  }

  /// The answer to a greeting of ours came.
  void greeted(bool well, std::string_view why) {
    renewing_ = false;
    patience_.cancel();
    auto all = std::exchange(early_, {});
    if (!well) {
      for (auto const& one : all) fail(one.slot, 0, why);
      return;
    }
    post(R"({"jsonrpc":"2.0","method":"notifications/initialized"})", 0, {}, {}, {}, true);
    for (auto& one : all) post(std::move(one.body), one.slot, {}, {}, {}, one.repeated);
    if (std::exchange(streaming_, false)) open_stream();
    if (told_) told_->on_renewed();
  }

  void get(std::string const& last_id, std::uint64_t slot, int attempts = 0) {
    auto text = head("GET", pool_->target);
    text.append("Accept: text/event-stream\r\n");
    if (!last_id.empty()) text.append("Last-Event-ID: ").append(last_id).append("\r\n");
    text.append("\r\n");
    auto one = std::make_shared<http_exchange>(*this, pool_, slot, true);
    one->last_id_ = last_id;
    one->attempts_ = attempts;
    run(std::move(text), {}, std::move(one));
  }

  void run(std::string head, std::string body, std::shared_ptr<http_exchange> one) {
    auto* const events = one.get();
    exchanges_[events] = one;
    one->connection = pool_->exchange(std::move(head), std::move(body), *events,
                                      one->stream_ || one->repeatable_);
  }

  /// Nobody waits for the answer to a notification: a member that gives none does not make us hold
  /// ever more of them. False: there are too many already, and this one is dropped.
  bool await_taken(std::shared_ptr<http_exchange> const& e) {
    if (pool_->unheard >= most_unheard) return false;
    ++pool_->unheard;
    e->patience_ = std::make_unique<asio::steady_timer>(pool_->io, notification_time);
    e->patience_->async_wait([weak = weak_from_this(), of = std::weak_ptr(e)](error_code ec) {
      auto const self = weak.lock();
      auto const one = of.lock();
      if (!ec && self && one) self->cut(*one);
    });
    return true;
  }

  /// The stream of a request that is answered ends soon (MCP 2025-11-25, "Transports"), or is cut.
  void linger() {
    if (++answered_ > most_lingering) {
      auto const all = exchanges_;
      for (auto const& [key, one] : all)
        if (answered(*one)) cut(*one);
    }
    watch_lingering();
  }

  void watch_lingering() {
    if (lingering_ || answered_ == 0) return;
    lingering_ = std::make_unique<asio::steady_timer>(pool_->io, linger_time);
    lingering_->async_wait([weak = weak_from_this()](error_code ec) {
      auto const self = weak.lock();
      if (ec || !self) return;
      self->lingering_.reset();
      auto const all = self->exchanges_;
      for (auto const& [key, one] : all) {
        if (!answered(*one)) continue;
        if (std::exchange(one->marked_, true)) self->cut(*one);
      }
      self->watch_lingering();
    });
  }

  static bool answered(http_exchange const& e) { return e.answered_ && e.slot_ != 0; }

  /// Ends an exchange without a word.
  void cut(http_exchange& e) {
    auto const one = drop(e);
    if (!one) return;
    one->link_ = nullptr;
    if (one->connection) one->connection->cancel();
  }

  std::shared_ptr<http_exchange> find(http_exchange& e) {
    auto const i = exchanges_.find(&e);
    return i == exchanges_.end() ? nullptr : i->second;
  }

  std::shared_ptr<http_exchange> drop(http_exchange& e) {
    auto const i = exchanges_.find(&e);
    if (i == exchanges_.end()) return nullptr;
    auto held = i->second;
    exchanges_.erase(i);
    if (answered(*held) && answered_ > 0) --answered_;
    return held;
  }

  /// True: it was an answer that somebody waited for.
  bool tell(std::string_view text, std::uint64_t slot) {
    auto const self = shared_from_this();
    if (!told_) return false;
    if (renewing_ && (old_ || slot == greeting_slot) &&
        text.find(greeting_id) != std::string_view::npos) {
      bool const well = text.find("\"protocolVersion\"") != std::string_view::npos;
      greeted(well, "it refuses a new session");
      return true;
    }
    if (!text.starts_with('[')) return told_->on_message(text, slot);
    error_code ec;  // a batch of revision 2025-03-26
    auto const all = boost::json::parse({text.data(), text.size()}, ec);
    if (ec || !all.is_array()) return told_->on_message(text, slot);
    bool answered = false;
    for (auto const& one : all.get_array())
      if (told_ && told_->on_message(boost::json::serialize(one), slot)) answered = true;
    return answered;
  }

  void fail(std::uint64_t slot, int status, std::string_view why) {
    if (slot == greeting_slot) return renewing_ ? greeted(false, why) : void();
    if (told_ && slot != 0) told_->on_failed(slot, status, why);
  }

  void ended(std::string_view why) {
    if (auto* const told = std::exchange(told_, nullptr)) told->on_ended(why);
  }

  /// A stream that ended before its time is asked for again where it left off.
  void stream_over(http_exchange& e, std::string_view why) {
    if (old_ && e.stream_) return ended(why);
    bool const standing = e.stream_ && e.slot_ == 0;
    bool const held = e.parser_ && e.status_ == 200;  // it was open
    int const attempts = held && (standing || !e.last_id_.empty()) ? 1 : e.attempts_ + 1;
    if (stateless_ || (!standing && (e.last_id_.empty() || attempts > resume_attempts)))
      return standing ? void() : fail(e.slot_, 0, why);
    auto wait = e.parser_ && e.parser_->retry() ? *e.parser_->retry() : first_retry;
    wait = std::clamp(wait * attempts, shortest_retry, longest_retry);
    auto timer = std::make_shared<asio::steady_timer>(pool_->io, wait);
    timer->async_wait([weak = weak_from_this(), timer, id = e.last_id_, slot = e.slot_, attempts,
                       round = stream_round_](error_code ec) {
      auto const self = weak.lock();
      if (ec || !self || !self->told_ || self->renewing_) return;
      if (slot == 0 && round != self->stream_round_) return;  // another was opened meanwhile
      self->get(id, slot, attempts);
    });
  }

  void on_endpoint(std::string_view text) {
    auto const own = "http://h" + pool_->target;
    auto const base = boost::urls::parse_uri(own);
    auto const relative = boost::urls::parse_uri_reference({text.data(), text.size()});
    if (!relative || !base) return ended("its endpoint event holds no address");
    boost::urls::url resolved;
    if (!boost::urls::resolve(*base, *relative, resolved))
      return ended("its endpoint event holds no address");
    // Another host than the member's is not followed.
    post_target_ = std::string(resolved.encoded_target());
    if (renewing_) return post(greeting_, greeting_slot, {}, {}, {});
    for (auto& one : std::exchange(early_, {}))
      post(std::move(one.body), one.slot, {}, {}, {}, one.repeated);
  }

  std::shared_ptr<upstream_state> pool_;
  link_events* told_;
  bool const old_;
  bool const stateless_;
  bool streaming_ = false;
  int stream_round_ = 0;
  std::string session_;
  std::string revision_;
  std::string post_target_;
  std::string greeting_;  ///< `initialize` as it was said, with an id of ours
  struct early_message {
    std::string body;
    std::uint64_t slot;
    bool repeated;
  };
  /// What was sent before the address was known, or while the session is opened anew.
  std::vector<early_message> early_;
  bool renewing_ = false;
  std::size_t answered_ = 0;                       ///< whose streams go on
  asio::steady_timer patience_;                    ///< with a greeting
  std::unique_ptr<asio::steady_timer> lingering_;  ///< with streams of answered requests
  std::map<http_exchange*, std::shared_ptr<http_exchange>> exchanges_;
};

void http_exchange::on_head(http_response const& head) {
  if (link_) link_->on_head(*this, head);
}
bool http_exchange::on_body(std::string& piece) {
  return link_ && link_->on_body(*this, piece);
}
void http_exchange::on_done() {
  if (link_) link_->on_done(*this);
}
void http_exchange::on_broken(std::string_view why) {
  if (link_) link_->on_broken(*this, why);
}

class http_handle final : public link {
 public:
  explicit http_handle(std::shared_ptr<http_link> held) : held_(std::move(held)) {}
  ~http_handle() override { held_->stop(); }
  void send(outgoing const& m) override { held_->send(m); }
  void abandon(std::uint64_t slot) override { held_->abandon(slot); }
  void open_stream() override { held_->open_stream(); }
  void end() override { held_->end(); }
  void agree(std::string_view revision) override { held_->agree(revision); }
  void renew(std::string_view initialize) override { held_->renew(initialize); }
  [[nodiscard]] std::size_t queued() const override { return held_->queued(); }

 private:
  std::shared_ptr<http_link> held_;
};

}  // namespace

upstream_pool::upstream_pool(asio::io_context& io, plugin::endpoint const& where, std::size_t limit,
                             std::span<char> buffer, connector connect)
    : state_(std::make_shared<upstream_state>(io, buffer)) {
  state_->connect = std::move(connect);
  auto parsed = net::parse_url(where.url);
  if (!parsed) {
    state_->usable = std::move(parsed).error();
    return;
  }
  state_->limit = limit;
  state_->where = parsed->first;
  state_->where.use_proxy_environment = where.use_proxy_environment;
  state_->where.tls_files.ca_file = where.ca_file;
  state_->target = parsed->second;
  auto const& a = state_->where;
  bool const plain_port = a.port == (a.tls ? 443 : 80);
  bool const ipv6 = a.host.find(':') != std::string::npos;
  state_->host = ipv6 ? "[" + a.host + "]" : a.host;
  if (!plain_port) state_->host += fmt::format(":{}", a.port);
  for (auto const& [name, value] : where.headers) {
    if ((name + value).find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos) {
      state_->usable = thv::fail(errc::invalid_argument,
                                 fmt::format("the header '{}' holds a line break", name));
      return;
    }
    state_->fields.append(name).append(": ").append(value).append("\r\n");
  }
}

upstream_pool::~upstream_pool() {
  state_->over = true;
  for (auto const& one : std::exchange(state_->idle, {})) one->cancel();
}

result<void> const& upstream_pool::usable() const {
  return state_->usable;
}

std::unique_ptr<link> upstream_pool::make_link(link_events& events, thv::transport transport,
                                               bool stateless) {
  auto held = std::make_shared<http_link>(state_, events, transport, stateless);
  held->start();
  return std::make_unique<http_handle>(std::move(held));
}

}  // namespace thv::gateway
