// SPDX-License-Identifier: Apache-2.0
#include <remote/driver.hpp>

#include <sys/stat.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

#include <catch2/catch_test_macros.hpp>

using namespace std::chrono_literals;
using thv::errc;
using thv::workload_state;
using thv::remote::driver;
namespace fs = std::filesystem;
namespace plugin = thv::plugin;

namespace {

/// A folder of its own for each test.
class folder {
 public:
  folder() {
    std::string name = (fs::temp_directory_path() / "thv-remote-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()));
    path_ = name;
  }
  ~folder() { fs::remove_all(path_); }
  [[nodiscard]] fs::path const& path() const { return path_; }
  [[nodiscard]] plugin::host_context host() const {
    plugin::host_context h;
    h.runtime_name = "remote";
    h.state_directory = path_.string();
    h.store = "store-1";
    return h;
  }

 private:
  fs::path path_;
};

plugin::call within(std::chrono::milliseconds time) {
  return {std::chrono::steady_clock::now() + time, {}, {}};
}

plugin::workload_spec spec(std::string name, std::string url = "https://example.com/mcp?key=q") {
  plugin::workload_spec s;
  s.name = std::move(name);
  s.group = "g";
  s.store = "store-1";
  s.config_hash = "hash";
  s.source = thv::parse_source(url);
  s.transport = thv::transport::streamable_http;
  s.headers = {{"Authorization", "Bearer hunter2"}};
  s.secret_names = {"token,target=Authorization"};
  return s;
}

std::string everything_in(fs::path const& directory) {
  std::string all;
  for (auto const& entry : fs::recursive_directory_iterator(directory)) {
    std::ifstream file(entry.path(), std::ios::binary);
    all.append(std::istreambuf_iterator<char>(file), {});
  }
  return all;
}

}  // namespace

TEST_CASE("a remote server is a record that lives on", "[remote][unit]") {
  folder f;
  auto const c = within(5s);
  std::string id;
  {
    auto d = driver::create(f.host()).value();
    auto const made = d->deploy(c, spec("weather")).value();
    id = made.id;
    CHECK(made.state == workload_state::running);
    CHECK(made.workload == "weather");
    CHECK(made.group == "g");
    CHECK(made.store == "store-1");
    CHECK(made.config_hash == "hash");
    CHECK(made.secret_names == std::vector<std::string>{"token,target=Authorization"});
    CHECK(d->where(c, id)->headers.at("Authorization") == "Bearer hunter2");
  }
  auto d = driver::create(f.host()).value();
  auto const all = d->list(c).value();
  REQUIRE(all.size() == 1);
  CHECK(all[0].id == id);
  CHECK(d->inspect(c, id)->package == "https://example.com/mcp?key=q");
  auto const where = d->where(c, id).value();
  CHECK(where.url == "https://example.com/mcp?key=q");
  CHECK(where.use_proxy_environment);
  CHECK(where.headers.empty());
}

TEST_CASE("values of headers are written nowhere", "[remote][unit]") {
  folder f;
  auto d = driver::create(f.host()).value();
  REQUIRE(d->deploy(within(5s), spec("weather")));
  auto const all = everything_in(f.path());
  CHECK(all.find("weather") != std::string::npos);
  CHECK(all.find("hunter2") == std::string::npos);
  for (auto const& entry : fs::directory_iterator(f.path())) {
    struct stat status {};
    REQUIRE(::stat(entry.path().c_str(), &status) == 0);
    CHECK((status.st_mode & 0077) == 0);
  }
}

TEST_CASE("stop and start toggle the record, each start is a session of its own",
          "[remote][unit]") {
  folder f;
  auto const c = within(5s);
  auto d = driver::create(f.host()).value();
  auto const made = d->deploy(c, spec("weather")).value();
  REQUIRE(d->stop(c, made.id));
  REQUIRE(d->stop(c, made.id));
  CHECK(d->inspect(c, made.id)->state == workload_state::stopped);
  CHECK(d->where(c, made.id).error().code == errc::conflict);
  auto const again = d->start(c, made.id).value();
  CHECK(again.state == workload_state::running);
  CHECK(again.session_key != made.session_key);
  CHECK(d->start(c, made.id)->session_key == again.session_key);
  CHECK(d->where(c, made.id));
}

TEST_CASE("unknown instances: stop and remove succeed, the rest says so", "[remote][unit]") {
  folder f;
  auto const c = within(5s);
  auto d = driver::create(f.host()).value();
  for (std::string const id : {"nobody", "", "..", "../x", "a/b"}) {
    CHECK(d->stop(c, id));
    CHECK(d->remove(c, id));
    CHECK(d->start(c, id).error().code == errc::not_found);
    CHECK(d->inspect(c, id).error().code == errc::not_found);
    CHECK(d->where(c, id).error().code == errc::not_found);
  }
  CHECK(d->list(c)->empty());
}

TEST_CASE("a removed instance is gone", "[remote][unit]") {
  folder f;
  auto const c = within(5s);
  auto d = driver::create(f.host()).value();
  auto const made = d->deploy(c, spec("weather")).value();
  REQUIRE(d->remove(c, made.id));
  REQUIRE(d->remove(c, made.id));
  CHECK(d->list(c)->empty());
  CHECK(d->deploy(c, spec("weather"))->id != made.id);
}

TEST_CASE("a held name is refused, a replaced one is kept and can come back", "[remote][unit]") {
  folder f;
  auto const c = within(5s);
  auto d = driver::create(f.host()).value();
  auto const first = d->deploy(c, spec("weather")).value();
  auto const refused = d->deploy(c, spec("weather"));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == errc::conflict);
  CHECK(refused.error().message.find("this store") != std::string::npos);

