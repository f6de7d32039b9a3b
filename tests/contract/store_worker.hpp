// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <thv/store/process_identity.hpp>
#include <thv/store/sqlite_store.hpp>
#include <utility>

namespace thv::test {

/// One line that the test reads at once.
template <class... Args>
void say(fmt::format_string<Args...> format, Args&&... args) {
  auto const text = fmt::format(format, std::forward<Args>(args)...) + "\n";
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

[[noreturn]] inline void give_up(std::string const& what, error const& e) {
  say("unexpected: {}: {}", what, to_string(e));
  std::exit(1);
}

template <class T>
T need(std::string const& what, result<T> r) {
  if (!r) give_up(what, r.error());
  return *std::move(r);
}
inline void need(std::string const& what, result<void> r) {
  if (!r) give_up(what, r.error());
}

inline store::workload_record worker_workload(std::string name, std::string group = "default") {
  store::workload_record w;
  w.name = std::move(name);
  w.group = std::move(group);
  w.config.image = "npx://server@1";
  return w;
}

inline store::operation_record worker_operation(std::string group) {
  store::operation_record o;
  o.group = std::move(group);
  o.kind = "group run";
  o.owner = store::this_process();
  return o;
}

/// In a mount namespace of its own: what happens to a store on a disk of 1 MiB that fills.
int on_a_small_disk(std::filesystem::path const& mount_point);

/// Likewise on a disk that becomes read-only.
int on_a_read_only_disk(std::filesystem::path const& mount_point);

}  // namespace thv::test
