// SPDX-License-Identifier: Apache-2.0
#include <netinet/in.h>

#include <fstream>
#include <mutex>
#include <set>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "docker/engine.hpp"
#include "unit/net/server.hpp"

using namespace thv::test;
using Catch::Matchers::ContainsSubstring;
using thv::errc;

namespace {

/// The tiny image as the local registry has it, under a tag of this test's own.
class pushed_image {
 public:
  explicit pushed_image(std::string const& tag)
      : registry_(needed("THV_TEST_IMAGE_REGISTRY")),
        repository_(registry_ + "/mcp/test-" + thv::docker::random_hex(8)),
        tag_(tag) {
    engine_.ask("POST", "/images/mcp%2Ftiny%3A1/tag?repo=" + thv::docker::encode(repository_) +
                            "&tag=" + tag_);
    push();
    forget();
  }
  pushed_image(pushed_image const&) = delete;
  pushed_image& operator=(pushed_image const&) = delete;
  ~pushed_image() { forget(); }

  [[nodiscard]] std::string name() const { return repository_ + ":" + tag_; }
  [[nodiscard]] std::string repository() const { return repository_; }
  [[nodiscard]] bool is_local() const {
    return engine_.ask("GET", "/images/" + thv::docker::encode(name()) + "/json").status == 200;
  }
  void forget() const {
    engine_.ask("DELETE", "/images/" + thv::docker::encode(name()) + "?force=1&noprune=1");
  }

 private:
  void push() const {
    thv::net::request r{.method = "POST",
                        .target = "/v1.41/images/" + repository_ + "/push?tag=" + tag_,
                        .headers = {{"X-Registry-Auth", "e30="}}};
    auto const where = thv::net::parse_url(needed("THV_TEST_DOCKER_HOST")).value().first;
    auto const answer = thv::net::exchange(within(60s), where, r);
    if (!answer || answer->status != 200 || answer->body.find("digest:") == std::string::npos)
      throw std::runtime_error("pushing to the test registry failed: " +
                               (answer ? answer->body : to_string(answer.error())));
  }

  outsider engine_;
  std::string registry_;
  std::string repository_;
  std::string tag_;
};

thv::plugin::workload_spec spec_of(std::string const& image) {
  return {.name = "x", .source = thv::parse_source(image)};
}

}  // namespace

TEST_CASE("An image is pulled with progress, and only when it must be", "[docker]") {
  rig docker;
  pushed_image const image("1");
  REQUIRE_FALSE(image.is_local());
  auto call = within(60s);
  std::vector<std::string> words;
  call.progress = [&](std::string_view text) { words.emplace_back(text); };
  REQUIRE(docker->prepare(call, spec_of(image.name())));
  CHECK(image.is_local());
  REQUIRE_FALSE(words.empty());
  CHECK(words.front() == "pulling " + image.name());
  words.clear();
  REQUIRE(docker->prepare(call, spec_of(image.name())));
  CHECK(words.empty());
}

TEST_CASE("A tag that moves is pulled always and falls back to what is there", "[docker]") {
  rig docker;
  pushed_image const image("latest");
  auto call = within(60s);
  std::vector<std::string> words;
  call.progress = [&](std::string_view text) { words.emplace_back(text); };
  REQUIRE(docker->prepare(call, spec_of(image.repository())));
  CHECK(image.is_local());
  words.clear();
  REQUIRE(docker->prepare(call, spec_of(image.name())));
  CHECK_FALSE(words.empty());
  // Known to this engine alone: no registry has it.
  auto const only_here = "127.0.0.1:1/mcp/here-" + thv::docker::random_hex(8);
  outsider const engine;
  engine.ask("POST",
             "/images/mcp%2Ftiny%3A1/tag?repo=" + thv::docker::encode(only_here) + "&tag=latest");
  words.clear();
  CHECK(docker->prepare(call, spec_of(only_here)));
  CHECK_THAT(words.back(),
             ContainsSubstring("using the local image") && ContainsSubstring("connection refused"));
  engine.ask("DELETE", "/images/" + thv::docker::encode(only_here + ":latest") + "?noprune=1");
}

