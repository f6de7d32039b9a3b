// SPDX-License-Identifier: Apache-2.0
#include "gateway_start.hpp"

#include <stdlib.h>
#include <sys/stat.h>

#include <catch2/catch_test_macros.hpp>

#include <fstream>
#include <iterator>
#include <stdexcept>

#include <boost/json/parse.hpp>

#include "gateway_log.hpp"
#include "gateway_unit.hpp"
#include "tool_arguments.hpp"

using namespace thv;
using namespace thv::cli;
namespace fs = std::filesystem;
using texts = std::vector<std::string>;

namespace {

struct folder {
  fs::path path;

  folder() {
    auto pattern = (fs::temp_directory_path() / "thv-unit-XXXXXX").string();
    if (!::mkdtemp(pattern.data())) throw std::runtime_error("mkdtemp failed");
    path = pattern;
  }
  ~folder() { fs::remove_all(path); }
};

std::string read_file(fs::path const& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

TEST_CASE("the gateway starts with what it needs of the environment and no secret", "[cli][unit]") {
  CHECK(gateway_environment({"PATH=/bin", "HOME=/h", "LANG=C", "LC_ALL=C", "XDG_STATE_HOME=/s",
                             "SSL_CERT_FILE=/c", "https_proxy=http://p", "NO_PROXY=x",
                             "DOCKER_HOST=unix:///d", "THV_CONFIG=/t", "THV_SECRET_key=s",
                             "TOOLHIVE_SECRET_key=s", "AWS_SECRET_ACCESS_KEY=s", "GITHUB_TOKEN=s",
                             "SSH_AUTH_SOCK=/a", "PATHS=/x", "THV_SECRET_=s"}) ==
        texts{"PATH=/bin", "HOME=/h", "LANG=C", "LC_ALL=C", "XDG_STATE_HOME=/s", "SSL_CERT_FILE=/c",
              "https_proxy=http://p", "NO_PROXY=x", "DOCKER_HOST=unix:///d", "THV_CONFIG=/t"});
}

TEST_CASE("a unit says what systemd is to run, and leaves members alone", "[cli][unit]") {
  auto const unit =
      unit_text({"/opt/my tools/thv-engine", "--config", "/a\"b%c$d", "gateway", "run"},
                {{"A", "x y%z$w"}, {"THV_STATE_DIR", "/s"}});
  CHECK(unit.find(R"(ExecStart="/opt/my tools/thv-engine" "--config" "/a\"b%%c$$d" "gateway" "run")"
                  "\n") != std::string::npos);
  CHECK(unit.find("Environment=\"A=x y%%z$w\"\n") != std::string::npos);
  CHECK(unit.find("Environment=\"THV_STATE_DIR=/s\"\n") != std::string::npos);
  for (auto const* line :
       {"KillMode=process\n", "Restart=on-failure\n", "[Install]\nWantedBy=default.target\n"})
    CHECK(unit.find(line) != std::string::npos);
}

TEST_CASE("a log line is one line of text or JSON", "[cli][unit]") {
  gateway::log_line const line{gateway::log_line::level::warning, "one", "it \"ended\"\nagain"};
  CHECK(log_text(line, 1'700'000'000'042, false) ==
        "2023-11-14T22:13:20.042Z warning one: it \"ended\" again\n");
  auto const text = log_text(line, 1'700'000'000'042, true);
  CHECK(text.find('\n') == text.size() - 1);
  CHECK(boost::json::parse(text) == boost::json::value({{"time", "2023-11-14T22:13:20.042Z"},
                                                        {"level", "warning"},
                                                        {"member", "one"},
                                                        {"message", "it \"ended\" again"}}));
  CHECK(log_text({gateway::log_line::level::info, "", "up"}, 0, false).ends_with(" info    up\n"));
}

TEST_CASE("the log is bounded, for its user alone, and read across its two files", "[cli][unit]") {
  folder f;
  auto const path = f.path / "gateway.log";
  {
    gateway_log log(path, 100);
    for (int i = 0; i < 20; ++i) log.write("line " + std::to_string(i) + " .........\n");
  }
  CHECK(fs::file_size(path) <= 100);
  CHECK(fs::file_size(path.string() + ".1") <= 100);
  struct stat found {};
  REQUIRE(::stat(path.c_str(), &found) == 0);
  CHECK((found.st_mode & 0777) == 0600);

  std::string text;
  auto const sink = [&](std::string_view piece) {
    text += piece;
    return true;
  };
  REQUIRE(read_gateway_log(path, 7, false, {}, sink));
  CHECK(text.starts_with("line 13 "));
  CHECK(text.ends_with("line 19 .........\n"));
  text.clear();
  REQUIRE(read_gateway_log(path, 0, false, {}, sink));
  CHECK(text == read_file(path.string() + ".1") + read_file(path));
  CHECK(read_gateway_log(f.path / "none", 0, false, {}, sink).error().code == errc::not_found);
}

TEST_CASE("arguments of a tool become what its schema says", "[cli][unit]") {
  auto const schema = boost::json::parse(R"({"type": "object", "properties": {
    "text": {"type": "string"}, "count": {"type": "integer"}, "share": {"type": "number"},
    "deep": {"type": "boolean"}, "list": {"type": "array"}, "both": {"type": ["string", "null"]},
    "any": {}}})");
  auto const made = tool_arguments(
      {"text=5", "count=5", "share=0.5", "deep=true", "list=[1]", "both=null", "any=a=b"}, {},
      schema);
  REQUIRE(made);
  CHECK(boost::json::value(*made) ==
        boost::json::parse(R"({"text": "5", "count": 5, "share": 0.5, "deep": true, "list": [1],
                              "both": null, "any": "a=b"})"));
  CHECK(tool_arguments({}, R"({"a": 1})", schema)->at("a") == 1);

  auto const message = [&](texts const& pairs, std::optional<std::string> const& json = {}) {
    auto const r = tool_arguments(pairs, json, schema);
    return r ? std::string("no error") : to_string(r.error());
  };
  CHECK(message({"count=many"}) == "--arg: the argument 'count' is of the type integer");
  CHECK(message({"count=1.5"}) == "--arg: the argument 'count' is of the type integer");
  CHECK(message({"deep=yes"}) == "--arg: the argument 'deep' is of the type boolean");
  CHECK(message({"texts=x"}) == "--arg: the tool has no argument 'texts'");
  CHECK(message({"=x"}) == "--arg: invalid argument '=x'");
  CHECK(message({"text=x"}, "{}") == "--json: cannot be used beside --arg");
  CHECK(message({}, "{") == "--json: is no JSON object");
  auto const open = boost::json::parse(R"({"properties": {}, "additionalProperties": true})");
  CHECK(tool_arguments({"new=x"}, {}, open)->at("new") == "x");
  CHECK(tool_arguments({"new=x"}, {}, {})->at("new") == "x");
}
