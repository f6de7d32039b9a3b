// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include <thv/error.hpp>
#include <thv/model/workload_state.hpp>
#include <thv/plugin/workload_spec.hpp>

#define THV_PLUGIN_INTERFACE __attribute__((visibility("default")))

namespace thv::plugin {

/// How long a call may take and how it is cancelled. Every verb returns soon after `deadline`
/// (errc::timeout) or after `stop` is requested (errc::cancelled), leaving nothing half made that
/// `list` would not show.
struct call {
  std::chrono::steady_clock::time_point deadline = std::chrono::steady_clock::time_point::max();
  std::stop_token stop{};
  /// Told about long work in plain words ("pulling: 12 of 40 MB"); may be empty. Called on the
  /// calling thread or another, never concurrently.
  std::function<void(std::string_view)> progress{};
};

/// What a runtime answers about itself.
struct fingerprint {
  std::string engine;   ///< "Docker", "local processes"
  std::string version;  ///< of the engine: "20.10.24 (API 1.41)"
  std::vector<source_kind> runs;
  bool bare_host = false;  ///< workloads run as plain processes of the user, unconfined
  /// Which parts of a permission profile are enforced; the rest is shown to the user.
  bool enforces_mounts = false;
  bool enforces_network_mode = false;
  bool enforces_outbound_rules = false;
  bool enforces_privileges = false;
  bool secret_files = false;  ///< `workload_spec::secret_files` can be given. @since 0.2
};

/// One workload as the runtime sees it now.
struct instance {
  std::string id;        ///< the runtime's own handle; never reused for another instance
  std::string workload;  ///< workload name it was deployed as
  std::string group;     ///< group at creation
  std::string store;     ///< id of the owning store; empty: not made by thv-engine
  std::string config_hash;
  workload_state state = workload_state::unknown;
  std::optional<int> exit_code;  ///< of a stopped one, where the runtime can know it
  std::string message;           ///< why it is in this state, in the engine's words
  std::int64_t created_at = 0;   ///< milliseconds since 1970
  std::int64_t started_at = 0;   ///< likewise; 0: never started
  /// Changes with every start: whoever initialised an MCP session under another key must do it
  /// again (pid and start time; container id and start time).
  std::string session_key;
  std::int64_t pid = 0;  ///< on this machine, where known
  thv::transport transport = thv::transport::stdio;
  std::uint16_t port = 0;  ///< published on this machine; 0 for none
  std::string package;     ///< image or package it runs
  std::map<std::string, std::string> labels;
  std::vector<std::string> secret_names;  ///< references as in the spec, never values
  std::vector<std::string> notes;         ///< what a person should know: "waiting for a reader"
};

/// A stdio workload's stream. The caller owns and closes both descriptors (equal for a socket).
struct stream {
  int read_fd = -1;
  int write_fd = -1;
  /// `raw`: bytes of stdout. `docker`: frames of an 8-byte header (1 byte stream: 1 stdout, 2
  /// stderr; 3 zero bytes; length as 32 bit big-endian) and payload (Docker Engine API, "attach").
  enum class framing { raw, docker } frames = framing::raw;
  /// Whoever attached before was killed in the middle of a line: send a newline first and drop
  /// input up to the first newline (architecture, decision 17).
  bool dirty = false;
  /// Held for as long as the stream is used: keeps the lock that says who is attached.
  std::shared_ptr<void> lease{};
};

/// Where an HTTP workload answers.
struct endpoint {
  std::string url;  ///< `http://127.0.0.1:1234/mcp`, `http://127.0.0.1:1234/sse`
  std::map<std::string, std::string> headers;
  std::string ca_file;                 ///< PEM with the trusted authorities; empty: the system's
  bool use_proxy_environment = false;  ///< honour HTTPS_PROXY, HTTP_PROXY, NO_PROXY
};

struct log_options {
  bool follow = false;   ///< until the instance ends, the sink says no, or the call is cancelled
  std::size_t tail = 0;  ///< only the last lines; 0: everything
};

/// A state change. `kind` is one of `start`, `stop`, `die`, `remove`.
struct event {
  std::string workload;
  std::string id;
  std::string kind;
  std::optional<int> exit_code;
  std::int64_t time = 0;  ///< milliseconds since 1970
};

/// Optional abilities, found from the members a runtime class has.
enum capability : std::uint64_t {
  can_prepare = 1u << 0,   ///< `prepare`
  can_attach = 1u << 1,    ///< `attach`
  can_endpoint = 1u << 2,  ///< `endpoint`
  can_logs = 1u << 3,      ///< `logs`
  can_watch = 1u << 4,     ///< `watch`
};

/// A runtime as the engine calls it. All verbs are synchronous, thread-safe, and may be called from
/// several worker threads at once for different instances. Nothing is thrown. A verb of a missing
/// capability returns errc::unsupported. Authors write a plain class instead and export it with
/// THV_EXPORT_RUNTIME (export.hpp). Virtual functions are never added or reordered within a major
/// version: new abilities are interfaces of their own, had by `query`.
class THV_PLUGIN_INTERFACE runtime {
 public:
  runtime() = default;
  runtime(runtime const&) = delete;
  runtime& operator=(runtime const&) = delete;
  virtual ~runtime() = default;

