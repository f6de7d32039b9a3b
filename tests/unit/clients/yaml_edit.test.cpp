// SPDX-License-Identifier: Apache-2.0
#include <thv/clients/edit.hpp>

#include <catch2/catch_test_macros.hpp>

#include "law.hpp"

namespace {

using namespace thv;
using namespace thv::clients;
using law::check_random_order;
using law::kind_of;
using law::make_entry;

struct sample {
  char const* text;
  std::vector<std::string> foreign;  // names that may be overwritten
};

std::vector<sample> goose_files() {
  return {
      {"", {}},
      {"  \n\n", {}},
      {"# only a comment\n", {}},
      {"\xEF\xBB\xBF\xEF\xBB\xBFtwo: marks\nextensions:\n  x: {}\n", {"x"}},
      {"---\n", {}},
      {"--- # c\n...\n", {}},
      {"%YAML 1.2\n---\nGOOSE_MODEL: a\n...\n# end\n", {}},
      {"GOOSE_MODEL: gpt\nGOOSE_MODE: auto # smart\n", {}},
      {"extensions:\n", {}},
      {"extensions: # none yet\n  # a:\n  #   b: c\n\nGOOSE_MODEL: x\n", {}},
      {"extensions: {}\nGOOSE_MODEL: x\n", {}},
      {"a: 1\nextensions: { } # empty", {}},
      {"extensions: {dev: {enabled: true, args: [a, \"]\", 'it''s']}, web: {uri: http://x/y}}\nb: "
       "1\n",
       {"dev", "web"}},
      {"extensions: {\n  dev: {enabled: true}, # }\n  web: {uri: \"http://x\"},\n}\n",
       {"dev", "web"}},
      {"{}\n", {}},
      {"{\"GOOSE_MODEL\": \"x\", \"n\": [1, 2]}\n", {}},
      {"{\n  \"GOOSE_MODEL\": \"x\",\n  \"extensions\": {\n    \"dev\": {\"enabled\": true}\n  "
       "}\n}\n",
       {"dev"}},
      {R"(# Goose
GOOSE_PROVIDER: openai
extensions:
  developer:
    bundled: true
    enabled: true
    name: developer
    timeout: 300
    type: builtin
    # inside
  # between

  # the web
  "web search":   # quoted
    enabled: false
    type: stdio
    cmd: npx
    args: [-y, "@x/y"]   # flow
    envs: {}
    description: |
      extensions:
        fake:
          enabled: true
      # no comment

GOOSE_MODEL: gpt
)",
       {"developer", "web search"}},
      {"extensions:\n    four:\n        type: stdio\n        text: \"a\n\n            b # c\"\n\n  "
       "  more: "
       "{a: 1}\nlast: 1\n",
       {"four", "more"}},
      {"  extensions:\n     odd:\n       a: 'x\n\n         y'\n     other: *\n", {}},
      {"x: &used {a: 1}\ny: *used\nextensions:\n  one: &free\n    a: 1\n  two:\n    <<: *used\n",
       {"one", "two"}},
      {"extensions:\n  ? complex\n  : a: 1\n  plain:\n    b: |+\n      text\n    c: 1\nz: ~\n",
       {"plain"}},
      {"extensions:\n  one:\n  two: ~\n  three: 3\nz: yes\n", {"one", "two", "three"}},
      {"a: |\n  text\n   # more\nb: >-\n  folded\n\n  text\n", {}},
      {"a:\n- b\n- c\n", {}},
  };
}

