// SPDX-License-Identifier: Apache-2.0
#include "toml_scan.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cstdint>
#include <optional>
#include <utility>

#include "lines.hpp"

namespace thv::clients {
namespace {

constexpr std::size_t deepest = 100;

void append_utf8(std::string& out, std::uint32_t c) {
  auto const add = [&](std::uint32_t byte) { out += static_cast<char>(byte); };
  if (c < 0x80) return add(c);
  if (c < 0x800) {
    add(0xC0 | (c >> 6));
  } else {
    if (c < 0x10000) {
      add(0xE0 | (c >> 12));
    } else {
      add(0xF0 | ((c >> 18) & 7));
      add(0x80 | ((c >> 12) & 0x3F));
    }
    add(0x80 | ((c >> 6) & 0x3F));
  }
  add(0x80 | (c & 0x3F));
}

// A key in double quotes; what is wrong in it is left to the parser.
std::string unescaped(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '\\' || at + 1 == text.size()) {
      out += text[at];
      continue;
    }
    auto const c = text[++at];
    constexpr std::string_view letters = "btnfr";
    auto const simple = letters.find(c);
    if (simple != npos) out += "\b\t\n\f\r"[simple];
    if (c != 'u' && c != 'U') {
      if (simple == npos) out += c;
      continue;
    }
    std::uint32_t code = 0;
    auto const digits = text.substr(at + 1, c == 'u' ? 4 : 8);
    std::from_chars(digits.data(), digits.data() + digits.size(), code, 16);
    append_utf8(out, code);
    at += digits.size();
  }
  return out;
}

class scanner {
 public:
  explicit scanner(std::string_view text) : text_(text) {}

  result<std::vector<toml_statement>> document() {
    std::vector<toml_statement> statements;
    std::vector<std::string> table;
    for (at_ = byte_order_mark_size(text_); at_ < text_.size(); at_ = next_line(text_, at_)) {
      if (is_blank_line(text_, at_) || is_comment_line(text_, at_)) continue;
      auto const begin = at_;
      at_ = skip_spaces(text_, at_);
      auto s = text_[at_] == '[' ? header() : value(table);
      if (!s) return std::move(s).error();
      s->begin = begin;
      THV_CHECK(rest_of_line());
      s->end = line_end(text_, at_);
      if (s->what != toml_statement::type::value) table = s->path;
      statements.push_back(*std::move(s));
    }
    return statements;
  }

  // The end of the value at `at`; nullopt: it has none, or lies too deep.
  std::optional<std::size_t> value_end(std::size_t at, std::size_t depth) {
    at_ = at;
    if (!skip_value(depth)) return {};
    return at_;
  }

  void skip_trivia() {
    for (;;) {
      at_ = std::min(text_.find_first_not_of(" \t\r\n", at_), text_.size());
      if (at_ == text_.size() || text_[at_] != '#') return;
      at_ = line_end(text_, at_);
    }
  }

  [[nodiscard]] std::size_t at() const { return at_; }
  [[nodiscard]] char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  void move_to(std::size_t at) { at_ = at; }

 private:
  [[nodiscard]] error wrong(std::string_view what) const {
    return fail(errc::invalid_argument, fmt::format("not valid TOML: {}", what),
                "correct the file at that place, then repeat", place(text_, at_));
  }

  error wrong_value() const {
    return too_deep_ ? wrong(fmt::format("nested in more than {} levels", deepest))
                     : wrong("a value is expected, with its end");
  }

  result<toml_statement> header() {
    auto const element = text_.substr(at_).starts_with("[[");
    at_ += element ? 2 : 1;
    toml_statement s{
        element ? toml_statement::type::array_element : toml_statement::type::table, {}, 0, 0};
    THV_CHECK(path(s.path));
    auto const close = element ? std::string_view("]]") : std::string_view("]");
    if (!text_.substr(at_).starts_with(close)) return wrong(fmt::format("'{}' is expected", close));
    at_ += close.size();
    return s;
  }

  result<toml_statement> value(std::vector<std::string> const& table) {
    toml_statement s{toml_statement::type::value, table, 0, 0};
    THV_CHECK(path(s.path));
    if (peek() != '=') return wrong("'=' is expected after a key");
    ++at_;
    at_ = skip_spaces(text_, at_);
    s.value = at_;
    if (!skip_value(s.path.size())) return wrong_value();
    s.value_end = at_;
    return s;
  }

