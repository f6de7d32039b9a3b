// SPDX-License-Identifier: Apache-2.0
#include <thv/registry/fetch.hpp>

#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>

#include <unistd.h>
#include <catch2/catch_test_macros.hpp>

#include "http_server.hpp"

namespace registry = thv::registry;
namespace fs = std::filesystem;
using namespace std::chrono_literals;
using thv::test::http_answer;
using thv::test::http_server;

namespace {

/// A directory of its own for each test, and no proxy of the machine's in between.
struct scratch {
  fs::path path;
  scratch() {
    ::setenv("NO_PROXY", "127.0.0.1", 1);
    std::string name = (fs::temp_directory_path() / "registry-XXXXXX").native();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path = name;
  }
  ~scratch() { fs::remove_all(path); }
};

constexpr auto body = R"({"servers":{"fetch":{"image":"one"}}})";

int cached_files(fs::path const& directory) {
  int n = 0;
  if (fs::exists(directory))
    for ([[maybe_unused]] auto const& entry : fs::directory_iterator(directory)) ++n;
  return n;
}

void age_cache(fs::path const& directory, std::chrono::seconds age) {
  for (auto const& entry : fs::directory_iterator(directory))
    fs::last_write_time(entry, fs::file_time_type::clock::now() - age);
}

std::string problem(std::string const& url, registry::fetch_options const& options) {
  auto const r = registry::fetch(url, options);
  REQUIRE_FALSE(r);
  return thv::to_string(r.error());
}

}  // namespace

TEST_CASE("a registry is read from a URL", "[registry][unit]") {
  scratch const dir;
  http_server server([](auto const&) { return http_answer("200 OK", body); });
  auto const d = registry::load(server.url("/r.json"), {.cache_directory = dir.path});
  if (!d) FAIL(thv::to_string(d.error()));
  CHECK(d->origin == server.url("/r.json"));
  CHECK(d->servers.at(0).packages.at(0).reference == "one");
  CHECK(d->notices.empty());
  CHECK(server.heads().at(0).find("User-Agent: thv-engine/") != std::string::npos);
}

TEST_CASE("a copy that the server confirms is not sent again", "[registry][unit]") {
  scratch const dir;
  http_server server([](std::string const& head) {
    return head.find("If-None-Match: \"v1\"") != std::string::npos
               ? std::string("HTTP/1.1 304 Not Modified\r\nConnection: close\r\n\r\n")
               : http_answer("200 OK", body, "ETag: \"v1\"\r\n");
  });
  registry::fetch_options const options{.cache_directory = dir.path};
  for (int i = 0; i < 2; ++i) {
    auto const r = registry::fetch(server.url("/r.json"), options);
    REQUIRE(r);
    CHECK(r->body == body);
    CHECK_FALSE(r->stale);
    CHECK(r->notice.empty());
  }
  REQUIRE(server.heads().size() == 2);
  CHECK(server.heads()[0].find("If-None-Match") == std::string::npos);
  CHECK(server.heads()[1].find("If-None-Match") != std::string::npos);
  CHECK(cached_files(dir.path) == 1);
}

TEST_CASE("when the source is away its last copy is used, and its age said", "[registry][unit]") {
  scratch const dir;
  std::string status = "200 OK";
  http_server server([&](auto const&) { return http_answer(status, body); });
  auto const url = server.url("/r.json");
  registry::fetch_options const options{.cache_directory = dir.path / "deep" / "cache",
                                        .timeout = 5s};
  REQUIRE(registry::fetch(url, options));
  age_cache(options.cache_directory, 3h + 5min);

  SECTION("it answers with an error of its own") {
    status = "503 Service Unavailable";
    auto const r = registry::fetch(url, options);
    REQUIRE(r);
    CHECK(r->body == body);
    CHECK(r->stale);
    CHECK(r->notice == "registry URL " + url +
                           " is not reachable (it answers 503); using the copy of 3 hours ago");
  }
  SECTION("nobody listens") {
    server.stop();
    auto const d = registry::load(url, options);
    REQUIRE(d);
    REQUIRE(d->notices.size() == 1);
    CHECK(d->notices[0].starts_with("registry URL " + url + " is not reachable ("));
    CHECK(d->notices[0].ends_with("; using the copy of 3 hours ago"));
    CHECK(d->servers.size() == 1);
  }
  SECTION("another URL has no copy") {
    server.stop();
    auto const r = registry::fetch(server.url("/other.json"), options);
    REQUIRE_FALSE(r);
    CHECK(r.error().code == thv::errc::unavailable);
    CHECK(thv::to_string(r.error()).starts_with("registry URL " + server.url("/other.json") +
                                                " cannot be read: "));
  }
  SECTION("a registry that is gone is an error, not an old copy") {
    status = "404 Not Found";
    CHECK(problem(url, options) == "registry URL " + url + " cannot be read: it answers 404");
  }
}