std::vector<sample> continue_files() {
  return {
      {"", {}},
      {"name: Local\nversion: 1.0.0\nschema: v1\nmodels: []\n", {}},
      {"name: Local\nmcpServers:", {}},
      {"name: Local\nmcpServers: []\ncontext:\n- provider: code\n", {}},
      {"mcpServers: [{name: one, url: \"http://x\"}, {name: two}]\n", {"one", "two"}},
      {"mcpServers: [\n  {name: one},\n  # c\n  {command: nameless}\n]\n", {"one"}},
      {R"(name: my-configuration
mcpServers:
- name: Browser search
  command: npx
  args:
  - "@playwright/mcp@latest"
- name: fetch_x
  env: {A: "1"}
# context
context:
- provider: code
)",
       {"Browser search", "fetch_x"}},
      {R"(mcpServers:
  # first
  - name: one
    command: npx

  -   name: two
      requestOptions:
        headers:
          A: b

  - command: nameless
  -
    name: three # c
  - # dash
    url: x
    name: four

rules:
  - be kind
)",
       {"one", "two", "three", "four"}},
      {"mcpServers:\n    - name: wide\n      a: |\n        - name: fake\n        # fake\nz: 1\n",
       {"wide"}},
      {"models:\n- name: m\n  roles:\n  - chat\n", {}},
      {"a: &x [1]\nmcpServers:\n- &free\n  name: q\n- name: r\n  b: *x\n", {"q", "r"}},
  };
}

}  // namespace

TEST_CASE("Entries come and go in a Goose file without a trace", "[clients][yaml]") {
  auto const& goose = kind_of("goose");
  for (auto const& file : goose_files())
    for (auto const& text : law::variants(file.text)) {
      if (!read_entries(goose, text)) continue;
      for (unsigned seed = 0; seed < 5; ++seed) check_random_order(goose, text, seed, file.foreign);
    }
}

TEST_CASE("Entries come and go in a Continue file without a trace", "[clients][yaml]") {
  auto const& continue_dev = kind_of("continue");
  for (auto const& file : continue_files())
    for (auto const& text : law::variants(file.text))
      for (unsigned seed = 0; seed < 5; ++seed)
        check_random_order(continue_dev, text, seed, file.foreign);
}

namespace {

edited edit_or_fail(kind const& k, std::string_view text, changes const& what,
                    undo_notes const& before = {}) {
  auto const done = edit(k, text, what, before);
  if (!done) FAIL(to_string(done.error()));
  return *done;
}

error refused(kind const& k, std::string_view text, changes const& what) {
  auto const done = edit(k, text, what, {});
  CAPTURE(std::string(text));
  REQUIRE(!done);
  REQUIRE(!done.error().message.empty());
  REQUIRE(!done.error().hint.empty());
  return done.error();
}

changes put(std::string name) {
  return {{make_entry(std::move(name), 1)}, {}};
}

}  // namespace

TEST_CASE("A Goose entry is a map by name", "[clients][yaml]") {
  REQUIRE(document_of(kind_of("goose"), {{"git", "http://x", "s\"t"}, {"1.5", "http://y", ""}}) ==
          R"(extensions:
  git:
    name: "git"
    enabled: true
    timeout: 60
    description: ""
    type: "streamable_http"
    uri: "http://x"
    headers:
      Authorization: "Bearer s\"t"
  "1.5":
    name: "1.5"
    enabled: true
    timeout: 60
    description: ""
    type: "streamable_http"
    uri: "http://y"
)");
}

TEST_CASE("A Continue entry is an element with its name", "[clients][yaml]") {
  REQUIRE(document_of(kind_of("continue"), {{"git", "http://x", "t"}}) ==
          R"(mcpServers:
  - name: "git"
    type: "streamable-http"
    url: "http://x"
    requestOptions:
      headers:
        Authorization: "Bearer t"
)");
}

