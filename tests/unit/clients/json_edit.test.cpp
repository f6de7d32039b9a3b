// SPDX-License-Identifier: Apache-2.0
#include <thv/clients/edit.hpp>

#include <chrono>

#include "law.hpp"

using namespace thv;
using namespace thv::clients;

namespace {

kind const& cursor() {
  return law::kind_of("cursor");
}

entry const fetch{"fetch", "http://127.0.0.1:4483/servers/fetch/mcp", "T"};
entry const git{"git", "http://127.0.0.1:4483/servers/git/mcp", ""};

edited put(std::string const& text, std::vector<entry> entries, undo_notes const& before = {}) {
  auto done = edit(cursor(), text, {std::move(entries), {}}, before);
  CAPTURE(text);
  REQUIRE(done);
  return *done;
}

std::string removed(std::string const& text, std::vector<std::string> names,
                    undo_notes const& before) {
  auto const done = edit(cursor(), text, {{}, std::move(names)}, before);
  CAPTURE(text);
  if (!done) FAIL(to_string(done.error()));
  return done->text;
}

std::string replaced(std::string text, std::string_view what, std::string_view with) {
  auto const at = text.find(what);
  REQUIRE(at != std::string::npos);
  return text.replace(at, what.size(), with);
}

}  // namespace

TEST_CASE("a new JSON entry looks like its neighbours", "[clients][unit]") {
  CHECK(put("{\n\t\"mcpServers\": {\n\t\t\"a\": {\n\t\t\t\"url\": \"x\"\n\t\t}, // a\n\t},\n}\n",
            {git})
            .text ==
        "{\n\t\"mcpServers\": {\n\t\t\"a\": {\n\t\t\t\"url\": \"x\"\n\t\t}, // a\n"
        "\t\t\"git\": {\n\t\t\t\"type\": \"http\",\n"
        "\t\t\t\"url\": \"http://127.0.0.1:4483/servers/git/mcp\"\n\t\t},\n\t},\n}\n");
  CHECK(
      put(R"({"mcpServers":{"a":{"url":"x"}}})", {fetch}).text ==
      R"({"mcpServers":{"a":{"url":"x"},"fetch":{"type":"http",)"
      R"("url":"http://127.0.0.1:4483/servers/fetch/mcp","headers":{"Authorization":"Bearer T"}}}})");
  CHECK(put("{\r\n    \"mcpServers\": {\r\n        \"a\": { \"url\": \"x\" } // a\r\n    }\r\n}",
            {git})
            .text ==
        "{\r\n    \"mcpServers\": {\r\n        \"a\": { \"url\": \"x\" }, // a\r\n"
        "        \"git\": { \"type\": \"http\", \"url\": "
        "\"http://127.0.0.1:4483/servers/git/mcp\" }\r\n    }\r\n}");
  CHECK(put("", {git}).text ==
        "{\n  \"mcpServers\": {\n    \"git\": {\n      \"type\": \"http\",\n"
        "      \"url\": \"http://127.0.0.1:4483/servers/git/mcp\"\n    }\n  }\n}\n");
}

TEST_CASE("the key with a dot is one key", "[clients][unit]") {
  auto const& amp = law::kind_of("amp-cli");
  auto const done = edit(amp, R"({"amp": {"mcpServers": {"x": 1}}})", {{git}, {}}, {});
  REQUIRE(done);
  CHECK(done->text.find(R"("amp.mcpServers": {)") != std::string::npos);
  CHECK(done->text.starts_with(R"({"amp": {"mcpServers": {"x": 1}},)"));
  CHECK(read_entries(amp, done->text)->size() == 1);
}

TEST_CASE("an entry that is there already is not touched", "[clients][unit]") {
  auto const text = std::string(R"({"mcpServers": {"git": {
    "url": "http:\/\/127.0.0.1:4483/servers/git/mcp", /* mine */ "type": "http"}}})");
  CHECK(put(text, {git}).text == text);
}

