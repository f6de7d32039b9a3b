// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <catch2/catch_test_macros.hpp>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>

#include "temporary.hpp"

namespace secrets_test {

/// What a shell command prints on a session bus of its own, `$PEER` being the other process. It has
/// no terminal: who asks there fails.
inline std::string in_session(folder const& home, std::string const& command) {
  auto const whole = "PEER='" SECRETS_PEER "'\n" + command;
  auto const output = (home.path() / "output").string();
  auto const child = ::fork();
  if (child == 0) {
    ::setsid();
    int const nothing = ::open("/dev/null", O_RDONLY);
    int const out = ::open(output.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    ::dup2(nothing, 0);
    ::dup2(out, 1);
    int const err = ::open((home.path() / "errors").c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    ::dup2(err, 2);
    ::execl(WITH_KEYRING, WITH_KEYRING, home.path().c_str(), whole.c_str(), nullptr);
    ::_exit(127);
  }
  int status = -1;
  REQUIRE(::waitpid(child, &status, 0) == child);
  INFO(home.read("errors"));
  CHECK((WIFEXITED(status) && WEXITSTATUS(status) == 0));
  return home.read("output");
}

}  // namespace secrets_test