TEST_CASE("a broken answer never replaces a good copy", "[registry][unit]") {
  scratch const dir;
  std::string answer = body;
  http_server server([&](auto const&) { return http_answer("200 OK", answer); });
  auto const url = server.url("/r.json");
  registry::fetch_options const options{.cache_directory = dir.path};
  REQUIRE(registry::load(url, options));
  answer = "<html>please sign in</html>";
  auto const broken = registry::load(url, options);
  REQUIRE_FALSE(broken);
  CHECK(thv::to_string(broken.error()) == url + ":1:1: not valid JSON: syntax error");
  server.stop();
  auto const d = registry::load(url, options);
  REQUIRE(d);
  CHECK(d->servers.size() == 1);
}

TEST_CASE("a copy that was cut or belongs to another URL is not used", "[registry][unit]") {
  scratch const dir;
  http_server server([](auto const&) { return http_answer("200 OK", body, "ETag: \"v1\"\r\n"); });
  registry::fetch_options const options{.cache_directory = dir.path};
  REQUIRE(registry::fetch(server.url("/r.json"), options));
  auto const file = fs::directory_iterator(dir.path)->path();
  fs::resize_file(file, fs::file_size(file) - 1);
  REQUIRE(registry::fetch(server.url("/r.json"), options));
  CHECK(server.heads().at(1).find("If-None-Match") == std::string::npos);
  server.stop();
  REQUIRE(registry::fetch(server.url("/r.json"), options));
  std::ofstream(file) << "garbage";
  CHECK_FALSE(registry::fetch(server.url("/r.json"), options));
}

TEST_CASE("redirects are followed, but not for ever", "[registry][unit]") {
  scratch const dir;
  http_server server([](std::string const& head) {
    if (head.starts_with("GET /loop"))
      return http_answer("302 Found", "", "Location: /loop\r\nETag: \"old\"\r\n");
    if (head.starts_with("GET /old"))
      return http_answer("301 Moved Permanently", "moved", "Location: /new\r\n");
    if (head.starts_with("GET /file"))
      return http_answer("302 Found", "", "Location: file:///etc/passwd\r\n");
    return http_answer("200 OK", body);
  });
  auto const moved = registry::fetch(server.url("/old"), {});
  REQUIRE(moved);
  CHECK(moved->body == body);
  CHECK(problem(server.url("/loop"), {}) ==
        "registry URL " + server.url("/loop") + " cannot be read: too many redirects");
  CHECK_FALSE(registry::fetch(server.url("/file"), {}));
  CHECK(cached_files(dir.path) == 0);
}

TEST_CASE("each refusal is told by its own code", "[registry][unit]") {
  std::string status;
  http_server server([&](auto const&) { return http_answer(status, ""); });
  auto const code = [&](std::string text) {
    status = std::move(text);
    auto const r = registry::fetch(server.url("/r"), {});
    REQUIRE_FALSE(r);
    return r.error().code;
  };
  CHECK(code("401 Unauthorized") == thv::errc::unauthenticated);
  CHECK(code("403 Forbidden") == thv::errc::permission_denied);
  CHECK(code("404 Not Found") == thv::errc::not_found);
  CHECK(code("429 Too Many Requests") == thv::errc::unavailable);
  CHECK(code("500 Internal Server Error") == thv::errc::unavailable);
  CHECK(code("204 No Content") == thv::errc::engine);
}

TEST_CASE("a larger answer than allowed is refused", "[registry][unit]") {
  http_server server([](auto const&) { return http_answer("200 OK", std::string(2000, ' ')); });
  CHECK(problem(server.url("/r"), {.max_bytes = 1999})
            .ends_with("the answer is larger than 1999 bytes"));
  CHECK(registry::fetch(server.url("/r"), {.max_bytes = 2000}));
}

TEST_CASE("a source that hangs runs into the time limit or the stop token", "[registry][unit]") {
  std::mutex mutex;
  std::condition_variable released;
  bool done = false;
  http_server server([&](auto const&) {
    std::unique_lock lock(mutex);
    released.wait(lock, [&] { return done; });
    return std::string();
  });
  auto const start = std::chrono::steady_clock::now();
  SECTION("time limit") {
    auto const r = registry::fetch(server.url("/r"), {.timeout = 200ms});
    REQUIRE_FALSE(r);
    CHECK(r.error().code == thv::errc::timeout);
    CHECK(r.error().message.ends_with("no answer within 200 ms"));
  }
  SECTION("stop token") {
    std::stop_source stop;
    std::jthread const later([&] {
      std::this_thread::sleep_for(100ms);
      stop.request_stop();
    });
    auto const r = registry::fetch(server.url("/r"), {.timeout = 60s, .stop = stop.get_token()});
    REQUIRE_FALSE(r);
    CHECK(r.error().code == thv::errc::cancelled);
  }
  CHECK(std::chrono::steady_clock::now() - start < 10s);
  {
    std::lock_guard const lock(mutex);
    done = true;
  }
  released.notify_all();
}