  auto next = spec("weather", "https://example.com/v2");
  next.replaces = first.id;
  auto const second = d->deploy(c, next).value();
  CHECK(d->inspect(c, first.id)->state == workload_state::stopped);
  CHECK(d->inspect(c, second.id)->state == workload_state::running);

  REQUIRE(d->remove(c, second.id));
  CHECK(d->start(c, first.id)->state == workload_state::running);
  CHECK(d->inspect(c, first.id)->message.empty());

  auto const third = d->deploy(c,
                               [&] {
                                 auto s = next;
                                 s.replaces = first.id;
                                 return s;
                               }())
                         .value();
  CHECK(d->start(c, first.id)->state == workload_state::running);
  CHECK(d->inspect(c, third.id)->state == workload_state::stopped);
}

TEST_CASE("a name of another store is refused as such", "[remote][unit]") {
  folder f;
  auto const c = within(5s);
  auto d = driver::create(f.host()).value();
  auto theirs = spec("weather");
  theirs.store = "store-2";
  REQUIRE(d->deploy(c, theirs));
  CHECK(d->deploy(c, spec("weather")).error().message.find("another store") != std::string::npos);
}

TEST_CASE("what is no remote server is refused", "[remote][unit]") {
  folder f;
  auto const c = within(5s);
  auto d = driver::create(f.host()).value();
  CHECK(d->deploy(c, spec("x", "ghcr.io/a/b:1")).error().code == errc::unsupported);
  CHECK(d->deploy(c, spec("x", "npx://p")).error().message.find("npx package") !=
        std::string::npos);
  auto stdio = spec("x");
  stdio.transport = thv::transport::stdio;
  CHECK(d->deploy(c, stdio).error().code == errc::invalid_argument);
  for (std::string const url : {"https://", "http://a b/", "https://me:hunter2@example.com/"}) {
    auto const refused = d->deploy(c, spec("x", url));
    INFO(url);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == errc::invalid_argument);
    CHECK(thv::to_string(refused.error()).find("hunter2") == std::string::npos);
  }
  CHECK(d->list(c)->empty());
}

TEST_CASE("settings are refused by name", "[remote][unit]") {
  folder f;
  auto host = f.host();
  host.settings = {{"endpoint", "x"}};
  auto const refused = driver::create(host);
  REQUIRE_FALSE(refused);
  CHECK(refused.error() == thv::error{errc::invalid_argument, "unknown key 'endpoint'",
                                      "[runtimes.remote]", "a remote runtime has no settings", ""});
}

TEST_CASE("a damaged record hides no other and can be removed", "[remote][unit]") {
  folder f;
  auto const c = within(5s);
  auto d = driver::create(f.host()).value();
  auto const good = d->deploy(c, spec("good")).value();
  auto const bad = d->deploy(c, spec("bad-one")).value();
  std::ofstream(f.path() / (bad.id + ".json")) << "{";
  auto const all = d->list(c).value();
  REQUIRE(all.size() == 2);
  CHECK(all[0].id == bad.id);
  CHECK(all[0].workload == "bad-one");
  CHECK(all[0].state == workload_state::error);
  CHECK(all[0].message.find(bad.id + ".json") != std::string::npos);
  CHECK(d->inspect(c, bad.id).error().code == errc::corrupt);
  REQUIRE(d->remove(c, bad.id));
  CHECK(d->list(c)->size() == 1);
}

TEST_CASE("of many that want one name at once, one gets it", "[remote][unit]") {
  folder f;
  std::atomic<int> won = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i)
    threads.emplace_back([&] {
      auto d = driver::create(f.host()).value();
      if (d->deploy(within(20s), spec("weather"))) ++won;
    });
  for (auto& t : threads) t.join();
  CHECK(won == 1);
}

TEST_CASE("it runs URLs, and has endpoints but no logs", "[remote][unit]") {
  folder f;
  auto made = plugin::make_runtime<driver>(f.host()).value();
  CHECK(made->capabilities() == plugin::can_endpoint);
  CHECK(made->identify(within(1s))->runs == std::vector<thv::source_kind>{thv::source_kind::url});
  CHECK(made->logs(within(1s), "x", {}, [](std::string_view) { return true; }).error().code ==
        errc::unsupported);
}

TEST_CASE("a folder that is gone is an error, not an empty list", "[remote][unit]") {
  folder f;
  auto host = f.host();
  host.state_directory += "/missing";
  auto d = driver::create(host).value();
  CHECK(d->list(within(1s)).error().code == errc::io);
  CHECK(d->deploy(within(1s), spec("x")).error().code == errc::io);
}

TEST_CASE("a remote server is given no files", "[remote]") {
  folder f;
  auto made = driver::create(f.host());
  REQUIRE(made);
  CHECK_FALSE((*made)->identify({}).value().secret_files);
  auto s = spec("far");
  s.secret_files = {{"KEY_FILE", "hunter3"}};
  auto const refused = (*made)->deploy(within(5s), s);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == errc::unsupported);
  CHECK(refused.error().message == "'far' is a remote server and cannot be given secrets as files");
}