TEST_CASE("An image that no registry has is told in ToolHive's words and the engine's",
          "[docker]") {
  rig docker;
  auto const image = needed("THV_TEST_IMAGE_REGISTRY") + "/mcp/nope:1";
  auto const done = docker->prepare(within(60s), spec_of(image));
  REQUIRE_FALSE(done);
  CHECK(done.error().code == errc::not_found);
  CHECK(done.error().message ==
        "image not found in registry, please check the image name or tag: " + image);
  CHECK_THAT(done.error().engine_message, ContainsSubstring("manifest unknown"));
}

TEST_CASE("A pull is cancelled", "[docker]") {
  rig docker;
  std::stop_source stop;
  auto call = within(60s, stop.get_token());
  // A registry that never answers.
  int const fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof at;
  REQUIRE(::bind(fd, reinterpret_cast<sockaddr*>(&at), size) == 0);
  REQUIRE(::listen(fd, 8) == 0);
  REQUIRE(::getsockname(fd, reinterpret_cast<sockaddr*>(&at), &size) == 0);
  std::jthread const stopper([&] {
    std::this_thread::sleep_for(300ms);
    stop.request_stop();
  });
  auto const start = std::chrono::steady_clock::now();
  auto const done = docker->prepare(
      call, spec_of("127.0.0.1:" + std::to_string(ntohs(at.sin_port)) + "/mcp/slow:1"));
  CHECK(std::chrono::steady_clock::now() - start < 1s);
  REQUIRE_FALSE(done);
  CHECK(done.error().code == errc::cancelled);
  ::close(fd);
}

TEST_CASE("A private registry gets the login that docker keeps", "[docker]") {
  rig docker;
  std::mutex mutex;
  std::set<std::string> logins;
  // As much of a registry as a pull needs to learn whether it may.
  thv::test::tcp_server registry([&](thv::test::peer& p) {
    // Docker tries TLS first and waits for an answer to that.
    auto head = p.take(1);
    if (head == "\x16") return;
    head += p.head();
    auto const at = head.find("Authorization: ");
    if (at == std::string::npos) {
      p.write(
          "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"r\"\r\n"
          "Content-Length: 0\r\nConnection: close\r\n\r\n");
      return;
    }
    std::lock_guard const lock(mutex);
    logins.insert(head.substr(at + 15, head.find("\r\n", at) - at - 15));
    bool const root = head.find(" /v2/ ") != std::string::npos;
    std::string const body =
        root ? "{}" : R"({"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]})";
    p.write("HTTP/1.1 " + std::string(root ? "200 OK" : "404 Not Found") +
            "\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: " +
            std::to_string(body.size()) + "\r\n\r\n" + body);
  });
  auto const host = "127.0.0.1:" + std::to_string(registry.local().port());
  std::string folder = "/tmp/thv-login-XXXXXX";
  REQUIRE(::mkdtemp(folder.data()));
  std::ofstream(folder + "/config.json")
      << R"({"auths":{")" + host + R"(":{"auth":"dXNlcjpwYXNzd29yZA=="}}})";
  ::setenv("DOCKER_CONFIG", folder.c_str(), 1);
  auto const known = docker->prepare(within(30s), spec_of(host + "/private/server:1"));
  ::setenv("DOCKER_CONFIG", "/nonexistent", 1);
  auto const unknown = docker->prepare(within(30s), spec_of(host + "/private/server:1"));
  ::unsetenv("DOCKER_CONFIG");
  std::filesystem::remove_all(folder);
  REQUIRE_FALSE(known);
  CHECK_THAT(known.error().engine_message, ContainsSubstring("manifest unknown"));
  CHECK(logins == std::set<std::string>{"Basic dXNlcjpwYXNzd29yZA=="});
  REQUIRE_FALSE(unknown);
  CHECK_THAT(unknown.error().engine_message, ContainsSubstring("no basic auth credentials"));
}