TEST_CASE("A new YAML entry is written like its neighbours", "[clients][yaml]") {
  auto const& list = kind_of("continue");
  changes const one = {{{"n", "http://x", "t"}}, {}};
  REQUIRE(edit_or_fail(list, "mcpServers:\r\n-   name: a\r\n    url: b\r\nz: 1\r\n", one).text ==
          "mcpServers:\r\n-   name: a\r\n    url: b\r\n-   name: \"n\"\r\n"
          "    type: \"streamable-http\"\r\n    url: \"http://x\"\r\n    requestOptions:\r\n"
          "      headers:\r\n        Authorization: \"Bearer t\"\r\nz: 1\r\n");
  REQUIRE(
      edit_or_fail(list, "a:\n- b\n", {{{"n", "http://x", ""}}, {}}).text ==
      "a:\n- b\nmcpServers:\n- name: \"n\"\n  type: \"streamable-http\"\n  url: \"http://x\"\n");
  REQUIRE(edit_or_fail(kind_of("goose"), "a:\n    b: 1\n", {{{"new", "http://x", "t"}}, {}}).text ==
          "a:\n    b: 1\nextensions:\n    new:\n        name: \"new\"\n        enabled: true\n"
          "        timeout: 60\n        description: \"\"\n        type: \"streamable_http\"\n"
          "        uri: \"http://x\"\n        headers:\n"
          "            Authorization: \"Bearer t\"\n");
  REQUIRE(edit_or_fail(list, "mcpServers: [\n  {name: a}, # c\n]\n", {{{"n", "http://x", ""}}, {}})
              .text ==
          "mcpServers: [\n  {name: a},\n  {name: \"n\", type: \"streamable-http\", url: "
          "\"http://x\"}, # c\n]\n");
}

TEST_CASE("Names and values stay what they are in YAML", "[clients][yaml]") {
  auto const& goose = kind_of("goose");
  std::vector<std::string> const names = {"1.5",
                                          "true",
                                          "null",
                                          "No",
                                          "y",
                                          "~",
                                          "-",
                                          "- a",
                                          "a: b",
                                          "#",
                                          "a #b",
                                          "'",
                                          "\"",
                                          "\\",
                                          "*a",
                                          "&a",
                                          "!a",
                                          "%a",
                                          "@a",
                                          "{}",
                                          "[a]",
                                          "a,b",
                                          "|",
                                          ">",
                                          "? a",
                                          "2020-01-01",
                                          "0x1F",
                                          "1e5",
                                          ".inf",
                                          "12:30",
                                          "<<",
                                          "=",
                                          "caf\xC3\xA9",
                                          "\xF0\x9F\x98\x80",
                                          "a\nb",
                                          "a\tb",
                                          " a ",
                                          "\x7F",
                                          "\xC2\x85",
                                          "\xE2\x80\xA8",
                                          "\xEF\xBB\xBF",
                                          "...",
                                          "---",
                                          "\x01"};
  changes all;
  for (auto const& name : names) all.put.push_back({name, "http://x/" + name, name});
  std::string const text = "GOOSE_MODE: auto\n";
  auto const put = edit(goose, text, all, {});
  REQUIRE(put);
  auto const read = read_entries(goose, put->text);
  REQUIRE(read);
  for (auto const& e : all.put) REQUIRE(read->at(e.name) == canonical(goose, e));
  changes gone;
  gone.remove = names;
  REQUIRE(edit_or_fail(goose, put->text, gone, put->notes).text == text);
}

