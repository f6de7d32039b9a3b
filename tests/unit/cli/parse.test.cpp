// SPDX-License-Identifier: Apache-2.0
#include <parse.hpp>

#include <catch2/catch_test_macros.hpp>

#include <optional>
#include <string>
#include <vector>

using namespace thv::cli;

namespace {

using texts = std::vector<std::string>;

/// `tool [--debug] group add [-n, --name N] [-l, --label L]... NAME...` and `tool run [X] [--
/// R...]`.
struct fixture {
  bool debug = false;
  std::optional<std::string> config;
  std::optional<std::string> name;
  std::optional<std::string> format;
  texts labels;
  texts words;
  texts rest;
  command root;
  std::vector<flag> globals;

  fixture() {
    command add;
    add.name = "add";
    add.aliases = {"new"};
    add.flags = {{"-n, --name", "N", "", &name},
                 {"-l, --label", "L", "", &labels},
                 {"--format", "F", "", &format, completes::nothing, {"text", "json"}}};
    add.words = {"NAME...", 1, any_number, &words};
    command group;
    group.name = "group";
    group.commands = {add};
    command run;
    run.name = "run";
    run.words = {"[X]", 0, 1, &words};
    run.rest = &rest;
    command hidden;
    hidden.name = "__hidden";
    hidden.hidden = true;
    root.name = "tool";
    root.commands = {group, run, hidden};
    globals = {{"--debug", "", "", &debug}, {"--config", "FILE", "", &config}};
  }

  thv::result<parsed> operator()(texts const& arguments) { return parse(root, globals, arguments); }
  thv::error fails(texts const& arguments) {
    auto const found = (*this)(arguments);
    REQUIRE_FALSE(found);
    CHECK(found.error().code == thv::errc::invalid_argument);
    return found.error();
  }
};

}  // namespace

TEST_CASE_METHOD(fixture, "flags and words find their places", "[cli][parse]") {
  auto const found =
      (*this)({"group", "add", "a", "--name", "x", "-l", "k=v", "--label=k2=[v]", "b", "--debug"});
  REQUIRE(found);
  CHECK(found->chosen->name == "add");
  CHECK(found->path == "tool group add");
  CHECK_FALSE(found->help);
  CHECK(name == "x");
  CHECK(labels == texts{"k=v", "k2=[v]"});
  CHECK(words == texts{"a", "b"});
  CHECK(debug);
}

TEST_CASE_METHOD(fixture, "flags of every command may stand before it", "[cli][parse]") {
  REQUIRE((*this)({"--debug", "--config", "group", "group", "add", "a"}));
  CHECK(debug);
  CHECK(config == "group");
}

TEST_CASE_METHOD(fixture, "an alias is the command itself", "[cli][parse]") {
  auto const found = (*this)({"group", "new", "a"});
  REQUIRE(found);
  CHECK(found->path == "tool group add");
}

TEST_CASE_METHOD(fixture, "values may be empty, odd and repeated", "[cli][parse]") {
  REQUIRE((*this)({"group", "add", "--name=", "a"}));
  CHECK(name == "");
  CHECK(words == texts{"a"});
  REQUIRE((*this)({"group", "add", "--name", "--debug", "a"}));
  CHECK(name == "--debug");
  REQUIRE((*this)({"group", "add", "--name", "1", "--name", "2", "-l", "{}", "-l", "", "a"}));
  CHECK(name == "2");
  CHECK(labels == texts{"{}", ""});
}

TEST_CASE_METHOD(fixture, "what stands after -- is words, or the rest where a command takes it",
                 "[cli][parse]") {
  REQUIRE((*this)({"group", "add", "a", "--", "--debug", "-x"}));
  CHECK(words == texts{"a", "--debug", "-x"});
  CHECK_FALSE(debug);
  REQUIRE((*this)({"run", "x", "--", "y", "--", "--help"}));
  CHECK(words == texts{"x"});
  CHECK(rest == texts{"y", "--", "--help"});
}

TEST_CASE_METHOD(fixture, "help is found anywhere before --", "[cli][parse]") {
  for (texts const& line :
       {texts{}, texts{"--help"}, texts{"group"}, texts{"group", "-h"}, texts{"help", "group"},
        texts{"group", "add", "--help"}, texts{"group", "add", "--bogus", "-h"}}) {
    auto const found = (*this)(line);
    REQUIRE(found);
    CHECK(found->help);
  }
}

TEST_CASE_METHOD(fixture, "mistakes are named, with the nearest known word", "[cli][parse]") {
  CHECK(fails({"grup"}).message == "unknown command \"grup\" for \"tool\"");
  CHECK(fails({"grup"}).hint == "did you mean 'group'?");
  CHECK(fails({"hiden"}).hint == "see 'tool --help'");
  CHECK(fails({"group", "frobnicate"}).message ==
        "unknown command \"frobnicate\" for \"tool group\"");
  CHECK(fails({"group", "add", "a", "--lable", "x"}).hint == "did you mean '--label'?");
  CHECK(fails({"group", "add", "a", "--nme=x"}).message == "unknown flag: --nme");
  CHECK(fails({"group", "add", "a", "-x"}).message == "unknown shorthand flag: 'x' in -x");
  CHECK(fails({"--bogus", "group"}).message == "unknown flag: --bogus");
  CHECK(fails({"group", "add", "a", "--name"}).message == "flag needs an argument: --name");
  CHECK(fails({"group", "add", "a", "--format", "xml"}).message ==
        "invalid format \"xml\", must be one of: text, json");
}

TEST_CASE_METHOD(fixture, "the number of words is checked", "[cli][parse]") {
  CHECK(fails({"group", "add"}).message == "requires at least 1 arg(s), only received 0");
  CHECK(fails({"group", "add"}).hint == "usage: tool group add NAME...");
  CHECK(fails({"run", "a", "b"}).message == "accepts at most 1 arg(s), received 2");
}
