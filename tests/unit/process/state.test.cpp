// SPDX-License-Identifier: Apache-2.0
#include <process/state.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <string>
#include <thread>

#include <catch2/catch_test_macros.hpp>

using namespace thv::process;
namespace fs = std::filesystem;

TEST_CASE("an instance is erased whole while its mark comes and goes", "[process]") {
  auto const folder = fs::temp_directory_path() / ("thv-state-" + std::to_string(::getpid()));
  fs::create_directories(folder);
  state const s(folder.string());
  record r;
  r.id = "one-0123456789";
  auto const mark = s.folder(r.id) + "/dirty";
  std::atomic<bool> done = false;
  std::thread marker([&] {
    while (!done) {
      int const fd = ::open(mark.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
      if (fd >= 0) ::close(fd);
      ::unlink(mark.c_str());
    }
  });
  for (int i = 0; i < 300; ++i) {
    auto const saved = s.save(r);
    auto const erased = s.erase(r.id);
    bool const gone = !fs::exists(s.folder(r.id));
    if (saved && erased && gone) continue;
    done = true;
    marker.join();
    FAIL("round " << i << ": " << (erased ? "something is left" : to_string(erased.error())));
  }
  done = true;
  marker.join();
  fs::remove_all(folder);
  SUCCEED();
}
