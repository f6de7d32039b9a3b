// SPDX-License-Identifier: Apache-2.0
#include "gateway_process.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <memory>
#include <stop_token>
#include <thread>

#include <fmt/format.h>

#include <thv/gateway/control.hpp>
#include <thv/gateway/control_files.hpp>
#include <thv/gateway/engine_backend.hpp>
#include <thv/gateway/server.hpp>
#include <thv/secrets/core_dumps.hpp>
#include <thv/store/process_identity.hpp>
#include <thv/version.hpp>

#include "change.hpp"
#include "client_access.hpp"
#include "gateway_access.hpp"
#include "gateway_log.hpp"
#include "gateway_tending.hpp"
#include "interrupt.hpp"
#include "output.hpp"
#include "secret_access.hpp"

namespace thv::cli {

using namespace std::chrono_literals;

namespace {

std::int64_t now_milliseconds() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

/// Everything that one gateway consists of, from its lock to its end.
class gateway_process {
 public:
  gateway_process(session& s, config::configuration const& settings, config::paths const& where,
                  bool background)
      : session_(s),
        settings_(settings),
        background_(background),
        files_(where.state),
        log_(files_.log()),
        held_([this](std::string const& name, std::string const&) {
          return missing_here(secrets_->from_environment(name));
        }) {}

  result<void> run() {
    // One that was killed has the lock until the kernel is done with it.
    for (int tries = 0; tries < 50 && !lock_; ++tries) {
      if (tries != 0) std::this_thread::sleep_for(10ms);
      // One that was stopped, or whose folder went, while we waited has no successor.
      if (tries != 0 &&
          (files_.stopped_by_user() || gateway::file_identity(files_.lock_file()).empty()))
        return fail(errc::conflict, "the gateway was stopped meanwhile",
                    "thv-engine gateway start");
      THV_TRY(lock_, files_.try_lock());
    }
    if (!lock_) return runs_already();
    THV_CHECK(files_.mark_stopped(false));
    THV_CHECK(open_secrets());
    auto const secret = [this](std::string const& name, std::string const& group) {
      return this->secret(name, group);
    };
    THV_TRY(auto* engine, session_.gateway_engine(secret));
    THV_TRY(auto* runtimes, session_.runtimes());
    members_ = std::make_unique<cli::backend>(*engine, *runtimes, session_.store(), secret,
                                              backend_options());
    THV_CHECK(listen());
    THV_CHECK(write_facts());
    say_line(gateway::log_line::level::info, fmt::format("serving at {}", identity().url));
    serve();
    say_line(gateway::log_line::level::info, "ended");
    return {};
  }

 private:
  /// The key is kept in locked memory until somebody locks the secrets; nobody is asked for it.
  result<void> open_secrets() {
    THV_CHECK(secrets::forbid_core_dumps());
    THV_TRY(auto options, secret_options(session_));
    auto const passphrase = options.variables("THV_SECRETS_PASSPHRASE_FILE");
    if (passphrase && *passphrase != "-") options.passphrase_file = *passphrase;
    options.ask_holder = [this] { return key_.get(); };
    options.give_holder = [this](secrets::secret_key const& key) { key_.keep(key.clone()); };
    secrets_ = std::make_unique<secret_access>(std::move(options));
    return {};
  }

  /// As a command would have it: the stored value, else what a command has handed over.
  result<std::string> secret(std::string const& name, std::string const& group) {
    auto stored = secrets_->stored(name, group);
    if (stored) return stored;
    // While they are locked, what was handed over may be older than what is stored.
    if (stored.error().code != errc::not_found) return stored;
    return held_.get(name, group);
  }

  /// What the environment does not say, a command must.
  static result<std::string> missing_here(result<std::string> value) {
    if (!value)
      value.error().hint =
          "'thv-engine secret set' stores it; or run 'thv-engine start' for the workload with the "
          "secret in the environment";
    return value;
  }

  error runs_already() const {
    auto const facts = files_.read_facts();
    return fail(errc::conflict,
                fmt::format("a gateway of this state folder runs already{}",
                            facts ? fmt::format(" (pid {})", facts->process.pid) : ""),
                "thv-engine gateway status");
  }

  gateway::engine_backend_options backend_options() const {
    gateway::engine_backend_options o;
    o.autostart = [this](std::string const& group) {
      auto const table = settings_.groups.find(group);
      return table != settings_.groups.end() && table->second.autostart;
    };
    o.start_time = settings_.deploy_timeout;
    return o;
  }

  /// Each client's connection is a descriptor: as many as the system lets us have.
  static void raise_descriptor_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
  }

  result<gateway::server_options> server_options() {
    raise_descriptor_limit();
    auto const& table = settings_.gateway;
    gateway::server_options o;
    o.trim_memory = true;
    o.host = table.host;
    o.allowed_origins = table.allowed_origins;
    o.allowed_hosts = table.allowed_hosts;
    THV_TRY(o.token, gateway_token(table));
    THV_TRY(o.control_socket, files_.choose_socket(config::process_environment()));
    o.control = [actions = actions()](gateway::control_request const& request) {
      return gateway::answer_control(actions, request);
    };
    o.log = [this](gateway::log_line const& line) { write_log(line); };
    return o;
  }