  [[nodiscard]] virtual std::uint64_t capabilities() const noexcept = 0;

  /// Is the engine there, and what can it do? Quick: at most a second or two. errc::unavailable
  /// with the reason and a hint when it does not answer. [idempotent]
  virtual result<fingerprint> identify(call const& c) noexcept = 0;

  /// Fetches what `deploy` needs: pulls the image, installs the package. Long; reports progress.
  /// Its time does not count against a deploy timeout. [idempotent]
  virtual result<void> prepare(call const& c, workload_spec const& spec) noexcept = 0;

  /// Creates and starts an instance and returns it. On error nothing is left that was not there
  /// before (a replaced instance is running again or still `start`-able). errc::conflict if the
  /// name is held by an instance that is not `spec.replaces`, with whose it is.
  virtual result<instance> deploy(call const& c, workload_spec const& spec) noexcept = 0;

  /// Starts a stopped instance; a running one succeeds. A replaced one takes its name back.
  virtual result<instance> start(call const& c, std::string const& id) noexcept = 0;

  /// Stops the instance: asks politely, then kills before the deadline. Unknown or stopped ids
  /// succeed. [idempotent]
  virtual result<void> stop(call const& c, std::string const& id) noexcept = 0;

  /// Stops if need be and removes the instance and all that belongs to it. Unknown ids succeed.
  /// [idempotent]
  virtual result<void> remove(call const& c, std::string const& id) noexcept = 0;

  /// errc::not_found if the instance does not exist. [idempotent]
  virtual result<instance> inspect(call const& c, std::string const& id) noexcept = 0;

  /// Every instance that bears the mark of thv-engine: of any store where stores share one space of
  /// names (a container engine), else of ours alone. [idempotent]
  virtual result<std::vector<instance>> list(call const& c) noexcept = 0;

  /// Feeds pieces of the log (stdout and stderr of containers, stderr of stdio processes) to `sink`
  /// until the end or until it returns false.
  virtual result<void> logs(call const& c, std::string const& id, log_options const& options,
                            std::function<bool(std::string_view)> const& sink) noexcept = 0;

  /// Calls `sink` for every state change of marked instances until it returns false or the call is
  /// cancelled or times out (both a success).
  virtual result<void> watch(call const& c,
                             std::function<bool(event const&)> const& sink) noexcept = 0;

  /// Opens a running stdio instance's stream. errc::conflict while somebody else is attached and
  /// the runtime allows one.
  virtual result<stream> attach(call const& c, std::string const& id) noexcept = 0;

  /// Where a running HTTP instance answers. Does not check that it does.
  virtual result<endpoint> where(call const& c, std::string const& id) noexcept = 0;

  /// An optional interface by its id ("thv.groups/1", "thv.secrets/1"), or nullptr. The pointer
  /// lives as long as the runtime.
  virtual void* query(char const* interface_id) noexcept = 0;
};

/// What the host gives a runtime when it makes one. All folders exist, mode 0700.
struct host_context {
  std::string runtime_name;     ///< the name of its table in the configuration
  std::string state_directory;  ///< the runtime's own, survives reboots
  std::string cache_directory;  ///< the runtime's own, may be lost at any time
  std::string store;            ///< id of the store
  /// The keys of the runtime's table in the configuration, except `plugin`. Unknown keys are an
  /// error that the runtime reports (errc::invalid_argument).
  std::map<std::string, std::string> settings;
  /// Debug messages for people; thread-safe; may be empty.
  std::function<void(std::string_view)> log;
};

}  // namespace thv::plugin
