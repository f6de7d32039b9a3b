// SPDX-License-Identifier: Apache-2.0
#include "corpus.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include <fmt/format.h>

namespace thv::test {

namespace fs = std::filesystem;

namespace {

std::string read_file(fs::path const& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("no file " + path.string());
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<sample> samples_in(fs::path const& folder) {
  std::vector<sample> found;
  for (auto const& client : fs::directory_iterator(folder)) {
    if (!client.is_directory() || client.path().filename() == "refused") continue;
    auto const name = client.path().filename().string();
    auto const kind = clients::find_kind(name);
    if (!kind) throw std::runtime_error(to_string(kind.error()));
    for (auto const& file : fs::directory_iterator(client.path()))
      found.push_back(
          {name + "/" + file.path().filename().string(), *kind, read_file(file.path())});
  }
  std::sort(found.begin(), found.end(), [](auto& a, auto& b) { return a.name < b.name; });
  return found;
}

std::string with_line_ends(std::string const& text, std::string_view end) {
  std::string changed;
  for (auto const c : text) {
    if (c == '\r') continue;
    if (c == '\n')
      changed += end;
    else
      changed += c;
  }
  return changed;
}

constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";

}  // namespace

std::vector<sample> corpus() {
  return samples_in(CLIENT_FILES);
}

std::vector<sample> refused() {
  return samples_in(fs::path(CLIENT_FILES) / "refused");
}

std::vector<sample> variants(sample const& s) {
  std::vector<sample> all{s};
  auto const add = [&](std::string const& how, std::string text) {
    if (std::none_of(all.begin(), all.end(), [&](auto& other) { return other.text == text; }))
      all.push_back({s.name + ", " + how, s.client, std::move(text)});
  };
  add("CRLF", with_line_ends(s.text, "\r\n"));
  add("LF", with_line_ends(s.text, "\n"));
  if (s.text.compare(0, byte_order_mark.size(), byte_order_mark) != 0)
    add("byte order mark", std::string(byte_order_mark) + s.text);
  auto const last = s.text.find_last_not_of("\r\n");
  if (last != std::string::npos) {
    add("no last line end", s.text.substr(0, last + 1));
    add("last line end", s.text.substr(0, last + 1) + "\n");
    add("empty lines at the end", s.text.substr(0, last + 1) + "\n\n\n");
  }
  return all;
}

std::vector<clients::entry> entries(clients::kind const& k, std::size_t count,
                                    std::string const& token) {
  std::vector<clients::entry> all;
  for (std::size_t i = 0; i < count; ++i) {
    auto const workload = fmt::format("server-{:02}{}", i, i % 5 == 3 ? ".v2" : "");
    all.push_back({clients::entry_name(k, workload),
                   fmt::format("http://127.0.0.1:4483/servers/{}/mcp", workload), token});
  }
  return all;
}

editing::editing(sample const& s) : client_(s.client), text_(s.text) {}

void editing::put(std::vector<clients::entry> const& what) {
  apply({what, {}});
}

void editing::remove(std::vector<std::string> const& names) {
  apply({{}, names});
}

void editing::apply(clients::changes const& what) {
  auto done = clients::edit(*client_, text_, what, notes_);
  if (!done) throw std::runtime_error(to_string(done.error()) + " (" + done.error().hint + ")");
  text_ = std::move(done->text);
  notes_ = std::move(done->notes);
  empty_ = done->empty;
}

std::map<std::string, std::string> editing::read() const {
  auto found = clients::read_entries(*client_, text_);
  if (!found) throw std::runtime_error(to_string(found.error()));
  return *found;
}

std::string difference(std::string const& expected, std::string const& found) {
  auto const at = static_cast<std::size_t>(
      std::mismatch(expected.begin(), expected.end(), found.begin(), found.end()).first -
      expected.begin());
  auto const around = [&](std::string const& text) {
    auto const begin = at < 60 ? 0 : at - 60;
    return text.substr(std::min(begin, text.size()), 160);
  };
  return fmt::format("at byte {}, expected:\n{}\n---- found:\n{}\n----", at, around(expected),
                     around(found));
}

}  // namespace thv::test
