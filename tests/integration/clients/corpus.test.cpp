// SPDX-License-Identifier: Apache-2.0
// Configuration files as users have them, edited without a client: every byte that is not ours
// stays, in whatever order entries come and go.
#include <algorithm>
#include <map>
#include <random>
#include <set>

#include <fmt/format.h>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "corpus.hpp"

using namespace thv::test;
using thv::clients::entry;

namespace {

/// Runs `course` on every variant of every file, and says of each what went wrong.
template <class Course>
void for_each_file(Course&& course) {
  auto const all = corpus();
  REQUIRE(all.size() > 50);
  for (auto const& original : all)
    for (auto const& file : variants(original)) {
      INFO(file.name);
      try {
        course(file);
      } catch (std::runtime_error const& failure) {
        FAIL_CHECK(failure.what());
      }
    }
}

void check_same(std::string const& expected, std::string const& found) {
  if (expected == found) return;
  FAIL_CHECK(difference(expected, found));
}

/// All of `before` but for a few bytes in one place (an empty `{}`, `[]` or `null` that is filled)
/// stands in `after`, which has something put in there.
void check_only_put_in(std::string const& before, std::string const& after) {
  auto const shorter = std::min(before.size(), after.size());
  auto const from = [&](auto begin, auto other) {
    return static_cast<std::size_t>(
        std::mismatch(begin, begin + static_cast<std::ptrdiff_t>(shorter), other).first - begin);
  };
  auto const head = from(before.begin(), after.begin());
  auto const tail = from(before.rbegin(), after.rbegin());
  INFO(after);
  CHECK(head + tail + 4 >= before.size());
}

std::string without_spaces(std::string text) {
  text.erase(std::remove(text.begin(), text.end(), ' '), text.end());
  return text;
}

std::vector<std::string> names_of(std::vector<entry> const& list) {
  std::vector<std::string> names;
  for (auto const& e : list) names.push_back(e.name);
  return names;
}

std::vector<std::string> shuffled(std::vector<std::string> names, std::mt19937& random) {
  std::shuffle(names.begin(), names.end(), random);
  return names;
}

void check_entries(sample const& file, editing const& now, std::vector<entry> const& expected) {
  auto const found = now.read();
  for (auto const& e : expected) {
    INFO(e.name);
    auto const at = found.find(e.name);
    REQUIRE(at != found.end());
    CHECK(at->second == thv::clients::canonical(*file.client, e));
  }
}

/// The entries that are not ours.
std::map<std::string, std::string> foreign(sample const& file) {
  return editing(file).read();
}

}  // namespace

TEST_CASE("every client has files in the corpus", "[clients][integration]") {
  std::set<std::string_view> seen;
  for (auto const& file : corpus()) seen.insert(file.client->name);
  for (auto const& kind : thv::clients::kinds()) CHECK(seen.count(kind.name) == 1);
  CHECK(seen.size() == 25);
}

TEST_CASE("one entry comes and goes", "[clients][integration]") {
  for_each_file([](sample const& file) {
    for (auto const* const token : {"", "a-token-of-24-characters"}) {
      editing now(file);
      auto const one = entries(*file.client, 1, token);
      auto const others = foreign(file);
      now.put(one);
      check_only_put_in(file.text, now.text());
      check_entries(file, now, one);
      CHECK(now.read().size() == others.size() + 1);
      auto const put = now.text();
      now.put(one);
      check_same(put, now.text());
      now.remove(names_of(one));
      check_same(file.text, now.text());
      CHECK(now.read() == others);
      CHECK(now.notes() == thv::clients::undo_notes{});
    }
  });
}

