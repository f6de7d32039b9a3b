// SPDX-License-Identifier: Apache-2.0
#include <thv/plugin/host.hpp>

#include <sys/stat.h>

#include <chrono>
#include <thread>

#include <catch2/catch_test_macros.hpp>

#include "fixtures.hpp"

using namespace thv::plugin;
using thv::errc;
using strings = std::vector<std::string>;
namespace fs = std::filesystem;

namespace {

/// A folder of plugins under other names; they are only found, not loaded.
struct plugin_folder : temporary_folder {
  explicit plugin_folder(strings const& names) {
    for (auto const& name : names) fs::create_symlink(fixture("sample"), path / (name + ".so"));
  }
};

}  // namespace

TEST_CASE("names come in order of preference", "[plugin]") {
  temporary_folder t;
  plugin_folder const p({"apptainer", "docker", "k8s", "podman", "process", "remote"});
  CHECK(make_set(t, p.path).names() ==
        strings{"docker", "podman", "process", "remote", "apptainer", "k8s"});
}

TEST_CASE("the default runtime is first, tables go by their plugins", "[plugin]") {
  temporary_folder t;
  plugin_folder const p({"docker", "k8s", "podman", "process", "remote"});
  auto const* toml =
      "default_runtime = \"cluster\"\n"
      "[runtimes.big]\nplugin = \"docker\"\n"
      "[runtimes.another]\nplugin = \"docker\"\n"
      "[runtimes.cluster]\nplugin = \"k8s\"\n"
      "[runtimes.second-cluster]\nplugin = \"k8s\"\n";
  auto const set = make_set(t, p.path, toml);
  CHECK(set.names() ==
        strings{"cluster", "another", "big", "podman", "second-cluster", "process", "remote"});
  CHECK(set.plugin_of("big") == "docker");
  CHECK(set.plugin_of("podman") == "podman");
}

TEST_CASE("a runtime is made once, when it is asked for", "[plugin]") {
  temporary_folder t;
  auto set = make_set(t, THV_FIXTURES, "[runtimes.mine]\nplugin = \"sample\"\ngreeting = \"hi\"");
  CHECK_FALSE(fs::exists(t.path / "state"));
  auto const mine = set.get("mine");
  REQUIRE(mine);
  CHECK((*mine)->identify({})->engine == "hi");
  CHECK(*set.get("mine") == *mine);
  for (auto const* folder : {"state/runtimes/mine", "cache/runtimes/mine"}) {
    struct ::stat s {};
    REQUIRE(::stat((t.path / folder).c_str(), &s) == 0);
    CHECK((s.st_mode & 0777) == 0700);
  }
}

TEST_CASE("a plugin's own name works without a table, beside one too", "[plugin]") {
  temporary_folder t;
  auto set = make_set(t, THV_FIXTURES, "[runtimes.mine]\nplugin = \"sample\"\ngreeting = \"hi\"");
  CHECK((*set.get("sample"))->identify({})->engine == "memory");
}

TEST_CASE("many threads get the same runtime", "[plugin]") {
  temporary_folder t;
  auto set = make_set(t, THV_FIXTURES);
  std::vector<runtime*> got(16);
  {
    std::vector<std::jthread> threads;
    for (auto& place : got)
      threads.emplace_back([&] { place = set.get("sample").value_or(nullptr); });
  }
  REQUIRE(got[0] != nullptr);
  for (auto* one : got) CHECK(one == got[0]);
}

TEST_CASE("an unknown runtime names the known ones", "[plugin]") {
  temporary_folder t;
  plugin_folder const p({"docker", "process"});
  auto set = make_set(t, p.path);
  auto const e = set.get("dokcer").error();
  CHECK(e.code == errc::not_found);
  CHECK(e.message == "no runtime 'dokcer'; did you mean 'docker'?");
  CHECK(e.hint == "known runtimes: docker, process");
  CHECK(set.get("../x").error().code == errc::not_found);
  CHECK(set.get("").error().code == errc::not_found);
}

TEST_CASE("a mistyped default runtime tells its place", "[plugin]") {
  temporary_folder t;
  plugin_folder const p({"docker", "process"});
  auto set = make_set(t, p.path, "default_runtime = \"dokcer\"");
  CHECK(set.names() == strings{"dokcer", "docker", "process"});
  CHECK(to_string(set.get("dokcer").error()) ==
        "config.toml:1:19: no runtime 'dokcer'; did you mean 'docker'?");
}

TEST_CASE("without any plugin the hint says where to look", "[plugin]") {
  temporary_folder t;
  auto set = make_set(t, t.path / "none");
  CHECK(set.names().empty());
  CHECK(set.get("docker").error().hint ==
        "there is no runtime plugin at all; see --plugin-dir and THV_PLUGIN_PATH");
}

