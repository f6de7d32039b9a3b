// SPDX-License-Identifier: Apache-2.0
#include "docker/settings.hpp"

#include <set>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

using Catch::Matchers::ContainsSubstring;
using thv::errc;
using thv::docker::machine;
using thv::docker::read_settings;
using thv::docker::settings;

namespace {

using table = std::map<std::string, std::string>;

machine pretend(table variables, std::set<std::string> sockets = {}) {
  return {.variable =
              [=](std::string const& name) {
                auto const found = variables.find(name);
                return found == variables.end() ? std::string() : found->second;
              },
          .is_socket = [=](std::string const& path) { return sockets.count(path) != 0; }};
}

settings read(table const& t, machine const& m = pretend({})) {
  auto s = read_settings(t, m);
  INFO((s ? "" : to_string(s.error())));
  REQUIRE(s);
  return *s;
}

thv::error refused(table const& t) {
  auto const s = read_settings(t, pretend({}));
  REQUIRE_FALSE(s);
  CHECK(s.error().code == errc::invalid_argument);
  CHECK_FALSE(s.error().hint.empty());
  return s.error();
}

}  // namespace

TEST_CASE("The endpoint is looked for where Docker puts its socket", "[docker]") {
  CHECK(read({}).endpoint == "unix:///var/run/docker.sock");
  table const home{{"HOME", "/home/u"}, {"XDG_RUNTIME_DIR", "/run/user/1"}};
  CHECK(read({}, pretend(home, {"/home/u/.docker/run/docker.sock"})).engine.unix_path ==
        "/home/u/.docker/run/docker.sock");
  CHECK(read({}, pretend(home, {"/run/user/1/docker.sock", "/home/u/.rd/docker.sock"}))
            .engine.unix_path == "/run/user/1/docker.sock");
  CHECK(read({}, pretend({{"TOOLHIVE_DOCKER_SOCKET", "/a.sock"}})).engine.unix_path == "/a.sock");
  CHECK(
      read({}, pretend({{"TOOLHIVE_DOCKER_SOCKET", "/a.sock"}, {"DOCKER_HOST", "unix:///b.sock"}}))
          .engine.unix_path == "/b.sock");
  CHECK(read({{"endpoint", "unix:///c.sock"}}, pretend({{"DOCKER_HOST", "unix:///b.sock"}}))
            .engine.unix_path == "/c.sock");
  CHECK(read({{"endpoint", "/d.sock"}}).engine.unix_path == "/d.sock");
}

TEST_CASE("A tcp endpoint takes TLS from its files", "[docker]") {
  auto const plain = read({{"endpoint", "tcp://127.0.0.1"}});
  CHECK(plain.engine.port == 2375);
  CHECK_FALSE(plain.engine.tls);
  CHECK_FALSE(plain.elsewhere);
  auto const tls =
      read({{"endpoint", "tcp://host.test"}, {"ca", "/ca"}, {"cert", "/c"}, {"key", "/k"}});
  CHECK(tls.engine.port == 2376);
  CHECK(tls.engine.tls);
  CHECK(tls.engine.tls_files.ca_file == "/ca");
  CHECK(tls.engine.tls_files.certificate_file == "/c");
  CHECK(tls.engine.tls_files.key_file == "/k");
  CHECK(tls.elsewhere);
  CHECK(read({{"endpoint", "tcp://[::1]:5000"}}).engine.port == 5000);
  CHECK(read({{"endpoint", "tcp://[fd00::1]"}, {"ca", "/ca"}}).engine.port == 2376);
}

TEST_CASE("DOCKER_HOST brings Docker's own TLS variables", "[docker]") {
  auto const s = read({}, pretend({{"DOCKER_HOST", "tcp://h.test:2376"},
                                   {"DOCKER_TLS_VERIFY", "1"},
                                   {"HOME", "/home/u"}}));
  CHECK(s.engine.tls);
  CHECK(s.engine.tls_files.ca_file == "/home/u/.docker/ca.pem");
  CHECK(read({}, pretend({{"DOCKER_HOST", "tcp://h.test:2376"},
                          {"DOCKER_TLS_VERIFY", "1"},
                          {"DOCKER_CERT_PATH", "/certs"}}))
            .engine.tls_files.key_file == "/certs/key.pem");
  CHECK_FALSE(read({}, pretend({{"DOCKER_HOST", "tcp://h.test:2375"}})).engine.tls);
}

TEST_CASE("Settings that cannot be are refused with what to do", "[docker]") {
  auto const unknown = refused({{"endpint", "unix:///x"}});
  CHECK_THAT(unknown.message, ContainsSubstring("'endpint'"));
  CHECK_THAT(unknown.hint, ContainsSubstring("'endpoint'"));
  CHECK_THAT(refused({{"pubish", "1.2.3.4"}}).hint, ContainsSubstring("'publish'"));
  CHECK(refused({{"endpoint", "ftp://x"}}).where == "endpoint");
  CHECK(refused({{"endpoint", "unix://x"}}).where == "endpoint");
  CHECK(refused({{"endpoint", "unix:///x"}, {"ca", "/ca"}}).where == "ca");
  CHECK(refused({{"endpoint", "tcp://x:1"}, {"cert", "/c"}}).where == "cert");
  CHECK(refused({{"endpoint", "tcp://x:1"}, {"key", "/k"}}).where == "key");
  CHECK(refused({{"publish", "host.test"}}).where == "publish");
  CHECK(read({{"publish", "192.0.2.7"}}).publish == "192.0.2.7");
}
