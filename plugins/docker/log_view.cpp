// SPDX-License-Identifier: Apache-2.0
#include "docker/log_view.hpp"

#include "docker/protocol.hpp"

namespace thv::docker {

bool is_protocol(std::string_view line, bool first) {
  auto const begin = line.find_first_not_of(" \t\r");
  if (begin == std::string_view::npos) return false;
  auto const end = line.find_last_not_of(" \t\r");
  if ((line[begin] == '{' || line[begin] == '[') &&
      line.find("\"jsonrpc\"") != std::string_view::npos)
    return true;
  return first && (line[end] == '}' || line[end] == ']');
}

std::string since(std::string const& timestamp) {
  auto const ms = parse_time(timestamp);
  if (ms == 0) return {};
  auto const dot = timestamp.find('.');
  auto const digits = dot == std::string::npos
                          ? std::string("0")
                          : timestamp.substr(dot + 1, timestamp.size() - dot - 2);
  return "&since=" + std::to_string(ms / 1000) + "." + digits;
}

bool log_view::show(frame_reader::stream stream, std::string_view line, bool complete) {
  bool const out = stream == frame_reader::stream::out;
  if (out && is_protocol(line, !std::exchange(said_something_, true))) return true;
  auto text = std::string(line);
  if (complete) text += '\n';
  return sink_(text);
}

bool log_view::feed(frame_reader::stream stream, std::string_view piece, bool first) {
  if (options_.timestamps) {
    if (first) {
      stamp_.clear();
      in_stamp_ = true;
    }
    if (in_stamp_) {
      auto const space = piece.find(' ');
      stamp_ += piece.substr(0, space);
      piece.remove_prefix(space == std::string_view::npos ? piece.size() : space + 1);
      if (space == std::string_view::npos) return true;
      in_stamp_ = false;
      skip_ = !options_.after.empty() && stamp_ <= options_.after;
      if (stamp_ > newest_) newest_ = stamp_;
    }
    if (skip_) return true;
  }
  if (!options_.hide_protocol) return wanted_ = piece.empty() || sink_(piece);
  auto& lines = stream == frame_reader::stream::error ? error_ : out_;
  wanted_ = lines.feed(piece, [&](std::string_view line) { return show(stream, line, true); });
  return wanted_;
}

void log_view::finish() {
  if (!wanted_ || !options_.hide_protocol) return;
  if (!out_.rest().empty() && !show(frame_reader::stream::out, out_.rest(), false)) return;
  if (!error_.rest().empty()) show(frame_reader::stream::error, error_.rest(), false);
}

}  // namespace thv::docker