TEST_CASE("what the user writes around our entries stays", "[clients][unit]") {
  std::string const original = "{\n  \"mcpServers\": {\n    \"a\": {}\n  }\n}\n";
  auto const ours = put(original, {fetch, git});
  SECTION("another server after ours") {
    auto const text =
        replaced(ours.text, "\n  }\n}", ",\n    \"z\": { \"url\": \"y\" } // z\n  }\n}");
    CHECK(removed(text, {"git", "fetch"}, ours.notes) ==
          "{\n  \"mcpServers\": {\n    \"a\": {},\n    \"z\": { \"url\": \"y\" } // z\n  }\n}\n");
  }
  SECTION("one between ours, on our line") {
    auto const text = replaced(ours.text, "\n    \"git\"", " \"m\": 1, \"git\"");
    CHECK(removed(text, {"git", "fetch"}, ours.notes) ==
          "{\n  \"mcpServers\": {\n    \"a\": {}, \"m\": 1\n  }\n}\n");
  }
  SECTION("a comment at our entry") {
    auto const text = replaced(ours.text, "    \"fetch\"", "    // why\n    \"fetch\"");
    CHECK(removed(text, {"git", "fetch"}, ours.notes) ==
          "{\n  \"mcpServers\": {\n    \"a\": {}\n    // why\n  }\n}\n");
  }
  SECTION("a comment that would swallow what follows") {
    auto const text = R"({"mcpServers": { // mine
      "fetch": {}, "b": 1 }})";
    CHECK(*read_entries(cursor(), removed(text, {"fetch"}, ours.notes)) ==
          std::map<std::string, std::string>{{"b", "1"}});
  }
  SECTION("the entry itself") {
    auto const text = replaced(ours.text, "\"Bearer T\"", "\"Bearer T\", \"X-A\": [{}]");
    CHECK(removed(text, {"git", "fetch"}, ours.notes) == original);
  }
  SECTION("everything in one line") {
    auto const text = R"({"mcpServers":{"a":{},"fetch":{"url":"u"},"git":{"url":"v"}},"b":1})";
    CHECK(removed(text, {"git"}, ours.notes) ==
          R"({"mcpServers":{"a":{},"fetch":{"url":"u"}},"b":1})");
    CHECK(removed(text, {"fetch", "git"}, ours.notes) == R"({"mcpServers":{"a":{}},"b":1})");
  }
  SECTION("our entry once more") {
    auto const text = replaced(ours.text, "\"a\": {}", "\"fetch\": {}");
    CHECK(read_entries(cursor(), removed(text, {"fetch", "git"}, ours.notes))->empty());
  }
}

TEST_CASE("a container that we made goes, unless somebody uses it", "[clients][unit]") {
  std::string const original = "{\n  \"theme\": \"dark\"\n}\n";
  auto const ours = put(original, {fetch});
  CHECK(removed(ours.text, {"fetch"}, ours.notes) == original);
  auto const used = replaced(ours.text, "\"fetch\": {", "\"z\": {},\n    \"fetch\": {");
  CHECK(removed(used, {"fetch"}, ours.notes) ==
        "{\n  \"theme\": \"dark\",\n  \"mcpServers\": {\n    \"z\": {}\n  }\n}\n");
  auto const commented = replaced(ours.text, "\"fetch\": {", "// mine\n    \"fetch\": {");
  CHECK(removed(commented, {"fetch"}, ours.notes).find("// mine") != std::string::npos);
  SECTION("also when a client has written the file anew") {
    auto const text = R"({"theme":"dark","mcpServers":{"fetch":{"url":"x"}}})";
    CHECK(removed(text, {"fetch"}, ours.notes) == R"({"theme":"dark"})");
  }
  SECTION("also when our entry is gone already") {
    auto const text = R"({"theme":"dark","mcpServers":{}})";
    CHECK(removed(text, {"fetch"}, ours.notes) == R"({"theme":"dark"})");
  }
  SECTION("but not one that was there") {
    auto const there = put(R"({"mcpServers": {}})", {fetch});
    CHECK(removed(R"({"mcpServers": {"fetch": 1 } })", {"fetch"}, there.notes) ==
          R"({"mcpServers": {} })");
  }
}

TEST_CASE("a foreign entry comes back, its comments too", "[clients][unit]") {
  std::string const original =
      "{\"mcpServers\": {\n  \"git\" : {\"command\": \"git\" /* mine */}, // git\n  \"z\": 1}}";
  auto const first = put(original, {git});
  CHECK(first.text.find("mine") == std::string::npos);
  auto moved = git;
  moved.url += "2";
  auto const second = put(first.text, {moved, fetch}, first.notes);
  CHECK(removed(second.text, {"fetch", "git"}, second.notes) == original);
}

