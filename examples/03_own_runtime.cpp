// SPDX-License-Identifier: Apache-2.0
// A runtime of one's own, passed to the engine as a type: no library, no plugin. Its workloads are
// MCP servers that run as threads of this program.
#include <sys/socket.h>

#include <iostream>
#include <map>
#include <mutex>
#include <thread>

#include <thv/engine.hpp>
#include <thv/plugin/collection.hpp>
#include <thv/store/memory_store.hpp>

#include "echo_server.hpp"

namespace {

using thv::result;
using namespace thv::plugin;

// [own-runtime]
/// A plain class; the engine sees from its members that it can `attach`.
class thread_runtime {
 public:
  static result<std::unique_ptr<thread_runtime>> create(host_context const&) {
    return std::make_unique<thread_runtime>();
  }

  result<fingerprint> identify(call const&) {
    return fingerprint{.engine = "threads", .version = "1", .runs = {thv::source_kind::program}};
  }

  result<instance> deploy(call const& c, workload_spec const& spec) {
    {
      std::lock_guard const lock(mutex_);
      auto& made = instances_[spec.name];
      made.id = made.workload = spec.name;
      made.group = spec.group;
      made.store = spec.store;
      made.config_hash = spec.config_hash;
    }
    return start(c, spec.name);
  }

  result<instance> start(call const& c, std::string const& id) {
    THV_CHECK(inspect(c, id));
    std::lock_guard const lock(mutex_);
    auto& started = instances_[id];
    started.state = thv::workload_state::running;
    started.session_key = id + "#" + std::to_string(++starts_);
    return started;
  }

  result<void> stop(call const&, std::string const& id) {
    std::lock_guard const lock(mutex_);
    if (auto const found = instances_.find(id); found != instances_.end())
      found->second.state = thv::workload_state::stopped;
    return {};
  }

  result<void> remove(call const&, std::string const& id) {
    std::lock_guard const lock(mutex_);
    instances_.erase(id);
    return {};
  }

  result<instance> inspect(call const&, std::string const& id) {
    std::lock_guard const lock(mutex_);
    if (auto const found = instances_.find(id); found != instances_.end()) return found->second;
    return thv::fail(thv::errc::not_found, "no thread '" + id + "'");
  }

  result<std::vector<instance>> list(call const&) {
    std::lock_guard const lock(mutex_);
    std::vector<instance> all;
    for (auto const& [id, one] : instances_) all.push_back(one);
    return all;
  }

  /// A socket whose other end a thread serves, until this end is closed.
  result<stream> attach(call const&, std::string const&) {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
      return thv::fail(thv::errc::io, "cannot make a socket pair");
    std::thread([fd = ends[1]] {
      echo_server::serve(fd, fd);
      ::close(fd);
    }).detach();
    return stream{.read_fd = ends[0], .write_fd = ends[0]};
  }

 private:
  std::mutex mutex_;
  std::map<std::string, instance> instances_;
  int starts_ = 0;
};
// [own-runtime]

result<void> show() {
  thv::static_runtimes runtimes;
  THV_CHECK(runtimes.add<thread_runtime>({.runtime_name = "threads"}));
  thv::store::memory_store store;
  thv::basic_engine engine(runtimes, store);

  thv::run_request request;
  request.config.name = "echo";
  request.config.group = "mine";
  request.config.image = "file:///the/echo/server";
  request.config.transport = thv::transport::stdio;
  THV_TRY(auto const report, engine.run(request));
  for (auto const& member : report.members) {
    if (member.name != "echo") continue;  // the group is reported too
    std::cout << member.name << " on " << member.runtime << ": " << member.readiness << ", tools:";
    for (auto const& tool : member.tools) std::cout << ' ' << tool;
    std::cout << '\n';
    if (member.failure) return *member.failure;
  }
  THV_CHECK(engine.delete_group({.name = "mine"}));
  return {};
}

}  // namespace

int main() {
  auto const shown = show();
  if (!shown) std::cerr << to_string(shown.error()) << '\n';
  return shown ? 0 : 1;
}
