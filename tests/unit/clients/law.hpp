// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <thv/clients/edit.hpp>

// The law of edit(): whatever is put and removed in whatever order, what is not ours stays, and
// taking all of ours out gives back every byte.
namespace thv::clients::law {

inline entry make_entry(std::string name, int version) {
  auto const url = "http://127.0.0.1:" + std::to_string(4000 + version) + "/w/" + name + "/mcp";
  return {std::move(name), url,
          version % 3 == 0 ? "" : "tok-" + std::to_string(version) + "'\"\\#"};
}

/// A file under edit, with what it must hold.
class session {
 public:
  session(kind const& k, std::string original)
      : kind_(k), original_(std::move(original)), text_(original_) {
    auto const found = read_entries(kind_, text_);
    INFO(original_);
    REQUIRE(found);
    foreign_ = *found;
  }

  void apply(changes const& what) {
    auto const next = edit(kind_, text_, what, notes_);
    CAPTURE(kind_.name, original_, text_);
    if (!next) FAIL(to_string(next.error()));
    text_ = next->text;
    notes_ = next->notes;
    for (auto const& name : what.remove) ours_.erase(name);
    for (auto const& e : what.put) ours_[e.name] = canonical(kind_, e);
    check();
  }

  /// Everything ours goes: the text that is left.
  [[nodiscard]] edited without_ours() const {
    changes all;
    for (auto const& [name, value] : ours_) all.remove.push_back(name);
    auto const next = edit(kind_, text_, all, notes_);
    CAPTURE(kind_.name, original_, text_);
    if (!next) FAIL(to_string(next.error()));
    return *next;
  }

  void check() const {
    CAPTURE(original_, text_);
    auto expected = foreign_;
    for (auto const& [name, value] : ours_) expected[name] = value;
    auto const found = read_entries(kind_, text_);
    REQUIRE(found);
    REQUIRE(*found == expected);
    REQUIRE(notes_.entries.size() == ours_.size());
    check_bytes();
    auto const left = without_ours();
    REQUIRE(left.text == original_);
    REQUIRE(left.notes == undo_notes{});
    REQUIRE(left.empty ==
            (original_.find_first_not_of(" \t\r\n", bom_size()) == std::string::npos));
  }

  [[nodiscard]] std::map<std::string, std::string> const& foreign() const { return foreign_; }
  [[nodiscard]] std::map<std::string, std::string> const& ours() const { return ours_; }
  [[nodiscard]] std::string const& text() const { return text_; }
  [[nodiscard]] undo_notes const& notes() const { return notes_; }

 private:
  // Text is only added, unless a foreign entry was replaced.
  void check_bytes() const {
    auto const replaced = std::any_of(
        ours_.begin(), ours_.end(), [&](auto const& one) { return foreign_.contains(one.first); });
    if (kind_.format == file_format::json || replaced || ours_.empty()) return;
    std::size_t next = 0;
    for (auto const c : text_)
      if (next < original_.size() && c == original_[next]) ++next;
    auto const blank = original_.find_first_not_of(" \t\r\n", bom_size()) == std::string::npos;
    REQUIRE((blank || next == original_.size()));
  }

  [[nodiscard]] std::size_t bom_size() const {
    return original_.starts_with("\xEF\xBB\xBF") ? 3 : 0;
  }

  kind const& kind_;
  std::string original_;
  std::string text_;
  undo_notes notes_;
  std::map<std::string, std::string> foreign_;
  std::map<std::string, std::string> ours_;
};

/// Puts, changes and removes at random; `foreign` are names of the file that may be overwritten.
inline void check_random_order(kind const& k, std::string const& original, unsigned seed,
                               std::vector<std::string> const& foreign = {}) {
  std::mt19937 random(seed);
  std::vector<std::string> names = {"fetch", "git-hub", "weather_2", "1.5", "true", "a.b"};
  names.insert(names.end(), foreign.begin(), foreign.end());
  session s(k, original);
  for (int step = 0; step < 12; ++step) {
    changes what;
    std::shuffle(names.begin(), names.end(), random);
    auto const many = 1 + random() % 3;
    for (std::size_t i = 0; i < many; ++i) {
      if (random() % 5 < 3)
        what.put.push_back(make_entry(names[i], static_cast<int>(random() % 9)));
      else
        what.remove.push_back(names[i]);
    }
    // Nobody removes a foreign entry.
    std::erase_if(what.remove, [&](auto const& name) {
      return !s.ours().contains(name) && s.foreign().contains(name);
    });
    s.apply(what);
  }
  while (!s.ours().empty()) {
    auto name =
        std::next(s.ours().begin(), static_cast<std::ptrdiff_t>(random() % s.ours().size()))->first;
    s.apply({{}, {name}});
  }
  REQUIRE(s.text() == original);
  REQUIRE(s.notes() == undo_notes{});
}

/// The lines that are not blank and do not hold `without`.
inline std::vector<std::string> lines_of(std::string const& text, std::string_view without) {
  std::vector<std::string> lines(1);
  for (auto const c : text + "\n") {
    if (c != '\n') {
      lines.back() += c;
    } else if (lines.back().find_first_not_of(" \t\r") == std::string::npos ||
               lines.back().find(without) != std::string::npos) {
      lines.back().clear();
    } else {
      lines.emplace_back();
    }
  }
  lines.pop_back();
  return lines;
}

/// Somebody writes a comment into any line while our entries are there. For texts without strings
/// of several lines.
inline void check_comments_between(kind const& k, std::string const& original) {
  changes const put = {{make_entry("one", 1), make_entry("two", 2), make_entry("three", 4)}, {}};
  auto const first = edit(k, original, put, {});
  REQUIRE(first);
  for (std::size_t at = 0; at != std::string::npos; at = first->text.find('\n', at)) {
    if (at > 0) ++at;
    auto text = first->text;
    text.insert(at, "# mine\n");
    CAPTURE(original, text);
    auto const two = edit(k, text, {{make_entry("one", 7)}, {"two"}}, first->notes);
    if (!two) FAIL(to_string(two.error()));
    auto const left = edit(k, two->text, {{}, {"one", "three"}}, two->notes);
    if (!left) FAIL(to_string(left.error()));
    REQUIRE(left->notes == undo_notes{});
    REQUIRE(lines_of(left->text, "# mine") == lines_of(original, "# mine"));
    if (at == first->text.size()) break;
  }
}

/// The same text as Windows writes it, with a byte order mark, and without its last line end.
inline std::vector<std::string> variants(std::string const& text) {
  std::string windows;
  for (auto const c : text) windows += c == '\n' ? std::string("\r\n") : std::string(1, c);
  std::vector<std::string> all = {text, windows, "\xEF\xBB\xBF" + text, "\xEF\xBB\xBF" + windows};
  if (text.ends_with('\n')) {
    all.push_back(text.substr(0, text.size() - 1));
    all.push_back(windows.substr(0, windows.size() - 2));
  }
  return all;
}

inline kind const& kind_of(std::string_view name) {
  auto const found = find_kind(name);
  REQUIRE(found);
  return **found;
}

}  // namespace thv::clients::law
