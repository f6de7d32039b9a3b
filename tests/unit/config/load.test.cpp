// SPDX-License-Identifier: Apache-2.0
#include <thv/config/config.hpp>
#include <thv/config/paths.hpp>

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include <catch2/catch_test_macros.hpp>

using namespace std::chrono_literals;
using namespace thv::config;
using thv::errc;
namespace fs = std::filesystem;

namespace {

struct temporary_folder {
  temporary_folder() {
    std::string name = (fs::temp_directory_path() / "thv-config-XXXXXX").string();
    path = ::mkdtemp(name.data());
  }
  ~temporary_folder() { fs::remove_all(path); }

  fs::path write(fs::path const& name, std::string const& text) const {
    fs::create_directories((path / name).parent_path());
    std::ofstream(path / name) << text;
    return path / name;
  }

  fs::path path;
};

}  // namespace

TEST_CASE("the file of the user's configuration folder is read", "[config]") {
  temporary_folder t;
  t.write("thv-engine/config.toml", "default_runtime = \"docker\"");
  auto const c = load({}, fixed_environment({{"XDG_CONFIG_HOME", t.path}}));
  REQUIRE(c);
  CHECK(c->default_runtime == "docker");
}

TEST_CASE("without that file the defaults hold", "[config]") {
  temporary_folder t;
  auto const c = load({}, fixed_environment({{"XDG_CONFIG_HOME", t.path}}));
  REQUIRE(c);
  CHECK(*c == configuration{});
}

TEST_CASE("flag over THV_CONFIG over the user's file, environment over file", "[config]") {
  temporary_folder t;
  t.write("thv-engine/config.toml", "default_runtime = \"one\"");
  auto const two = t.write("two.toml", "default_runtime = \"two\"\n[deploy]\nparallel = 2");
  auto const three = t.write("three.toml", "default_runtime = \"three\"");
  std::map<std::string, std::string> variables{{"XDG_CONFIG_HOME", t.path}, {"THV_CONFIG", two}};
  CHECK(load({}, fixed_environment(variables))->default_runtime == "two");
  CHECK(load(three, fixed_environment(variables))->default_runtime == "three");
  variables["THV_DEFAULT_RUNTIME"] = "four";
  variables["THV_DEPLOY_PARALLEL"] = "4";
  variables["THV_DEPLOY_TIMEOUT"] = "10s";
  variables["THV_AUTO_CREATE"] = "no";
  variables["THV_REGISTRY"] = "https://example.org/a,b.json";
  auto const c = load({}, fixed_environment(variables));
  REQUIRE(c);
  CHECK(c->default_runtime == "four");
  CHECK(c->default_runtime_where == "THV_DEFAULT_RUNTIME");
  CHECK(c->deploy_parallel == 4);
  CHECK(c->deploy_timeout == 10s);
  CHECK_FALSE(c->auto_create);
  CHECK(c->registry_sources == std::vector<std::string>{"https://example.org/a,b.json"});
}

TEST_CASE("a file that was asked for must exist", "[config]") {
  temporary_folder t;
  auto const c = load(t.path / "none.toml", fixed_environment({}));
  REQUIRE_FALSE(c);
  CHECK(c.error().code == errc::not_found);
  CHECK(c.error().where == (t.path / "none.toml").string());
  CHECK(load({}, fixed_environment({{"THV_CONFIG", t.path / "none"}})).error().code ==
        errc::not_found);
}

TEST_CASE("what is no configuration file is refused", "[config]") {
  temporary_folder t;
  CHECK(load(t.path, fixed_environment({})).error().code == errc::invalid_argument);
  auto const big = t.write("big.toml", std::string(1024 * 1024 + 1, '#'));
  CHECK(load(big, fixed_environment({})).error().message == "is larger than 1 MiB");
  auto const wrong = t.write("wrong.toml", "x = 1");
  CHECK(load(wrong, fixed_environment({})).error().where == wrong.string() + ":1:1");
}

TEST_CASE("a wrong variable is named", "[config]") {
  temporary_folder t;
  auto const where = [&](std::string const& name, std::string const& value) {
    auto const c = load({}, fixed_environment({{"XDG_CONFIG_HOME", t.path}, {name, value}}));
    return c ? std::string() : to_string(c.error());
  };
  CHECK(where("THV_DEPLOY_PARALLEL", "many") ==
        "THV_DEPLOY_PARALLEL: 'many' is no whole number from 1 to 64");
  CHECK(where("THV_DEPLOY_PARALLEL", "0") == "THV_DEPLOY_PARALLEL: 0 is not between 1 and 64");
  CHECK(where("THV_DEPLOY_TIMEOUT", "5") == "THV_DEPLOY_TIMEOUT: '5' is no duration");
  CHECK(where("THV_AUTO_CREATE", "x") == "THV_AUTO_CREATE: 'x' is neither true nor false");
}

TEST_CASE("the user's folders follow the XDG specification", "[config]") {
  auto p = user_paths(fixed_environment({{"HOME", "/home/x"}}));
  REQUIRE(p);
  CHECK(p->config == "/home/x/.config/thv-engine");
  CHECK(p->state == "/home/x/.local/state/thv-engine");
  CHECK(p->cache == "/home/x/.cache/thv-engine");
  p = user_paths(fixed_environment({{"HOME", "/home/x"},
                                    {"XDG_CONFIG_HOME", "/c"},
                                    {"XDG_STATE_HOME", "relative"},
                                    {"XDG_CACHE_HOME", "/k"},
                                    {"THV_CACHE_DIR", "/mine"}}));
  REQUIRE(p);
  CHECK(p->config == "/c/thv-engine");
  CHECK(p->state == "/home/x/.local/state/thv-engine");
  CHECK(p->cache == "/mine");
  auto const wrong = user_paths(fixed_environment({{"HOME", "/h"}, {"THV_STATE_DIR", "x"}}));
  REQUIRE_FALSE(wrong);
  CHECK(to_string(wrong.error()) == "THV_STATE_DIR: 'x' is no absolute path");
}

TEST_CASE("without HOME the user database is asked", "[config]") {
  auto const home = home_directory(fixed_environment({}));
  REQUIRE(home);
  CHECK(home->is_absolute());
}

TEST_CASE("private folders are made with mode 0700", "[config]") {
  temporary_folder t;
  auto const folder = t.path / "a" / "b";
  REQUIRE(make_private_directory(folder));
  REQUIRE(make_private_directory(folder));
  struct ::stat s {};
  REQUIRE(::stat(folder.c_str(), &s) == 0);
  CHECK((s.st_mode & 0777) == 0700);
  REQUIRE(::stat((t.path / "a").c_str(), &s) == 0);
  CHECK((s.st_mode & 0777) == 0700);
  t.write("file", "");
  auto const failed = make_private_directory(t.path / "file" / "x");
  REQUIRE_FALSE(failed);
  CHECK(failed.error().code == errc::io);
}