TEST_CASE("a proxy of the environment is used", "[registry][unit]") {
  scratch const dir;
  http_server proxy([](std::string const& head) {
    return head.starts_with("GET http://registry.example.invalid/r.json HTTP/1.1")
               ? http_answer("200 OK", body)
               : http_answer("400 Bad Request", "");
  });
  ::setenv("http_proxy", proxy.url("").c_str(), 1);
  auto const r = registry::fetch("http://registry.example.invalid/r.json", {});
  ::unsetenv("http_proxy");
  if (!r) FAIL(thv::to_string(r.error()));
  CHECK(r->body == body);
}

TEST_CASE("credentials of a URL are in no message and in no file's text", "[registry][unit]") {
  CHECK(registry::without_credentials("https://user:hunter2@x.example/r.json#f") ==
        "https://x.example/r.json");
  CHECK(registry::without_credentials("https://x/r?private_token=hunter2&ref=main") ==
        "https://x/r?private_token=…&ref=main");
  CHECK(registry::without_credentials("https://x/a@b") == "https://x/a@b");
  CHECK(registry::without_credentials("file.json") == "file.json");

  scratch const dir;
  http_server server([](std::string const& head) {
    return head.find("Authorization: Basic ") != std::string::npos ? http_answer("200 OK", body)
                                                                   : http_answer("401 No", "");
  });
  auto const url = "http://user:hunter2@127.0.0.1:" + std::to_string(server.port()) +
                   "/r.json?access_token=hunter2";
  auto const d = registry::load(url, {.cache_directory = dir.path});
  REQUIRE(d);
  CHECK(d->origin.find("hunter2") == std::string::npos);
  std::ifstream file(fs::directory_iterator(dir.path)->path());
  std::string const text(std::istreambuf_iterator<char>(file), {});
  CHECK(text.find("hunter2") == std::string::npos);
  server.stop();
  CHECK(problem(url, {}).find("hunter2") == std::string::npos);
}

TEST_CASE("a program in a fetched registry is refused, in a local one it is taken",
          "[registry][unit]") {
  scratch const dir;
  std::string const text = R"({"servers":{"a":{"image":"file:///bin/sh"}}})";
  http_server server([&](auto const&) { return http_answer("200 OK", text); });
  auto const remote = registry::load(server.url("/r.json"), {.cache_directory = dir.path});
  REQUIRE_FALSE(remote);
  CHECK(remote.error().message == "a program in a registry that is no file on this machine");
  auto const path = (dir.path / "r.json").native();
  std::ofstream(path) << text;
  CHECK(registry::load(path));
  CHECK(registry::load("file://" + path));
}

TEST_CASE("a file that cannot be read is a clear error", "[registry][unit]") {
  scratch const dir;
  auto const missing = registry::load((dir.path / "none.json").native());
  REQUIRE_FALSE(missing);
  CHECK(missing.error().code == thv::errc::not_found);
  CHECK(missing.error().message ==
        "registry file '" + (dir.path / "none.json").native() + "' does not exist");
  CHECK_FALSE(missing.error().hint.empty());
  auto const folder = registry::load(dir.path.native());
  REQUIRE_FALSE(folder);
  CHECK(folder.error().message.ends_with("cannot be read: Is a directory"));
  CHECK_FALSE(registry::load(""));

  auto const large = dir.path / "large.json";
  std::ofstream(large) << "{}";
  fs::resize_file(large, (std::uintmax_t(64) << 20) + 1);
  auto const r = registry::load(large.native());
  REQUIRE_FALSE(r);
  CHECK(thv::to_string(r.error()) == large.native() + ": more than 67108864 bytes");
}

TEST_CASE("all sources are read in their order", "[registry][unit]") {
  scratch const dir;
  auto const a = (dir.path / "a.json").native();
  auto const b = (dir.path / "b.json").native();
  std::ofstream(a) << "{}";
  std::ofstream(b) << R"({"groups":[{"name":"g"}]})";
  auto const documents = registry::load_all({b, a});
  REQUIRE(documents);
  REQUIRE(documents->size() == 2);
  CHECK((*documents)[0].origin == b);
  CHECK_FALSE(registry::load_all({a, (dir.path / "c.json").native()}));
}
