// SPDX-License-Identifier: Apache-2.0
// The package cache: once for each package and version, errors in the installer's words.
#include <fstream>
#include <future>

#include "support.hpp"

using namespace process_test;

TEST_CASE("a package is installed once, by whoever comes first", "[process][integration][npm]") {
  house h;
  auto const spec = h.spec("memory", "npx://@modelcontextprotocol/server-memory");
  auto const other = h.make();
  std::vector<std::string> told;
  auto c = within(180s);
  c.progress = [&](std::string_view line) { told.emplace_back(line); };
  auto second = std::async(std::launch::async, [&] { return other->prepare(within(180s), spec); });
  must(h.runtime->prepare(c, spec));
  must(second.get());
  CHECK_FALSE(told.empty());

  // Without npm in reach nothing could be installed: it is there.
  auto const path = std::string(std::getenv("PATH"));
  h.settings["npm"] = "/no/such/npm";
  auto const offline = h.make();
  told.clear();
  must(offline->prepare(c, spec));
  CHECK(told.empty());
  // The version that the newest turned out to be is there as well.
  std::string version;
  for (auto const& entry : fs::directory_iterator(h.root() + "/cache/npm"))
    if (entry.is_symlink())
      version =
          entry.path().filename().string().substr(entry.path().filename().string().rfind('@') + 1);
  REQUIRE_FALSE(version.empty());
  auto exact = spec;
  exact.source = parse_source("npx://@modelcontextprotocol/server-memory@" + version);
  must(offline->prepare(c, exact));
  exact.source = parse_source("npx://@modelcontextprotocol/server-memory@0.0.1-none");
  CHECK_FALSE(offline->prepare(c, exact));
}

TEST_CASE("what npm says against a package is told", "[process][integration][npm]") {
  house h;
  auto const refuse = [&](std::string const& source) {
    auto const r = h.runtime->prepare(within(120s), h.spec("x", source));
    REQUIRE_FALSE(r);
    return r.error();
  };
  auto const missing = refuse("npx://thv-engine-no-such-package-of-ours");
  CHECK(missing.code == errc::not_found);
  CHECK(missing.engine_message.find("404") != std::string::npos);
  auto const version = refuse("npx://ms@999.0.0");
  CHECK(version.code == errc::not_found);
  auto const library = refuse("npx://ms");
  CHECK(library.code == errc::invalid_argument);
  CHECK(library.message.find("holds no program") != std::string::npos);
  CHECK(refuse("npx://../evil").code == errc::invalid_argument);
  CHECK(refuse("npx://a@../../b").code == errc::invalid_argument);
  CHECK(refuse("uvx://--evil").code == errc::invalid_argument);
  for (auto const& entry : fs::directory_iterator(h.root() + "/cache/npm"))
    CHECK(entry.path().extension() == ".lock");  // nothing half installed
}

TEST_CASE("what uv says against a package is told", "[process][integration][pypi]") {
  house h;
  h.cache = shared_cache();
  h.runtime = h.make();
  auto const missing =
      h.runtime->prepare(within(200s), h.spec("x", "uvx://thv-engine-no-such-package-of-ours"));
  REQUIRE_FALSE(missing);
  CHECK(missing.error().code == errc::not_found);
  CHECK_FALSE(missing.error().engine_message.empty());
  auto const library = h.runtime->prepare(within(120s), h.spec("x", "uvx://iniconfig"));
  REQUIRE_FALSE(library);
  CHECK(library.error().message.find("holds no program") != std::string::npos);
}

TEST_CASE("missing installers are named with what to do", "[process][integration]") {
  house h;
  auto const path = std::string(std::getenv("PATH"));
  ::setenv("PATH", "/nowhere", 1);
  auto const npm = h.runtime->prepare(within(10s), h.spec("x", "npx://some-server"));
  auto const uv = h.runtime->prepare(within(10s), h.spec("x", "uvx://some-server"));
  ::setenv("PATH", path.c_str(), 1);
  REQUIRE_FALSE(npm);
  CHECK(npm.error().code == errc::unavailable);
  CHECK(npm.error().message.find("'node' is not in PATH") != std::string::npos);
  CHECK(npm.error().hint.find("apt-get install nodejs npm") != std::string::npos);
  REQUIRE_FALSE(uv);
  CHECK(uv.error().code == errc::unavailable);
  CHECK(uv.error().hint.find("python3-venv") != std::string::npos);
}

TEST_CASE("a cancelled install ends its processes and leaves nothing", "[process][integration]") {
  house h;
  auto const npm = h.root() + "/slow-npm";
  std::ofstream(npm) << "#!/bin/sh\nsleep 978 &\nsleep 977\n";
  fs::permissions(npm, fs::perms::owner_all);
  h.settings["npm"] = npm;
  auto const runtime = h.make();
  auto const before = std::chrono::steady_clock::now();
  auto const over = runtime->prepare(within(500ms), h.spec("x", "npx://some-server"));
  REQUIRE_FALSE(over);
  CHECK(over.error().code == errc::timeout);
  CHECK(std::chrono::steady_clock::now() - before < 4s);
  CHECK_FALSE(fs::exists(h.root() + "/cache/npm/some-server@latest"));
  CHECK(eventually([] {
    for (auto const& entry : process::own_processes()) {
      std::array<char, 64> line{};
      auto* file = std::fopen(("/proc/" + std::to_string(entry.who.pid) + "/cmdline").c_str(), "r");
      if (file == nullptr) continue;
      auto const n = std::fread(line.data(), 1, line.size(), file);
      std::fclose(file);
      if (std::string(line.data(), n) == std::string("sleep\0"
                                                     "978\0",
                                                     10))
        return false;
    }
    return true;
  }));
}