  /// On the port of last time, so that clients find it again, else on the one configured or the
  /// next that is free.
  result<void> listen() {
    THV_TRY(auto options, server_options());
    socket_ = options.control_socket;
    auto const wanted = settings_.gateway.port;
    auto const before = files_.read_facts();
    if (before && before->host == options.host && before->wanted_port == wanted &&
        before->port != wanted && before->port != 0) {
      auto again = options;
      again.port = before->port;
      again.next_free_port = false;
      server_ = std::make_unique<gateway::server>(*members_, std::move(again));
      if (server_->listen()) return {};
    }
    options.port = wanted;
    server_ = std::make_unique<gateway::server>(*members_, std::move(options));
    auto listening = server_->listen();
    if (!listening && listening.error().where.empty())
      listening.error().where = settings_.gateway.where;
    return listening;
  }

  result<void> write_facts() const {
    return files_.write_facts({version(), gateway::file_identity("/proc/self/exe"),
                               gateway::file_identity(files_.database()), store::this_process(),
                               socket_, settings_.gateway.host, server_->port(),
                               settings_.gateway.port});
  }

  void serve() {
    interrupt_guard interrupt([this] { server_->stop(); });
    tending_.emplace(*members_,
                     [this](auto const& name, auto const& failure) { on_tended(name, failure); });
    watching_ = std::jthread([this](std::stop_token stop) { watch_state(stop); });
    server_->run();
    watching_ = {};
    tending_.reset();
  }

  /// A gateway whose state folder was taken away serves nobody that a command could find.
  void watch_state(std::stop_token const& stop) {
    write_clients();
    auto const ours = gateway::file_identity(files_.lock_file());
    while (!stop.stop_requested()) {
      gateway::pause({std::chrono::steady_clock::now() + 5s, stop, {}});
      if (stop.stop_requested() || gateway::file_identity(files_.lock_file()) == ours) continue;
      say_line(gateway::log_line::level::warning, "its state folder is gone");
      return server_->stop();
    }
  }

  void on_tended(std::string const& name, std::optional<error> const& failure) {
    using level = gateway::log_line::level;
    if (failure) return write_log({level::warning, name, to_string(*failure)});
    write_log({level::info, name, "it had ended and was started again"});
    server_->refresh();
    write_clients();
  }

  /// Clients find this gateway where it is now, and the members that are ready.
  void write_clients() {
    using level = gateway::log_line::level;
    auto const done = sync_clients(session_, identity().url);
    if (!done) return say_line(level::warning, "the clients' files: " + to_string(done.error()));
    for (auto const& o : *done) {
      if (o.failure) say_line(level::warning, o.client + ": " + to_string(*o.failure));
      if (o.changed()) say_line(level::info, "updated " + changes_text(o));
    }
  }

  gateway::status status() const {
    auto now = server_->status();
    auto const waiting = members_->waiting_for_secrets();
    for (auto& m : now.members)
      if (auto const found = waiting.find(m.name); found != waiting.end())
        m.waits_for = found->second;
    return now;
  }

  gateway::gateway_identity identity() const {
    return {version(), ::getpid(), started_at_,
            gateway::base_url(settings_.gateway.host, server_->port())};
  }

  gateway::control_actions actions() {
    gateway::control_actions a;
    a.identity = [this] { return identity(); };
    a.status = [this] { return status(); };
    a.refresh = [this] {
      if (tending_) tending_->nudge();
      server_->refresh();
    };
    a.prove = [this](plugin::call const& c, std::string const& name) {
      return server_->prove(c, name);
    };
    a.release = [this](std::string const& name) { server_->release(name); };
    a.take_secrets = [this](auto secrets) { held_.add(std::move(secrets)); };
    a.hand_over = [this] {
      end_soon("another one takes over");
      return gateway::held_state{held_.all(), key_.get()};
    };
    a.key = [this] { return key_.get(); };
    a.keep_key = [this](auto key) {
      bool const drops = !key;
      key_.keep(std::move(key));
      if (drops) secrets_->forget();
    };
    a.stop = [this] { end_soon("a command stops it"); };
    return a;
  }

  /// After the answer to whoever asked for it is out.
  void end_soon(std::string const& why) {
    say_line(gateway::log_line::level::info, why);
    ending_ = std::jthread([this] {
      std::this_thread::sleep_for(100ms);
      server_->stop();
    });
  }

  void say_line(gateway::log_line::level severity, std::string text) {
    write_log({severity, {}, std::move(text)});
  }

  void write_log(gateway::log_line const& line) {
    if (line.severity == gateway::log_line::level::debug && !session_.debug()) return;
    auto const text = log_text(line, now_milliseconds(), settings_.gateway.json_log);
    log_.write(text);
    if (!background_) say(text);
  }

  session& session_;
  config::configuration const& settings_;
  bool background_;
  gateway::control_files files_;
  gateway_log log_;
  gateway::held_secrets held_;
  gateway::held_key key_;
  std::unique_ptr<secret_access> secrets_;
  std::int64_t started_at_ = now_milliseconds();
  std::shared_ptr<void> lock_;
  std::string socket_;
  std::unique_ptr<cli::backend> members_;
  std::unique_ptr<gateway::server> server_;
  std::optional<tending> tending_;
  std::jthread watching_;
  std::jthread ending_;
};

}  // namespace

int run_gateway(session& s, bool background) {
  auto const settings = s.configuration();
  if (!settings) return failed(settings.error());
  auto const where = s.paths();
  if (!where) return failed(where.error());
  gateway_process process(s, **settings, **where, background);
  auto const ended = process.run();
  return ended ? 0 : failed(ended.error());
}

}  // namespace thv::cli
