// SPDX-License-Identifier: Apache-2.0
#include <thv/secrets/core_dumps.hpp>

#include <catch2/catch_test_macros.hpp>

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

TEST_CASE("a process that forbids core dumps is not dumpable, and keeps the limit for its children",
          "[secrets]") {
  auto const child = ::fork();
  if (child == 0) {
    rlimit limit{};
    ::getrlimit(RLIMIT_CORE, &limit);
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_CORE, &limit);
    auto const before = limit.rlim_cur;
    bool const done = thv::secrets::forbid_core_dumps().has_value() &&
                      ::prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0 &&
                      ::getrlimit(RLIMIT_CORE, &limit) == 0 && limit.rlim_cur == before;
    ::_exit(done ? 0 : 1);
  }
  int status = -1;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(status == 0);
}
