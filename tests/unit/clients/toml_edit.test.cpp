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

std::vector<sample> codex_files() {
  return {
      {"", {}},
      {"\n", {}},
      {" \n\t\n", {}},
      {"# only a comment\n", {}},
      {"# only a comment\n\n\n", {}},
      {"model = \"gpt-5\"\n", {}},
      {"model = \"gpt-5\"\napproval_policy = \"on-request\"  # ask\n\n[features]\nweb = true\n",
       {}},
      {R"(# Codex
model = "gpt-5"

[mcp_servers.docs]
command = "npx"
args = [
  "-y",  # no question
  "@upstash/context7-mcp", # ]
]

[mcp_servers.docs.env]
KEY = "value"

# the linter
[mcp_servers."with space"]
url = "http://localhost:9/mcp"
# url = "http://localhost:8/mcp"

# profiles
[profiles.fast]
model = 'o4-mini'
)",
       {"docs", "with space"}},
      {R"([mcp_servers.first]
url = "http://localhost:1/mcp"
[mcp_servers.first.http_headers]
X = "1"
[other]
text = """
[mcp_servers.fake]
url = "no"
"""
lit = '''
[mcp_servers.fake2]''''
[mcp_servers.last]
url = "http://localhost:2/mcp"
)",
       {"first", "last"}},
      {"  [mcp_servers]\n\n  [mcp_servers.in]\n  url = \"x\"\n", {"in"}},
      {"[mcp_servers]\n", {}},
      {"[mcp_servers]\nx.url = \"http://a\"\ny = { url = \"http://b\" }\n\n[a]\nb = 1\n", {}},
      {"mcp_servers.x.url = \"http://a\"\nz = 1979-05-27T07:32:00Z\n", {}},
      {"[a]\nb = [ 1, [ 2 ], { c = \"]\", d.e = 1.5 } ]\nf = inf\ng = 1979-05-27 07:32:00 # date\n"
       "[[h]]\n[[h]]\n[h.i]\n",
       {}},
      {"[mcp_servers.x.env]\nA = '1'\n[mcp_servers.x]\nurl = 'a'\n[b]\n[mcp_servers.y]\nurl = "
       "'b'\n",
       {"x", "y"}},
      {"\t[ mcp_servers . 'x' ] # here\n\turl='a'\n\n\n\n[z]\n", {"x"}},
      {"[\"mcp_servers\".\"\\u0078\\\"\"]\nurl = \"\"\"\\\n   a\"\"\"\"\"\n", {"x\""}},
  };
}

std::vector<sample> vibe_files() {
  return {
      {"", {}},
      {"# nothing yet", {}},
      {"active_model = \"devstral\"\nmcp_servers = []\napi_timeout = 720.0\n\n[[models]]\nname = "
       "\"a\"\n",
       {}},
      {"mcp_servers = [ # none\n]\n", {}},
      {"mcp_servers = [{ name = \"one\", transport = \"stdio\", command = \"uvx\" }] # one\n",
       {"one"}},
      {"a = 1\nmcp_servers = [\n    { name = \"one\", args = [\"]\", '}'] },  # first\n    { name "
       "= "
       "\"two\", url = \"http://x\" },\n]\nb = 2\n",
       {"one", "two"}},
      {"mcp_servers = [\n\t{ name = \"one\" },\n\t{ transport = \"http\" } # nameless\n]\n",
       {"one"}},
      {R"(active_model = "devstral"

[[mcp_servers]]
name = "fetch_server"
transport = "stdio"
env = { "DEBUG" = "1" }

# with OAuth
[[mcp_servers]]
name = "linear"
transport = "streamable-http"
url = "https://mcp.linear.app/mcp"

[mcp_servers.auth]
type = "oauth"

[tools.bash]
permission = "ask"
)",
       {"fetch_server", "linear"}},
      {"[[mcp_servers]]\nname = \"a\"\n[mcp_servers.env]\n[[mcp_servers]]\nurl = \"nameless\"\n"
       "[x]\n[[mcp_servers]]\nname = 'b'",
       {"a", "b"}},
  };
}

}  // namespace

