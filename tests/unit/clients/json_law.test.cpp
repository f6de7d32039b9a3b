// SPDX-License-Identifier: Apache-2.0
#include <thv/clients/edit.hpp>

#include <filesystem>
#include <fstream>
#include <random>
#include <set>
#include <sstream>

#include "law.hpp"

namespace fs = std::filesystem;
using namespace thv::clients;

namespace {

std::string contents(fs::path const& path) {
  std::ostringstream out;
  out << std::ifstream(path, std::ios::binary).rdbuf();
  return out.str();
}

// Shapes that no client writes, for every container key `SERVERS`.
std::vector<std::string> odd_texts() {
  return {
      "",
      "\n\n",
      "  \t\n",
      "\xEF\xBB\xBF",
      "// nothing yet",
      "// nothing yet\n",
      "/* nothing */  \n\n",
      "{}",
      "{}\n",
      "{ }",
      "{\n}",
      "{\n\n\n}\n\n",
      "{ /* note */ }",
      "{ // note\n}",
      "{ // note\n  }",
      R"({"SERVERS":{}})",
      R"({"SERVERS":{},})",
      R"({ "SERVERS": {} })",
      R"({ "SERVERS": { } })",
      "{\n  \"SERVERS\": {}\n}\n",
      "{\n  \"SERVERS\": {\n  }\n}\n",
      "{\n  \"SERVERS\": { /* none */ }\n}\n",
      "{\n  \"SERVERS\": { // none\n  }\n}\n",
      "{\n  \"SERVERS\": {\n    // none\n    /* really */\n  },\n  \"a\": 1\n}\n",
      R"({"a":1})",
      R"({"a":1,})",
      R"({ "a" : 1 })",
      "{\"a\":1 // one\n}",
      "{\"a\":1, // one\n}",
      "{ \"a\": 1 /* one */ , /* two */ }",
      "{\n\t\"a\": [1, {\"b\": \"}\"}],\n\t\"c\": \"//\"\n}\n",
      "{\n\n      \"a\": 1\n\n\n}",
      "/**\n * doc **/ {\n  \"a\": \"src/**/x\" /***/\n /**/}\n",
      "{\n \"a\": 1, // mixed\r\n\"b\": 2 // ends\r\r\r\n}\r\r\n",
      "/* head */ {\n  \"a\": 1 // one\n  // two\n}\n// end",
      R"({"SERVERS":{"q":{"url":"x"}}})",
      R"({"SERVERS":{"q":{"url":"x"},},})",
      "{\"SERVERS\":{\"q\":{\"url\":\"x\"} // q\n}}",
      "{\"SERVERS\":{\"q\":{\"url\":\"x\"} /* a */ , /* b */ }}",
      "{\n  \"SERVERS\": {\n    \"q\": { \"command\": \"npx\" }\n  }\n}\n",
      "{\n  \"SERVERS\": {\n    \"q\": { \"command\": \"npx\" },\n  },\n}\n",
      "{\n  \"SERVERS\": {\n    \"q\": {\n      \"command\": \"npx\"\n    } // q\n    // last\n  "
      "}\n}\n",
      "{\n  \"SERVERS\": {\n    \"q\": null, \"r\": 5,\n    \"s\": []}}",
      "{\n  \"SERVERS\": { \"q\": {\n    \"command\": \"npx\" } },\n  \"a\": { \"SERVERS\": {} "
      "}\n}\n",
      "{\"SERVERS\":{\"q\":1},\"a\":2,\"SERVERS\":{\"r\":{}}}",
      "{\n\"SERVERS\":\n{\n\"q\":\n{}\n}\n}",
      "{\"SERVERS\":{\"a\\u002eb\":{\"x\":1},\"q\\\"\":2}}",
      "{\r\n    \"SERVERS\": {\r\n    },\r\n    \"a\": 1 // one\r\n}\r\n",
  };
}

std::string with_container(std::string text, kind const& k) {
  for (auto at = text.find("SERVERS"); at != std::string::npos; at = text.find("SERVERS", at))
    text.replace(at, 7, k.container.back());
  return text;
}

std::vector<std::string> names_in(kind const& k, std::string const& text) {
  std::vector<std::string> names;
  auto const found = read_entries(k, text);
  if (found)
    for (auto const& [name, value] : *found) names.push_back(name);
  return names;
}

}  // namespace

TEST_CASE("every byte of a JSON file comes back, whatever the order", "[clients][unit]") {
  for (auto const client : {"claude-code", "amp-cli", "vscode"}) {
    auto const& k = law::kind_of(client);
    for (auto const& odd : odd_texts()) {
      auto const original = with_container(odd, k);
      CAPTURE(client, original);
      for (unsigned seed = 0; seed < 12; ++seed) {
        auto const foreign = seed % 2 == 0 ? std::vector<std::string>() : names_in(k, original);
        law::check_random_order(k, original, seed, foreign);
      }
    }
  }
}

