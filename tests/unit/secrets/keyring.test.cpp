// SPDX-License-Identifier: Apache-2.0
#include <thv/secrets/keyring.hpp>

#include <catch2/catch_test_macros.hpp>

using thv::errc;
using thv::config::fixed_environment;
using thv::secrets::keyring;
using thv::secrets::secret_key;

TEST_CASE("without a session bus there is no keyring, and it is said at once", "[secrets]") {
  keyring const none(fixed_environment({{"XDG_RUNTIME_DIR", "/nosuch"}}));
  CHECK(none.usable().error().code == errc::unavailable);
  CHECK(none.find("id").error().message == "there is no keyring: no D-Bus session");
  CHECK(none.store("id", "label", secret_key::random()).error().code == errc::unavailable);
  CHECK(none.erase("id").error().hint ==
        "log in to a desktop, or choose another key: thv-engine secret setup --key passphrase");
}