TEST_CASE("Entries come and go in a Codex file without a trace", "[clients][toml]") {
  auto const& codex = kind_of("codex");
  for (auto const& file : codex_files())
    for (auto const& text : law::variants(file.text))
      for (unsigned seed = 0; seed < 5; ++seed) check_random_order(codex, text, seed, file.foreign);
}

TEST_CASE("Entries come and go in a Mistral Vibe file without a trace", "[clients][toml]") {
  auto const& vibe = kind_of("mistral-vibe");
  for (auto const& file : vibe_files())
    for (auto const& text : law::variants(file.text))
      for (unsigned seed = 0; seed < 5; ++seed) check_random_order(vibe, text, seed, file.foreign);
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

TEST_CASE("A Codex entry is a table with the token in its headers", "[clients][toml]") {
  auto const& codex = kind_of("codex");
  REQUIRE(document_of(codex, {{"git", "http://127.0.0.1:1/w/git/mcp", "s3cret\""},
                              {"a.b", "http://x", ""}}) ==
          "[mcp_servers.git]\nurl = \"http://127.0.0.1:1/w/git/mcp\"\n"
          "http_headers = { Authorization = \"Bearer s3cret\\\"\" }\n\n"
          "[mcp_servers.\"a.b\"]\nurl = \"http://x\"\n");
}

TEST_CASE("A Mistral Vibe entry is an element of an array of tables", "[clients][toml]") {
  REQUIRE(document_of(kind_of("mistral-vibe"), {{"git", "http://x", "t"}}) ==
          "[[mcp_servers]]\nname = \"git\"\ntransport = \"streamable-http\"\nurl = \"http://x\"\n"
          "headers = { Authorization = \"Bearer t\" }\n");
}

TEST_CASE("A new TOML entry is written like its neighbours", "[clients][toml]") {
  auto const& codex = kind_of("codex");
  auto const windows =
      edit_or_fail(codex, "a = 1\r\n  [mcp_servers.x]\r\n  url = 'a'\r\n# next\r\n[z]\r\n",
                   {{{"n", "http://x", ""}}, {}});
  REQUIRE(windows.text ==
          "a = 1\r\n  [mcp_servers.x]\r\n  url = 'a'\r\n\r\n  [mcp_servers.n]\r\n"
          "  url = \"http://x\"\r\n# next\r\n[z]\r\n");
  auto const lines = edit_or_fail(kind_of("mistral-vibe"), "mcp_servers = [\n\t{ name = 'a' },\n]",
                                  {{{"n", "http://x", ""}}, {}});
  REQUIRE(lines.text ==
          "mcp_servers = [\n\t{ name = 'a' },\n\t{ name = \"n\", transport = \"streamable-http\", "
          "url = \"http://x\" },\n]");
}

TEST_CASE("TOML entries are read in every form they can have", "[clients][toml]") {
  auto const read = [](char const* name, char const* text) {
    auto const found = read_entries(kind_of(name), text);
    REQUIRE(found);
    return *found;
  };
  using entries = std::map<std::string, std::string>;
  REQUIRE(read("codex", "") == entries{});
  REQUIRE(read("codex", "mcp_servers = { a = { url = 'x' }, \"b.c\".url = 'y' }") ==
          entries{{"a", R"({"url":"x"})"}, {"b.c", R"({"url":"y"})"}});
  REQUIRE(read("codex", "mcp_servers.a.url = 'x'\nmcp_servers.a.n = 1.5") ==
          entries{{"a", R"({"n":1.5E0,"url":"x"})"}});
  REQUIRE(read("codex", "[mcp_servers]\na.url = '''x'''\n[mcp_servers.a.env]\nK = true") ==
          entries{{"a", R"({"env":{"K":true},"url":"x"})"}});
  REQUIRE(read("mistral-vibe", "mcp_servers = [{name='a'}, {url='nameless'}]") ==
          entries{{"a", R"({"name":"a"})"}});
  REQUIRE(read("mistral-vibe", "[[mcp_servers]]\nname='a'\n[mcp_servers.env]\nd = 1979-05-27") ==
          entries{{"a", R"({"env":{"d":"1979-05-27"},"name":"a"})"}});
}

TEST_CASE("What is not TOML is refused with its place and without its text", "[clients][toml]") {
  auto const& codex = kind_of("codex");
  for (auto const* text : {"a = 1\nb\n", "a = 1\nb = \"s3cret\n", "a = 1\nb = ts3cret", "a = 1\n[b",
                           "a = 1\n[b] s3cret", "a = 1\na = 's3cret'", "a = 1\nb = [ 's3cret'",
                           "a = 1\nb = '''s3cret", "a = 1\nb = {s3cret", "a = 1\nb = s3cret\n"}) {
    for (auto const& e : {refused(codex, text, put("x")), read_entries(codex, text).error()}) {
      CAPTURE(to_string(e));
      REQUIRE(e.code == errc::invalid_argument);
      REQUIRE(e.where.starts_with("2:"));
      REQUIRE(to_string(e).find("s3cret") == std::string::npos);
    }
  }
  REQUIRE(refused(codex, "a = '\xFF'", put("x")).where == "1:6");
  REQUIRE(refused(codex, "a = '\x01'", put("x")).where == "1:6");
  REQUIRE(refused(codex,
                  "\xFF\xFE"
                  "a",
                  put("x"))
              .message == "the file is not UTF-8");
}

TEST_CASE("Nesting that would take the stack is refused in TOML", "[clients][toml]") {
  auto const repeat = [](std::string const& text, int times) {
    std::string out;
    for (int i = 0; i < times; ++i) out += text;
    return out;
  };
  for (auto const& text :
       {"a = " + repeat("[", 200000), "[" + repeat("a.", 200000) + "a]",
        repeat("a.", 200000) + "a = 1", "a = " + repeat("{a.a.a = ", 200000),
        "a = [{ " + repeat("a.", 200000) + "a = 1 }]",
        "a = " + repeat("[", 200000) + repeat("]", 200000), "[[" + repeat("'a' . ", 101) + "a]]"}) {
    auto const found = read_entries(kind_of("codex"), text);
    REQUIRE(!found);
    REQUIRE(found.error().code == errc::invalid_argument);
    REQUIRE(found.error().message.find("nested") != std::string::npos);
  }
  REQUIRE(read_entries(kind_of("codex"), "a = " + repeat("[", 98) + repeat("]", 98)));
}

TEST_CASE("A TOML file of another shape is refused with what to do", "[clients][toml]") {
  auto const& codex = kind_of("codex");
  auto const& vibe = kind_of("mistral-vibe");
  auto const check = [](error const& e, char const* where) {
    CAPTURE(to_string(e));
    REQUIRE(e.code == errc::unsupported);
    REQUIRE(e.where == where);
    REQUIRE(e.hint.find("client show") != std::string::npos);
  };
  check(refused(codex, "a = 1\nmcp_servers = { x = { url = 'a' } }", put("y")), "2:1");
  check(refused(codex, "mcp_servers = { x = { url = 'a' } }", put("x")), "1:15");
  check(refused(codex, "mcp_servers = {}", put("x")), "1:1");
  check(refused(codex, "mcp_servers = 1", put("x")), "1:1");
  check(refused(codex, "a = 1\n[[mcp_servers]]", put("x")), "2:1");
  check(refused(codex, "mcp_servers.x.url = 'a'", put("x")), "1:1");
  check(refused(codex, "[mcp_servers]\nx.url = 'a'", put("x")), "2:1");
  check(refused(codex, "[mcp_servers]\nx.url = 'a'\n[mcp_servers.x.env]", put("x")), "3:1");
  check(refused(codex, "[mcp_servers.x]\nurl = 'a'\n[b]\n[mcp_servers.x.env]", put("x")), "1:1");
  check(refused(codex, "[mcp_servers.x]\nurl = 'a'\n[b]\n[mcp_servers.x.env]", {{}, {"x"}}), "1:1");
  check(refused(vibe, "[mcp_servers.x]\nurl = 'a'", put("x")), "1:1");
  check(refused(vibe, "mcp_servers = [1, 2]", put("x")), "1:15");
  check(refused(vibe, "[[mcp_servers]]\nname = 'x'\n[[mcp_servers]]\nname = 'x'", put("x")), "1:1");
  check(refused(vibe, "[[mcp_servers]]\nname = 'x'\n[b]\n[mcp_servers.env]", put("x")), "1:1");
}

TEST_CASE("Others may change a TOML file between our edits", "[clients][toml]") {
  auto const& codex = kind_of("codex");
  auto const& vibe = kind_of("mistral-vibe");
  changes const both = {{make_entry("one", 1), make_entry("two", 2)}, {}};
  changes const gone = {{}, {"one", "two"}};

  SECTION("before and after our entries") {
    for (std::string const text :
         {"a = 1\n", "a = 1\n\n[b]\nc = 1\n", "[mcp_servers.x]\nurl = 'x'\n"}) {
      auto const put = edit_or_fail(codex, text, both);
      auto const changed = "# mine\n" + put.text + "\n[mine]\nx = 1\n";
      REQUIRE(edit_or_fail(codex, changed, gone, put.notes).text ==
              "# mine\n" + text + "\n[mine]\nx = 1\n");
    }
  }
  SECTION("between our entries") {
    auto const put = edit_or_fail(codex, "a = 1\n", both);
    auto changed = put.text;
    changed.insert(changed.find("[mcp_servers.two]"), "[mine] # here\nx = 1\n\n");
    auto const left = edit_or_fail(codex, changed, gone, put.notes);
    REQUIRE(left.text == "a = 1\n\n[mine] # here\nx = 1\n");
    REQUIRE(left.notes == undo_notes{});
  }
  SECTION("inside our entry") {
    auto const put = edit_or_fail(codex, "a = 1\n\n[b]\n", both);
    auto changed = put.text;
    changed.insert(changed.find("\n\n[mcp_servers.two]"),
                   "\nenabled = false # not now\n\n[mcp_servers.one.env]\nK = 'v'");
    REQUIRE(edit_or_fail(codex, changed, gone, put.notes).text == "a = 1\n\n[b]\n");
  }
  SECTION("what they put into an empty file stays") {
    auto const put = edit_or_fail(codex, " \n", both);
    REQUIRE_FALSE(put.empty);
    auto const left = edit_or_fail(codex, "# mine\n" + put.text, gone, put.notes);
    REQUIRE(left.text == "# mine\n");
    REQUIRE_FALSE(left.empty);
  }
  SECTION("an entry of ours that is gone leaves no notes") {
    auto const put = edit_or_fail(codex, "a = 1\n", both);
    auto const left = edit_or_fail(codex, "a = 1\n", {{}, {"one"}}, put.notes);
    REQUIRE(left.text == "a = 1\n");
    REQUIRE(left.notes == undo_notes{});
  }
  SECTION("a foreign entry comes back though ours was changed") {
    std::string const text = "[mcp_servers.one] # mine\nurl = 'old'\n\n[b]\n";
    auto const put = edit_or_fail(codex, text, both);
    auto changed = put.text;
    changed.insert(changed.find("url = \""), "enabled = true\n");
    REQUIRE(edit_or_fail(codex, changed, gone, put.notes).text == text);
  }
  SECTION("a foreign entry that would break the file does not come back") {
    std::string const text = "mcp_servers = [{ name = 'one' }]\n";
    auto const put = edit_or_fail(vibe, text, {{make_entry("one", 1)}, {}});
    auto const left = edit_or_fail(vibe, "[[mcp_servers]]\nname = 'one'\n", gone, put.notes);
    REQUIRE(left.text.empty());
  }
  SECTION("the comma of a list that was emptied goes too") {
    auto const put = edit_or_fail(vibe, "mcp_servers = [{ name = 'x' }, ]\n", both);
    auto changed = put.text;
    changed.erase(changed.find("{ name = 'x' }, "), 16);
    REQUIRE(edit_or_fail(vibe, changed, gone, put.notes).text == "mcp_servers = [ ]\n");
  }
}

TEST_CASE("What our TOML entry holds already is not written again", "[clients][toml]") {
  auto const& codex = kind_of("codex");
  auto const put = edit_or_fail(codex, "", {{make_entry("one", 1)}, {}});
  auto const changed = "# mine\n" + put.text + "# end\n";
  auto const again = edit_or_fail(codex, changed, {{make_entry("one", 1)}, {}}, put.notes);
  REQUIRE(again.text == changed);
  REQUIRE(again.notes == put.notes);
}

TEST_CASE("What an entry keeps is written with it in TOML", "[clients][toml]") {
  for (auto const* name : {"codex", "mistral-vibe"}) {
    auto const& k = kind_of(name);
    entry const e{"one", "http://x", "t",
                  R"({"a":[1,[],{"b c":["x"]}],"d":{},"f":30.0,"g":1.5,"h":1e300,"i":-7,"t":true,)"
                  R"("u":{"v":{"w":"\u007f"}}})"};
    auto const put = edit_or_fail(k, "a = 1\n", {{e}, {}});
    auto const read = read_entries(k, put.text);
    REQUIRE(read);
    REQUIRE(read->at("one") == canonical(k, e));
    REQUIRE(put.text.find("30.0") != std::string::npos);
    REQUIRE(put.text.find("1.5E0") == std::string::npos);
    REQUIRE(edit_or_fail(k, put.text, {{}, {"one"}}, put.notes).text == "a = 1\n");
  }
}

TEST_CASE("Names and values stay what they are in TOML", "[clients][toml]") {
  std::vector<std::string> const names = {
      "1.5",  "true", "a b", "#",    "'",           "\"",
      "\\",   "]",    "[a]", "=",    "caf\xC3\xA9", "\xF0\x9F\x98\x80",
      "a\nb", "a\tb", " a ", "\x7F", "\xC2\x85",    "\xEF\xBB\xBF",
      "\x01", "\x1F"};
  changes all;
  for (auto const& name : names) all.put.push_back({name, "http://x/" + name, name});
  changes const gone = {{}, names};
  for (auto const* kind_name : {"codex", "mistral-vibe"}) {
    auto const& k = kind_of(kind_name);
    for (std::string const text : {"a = 1\n", "mcp_servers = []\n"}) {
      if (text != "a = 1\n" && k.format == file_format::toml_tables) continue;
      auto const put = edit_or_fail(k, text, all);
      auto const read = read_entries(k, put.text);
      REQUIRE(read);
      for (auto const& e : all.put) REQUIRE(read->at(e.name) == canonical(k, e));
      REQUIRE(edit_or_fail(k, put.text, gone, put.notes).text == text);
    }
  }
}

TEST_CASE("Comments between and in our TOML entries do not keep them", "[clients][toml]") {
  for (auto const* text : {"", "a = 1\n", "a = 1\n\n[b]\nc = 1\n", "# c\n",
                           "[mcp_servers.x]\nurl = 'x'\n# y\n\n[z]\n"})
    law::check_comments_between(kind_of("codex"), text);
  for (auto const* text : {"", "mcp_servers = [\n  { name = 'x' },\n]\n", "mcp_servers = []\n",
                           "[[mcp_servers]]\nname = 'x'\n[a]\nb = 1\n"})
    law::check_comments_between(kind_of("mistral-vibe"), text);
}