TEST_CASE("every byte comes back where the container lies deep", "[clients][unit]") {
  auto k = law::kind_of("cursor");
  k.container = {"x", "y z", "mcpServers"};
  for (std::string const original :
       {"", "{}", "{\n}", "{\n  \"a\": 1\n}\n", R"({"x":{}})", R"({"x":{"a":1}, "b": 2})",
        "{\n  \"x\": {\n    // none\n  }\n}", R"({ "x": { "y z": {}, } })",
        "{\n  \"x\": {\n    \"y z\": {\n      \"mcpServers\": {},\n    }\n  },\n}",
        R"({"x":{"y z":{"mcpServers":{"q":1}}}})", R"({"x":{"y z":{"mcpServers":{/* */}}}})"})
    for (unsigned seed = 0; seed < 12; ++seed) law::check_random_order(k, original, seed);
  auto const wrong = edit(k, R"({"x": {"y z": 1}})", {{law::make_entry("a", 1)}, {}}, {});
  REQUIRE_FALSE(wrong);
  CHECK(wrong.error().where == "/x/y z");
}

TEST_CASE("every byte of users' JSON files comes back", "[clients][unit]") {
  int files = 0;
  for (auto const& k : kinds()) {
    if (k.format != file_format::json) continue;
    auto const folder = fs::path(THV_TEST_DATA) / "../support/client_files" / k.name;
    REQUIRE(fs::is_directory(folder));
    for (auto const& file : fs::directory_iterator(folder)) {
      CAPTURE(file.path().string());
      ++files;
      unsigned seed = 100;
      auto const original = contents(file.path());
      for (auto const& text : law::variants(original)) {
        if (text.starts_with("\xEF\xBB\xBF\xEF\xBB\xBF")) continue;  // it has its own
        law::check_random_order(k, text, ++seed);
        law::check_random_order(k, text, ++seed, names_in(k, text));
      }
    }
  }
  CHECK(files > 40);
}

TEST_CASE("JSON files of another shape are refused and say where", "[clients][unit]") {
  int files = 0;
  auto const folder = fs::path(THV_TEST_DATA) / "../support/client_files/refused";
  for (auto const& k : kinds()) {
    if (k.format != file_format::json || !fs::is_directory(folder / k.name)) continue;
    for (auto const& file : fs::directory_iterator(folder / k.name)) {
      CAPTURE(file.path().string());
      ++files;
      auto const text = contents(file.path());
      auto const edited = edit(k, text, {{{"a", "http://x", ""}}, {}}, {});
      REQUIRE_FALSE(edited);
      CHECK_FALSE(edited.error().message.empty());
      CHECK_FALSE(edited.error().hint.empty());
      auto const read = read_entries(k, text);
      REQUIRE_FALSE(read);
      CHECK(read.error().code == edited.error().code);
    }
  }
  CHECK(files > 4);
}

// Another program edits the file between our edits and knows nothing of our notes: it adds servers,
// takes some away, writes the file anew in one line.
TEST_CASE("what others do to a JSON file between our edits stays", "[clients][unit]") {
  auto const& k = law::kind_of("claude-code");
  for (auto const& odd : odd_texts()) {
    auto const original = with_container(odd, k);
    for (unsigned seed = 0; seed < 20; ++seed) {
      CAPTURE(original, seed);
      std::mt19937 random(seed);
      auto expected = *read_entries(k, original);
      std::set<std::string> ours;
      edited now{original, {}, false};
      auto const step = [&](changes const& what, undo_notes const& notes) {
        CAPTURE(now.text);
        auto next = edit(k, now.text, what, notes);
        if (!next) FAIL(to_string(next.error()));
        return *next;
      };
      for (int i = 0; i < 10; ++i) {
        auto const name = std::string(1, static_cast<char>('a' + random() % 4));
        switch (random() % 4) {
          case 0:
            now = step({{law::make_entry(name, i)}, {}}, now.notes);
            ours.insert(name);
            break;
          case 1:
            if (ours.erase(name) != 0) now = step({{}, {name}}, now.notes);
            break;
          case 2:
            now.text = step({{law::make_entry("foreign-" + name, i)}, {}}, {}).text;
            expected["foreign-" + name] = canonical(k, law::make_entry("foreign-" + name, i));
            break;
          default:
            now.text = step({{}, {"foreign-" + name}}, {}).text;
            expected.erase("foreign-" + name);
        }
      }
      now = step({{}, {ours.begin(), ours.end()}}, now.notes);
      REQUIRE(now.notes == undo_notes{});
      REQUIRE(*read_entries(k, now.text) == expected);
      for (auto const comment : {"one", "two", "none", "really", "note", "head", "last", "end"})
        REQUIRE((original.find(comment) == std::string::npos ||
                 now.text.find(comment) != std::string::npos));
    }
  }
}
