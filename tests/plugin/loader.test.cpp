// SPDX-License-Identifier: Apache-2.0
#include <thv/plugin/loader.hpp>

#include <fstream>

#include <catch2/catch_test_macros.hpp>

#include "fixtures.hpp"

using namespace thv::plugin;
using thv::errc;
namespace fs = std::filesystem;

namespace {

thv::error refusal(fs::path const& path) {
  auto loaded = library::load(path);
  REQUIRE_FALSE(loaded);
  CHECK(loaded.error().where == path.string());
  return std::move(loaded).error();
}

}  // namespace

TEST_CASE("a good plugin is loaded and described", "[plugin]") {
  auto const loaded = library::load(fixture("sample"));
  REQUIRE(loaded);
  CHECK(loaded->path() == fixture("sample"));
  CHECK(loaded->description().name == std::string("sample"));
  CHECK(loaded->description().version == std::string("1.2.3"));
  CHECK(loaded->description().capabilities == can_logs);
}

TEST_CASE("a runtime keeps its library open", "[plugin]") {
  auto made = library::load(fixture("sample"))->create({});
  REQUIRE(made);
  CHECK((*made)->identify({})->engine == "memory");
}

TEST_CASE("a file that is not there", "[plugin]") {
  auto const e = refusal("/nowhere/x.so");
  CHECK(e.code == errc::not_found);
  CHECK(e.message == "there is no such plugin");
}

TEST_CASE("a file that is no library is refused in the linker's words", "[plugin]") {
  temporary_folder t;
  std::ofstream(t.path / "text.so") << std::string(4096, 'x');
  auto const e = refusal(t.path / "text.so");
  CHECK(e.code == errc::corrupt);
  CHECK(e.message == "the plugin cannot be loaded");
  CHECK(e.engine_message.find("invalid ELF header") != std::string::npos);
  std::ofstream(t.path / "empty.so").flush();
  CHECK(refusal(t.path / "empty.so").engine_message.find("file too short") != std::string::npos);
}

TEST_CASE("a library with an undefined symbol names it", "[plugin]") {
  auto const e = refusal(fixture("undefined_symbol"));
  CHECK(e.code == errc::corrupt);
  CHECK(e.engine_message.find("undefined symbol: nobody_has_this_function") != std::string::npos);
}

TEST_CASE("a library without a descriptor is no plugin", "[plugin]") {
  auto const e = refusal(fixture("no_symbol"));
  CHECK(e.code == errc::corrupt);
  CHECK(e.message == "is no thv-engine plugin: it exports no 'thv_plugin_descriptor'");
}

TEST_CASE("a plugin of another interface is refused with both versions", "[plugin]") {
  auto const e = refusal(fixture("wrong_abi"));
  CHECK(e.code == errc::unsupported);
  CHECK(e.message == "the plugin was built for plugin interface " + std::to_string(abi_major + 7) +
                         ".3, this program has " + std::to_string(abi_major) + "." +
                         std::to_string(abi_minor));
  CHECK(e.hint == "build the plugin again, against this version's headers");
}

TEST_CASE("a plugin of another build is refused with both fingerprints", "[plugin]") {
  auto const e = refusal(fixture("wrong_build"));
  CHECK(e.code == errc::unsupported);
  CHECK(e.message.find("[gxx_abi=9 libstdc++=0 mode=plain sanitizer=none]") != std::string::npos);
  CHECK(e.message.find(build_fingerprint) != std::string::npos);
}

TEST_CASE("a plugin of another standard-library mode is refused", "[plugin]") {
  auto const e = refusal(fixture("wrong_mode"));
  CHECK(e.code == errc::unsupported);
  CHECK(e.message.find("mode=debug") != std::string::npos);
  CHECK(e.message.find("mode=plain") != std::string::npos);
}

TEST_CASE("a plugin that cannot make a runtime is refused", "[plugin]") {
  auto const e = refusal(fixture("no_create"));
  CHECK(e.code == errc::corrupt);
  CHECK(e.message == "the plugin's descriptor has no function to make a runtime");
}

TEST_CASE("a scan finds plugins by their files, the first folder wins", "[plugin]") {
  temporary_folder t;
  auto const one = t.path / "one", two = t.path / "two";
  fs::create_directories(one);
  fs::create_directories(two / "folder.so");
  fs::create_symlink(fixture("sample"), one / "sample.so");
  fs::copy_file(fixture("sample"), two / "sample.so");
  fs::copy_file(fixture("slow"), two / "slow.so");
  std::ofstream(two / "README.md") << "no plugin";
  auto const found = scan_plugins({one, t.path / "missing", two});
  CHECK(found ==
        std::vector<found_plugin>{{"sample", one / "sample.so"}, {"slow", two / "slow.so"}});
}

TEST_CASE("the search path is flag, variable, home, beside the executable", "[plugin]") {
  ::setenv("THV_PLUGIN_PATH", "/variable/a::/variable/b", 1);
  std::string const home = std::getenv("HOME") ? std::getenv("HOME") : "";
  ::setenv("HOME", "/home/x", 1);
  auto const path = plugin_search_path({"/flag"});
  home.empty() ? ::unsetenv("HOME") : ::setenv("HOME", home.c_str(), 1);
  ::unsetenv("THV_PLUGIN_PATH");
  REQUIRE(path.size() >= 5);
  CHECK(path[0] == "/flag");
  CHECK(path[1] == "/variable/a");
  CHECK(path[2] == "/variable/b");
  CHECK(path[3] == "/home/x/.local/lib/thv/plugins");
  CHECK(path.back() == fs::path(THV_TEST_BINARY_DIR) / "lib" / "thv" / "plugins");
}