TEST_CASE("YAML entries are read in every form they can have", "[clients][yaml]") {
  auto const read = [](char const* name, char const* text) {
    auto const found = read_entries(kind_of(name), text);
    REQUIRE(found);
    return *found;
  };
  using entries = std::map<std::string, std::string>;
  REQUIRE(read("goose", "") == entries{});
  REQUIRE(read("goose", "extensions:") == entries{});
  REQUIRE(
      read("goose", "extensions: {a: {uri: x, n: 1, f: 1.5, t: true, z: ~, s: '1', o: 0x1F}}") ==
      entries{{"a", R"({"f":1.5E0,"n":1,"o":"0x1F","s":"1","t":true,"uri":"x","z":null})"}});
  REQUIRE(read("goose",
               "d: &d {a: 1}\nu: &u http://x\nextensions:\n  <<: *d\n  b:\n    uri: *u\n"
               "    h: *d\n") == entries{{"b", R"({"h":"*","uri":"http://x"})"}});
  REQUIRE(read("goose", "x: &x\n  a: {uri: y}\nextensions: *x") ==
          entries{{"a", R"({"uri":"y"})"}});
  REQUIRE(read("continue", "mcpServers:\n- &a\n  name: one\n- url: nameless\n- *a\n-\n- 5\n") ==
          entries{{"one", R"("*")"}});
  REQUIRE(read("continue", "mcpServers: {a: b}") == entries{});
}

TEST_CASE("What is not YAML is refused with its place and without its text", "[clients][yaml]") {
  auto const& goose = kind_of("goose");
  for (auto const* text :
       {"a: 1\nb: [s3cret", "a: 1\nb: 's3cret", "a: 1\nb: \"s3cret\\\"\n", "a: 1\nb: s3cret: c",
        "a: 1\n*s3cret : 1", "a: 1\nb: *s3cret\n", "a: 1\nb: {s3cret", "a: 1\nb: @s3cret",
        "a: 1\n\tb: s3cret: 1", "a: 1\nb: !!str \"s3cret", "a: 1\n%  - s3cret\n"}) {
    for (auto const& e : {refused(goose, text, put("x")), read_entries(goose, text).error()}) {
      CAPTURE(to_string(e), std::string(text));
      REQUIRE(e.code == errc::invalid_argument);
      REQUIRE((e.where.starts_with("2:") || e.where.starts_with("3:")));
      REQUIRE(to_string(e).find("s3cret") == std::string::npos);
    }
  }
  // The parser finds documents in these without end.
  for (auto const* text : {",)'", ",", "a: 1\n,", "- a\nb: 1\n", "]"})
    REQUIRE(refused(goose, text, put("x")).code == errc::invalid_argument);
  REQUIRE(refused(goose, "---\n,", put("x")).code == errc::unsupported);
  REQUIRE(edit(goose, "%YAML 1.2\n---\na: 1\n", put("x"), {}));
  REQUIRE(refused(kind_of("continue"), "mcpServers:\n- name: a\n  url: b\n-", put("x")).code ==
          errc::unsupported);
  REQUIRE(refused(goose, "a: \x04 b", put("x")).where == "1:4");
  REQUIRE(refused(goose, "a: \rb: 1", put("x")).where == "1:4");
  REQUIRE(refused(goose, "a: \xC3", put("x")).message == "the file is not UTF-8");
}

TEST_CASE("Nesting that would take the stack is refused in YAML", "[clients][yaml]") {
  auto const repeat = [](std::string const& text, int times) {
    std::string out;
    for (int i = 0; i < times; ++i) out += text;
    return out;
  };
  for (auto const& text :
       {repeat("[", 200000), repeat("- ", 200000), repeat("{a: ", 200000), repeat("? ", 200000),
        repeat("[", 101) + repeat("]", 101), "a:\n" + repeat("- ", 200000) + "b"}) {
    auto const found = read_entries(kind_of("goose"), text);
    REQUIRE(!found);
    REQUIRE(found.error().code == errc::invalid_argument);
  }
  REQUIRE(read_entries(kind_of("goose"), "a: " + repeat("[", 98) + repeat("]", 98)));
}

TEST_CASE("Aliases do not make a small YAML file large", "[clients][yaml]") {
  std::string text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 60; ++i) {
    auto const before = "*a" + std::to_string(i - 1);
    text += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + before;
    for (int n = 0; n < 9; ++n) text += ", " + before;
    text += "]\n";
  }
  text += "extensions:\n  bomb: *a59\n";
  REQUIRE(read_entries(kind_of("goose"), text));
  auto const done = edit_or_fail(kind_of("goose"), text, put("x"));
  REQUIRE(edit_or_fail(kind_of("goose"), done.text, {{}, {"x"}}, done.notes).text == text);
}

TEST_CASE("A YAML file of another shape is refused with what to do", "[clients][yaml]") {
  auto const& goose = kind_of("goose");
  auto const& list = kind_of("continue");
  auto const check = [](error const& e, char const* where) {
    CAPTURE(to_string(e));
    REQUIRE(e.code == errc::unsupported);
    REQUIRE(e.where == where);
    REQUIRE(e.hint.find("client show") != std::string::npos);
  };
  check(refused(goose, "- a\n", put("x")), "1:1");
  check(refused(goose, "text", put("x")), "1:1");
  check(refused(goose, "a: 1\n---\nb: 1\n", put("x")), "");
  check(refused(goose, "a: 1\nextensions: [a]", put("x")), "2:13");
  check(refused(goose, "a: 1\nextensions: 5", put("x")), "2:13");
  check(refused(goose, "a: 1\nextensions: ~", put("x")), "2:1");
  check(refused(goose, "{a: 1, extensions: }", put("x")), "1:8");
  check(refused(goose, "extensions:\n  a: 1\nextensions:\n", put("x")), "3:1");
  check(refused(goose, "b: &b {}\nextensions: *b\n", put("x")), "2:13");
  check(refused(goose, "extensions: &b\n  a: {}\nb: *b\n", put("x")), "1:13");
  check(refused(goose, "extensions:\n  x: &b {}\nb: *b\n", put("x")), "2:1");
  check(refused(goose, "extensions:\n  x: &b {}\nb: *b\n", {{}, {"x"}}), "2:1");
  check(refused(goose, "b: &b {}\nextensions:\n  x: *b\n", put("x")), "3:1");
  check(refused(goose, "extensions:\n  ? x\n  : b\n", put("x")), "2:1");
  check(refused(goose, "extensions:\n  x: 1\n  x: 2\n", put("x")), "2:1");
  check(refused(list, "mcpServers:\n  a: 1\n", put("x")), "2:3");
  check(refused(list, "mcpServers:\n- name: x\n- name: x\n", put("x")), "2:1");
  // The value would get a line end.
  check(refused(goose, "extensions:\n  a:\n    b: |\n      text", put("x")), "");
}

TEST_CASE("Others may change a YAML file between our edits", "[clients][yaml]") {
  auto const& goose = kind_of("goose");
  auto const& list = kind_of("continue");
  changes const both = {{make_entry("one", 1), make_entry("two", 2)}, {}};
  changes const gone = {{}, {"one", "two"}};

  SECTION("before and after our entries") {
    for (std::string const text :
         {"a: 1\n", "extensions:\n", "extensions:\n  x:\n    b: 1\nc: 1\n", "extensions: {}\n"}) {
      auto const put = edit_or_fail(goose, text, both);
      auto const changed = "# mine\n" + put.text + "mine: 1\n";
      REQUIRE(edit_or_fail(goose, changed, gone, put.notes).text ==
              "# mine\n" + text + "mine: 1\n");
    }
  }
  SECTION("between our entries") {
    auto const put = edit_or_fail(list, "a: 1\n", both);
    auto changed = put.text;
    changed.insert(changed.find("  - name: \"two\""), "  # mine\n  - name: three\n\n");
    REQUIRE(edit_or_fail(list, changed, gone, put.notes).text ==
            "a: 1\nmcpServers:\n  # mine\n  - name: three\n\n");
  }
  SECTION("inside our entry") {
    auto const put = edit_or_fail(goose, "a: 1\nb: 2\n", both);
    auto changed = put.text;
    changed.insert(changed.find("\n  two:"),
                   "\n    text: |\n      - text\n      # more\n\n    envs: {}");
    REQUIRE(edit_or_fail(goose, changed, gone, put.notes).text == "a: 1\nb: 2\n");
  }
  SECTION("an alias in our entry is not written over, and goes with it") {
    auto const put = edit_or_fail(goose, "e: &e {A: b}\n", both);
    auto changed = put.text;
    changed.insert(changed.find("    name: \"one\""), "    envs: *e\n");
    auto e = make_entry("one", 5);
    e.kept = R"({"envs":"*"})";
    auto const again = edit(goose, changed, {{e}, {}}, put.notes);
    REQUIRE(!again);
    REQUIRE(again.error().code == errc::unsupported);
    REQUIRE(edit_or_fail(goose, changed, gone, put.notes).text == "e: &e {A: b}\n");
  }
  SECTION("a comment inside our entry's place stays") {
    auto const put = edit_or_fail(goose, "a: 1\n", both);
    auto const changed = put.text + "    # mine\n";
    REQUIRE(edit_or_fail(goose, changed, gone, put.notes).text == "a: 1\n    # mine\n");
  }
  SECTION("what they put into an empty file stays") {
    auto const put = edit_or_fail(list, "", both);
    REQUIRE_FALSE(put.empty);
    auto const left = edit_or_fail(list, put.text + "mine: 1\n", gone, put.notes);
    REQUIRE(left.text == "mine: 1\n");
    REQUIRE_FALSE(left.empty);
  }
  SECTION("a container that we made stays while somebody uses it") {
    auto const put = edit_or_fail(goose, "a: 1\n", both);
    auto const left = edit_or_fail(goose, put.text + "  mine: {}\n", gone, put.notes);
    REQUIRE(left.text == "a: 1\nextensions:\n  mine: {}\n");
    REQUIRE(left.notes == undo_notes{});
  }
  SECTION("a foreign entry comes back though ours was changed") {
    std::string const text = "extensions:\n  one: {a: b} # mine\n  # below\nb: 1\n";
    auto const put = edit_or_fail(goose, text, both);
    auto changed = put.text;
    changed.insert(changed.find("    name: \"one\""), "    display_name: One\n");
    REQUIRE(edit_or_fail(goose, changed, gone, put.notes).text == text);
  }
  SECTION("a foreign entry that would break the file does not come back") {
    auto const put =
        edit_or_fail(list, "mcpServers: [{name: one}]\n", {{make_entry("one", 1)}, {}});
    REQUIRE(edit_or_fail(list, "mcpServers:\n- name: one\n", gone, put.notes).text ==
            "mcpServers:\n");
  }
}

TEST_CASE("What our YAML entry holds already is not written again", "[clients][yaml]") {
  auto const& goose = kind_of("goose");
  auto const put = edit_or_fail(goose, "", {{make_entry("one", 1)}, {}});
  auto changed = "# mine\n" + put.text + "# end\n";
  changed.insert(changed.find("\"one\"") + 5, "   # spaced");
  auto const again = edit_or_fail(goose, changed, {{make_entry("one", 1)}, {}}, put.notes);
  REQUIRE(again.text == changed);
  REQUIRE(again.notes == put.notes);
}

TEST_CASE("What an entry keeps is written with it in YAML", "[clients][yaml]") {
  for (auto const* name : {"goose", "continue"}) {
    auto const& k = kind_of(name);
    entry const e{"one", "http://x", "t",
                  R"({"a":[1,[],{"b c":["x"]}],"d":{},"f":30.0,"g":1.5,"h":1e300,"i":-7,"t":true,)"
                  R"("u":{"v":{"w":"\u007f"}}})"};
    auto const put = edit_or_fail(k, "a: 1\n", {{e}, {}});
    auto const read = read_entries(k, put.text);
    REQUIRE(read);
    REQUIRE(read->at("one") == canonical(k, e));
    REQUIRE(put.text.find("30.0") != std::string::npos);
    REQUIRE(put.text.find("1.5E0") == std::string::npos);
    REQUIRE(edit_or_fail(k, put.text, {{}, {"one"}}, put.notes).text == "a: 1\n");
  }
}

TEST_CASE("Comments between and in our YAML entries do not keep them", "[clients][yaml]") {
  for (auto const* text : {"", "a: 1\n", "a: 1\nextensions:\nb: 1\n", "# c\n", "extensions: {}\n",
                           "extensions:\n  x:\n    a: 1\n\n  y:\n    a: 1\n\nb:\n  c: 1\n"})
    law::check_comments_between(kind_of("goose"), text);
  for (auto const* text : {"", "mcpServers:\n- name: x\n  a: 1\nb: 1\n", "mcpServers:\n",
                           "mcpServers: [\n  {name: x},\n]\n", "a:\n  - b\n"})
    law::check_comments_between(kind_of("continue"), text);
}
