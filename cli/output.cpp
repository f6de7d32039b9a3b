// SPDX-License-Identifier: Apache-2.0
#include "output.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

#include <fmt/format.h>
#include <boost/json/serialize.hpp>

namespace thv::cli {

namespace {

bool reader_gone = false;

void write_to(std::FILE* file, std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), file);
}

void say_with(std::string_view word, tone t, std::string_view text) {
  say(coloured(word, t, may_colour(STDERR_FILENO)) + " " + plain_line(text) + "\n");
}

bool is_continuation(char c) {
  return (static_cast<unsigned char>(c) & 0xc0) == 0x80;
}

std::string format_time(std::int64_t milliseconds, char const* format) {
  auto const seconds = static_cast<std::time_t>(milliseconds / 1000);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[64];
  return {text, std::strftime(text, sizeof text, format, &parts)};
}

void write_pretty(std::string& to, boost::json::value const& value, std::size_t depth) {
  auto const line = [&](std::size_t d) { to += "\n" + std::string(2 * d, ' '); };
  auto const* object = value.if_object();
  auto const* array = value.if_array();
  if ((!object || object->empty()) && (!array || array->empty())) {
    to += boost::json::serialize(value);
    return;
  }
  bool first = true;
  auto const next = [&] {
    if (!first) to += ",";
    first = false;
    line(depth + 1);
  };
  to += object ? "{" : "[";
  if (object)
    for (auto const& member : *object) {
      next();
      to += boost::json::serialize(boost::json::value(member.key())) + ": ";
      write_pretty(to, member.value(), depth + 1);
    }
  else
    for (auto const& element : *array) {
      next();
      write_pretty(to, element, depth + 1);
    }
  line(depth);
  to += object ? "}" : "]";
}

}  // namespace

void print(std::string_view text) {
  write_to(stdout, text);
}
void say(std::string_view text) {
  write_to(stderr, text);
}

void say_error(error const& e) {
  say_with("thv-engine:", tone::bad, to_string(e));
  if (!e.hint.empty()) say_with("Hint:", tone::strong, e.hint);
}

void say_warning(std::string_view text) {
  say_with("Warning:", tone::warning, text);
}
void say_note(std::string_view text) {
  say_with("Note:", tone::strong, text);
}

result<void> finish_output() {
  if (std::fflush(stdout) == 0 && !std::ferror(stdout)) return {};
  if (errno == EPIPE) reader_gone = true;
  if (reader_gone) return {};  // it has read enough
  return fail(errc::io, fmt::format("the result could not be written: {}", std::strerror(errno)));
}

bool output_closed() {
  return reader_gone;
}

int exit_status(error const& e) {
  return e.code == errc::cancelled ? 130 : 1;
}

bool may_colour(int descriptor) {
  auto const* const none = std::getenv("NO_COLOR");
  if (none != nullptr && *none != '\0') return false;
  auto const* const term = std::getenv("TERM");
  if (term == nullptr || std::string_view(term) == "dumb") return false;
  return isatty(descriptor) == 1;
}

std::string coloured(std::string_view text, tone t, bool colour) {
  if (!colour || t == tone::plain) return std::string(text);
  char const* const code = t == tone::good      ? "32"
                           : t == tone::warning ? "33"
                           : t == tone::bad     ? "31"
                           : t == tone::faint   ? "2"
                                                : "1";
  return fmt::format("\x1b[{}m{}\x1b[0m", code, text);
}

std::size_t display_width(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return !is_continuation(c); }));
}

std::string cut(std::string_view text, std::size_t width) {
  if (display_width(text) <= width) return std::string(text);
  std::size_t end = 0;
  for (std::size_t n = 0; end < text.size(); ++end)
    if (!is_continuation(text[end]) && ++n == width) break;
  return std::string(text.substr(0, end)) + "…";
}

std::string plain_line(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  return out;
}

std::string table::to_string(bool colour) const {
  std::vector<std::size_t> widths;
  for (auto const& name : header_) widths.push_back(display_width(name));
  for (auto const& row : rows_)
    for (std::size_t i = 0; i < row.size(); ++i)
      widths[i] = std::max(widths[i], display_width(row[i].text));
  std::string text;
  auto const add_cell = [&](std::string const& word, tone t, std::size_t column, bool last) {
    text += coloured(word, t, colour);
    if (!last) text.append(widths[column] - display_width(word) + 3, ' ');
  };
  for (std::size_t i = 0; i < header_.size(); ++i)
    add_cell(header_[i], tone::strong, i, i + 1 == header_.size());
  text += "\n";
  for (auto const& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i)
      add_cell(row[i].text, row[i].t, i, i + 1 == row.size());
    while (!text.empty() && text.back() == ' ') text.pop_back();
    text += "\n";
  }
  return text;
}

void table::print() const {
  cli::print(to_string(may_colour(STDOUT_FILENO)));
}

std::string key_values(std::vector<std::pair<std::string, std::string>> const& entries) {
  std::size_t width = 0;
  for (auto const& [key, value] : entries) width = std::max(width, display_width(key) + 1);
  std::string text;
  for (auto const& [key, value] : entries)
    text += fmt::format("{}{}   {}\n", key + ":", std::string(width - display_width(key) - 1, ' '),
                        plain_line(value));
  return text;
}

std::string pretty(boost::json::value const& value) {
  std::string text;
  write_pretty(text, value, 0);
  return text + "\n";
}

std::string utc_text(std::int64_t milliseconds) {
  if (milliseconds == 0) return "0001-01-01 00:00:00 +0000 UTC";
  return format_time(milliseconds, "%Y-%m-%d %H:%M:%S +0000 UTC");
}

std::string short_time(std::int64_t milliseconds) {
  return format_time(milliseconds, "%Y-%m-%d %H:%M:%S");
}

std::string rfc3339(std::int64_t milliseconds) {
  if (milliseconds == 0) return "0001-01-01T00:00:00Z";
  return format_time(milliseconds, "%Y-%m-%dT%H:%M:%SZ");
}

std::string duration_text(std::int64_t milliseconds) {
  auto const minutes = milliseconds / 60'000;
  if (minutes == 0) return fmt::format("{}s", std::max<std::int64_t>(milliseconds, 0) / 1000);
  if (minutes < 60) return fmt::format("{}m", minutes);
  if (minutes < 24 * 60) return fmt::format("{}h {}m", minutes / 60, minutes % 60);
  return fmt::format("{}d {}h {}m", minutes / 1440, minutes / 60 % 24, minutes % 60);
}

std::string counted(std::size_t n, std::string_view noun) {
  return fmt::format("{} {}{}", n, noun, n == 1 ? "" : "s");
}

std::string names_text(std::vector<std::string> const& names, std::size_t width,
                       std::string_view noun) {
  auto const number = noun.empty() ? std::to_string(names.size()) : counted(names.size(), noun);
  if (names.empty()) return number;
  std::string list;
  for (auto const& name : names) list += (list.empty() ? "" : ", ") + plain_line(name);
  return fmt::format("{} ({})", number, cut(list, width));
}

}  // namespace thv::cli
