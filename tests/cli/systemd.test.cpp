// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch_test_macros.hpp>

#include <fmt/format.h>

#include "program.hpp"

using namespace cli_test;

namespace {

/// For steps that print `what: value`.
constexpr char prelude[] = R"sh(
unit=thv-engine-gateway.service
field() { thv gateway status --format json | grep "\"$1\":" | tr -dc 0-9; }
main_pid() { systemctl --user show -p MainPID --value $unit; }
member() { thv mcp call one pid; }
eventually() { for _ in $(seq 100); do "$@" && return; sleep 0.1; done; echo "never: $*"; }
serves() { thv mcp call one pid >/dev/null 2>&1; }
other_than() { [ -n "$(field pid)" ] && [ "$(field pid)" != "$1" ]; }
same() { [ "$1" = "$2" ] && echo yes || echo "no: $1, $2"; }
)sh";

outcome run_script(user const& u, std::string const& steps) {
  auto const script =
      u.write("steps.sh", fmt::format("thv() {{ {} \"$@\"; }}\n{}{}", THV_PROGRAM, prelude, steps));
  return u.run_program("/usr/bin/unshare", {"--mount", "/bin/bash", WITH_USER_SYSTEMD,
                                            (u.home() / "run").string(), script});
}

}  // namespace

TEST_CASE("systemd keeps the gateway, and members outlive it", "[cli][systemd]") {
  user u;
  u.expect_done({"run", "--name", "one", TINY_SERVER});
  auto const seen = run_script(u, R"sh(
before=$(member)
thv gateway enable 2>/dev/null | grep -c "is enabled and started"
echo "systemd has it: $(same "$(main_pid)" "$(field pid)")"
echo "enabled: $(systemctl --user is-enabled $unit)"
echo "member untouched: $(same "$(member)" "$before")"

gateway=$(field pid); port=$(field port)
kill -9 $gateway
eventually other_than $gateway; eventually serves
echo "back after kill -9: $(same "$(main_pid)" "$(field pid)")"
echo "on its port: $(same "$(field port)" $port)"
echo "member untouched: $(same "$(member)" "$before")"

kill -9 $before
eventually serves
after=$(member)
systemctl --user stop $unit
echo "stopped: $(systemctl --user is-active $unit)"
thv gateway start >/dev/null
echo "started by systemd: $(same "$(main_pid)" "$(field pid)")"
echo "a member that the unit had started lives on: $(same "$(member)" "$after")"

thv gateway stop >/dev/null
sleep 1.5
echo "stays stopped: $(systemctl --user is-active $unit)"
thv gateway start >/dev/null
thv gateway disable
echo "gone: $(systemctl --user is-enabled $unit 2>/dev/null)"
)sh");
  INFO(seen.err);
  CHECK(seen.status == 0);
  CHECK(seen.out ==
        "1\n"
        "systemd has it: yes\n"
        "enabled: enabled\n"
        "member untouched: yes\n"
        "back after kill -9: yes\n"
        "on its port: yes\n"
        "member untouched: yes\n"
        "stopped: inactive\n"
        "started by systemd: yes\n"
        "a member that the unit had started lives on: yes\n"
        "stays stopped: inactive\n"
        "The unit is removed.\n"
        "gone: \n");
}

TEST_CASE("after a reboot systemd brings the gateway back", "[cli][systemd]") {
  user u;
  u.expect_done({"run", "--name", "one", TINY_SERVER});
  auto const seen = run_script(u, R"sh(
thv gateway enable >/dev/null 2>&1
gateway=$(field pid)
reboot_systemd
eventually other_than $gateway; eventually serves
echo "back: $(same "$(main_pid)" "$(field pid)")"
thv gateway disable >/dev/null
)sh");
  INFO(seen.err);
  CHECK(seen.status == 0);
  CHECK(seen.out == "back: yes\n");
}

TEST_CASE("without a systemd of the user enable writes the unit and says what to do",
          "[cli][systemd]") {
  user u;
  u.set("XDG_RUNTIME_DIR", (u.home() / "none").string());
  auto const seen = u.run({"gateway", "enable"});
  CHECK(seen.status == 0);
  CHECK(normalized(seen.out, u) ==
        "HOME/config/systemd/user/thv-engine-gateway.service is written, but no systemd of this "
        "user answers. In a session of the user:\n"
        "  systemctl --user daemon-reload\n"
        "  systemctl --user enable --now thv-engine-gateway.service\n");
  CHECK(seen.err.find("enable-linger") != std::string::npos);
  CHECK(u.expect_done({"gateway", "disable"}) == "The unit is removed.\n");
  CHECK(u.expect_done({"gateway", "disable"}) == "There is no unit.\n");
}