TEST_CASE("a table of a plugin that is not installed tells its place", "[plugin]") {
  temporary_folder t;
  plugin_folder const p({"docker"});
  auto set = make_set(t, p.path, "[runtimes.big]\nplugin = \"dockr\"");
  auto const e = set.get("big").error();
  CHECK(e.code == errc::not_found);
  CHECK(to_string(e) ==
        "config.toml:1:11: runtime 'big': the plugin 'dockr' is not installed; did you mean "
        "'docker'?");
  CHECK(e.hint == "plugins found: docker; looked into: " + p.path.string());
}

TEST_CASE("a plugin's own refusal of its settings tells the table", "[plugin]") {
  temporary_folder t;
  auto set = make_set(t, THV_FIXTURES, "[runtimes.mine]\nplugin = \"sample\"\ngreting = \"hi\"");
  auto const e = set.get("mine").error();
  CHECK(e.code == errc::invalid_argument);
  CHECK(to_string(e) == "config.toml:1:11: runtime 'mine': unknown setting 'greting'");
  CHECK(e.hint == "known settings: greeting");
  CHECK(set.get("mine").error() == e);
}

TEST_CASE("a file that is not named after its plugin is refused", "[plugin]") {
  temporary_folder t;
  auto set = make_set(t, THV_FIXTURES);
  auto const e = set.get("wrong_name").error();
  CHECK(e.code == errc::corrupt);
  CHECK(e.message == "the plugin in this file is named 'other'");
  CHECK(e.hint == "rename the file to other.so");
}

TEST_CASE("a plugin that makes no runtime gives an error", "[plugin]") {
  temporary_folder t;
  auto set = make_set(t, THV_FIXTURES);
  CHECK(set.get("failing_create").error() ==
        thv::fail(errc::unavailable, "the engine is on strike", "negotiate"));
  auto const thrown = set.get("throwing_create").error();
  CHECK(thrown.code == errc::internal);
  CHECK(thrown.message == "the runtime plugin threw: thrown by create");
  auto const silent = set.get("null_create").error();
  CHECK(silent.code == errc::internal);
  CHECK(silent.message == "the plugin 'null_create' made no runtime and gave no reason");
}

TEST_CASE("a folder that cannot be made is an error with its path", "[plugin]") {
  temporary_folder t;
  fs::create_symlink("/dev/null", t.path / "state");
  auto set = make_set(t, THV_FIXTURES);
  auto const e = set.get("sample").error();
  CHECK(e.code == errc::io);
  CHECK(e.where.find("state") != std::string::npos);
}

TEST_CASE("a runtime gets absolute folders", "[plugin]") {
  temporary_folder t;
  auto const before = fs::current_path();
  fs::current_path(t.path);
  host_options options;
  options.plugin_folders = {THV_FIXTURES};
  options.state_directory = "state";
  options.cache_directory = "cache";
  std::string logged;
  options.log = [&](std::string_view text) { logged = text; };
  auto const made = runtime_set({}, options).get("sample");
  fs::current_path(before);
  REQUIRE(made);
  CHECK(fs::is_directory(t.path / "state" / "runtimes" / "sample"));
  CHECK(logged == "sample runtime 'sample' made in " + (t.path / "state/runtimes/sample").string());
}

TEST_CASE("without folders nothing is made", "[plugin]") {
  host_options options;
  options.plugin_folders = {THV_FIXTURES};
  CHECK(runtime_set({}, options).get("sample").error().code == errc::invalid_argument);
}

TEST_CASE("describe asks everybody at once and waits for nobody too long", "[plugin]") {
  temporary_folder t;
  auto set = make_set(t, THV_FIXTURES, "default_runtime = \"slow\"");
  auto const began = std::chrono::steady_clock::now();
  auto const lines = set.describe(std::chrono::milliseconds(200));
  CHECK(std::chrono::steady_clock::now() - began < std::chrono::seconds(3));
  std::map<std::string, runtime_description> by_name;
  for (auto const& line : lines) by_name[line.name] = line;
  CHECK(lines.front().name == "slow");
  CHECK_FALSE(lines.front().answers);
  CHECK(lines.front().reason == "does not answer, and its plugin ignores the deadline");
  auto const& good = by_name.at("sample");
  CHECK(good.answers);
  CHECK(good.plugin == "sample");
  CHECK(good.version == "1.2.3");
  CHECK(good.path == fixture("sample").string());
  CHECK(good.identity.value().engine == "memory");
  CHECK(good.reason.empty());
  CHECK_FALSE(by_name.at("throwing").answers);
  CHECK(by_name.at("throwing").reason == "the runtime plugin threw: thrown by identify");
  auto const& wrong = by_name.at("wrong_abi");
  CHECK_FALSE(wrong.answers);
  CHECK(wrong.version.empty());
  CHECK(wrong.path == fixture("wrong_abi").string());
  CHECK(wrong.reason.find("plugin interface") != std::string::npos);
}