  result<void> path(std::vector<std::string>& keys) {
    for (;;) {
      at_ = skip_spaces(text_, at_);
      auto key = one_key();
      if (!key) return wrong("a key is expected");
      if (keys.size() == deepest) {
        too_deep_ = true;
        return wrong_value();
      }
      keys.push_back(*std::move(key));
      at_ = skip_spaces(text_, at_);
      if (peek() != '.') return {};
      ++at_;
    }
  }

  std::optional<std::string> one_key() {
    auto const begin = at_;
    auto const quote = peek();
    if (quote == '"' || quote == '\'') {
      if (!skip_string()) return {};
      auto const inner = text_.substr(begin + 1, at_ - begin - 2);
      return quote == '"' ? unescaped(inner) : std::string(inner);
    }
    while (is_bare_toml_key(peek())) ++at_;
    if (at_ == begin) return {};
    return std::string(text_.substr(begin, at_ - begin));
  }

  result<void> rest_of_line() {
    at_ = skip_spaces(text_, at_);
    if (at_ == text_.size() || text_[at_] == '#' || text_[at_] == '\n' || text_[at_] == '\r')
      return {};
    return wrong("the end of the line is expected");
  }

  bool skip_string() {
    auto const quote = text_[at_];
    auto const three = std::string(3, quote);
    auto const many = text_.substr(at_).starts_with(three);
    if (many) {
      at_ += 3;
      return skip_many_lines(quote, three);
    }
    for (++at_; at_ < text_.size() && text_[at_] != '\n'; ++at_) {
      if (text_[at_] == quote) {
        ++at_;
        return true;
      }
      if (quote == '"' && text_[at_] == '\\') ++at_;
    }
    return false;
  }

  // Up to two quotes may stand before the three that end it.
  bool skip_many_lines(char quote, std::string_view three) {
    for (; at_ < text_.size(); ++at_) {
      if (quote == '"' && text_[at_] == '\\') {
        ++at_;
      } else if (text_.substr(at_).starts_with(three)) {
        at_ += 3;
        for (int more = 0; more < 2 && peek() == quote; ++more) ++at_;
        return true;
      }
    }
    return false;
  }

  // Keys with dots make levels too: `level` counts those of the key that is being read.
  bool skip_value(std::size_t depth) {
    std::vector<std::size_t> outer;
    std::size_t level = 0;
    do {
      if (outer.empty() ? at_ >= text_.size() : (skip_trivia(), at_ >= text_.size())) return false;
      auto const c = text_[at_];
      if (c == '[' || c == '{') {
        outer.push_back(level + 1);
        depth += level + 1;
        level = 0;
        ++at_;
      } else if (c == ']' || c == '}') {
        if (outer.empty()) return false;
        depth -= outer.back();
        outer.pop_back();
        level = 0;
        ++at_;
      } else if (c == '"' || c == '\'') {
        if (!skip_string()) return false;
      } else if (!outer.empty() && (c == ',' || c == '.')) {
        level = c == '.' ? level + 1 : 0;
        ++at_;
      } else if (!skip_bare(outer.empty())) {
        return false;
      }
      too_deep_ = depth + level > deepest;
      if (too_deep_) return false;
    } while (!outer.empty());
    return true;
  }

  // A number, a date, a word; in brackets also `=` and parts of keys. A date may hold one space.
  bool skip_bare(bool alone) {
    auto const begin = at_;
    at_ = std::min(text_.find_first_of(alone ? "#\r\n" : "#\r\n\t ,.[]{}\"'", at_), text_.size());
    while (alone && at_ > begin && (text_[at_ - 1] == ' ' || text_[at_ - 1] == '\t')) --at_;
    return at_ > begin;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  bool too_deep_ = false;
};

}  // namespace

bool is_bare_toml_key(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-';
}

result<std::vector<toml_statement>> scan_toml(std::string_view text) {
  return scanner(text).document();
}

std::vector<std::pair<std::size_t, std::size_t>> toml_array_values(std::string_view text,
                                                                   std::size_t open) {
  std::vector<std::pair<std::size_t, std::size_t>> values;
  scanner s(text);
  s.move_to(open + 1);
  for (s.skip_trivia(); s.at() < text.size() && s.peek() != ']'; s.skip_trivia()) {
    auto const begin = s.at();
    auto const end =
        text[begin] == '{' || text[begin] == '[' ? s.value_end(begin, 0) : std::nullopt;
    if (!end) return {};
    values.emplace_back(begin, *end);
    s.skip_trivia();
    if (s.peek() == ',') s.move_to(s.at() + 1);
  }
  return values;
}

}  // namespace thv::clients