TEST_CASE("notes of another text do no harm", "[clients][unit]") {
  for (std::string const container :
       {"nonsense", "[]", R"({"made":7})", R"({"made":-1,"inner":5})", R"({"blank":"{"})"}) {
    undo_notes const notes{{{"fetch", "{ not json"}, {"gone", "1"}}, container};
    CHECK(removed(R"({"mcpServers":{"fetch":{"url":"x"},"a":1}})", {"fetch", "gone"}, notes) ==
          R"({"mcpServers":{"a":1}})");
    CHECK(put(R"({"a":1})", {git}, notes).notes.entries.count("git") == 1);
  }
}

TEST_CASE("a JSON text that no client could read is refused with its place", "[clients][unit]") {
  auto const where = [](std::string const& text) {
    auto const read = read_entries(cursor(), text);
    REQUIRE_FALSE(read);
    CHECK(read.error().code == errc::invalid_argument);
    auto const done = edit(cursor(), text, {{git}, {}}, {});
    REQUIRE_FALSE(done);
    CHECK(done.error() == read.error());
    return read.error().where;
  };
  CHECK(where("{\n  \"a\": 1\n  \"b\": 2\n}") == "3:3");
  CHECK(where("{\"a\": 1") == "1:8");
  CHECK(where("{} {}") == "1:4");
  CHECK_FALSE(where("/* open").empty());
  CHECK(where("/") == "1:2");
  CHECK(where("/**/ /") == "1:7");
  CHECK(where("{ /** a **/ * b */ }") == "1:13");
  CHECK(where("{'a': 1}") == "1:2");
  CHECK(where("\xFF\xFE{\0}\0") == "1:1");
  CHECK_FALSE(where(std::string(100'000, '[')).empty());
  CHECK_FALSE(
      where("{\"a\":" + std::string(100'000, '[') + std::string(100'000, ']') + "}").empty());
}

TEST_CASE("a value of another type in the way is named", "[clients][unit]") {
  for (auto const& [text, where] : std::map<std::string, std::string>{
           {"[]", ""},
           {"1", ""},
           {R"({"mcpServers": []})", "/mcpServers"},
           {R"({"mcpServers": "a"})", "/mcpServers"},
           {R"({"mcpServers": null})", "/mcpServers"},
           {R"({"mcpServers": {}, "mcpServers": 1})", "/mcpServers"}}) {
    auto const done = edit(cursor(), text, {{git}, {}}, {});
    REQUIRE_FALSE(done);
    CHECK(done.error().code == errc::unsupported);
    CHECK(done.error().where == where);
    CHECK(done.error().message.find("an object is expected here, not ") != std::string::npos);
    CHECK(done.error().hint.find("client show cursor") != std::string::npos);
  }
}

TEST_CASE("a document to paste holds the entries alone", "[clients][unit]") {
  auto const text = document_of(law::kind_of("opencode"), {fetch});
  CHECK(text ==
        "{\n  \"mcp\": {\n    \"fetch\": {\n      \"type\": \"remote\",\n"
        "      \"url\": \"http://127.0.0.1:4483/servers/fetch/mcp\",\n"
        "      \"headers\": {\n        \"Authorization\": \"Bearer T\"\n      }\n    }\n  }\n}\n");
}

TEST_CASE("a file of 5 MB takes tens of milliseconds", "[clients][unit]") {
  std::string text = "{\n  \"projects\": {";
  for (int i = 0; text.size() < 5'000'000; ++i)
    text +=
        (i == 0 ? "\n" : ",\n") + std::string("    \"/home/u/p") + std::to_string(i) +
        "\": { \"history\": [{ \"display\": \"do \\\"it\\\" // now\", \"n\": " + std::to_string(i) +
        " }], \"allowedTools\": [], \"cost\": 1.25e-3 }";
  text += "\n  },\n  \"mcpServers\": {}\n}\n";
  std::vector<entry> twenty;
  for (int i = 0; i < 20; ++i) twenty.push_back(law::make_entry("w" + std::to_string(i), i));
  auto const start = std::chrono::steady_clock::now();
  auto const done = put(text, twenty);
  auto const took = std::chrono::steady_clock::now() - start;
  std::vector<std::string> names;
  for (auto const& e : twenty) names.push_back(e.name);
  CHECK(removed(done.text, names, done.notes) == text);
  CHECK(took < std::chrono::milliseconds(1000));  // a loaded machine; the benchmark has the figure
}
