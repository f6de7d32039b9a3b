// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch_test_macros.hpp>

#include <string>

#include "session.hpp"

namespace {

using secrets_test::folder;
using secrets_test::in_session;

std::string const key(64, 'a');
std::string const hint =
    "unlock it (log in to the desktop, or open its window), or choose another key: thv-engine "
    "secret setup --key passphrase\n";

constexpr auto* lock =
    "dbus-send --session --print-reply --dest=org.freedesktop.secrets /org/freedesktop/secrets "
    "org.freedesktop.Secret.Service.Lock "
    "array:objpath:/org/freedesktop/secrets/collection/login >/dev/null\n";

}  // namespace

TEST_CASE("a key in the keyring is read back by another process", "[secrets][integration]") {
  folder const home;
  CHECK(in_session(home, "start_keyring pw; $PEER usable; $PEER find one; $PEER store one " + key +
                             "; $PEER find one; $PEER find two") ==
        "done\nnone\ndone\n" + key + "\nnone\n");
  // Also after the keyring, the bus and everything else were gone.
  CHECK(
      in_session(home, "start_keyring pw; $PEER find one; $PEER store one " + std::string(64, 'b') +
                           "; $PEER find one; $PEER erase one; $PEER find one; $PEER erase one") ==
      key + "\ndone\n" + std::string(64, 'b') + "\ndone\nnone\ndone\n");
}

TEST_CASE("what is stored carries the attributes and the label that the guide names",
          "[secrets][integration]") {
  folder const home;
  auto const text = in_session(home, "start_keyring pw; $PEER store one " + key + R"( >/dev/null
ask() { dbus-send --session --print-reply --dest=org.freedesktop.secrets "$@"; }
item=$(ask /org/freedesktop/secrets org.freedesktop.Secret.Service.SearchItems \
  dict:string:string:application,thv-engine,vault,one |
  grep -o '/org/freedesktop/secrets/collection/[^"]*')
for property in Label Attributes Locked; do
  ask "$item" org.freedesktop.DBus.Properties.Get string:org.freedesktop.Secret.Item \
    string:$property
done)");
  CHECK(text.find("\"thv-engine: a test's vault\"") != std::string::npos);
  CHECK(text.find("\"application\"") != std::string::npos);
  CHECK(text.find("boolean false") != std::string::npos);
}

TEST_CASE("a locked keyring is told and nothing is asked", "[secrets][integration]") {
  folder const home;
  auto const told = "7: the keyring is locked\n" + hint;
  CHECK(in_session(home, "start_keyring pw; $PEER store one " + key + " >/dev/null\n" + lock +
                             "$PEER usable; $PEER find one; $PEER find two; $PEER store two " +
                             key + "; $PEER erase one; true") == told + told + told + told + told);
  // One that starts after a reboot and was not unlocked yet.
  CHECK(in_session(home, "start_keyring wrong; $PEER find one; true") == told);
  CHECK(in_session(home, "start_keyring pw; $PEER find one") == key + "\n");
}

TEST_CASE("a window that cannot be opened is a locked keyring, without a wait",
          "[secrets][integration]") {
  folder const home;
  auto const text = in_session(home, "start_keyring pw; $PEER store one " + key + " >/dev/null\n" +
                                         lock + "timeout 30 $PEER find one ask; echo $?");
  CHECK(text == "7: the keyring is locked\n" + hint + "1\n");
}

TEST_CASE("a session without a keyring is told", "[secrets][integration]") {
  folder const home;
  // No service file: nothing is started by asking for it.
  auto const text = in_session(home,
                               "printf '<busconfig><type>session</type><listen>unix:tmpdir=/tmp"
                               "</listen><policy context=\"default\"><allow send_destination=\"*\""
                               "/><allow own=\"*\"/><allow eavesdrop=\"true\"/></policy>"
                               "</busconfig>' >$HOME/bus.conf\n"
                               "dbus-run-session --config-file=$HOME/bus.conf -- $PEER usable; "
                               "echo $?");
  CHECK(text.starts_with("7: the keyring cannot be used: "));
  CHECK(text.find("start one (Debian: gnome-keyring) and unlock it, or choose another key") !=
        std::string::npos);
  CHECK(text.ends_with("\n1\n"));
}
