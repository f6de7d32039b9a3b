// SPDX-License-Identifier: Apache-2.0
#include <cstdlib>
#include <filesystem>
#include <string>
#include <thv/registry/fetch.hpp>

#include <catch2/catch_test_macros.hpp>

#include "http_server.hpp"
#include "tls_server.hpp"

namespace registry = thv::registry;
namespace fs = std::filesystem;
using thv::test::http_answer;

namespace {

struct tls_files {
  fs::path directory;
  tls_files() {
    ::setenv("NO_PROXY", "127.0.0.1", 1);
    ::unsetenv("CURL_CA_BUNDLE");
    ::unsetenv("SSL_CERT_DIR");
    std::string name = (fs::temp_directory_path() / "registry-tls-XXXXXX").native();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    directory = name;
    thv::test::write_certificate(certificate(), key());
  }
  ~tls_files() {
    ::unsetenv("SSL_CERT_FILE");
    fs::remove_all(directory);
  }
  [[nodiscard]] fs::path certificate() const { return directory / "certificate.pem"; }
  [[nodiscard]] fs::path key() const { return directory / "key.pem"; }
  void trust() const { ::setenv("SSL_CERT_FILE", certificate().c_str(), 1); }
};

}  // namespace

TEST_CASE("a certificate that no authority vouches for is refused", "[registry][unit]") {
  tls_files const files;
  thv::test::tls_server const server(files.certificate(), files.key(), http_answer("200 OK", "{}"));
  auto const refused = registry::fetch(server.url("/r.json"), {});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == thv::errc::unavailable);
  CHECK(refused.error().message.starts_with("registry URL " + server.url("/r.json") +
                                            " cannot be read: its certificate is not trusted: "));
  CHECK(refused.error().hint == "SSL_CERT_FILE names the authorities to trust");
  files.trust();
  auto const taken = registry::fetch(server.url("/r.json"), {});
  REQUIRE(taken);
  CHECK(taken->body == "{}");
}

TEST_CASE("a redirect from https to http is refused", "[registry][unit]") {
  tls_files const files;
  files.trust();
  thv::test::http_server plain([](auto const&) { return http_answer("200 OK", "{}"); });
  thv::test::tls_server const server(
      files.certificate(), files.key(),
      http_answer("302 Found", "", "Location: " + plain.url("/r.json") + "\r\n"));
  auto const r = registry::fetch(server.url("/r.json"), {});
  REQUIRE_FALSE(r);
  CHECK(r.error().message == "registry URL " + server.url("/r.json") +
                                 " cannot be read: it redirects to an address that is not https");
  CHECK(plain.heads().empty());
}
