// SPDX-License-Identifier: Apache-2.0
#include "gateway_log.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <iterator>
#include <thread>

#include <fmt/format.h>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "output.hpp"

namespace thv::cli {

namespace {

std::string_view word_of(gateway::log_line::level severity) {
  using level = gateway::log_line::level;
  switch (severity) {
    case level::debug:
      return "debug";
    case level::info:
      return "info";
    case level::warning:
      return "warning";
    case level::error:
      return "error";
  }
  return "info";
}

std::string precise_time(std::int64_t milliseconds) {
  auto text = rfc3339(milliseconds);
  text.pop_back();
  return fmt::format("{}.{:03}Z", text, milliseconds % 1000);
}

std::string read_whole(std::filesystem::path const& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string_view last_lines(std::string_view text, std::size_t lines) {
  if (lines == 0) return text;
  auto at = text.size();
  for (std::size_t n = 0; at > 0; --at)
    if (text[at - 1] == '\n' && at != text.size() && ++n == lines) break;
  return text.substr(at);
}

struct place {
  ino_t file = 0;
  off_t size = 0;
};

place place_of(std::filesystem::path const& path) {
  struct stat found {};
  if (::stat(path.c_str(), &found) != 0) return {};
  return {found.st_ino, found.st_size};
}

}  // namespace

std::string log_text(gateway::log_line const& line, std::int64_t time, bool json) {
  auto const level = word_of(line.severity);
  auto const message = plain_line(line.message);
  if (!json)
    return fmt::format("{} {:<7} {}{}{}\n", precise_time(time), level, line.member,
                       line.member.empty() ? "" : ": ", message);
  boost::json::object o{{"time", precise_time(time)}, {"level", level}};
  if (!line.member.empty()) o["member"] = line.member;
  o["message"] = message;
  return boost::json::serialize(o) + "\n";
}

gateway_log::~gateway_log() {
  if (file_ >= 0) ::close(file_);
}

void gateway_log::write(std::string_view line) {
  std::lock_guard const lock(mutex_);
  if (file_ >= 0 && size_ + line.size() > limit_) {
    ::close(file_);
    file_ = -1;
    ::rename(path_.c_str(), (path_.native() + ".1").c_str());
  }
  if (file_ < 0) {
    file_ = ::open(path_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file_ < 0) return;
    size_ = static_cast<std::size_t>(place_of(path_).size);
  }
  auto const written = ::write(file_, line.data(), line.size());
  if (written > 0) size_ += static_cast<std::size_t>(written);
}

result<void> read_gateway_log(std::filesystem::path const& path, std::size_t tail, bool follow,
                              std::function<bool()> const& stopped,
                              std::function<bool(std::string_view)> const& sink) {
  using namespace std::chrono_literals;
  auto at = place_of(path);
  if (at.file == 0 && !follow)
    return fail(errc::not_found, "the gateway has no log yet", "thv-engine gateway start",
                path.string());
  auto const current = read_whole(path);
  at.size = static_cast<off_t>(current.size());
  if (!sink(last_lines(read_whole(path.native() + ".1") + current, tail)) || !follow) return {};
  while (!stopped()) {
    std::this_thread::sleep_for(100ms);
    auto const now = place_of(path);
    if (now.file == at.file && now.size == at.size) continue;
    auto const text = read_whole(path);
    // A file that took the place of the one before is read from its start.
    auto const from = now.file == at.file ? static_cast<std::size_t>(at.size) : 0;
    if (from < text.size() && !sink(std::string_view(text).substr(from))) return {};
    at = {now.file, static_cast<off_t>(text.size())};
  }
  return {};
}

}  // namespace thv::cli
