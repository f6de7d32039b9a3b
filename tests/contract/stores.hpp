// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <catch2/catch_template_test_macros.hpp>
#include <catch2/catch_test_macros.hpp>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <thv/store/memory_store.hpp>
#include <thv/store/process_identity.hpp>
#include <thv/store/sqlite_store.hpp>
#include <utility>
#include <vector>

namespace thv::test {

/// A folder of its own that goes with it.
class temporary_directory {
 public:
  temporary_directory() {
    auto pattern = (std::filesystem::temp_directory_path() / "thv-store-XXXXXX").string();
    if (!::mkdtemp(pattern.data())) throw std::runtime_error("mkdtemp failed");
    path = pattern;
  }
  temporary_directory(temporary_directory const&) = delete;
  temporary_directory& operator=(temporary_directory const&) = delete;
  ~temporary_directory() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }

  std::filesystem::path path;
};

/// The value, or a test failure that says the error.
template <class T>
T ok(result<T> r) {
  if (!r) FAIL(to_string(r.error()));
  return *std::move(r);
}
inline void ok(result<void> r) {
  if (!r) FAIL(to_string(r.error()));
}

/// The error that is expected.
template <class T>
error failed(result<T> const& r) {
  if (r) FAIL("an error was expected");
  return r.error();
}

/// A store of each kind with a clock that stands still.
struct memory_fixture {
  std::int64_t time = 1000;
  store::memory_store store{[this] { return time; }};
};

struct sqlite_fixture {
  std::int64_t time = 1000;
  temporary_directory directory;
  store::sqlite_store store = ok(store::sqlite_store::open(
      {.state_directory = directory.path / "state", .read_only = false, .now = [this] {
         return time;
       }}));
};

inline store::group_record a_group(std::string name) {
  store::group_record g;
  g.name = std::move(name);
  return g;
}

inline store::workload_record a_workload(std::string name, std::string group = "default") {
  store::workload_record w;
  w.name = std::move(name);
  w.group = std::move(group);
  w.runtime = "process";
  w.instance = "instance-of-" + w.name;
  w.config.name = w.name;
  w.config.group = w.group;
  w.config.image = "npx://@scope/server@1.0";
  return w;
}

inline store::operation_record an_operation(std::string group, std::string kind = "group run") {
  store::operation_record o;
  o.group = std::move(group);
  o.kind = std::move(kind);
  o.owner = store::this_process();
  return o;
}

inline store::intent_record an_intent(std::string workload) {
  store::intent_record i;
  i.workload = std::move(workload);
  i.runtime = "process";
  return i;
}

inline store::change_set putting(std::vector<store::workload_record> workloads) {
  store::change_set c;
  c.put_workloads = std::move(workloads);
  return c;
}

template <class Store>
std::vector<std::string> workload_names(Store& s) {
  std::vector<std::string> names;
  for (auto const& w : ok(s.workloads())) names.push_back(w.name);
  return names;
}

template <class Store>
std::vector<std::string> group_names(Store& s) {
  std::vector<std::string> names;
  for (auto const& g : ok(s.groups())) names.push_back(g.name);
  return names;
}

}  // namespace thv::test
