// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>

#include "store_worker.hpp"

namespace thv::test {
namespace {

// The mount is seen by this process only and goes with it. Without root, in a user namespace.
bool mount_small_disk(std::filesystem::path const& at) {
  auto const failed = [](char const* what) {
    say("{}: {}", what, std::strerror(errno));
    return false;
  };
  auto const flags = CLONE_NEWNS | (::geteuid() == 0 ? 0 : CLONE_NEWUSER);
  if (::unshare(flags) != 0) return failed("unshare");
  if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
    return failed("private mounts");
  if (::mount("tmpfs", at.c_str(), "tmpfs", 0, "size=1m,mode=0700") != 0) return failed("mount");
  return true;
}

void fill(std::filesystem::path const& file) {
  std::ofstream out(file, std::ios::binary);
  std::string const page(4096, 'x');
  while (out.write(page.data(), 4096).flush()) {
  }
}

}  // namespace

// Workloads are put two at a time until the disk is full; then each pair is there whole or not at
// all, the store goes on when there is space again, and a full disk says its path.
int on_a_small_disk(std::filesystem::path const& mount_point) {
  if (!mount_small_disk(mount_point)) return 1;
  auto const directory = mount_point / "state";
  auto s = need("open", store::sqlite_store::open({.state_directory = directory}));
  auto const ballast = mount_point / "ballast";
  std::ofstream(ballast) << std::string(200'000, 'x');

  int pairs = 0;
  result<void> outcome;
  while (outcome && pairs < 10'000) {
    store::change_set c;
    for (auto const* side : {"left", "right"}) {
      c.put_workloads.push_back(worker_workload(fmt::format("{}-{}", side, pairs)));
      c.put_workloads.back().initialize_result = std::string(3000, 'x');
    }
    outcome = s.apply(c);
    if (outcome) ++pairs;
  }
  if (outcome) return say("the disk never filled"), 1;
  say("{} {}", outcome.error().code == errc::io ? "io" : "other", to_string(outcome.error()));
  say("{}", need("workloads", s.workloads()).size() == std::size_t(pairs) * 2 ? "whole" : "torn");

  std::filesystem::remove(ballast);
  store::change_set one;
  one.put_workloads = {worker_workload("after")};
  need("apply with space again", s.apply(one));
  auto again = need("open again", store::sqlite_store::open({.state_directory = directory}));
  auto const size = need("workloads", again.workloads()).size();
  say("{}", size == std::size_t(pairs) * 2 + 1 ? "goes on" : "lost");

  fill(mount_point / "ballast");
  auto const fresh = store::sqlite_store::open({.state_directory = mount_point / "fresh"});
  if (fresh) return say("a store was made on a full disk"), 1;
  say("{} {}", fresh.error().code == errc::io ? "io" : "other", to_string(fresh.error()));
  std::filesystem::remove(mount_point / "ballast");
  auto const made =
      need("open fresh", store::sqlite_store::open({.state_directory = mount_point / "fresh"}));
  say("{}", made.needs_rebuild() ? "rebuild" : "fresh");
  return 0;
}

int on_a_read_only_disk(std::filesystem::path const& mount_point) {
  if (!mount_small_disk(mount_point)) return 1;
  auto const directory = mount_point / "state";
  {
    auto s = need("open", store::sqlite_store::open({.state_directory = directory}));
    need("create_group", s.create_group({"kept", "", "", "", 1}));
  }
  if (::mount(nullptr, mount_point.c_str(), nullptr, MS_REMOUNT | MS_RDONLY, nullptr) != 0)
    return say("remount: {}", std::strerror(errno)), 1;
  auto const refused = store::sqlite_store::open({.state_directory = directory});
  if (refused) return say("opened for writing"), 1;
  say("{}", to_string(refused.error()));
  auto const nowhere = store::sqlite_store::open({.state_directory = mount_point / "new"});
  if (nowhere) return say("a store was made on a read-only disk"), 1;
  say("{}", to_string(nowhere.error()));
  auto reading = need("open to read",
                      store::sqlite_store::open({.state_directory = directory, .read_only = true}));
  for (auto const& group : need("groups", reading.groups())) say("{}", group.name);
  return 0;
}

}  // namespace thv::test
