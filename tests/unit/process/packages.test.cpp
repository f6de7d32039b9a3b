// SPDX-License-Identifier: Apache-2.0
#include <process/npm.hpp>
#include <process/package.hpp>
#include <process/uv.hpp>

#include <catch2/catch_test_macros.hpp>

using namespace thv;
using namespace thv::process;

TEST_CASE("the program of an npm package", "[process]") {
  auto const program = [](char const* bin) {
    auto const text = std::string(R"({"version":"1.2.3","bin":)") + bin + "}";
    auto const r = parse_package_json(text, "@scope/server");
    return r ? r->program : std::string("error: ") + r.error().message;
  };
  CHECK(program(R"("dist/index.js")") == "dist/index.js");
  CHECK(program(R"({"other":"o.js","server":"./s.js"})") == "s.js");
  CHECK(program(R"({"mcp-server":"m.js"})") == "m.js");
  CHECK(program(R"({"a":"same.js","b":"./same.js"})") == "same.js");
  CHECK(program(R"({"a":"a.js","b":"b.js"})").find("several programs (a, b)") != std::string::npos);
  CHECK(program("{}").find("holds no program") != std::string::npos);
  CHECK(program("null").find("holds no program") != std::string::npos);
  CHECK(parse_package_json(R"({"version":"1"})", "x").error().code == errc::invalid_argument);
  CHECK(parse_package_json(R"({"version":"1.2.3","bin":"a"})", "x")->version == "1.2.3");
  for (auto const* text : {"", "[]", "{\"bin\":{\"a\":3}}", "{\"version\":1,\"bin\":\"a\"}"})
    CHECK(parse_package_json(text, "x").error().code == errc::corrupt);
}

TEST_CASE("who runs a script", "[process]") {
  CHECK(parse_script_line("#!/usr/bin/env node").is_node);
  CHECK(parse_script_line("#!/usr/bin/node\r").is_node);
  CHECK(parse_script_line("import x from 'y'").is_node);
  CHECK_FALSE(parse_script_line("#!/bin/sh").is_node);
  CHECK_FALSE(parse_script_line("#!/usr/bin/env python3").is_node);
  auto const with_options = parse_script_line("#!/usr/bin/env -S node --no-warnings --a=b");
  CHECK(with_options.is_node);
  CHECK(with_options.options == std::vector<std::string>{"--no-warnings", "--a=b"});
}

TEST_CASE("the script of a Python package", "[process]") {
  CHECK(choose_script({"other", "mcp-server-time"}, "mcp_server_time").value() ==
        "mcp-server-time");
  CHECK(choose_script({"only"}, "package").value() == "only");
  CHECK(choose_script({"a", "b"}, "c").error().message.find("(a, b)") != std::string::npos);
  CHECK(choose_script({}, "c").error().code == errc::invalid_argument);
  CHECK(normalized_name("Foo_.-Bar") == "foo-bar");
  CHECK(installed_version("x v1\nMCP-server.time v2026.1.2\n- mcp-server-time\n",
                          "mcp_server_time") == "2026.1.2");
  CHECK(installed_version("", "x").empty());
}

TEST_CASE("names of packages that could leave the cache are refused", "[process]") {
  for (auto const* good : {"npx://a", "npx://@s/n", "npx://@s/n@1.2.3-beta.1+x", "npx://a@next",
                           "uvx://a_b.c", "uvx://a@2026.10.1", "npx://JSONStream"})
    CHECK(check_package(parse_source(good)));
  for (auto const* bad :
       {"npx://", "npx://..", "npx://../a", "npx://a/b", "npx://@s/../n", "npx://@s", "npx://-g",
        "npx://a@../b", "npx://a@-x", "npx://a b", "npx://a@1 2", "npx://a@file:/x", "uvx://-e",
        "uvx://a/b", "uvx://a@>=1", "uvx://.", "npx://a\n", "npx://.hidden"}) {
    INFO(bad);
    auto const r = check_package(parse_source(bad));
    REQUIRE_FALSE(r);
    CHECK(r.error().code == errc::invalid_argument);
    CHECK_FALSE(r.error().hint.empty());
  }
}

TEST_CASE("each reference has its folder", "[process]") {
  install_context context;
  context.cache_directory = "/c";
  CHECK(package_folder(context, parse_source("npx://@s/n")) == "/c/npm/@s+n@latest");
  CHECK(package_folder(context, parse_source("npx://@s/n@latest")) == "/c/npm/@s+n@latest");
  CHECK(package_folder(context, parse_source("uvx://n@1.2")) == "/c/pypi/n@1.2");
}

TEST_CASE("an installer's failure becomes the right kind of error", "[process]") {
  auto const code = [](char const* output) {
    return install_failure(parse_source("npx://a"), "npm", output).code;
  };
  CHECK(code("npm error code E404") == errc::not_found);
  CHECK(code("npm error code ETARGET") == errc::not_found);
  CHECK(code("npm error code ENOTFOUND") == errc::unavailable);
  CHECK(code("npm error code EAI_AGAIN") == errc::unavailable);
  CHECK(code("npm error ENOSPC: no space left") == errc::io);
  CHECK(code("something else") == errc::engine);
}