TEST_CASE("twenty entries come at once or one by one and go in another order",
          "[clients][integration]") {
  std::mt19937 random(20260728);
  for_each_file([&](sample const& file) {
    auto const twenty = entries(*file.client, 20, "a-token-of-24-characters");
    for (bool const at_once : {true, false}) {
      editing now(file);
      if (at_once)
        now.put(twenty);
      else
        for (auto const& e : twenty) now.put({e});
      check_entries(file, now, twenty);
      check_only_put_in(file.text, now.text());
      auto left = twenty;
      for (auto const& name : shuffled(names_of(twenty), random)) {
        now.remove({name});
        left.erase(std::find_if(left.begin(), left.end(), [&](auto& e) { return e.name == name; }));
        check_entries(file, now, left);
        CHECK(now.read().count(name) == 0);
      }
      check_same(file.text, now.text());
    }
  });
}

TEST_CASE("entries that move to another address are changed in place", "[clients][integration]") {
  for_each_file([](sample const& file) {
    editing now(file);
    auto list = entries(*file.client, 7);
    now.put(list);
    auto expected = now.text();
    for (auto& e : list) {
      auto const port = e.url.find(":4483/");
      e.url.replace(port, 6, ":51234/");
      auto const at = expected.find(":4483/servers/" + e.url.substr(e.url.find("server-")));
      REQUIRE(at != std::string::npos);
      expected.replace(at, 6, ":51234/");
    }
    now.put({list[3], list[0]});
    now.put(list);
    check_same(without_spaces(expected), without_spaces(now.text()));
    // A token that is set or taken away later changes our entries alone.
    for (auto& e : list) e.token = "a-token-of-24-characters";
    now.put(list);
    check_entries(file, now, list);
    check_only_put_in(file.text, now.text());
    for (auto& e : list) e.token.clear();
    now.put(list);
    check_entries(file, now, list);
    auto names = names_of(list);
    std::reverse(names.begin(), names.end());
    now.remove(names);
    check_same(file.text, now.text());
  });
}

TEST_CASE("two groups come and go in turns", "[clients][integration]") {
  for_each_file([](sample const& file) {
    auto const all = entries(*file.client, 9);
    std::vector<entry> const first(all.begin(), all.begin() + 3);
    std::vector<entry> const second(all.begin() + 3, all.begin() + 6);
    std::vector<entry> const third(all.begin() + 6, all.end());
    editing now(file);
    now.put(first);
    now.put(second);
    now.remove(names_of(first));
    check_only_put_in(file.text, now.text());
    now.put(third);
    now.remove(names_of(second));
    check_entries(file, now, third);
    now.remove(names_of(third));
    check_same(file.text, now.text());
  });
}

TEST_CASE("a hundred changes at random leave no trace", "[clients][integration]") {
  std::mt19937 random(42);
  for_each_file([&](sample const& file) {
    auto pool = entries(*file.client, 8);
    std::map<std::string, entry> there;
    editing now(file);
    for (int step = 0; step < 100; ++step) {
      auto& e = pool[random() % pool.size()];
      if (random() % 3 == 0) {
        now.remove({e.name});
        there.erase(e.name);
        continue;
      }
      e.token = random() % 2 == 0 ? "" : "a-token-of-24-characters";
      now.put({e});
      there[e.name] = e;
    }
    std::vector<entry> list;
    for (auto const& [name, e] : there) list.push_back(e);
    check_entries(file, now, list);
    now.remove(names_of(pool));
    check_same(file.text, now.text());
  });
}

TEST_CASE("a foreign entry that was overwritten comes back as it was", "[clients][integration]") {
  std::size_t overwritten = 0;
  for_each_file([&](sample const& file) {
    auto const others = foreign(file);
    for (auto const& [name, value] : others) {
      INFO(name);
      // Dotted keys may lie anywhere in a file: such an entry is not replaced.
      if (name == "openai-docs") {
        CHECK_THROWS_WITH(editing(file).put({{name, "http://127.0.0.1:4483/", ""}}),
                          Catch::Matchers::ContainsSubstring("'openai-docs'"));
        continue;
      }
      entry const ours{name, "http://127.0.0.1:4483/servers/x/mcp", ""};
      auto const more = entries(*file.client, 3);
      editing now(file);
      now.put({ours});
      now.put(more);
      check_entries(file, now, {ours});
      CHECK(now.read().size() == others.size() + more.size());
      auto moved = ours;
      moved.url = "http://127.0.0.1:51234/servers/x/mcp";
      now.put({moved});
      now.remove({more[1].name, name});
      CHECK(now.read().at(name) == value);
      now.remove(names_of(more));
      check_same(file.text, now.text());
      ++overwritten;
    }
  });
  CHECK(overwritten > 100);
}

