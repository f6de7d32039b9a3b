// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch_test_macros.hpp>

#include <string>

#include "session.hpp"

using secrets_test::folder;
using secrets_test::in_session;

namespace {

/// `$THV` is the program; what it started is gone at the end.
std::string with_program(folder const& home, std::string const& command) {
  return in_session(home, "THV='" THV_PROGRAM "' TINY='" TINY_SERVER
                          "'\n"
                          "export DOCKER_HOST=unix:///nonexistent\n" +
                              command + "\n{ $THV rm --all; $THV gateway stop; } >/dev/null 2>&1");
}

std::string const vault(folder const& home) {
  return (home.path() / "state" / "thv-engine" / "secrets").string();
}

}  // namespace

TEST_CASE("without a question the program takes the keyring, and finds its key there again",
          "[secrets][integration]") {
  folder const home;
  CHECK(with_program(home,
                     "start_keyring pw; $THV secret setup; echo value | $THV secret set a; "
                     "$THV secret get a") == "Secrets are kept encrypted in " + vault(home) +
                                                 ".\nTheir key comes from the keyring.\nvalue\n");
  CHECK(with_program(home, "start_keyring pw; $THV secret get a") == "value\n");
  // Another vault of this user has another key.
  CHECK(with_program(home,
                     "start_keyring pw; export THV_STATE_DIR=$HOME/other; $THV secret setup "
                     ">/dev/null; echo two | $THV secret set a; $THV secret get a; "
                     "unset THV_STATE_DIR; $THV secret get a") == "two\nvalue\n");
}

TEST_CASE("the gateway has the key from the keyring also when that was locked meanwhile",
          "[secrets][integration]") {
  folder const home;
  auto const text = with_program(home, R"(start_keyring pw
$THV secret setup >/dev/null
echo value | $THV secret set token
$THV run --name alpha --secret token,target=TOKEN "$TINY" >/dev/null
dbus-send --session --print-reply --dest=org.freedesktop.secrets /org/freedesktop/secrets \
  org.freedesktop.Secret.Service.Lock \
  array:objpath:/org/freedesktop/secrets/collection/login >/dev/null
$THV secret get token
pid=$($THV mcp call alpha pid)
kill -9 "$pid"
for try in $(seq 100); do
  new=$($THV mcp call alpha pid 2>/dev/null) && [ "$new" != "$pid" ] && break
  sleep 0.1
done
tr '\0' '\n' <"/proc/$new/environ" | grep '^TOKEN='
$THV secret lock
$THV secret get token 2>&1)");
  CHECK(text ==
        "value\nTOKEN=value\nthv-engine: the keyring is locked\nHint: unlock it (log in to the "
        "desktop, or open its window), or choose another key: thv-engine secret setup --key "
        "passphrase\n");
}

TEST_CASE("a key moves from the keyring into a file and back", "[secrets][integration]") {
  folder const home;
  CHECK(with_program(home,
                     "start_keyring pw; $THV secret setup >/dev/null; echo value | $THV "
                     "secret set a; $THV secret setup --key key-file >/dev/null; $THV secret "
                     "get a; dbus-send --session --print-reply "
                     "--dest=org.freedesktop.secrets /org/freedesktop/secrets "
                     "org.freedesktop.Secret.Service.SearchItems "
                     "dict:string:string:application,thv-engine | grep -c collection; "
                     "$THV secret setup --key keyring >/dev/null; rm "
                     "$HOME/config/thv-engine/secrets.key; $THV secret get a") ==
        "value\n0\nvalue\n");
}