TEST_CASE("what somebody adds meanwhile stays", "[clients][integration]") {
  for_each_file([](sample const& file) {
    auto const json = file.client->format == thv::clients::file_format::json;
    std::string const comment = json ? "/* mine */\n" : "# mine\n";
    // A directive of YAML must stay where it is, and a byte order mark the first. JSON of a comment
    // alone was never there: an empty object stays around it.
    if (file.text.rfind("%YAML", 0) == 0 || file.text.rfind("\xef\xbb\xbf", 0) == 0) return;
    if (json && file.text.find('{') == std::string::npos) return;
    editing now(file);
    auto const list = entries(*file.client, 3);
    now.put({list[0], list[1]});
    now.rewrite(comment + now.text());
    now.put({list[2]});
    check_entries(file, now, list);
    now.remove(names_of(list));
    check_same(comment + file.text, now.text());
  });
}

TEST_CASE("a file of 5 MB is edited in place", "[clients][integration]") {
  for (auto const& original : corpus()) {
    if (original.name != "claude-code/used_for_months.json" &&
        original.name != "codex/config.toml" && original.name != "continue/config.yaml" &&
        original.name != "goose/config.yaml" && original.name != "mistral-vibe/with_servers.toml")
      continue;
    auto file = original;
    std::string const rest =
        "A line of a history that nobody has ever tidied up, with mcpServers.\n";
    std::string padding;
    if (file.client->format == thv::clients::file_format::json) {
      file.text.pop_back();  // the last brace
      padding = ",\n  \"pasted\": [\n";
      while (padding.size() < 5'000'000) padding += "    \"" + rest.substr(0, 60) + "\",\n";
      padding += "    \"end\"\n  ]\n}";
    } else {
      while (padding.size() < 5'000'000) padding += "# " + rest;
    }
    file.text += padding;
    INFO(file.name);
    editing now(file);
    auto const twenty = entries(*file.client, 20);
    now.put(twenty);
    check_entries(file, now, twenty);
    now.remove(names_of(twenty));
    CHECK(now.text() == file.text);
  }
}

TEST_CASE("what cannot be edited is refused with its place and left alone",
          "[clients][integration]") {
  auto const all = refused();
  REQUIRE(all.size() > 10);
  for (auto const& file : all) {
    INFO(file.name);
    auto const done =
        thv::clients::edit(*file.client, file.text, {entries(*file.client, 2), {}}, {});
    CHECK_FALSE(done);
    if (done) continue;
    auto const& error = done.error();
    INFO(to_string(error) << "\n" << error.hint);
    CHECK((error.code == thv::errc::invalid_argument || error.code == thv::errc::unsupported));
    CHECK(error.message.size() > 10);
    if (error.code == thv::errc::invalid_argument) CHECK_FALSE(error.where.empty());
    CHECK_FALSE(error.hint.empty());
  }
}

TEST_CASE("what is printed for pasting is what is read", "[clients][integration]") {
  for (auto const& kind : thv::clients::kinds()) {
    INFO(kind.name);
    auto const list = entries(kind, 3, "a-token-of-24-characters");
    auto const found = thv::clients::read_entries(kind, thv::clients::document_of(kind, list));
    REQUIRE(found);
    CHECK(found->size() == list.size());
    for (auto const& e : list) {
      auto const at = found->find(e.name);
      REQUIRE(at != found->end());
      CHECK(at->second == thv::clients::canonical(kind, e));
    }
  }
}
