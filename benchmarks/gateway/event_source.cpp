// SPDX-License-Identifier: Apache-2.0
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <charconv>

#include "json_scan.hpp"
#include "load_client.hpp"

namespace bench {

event_source::event_source(options const& chosen) : options_{chosen}, link_{chosen} {
  if (auto const status = link_.open_stream(); status != 200)
    throw load_error{"the stream was refused with status " + std::to_string(status)};
  auto const head = link_.received();
  auto const end = head.find("\r\n\r\n");
  chunked_ = head.substr(0, end).find("chunked") != head.npos;
  feed(head.substr(end + 4));
  while (endpoint_.empty()) read();
  if (endpoint_.substr(0, 7) == "http://")
    read_url(options_, endpoint_);
  else
    options_.path = endpoint_;
}

std::string event_source::post(http_link& link, std::string const& message) {
  link.post(message);
  auto const id = std::string{member(message, "id")};
  while (!id.empty()) {
    for (auto const& answer : read())
      if (member(answer, "id") == id && member(answer, "method").empty()) return answer;
  }
  return {};
}

std::vector<std::string> event_source::read() {
  std::array<char, 65536> buffer;
  auto const count = recv(link_.socket(), buffer.data(), buffer.size(), 0);
  if (count <= 0) throw load_error{"the stream ended, or nothing came in time"};
  messages_.clear();
  feed({buffer.data(), static_cast<std::size_t>(count)});
  return std::move(messages_);
}

void event_source::feed(std::string_view bytes) {
  if (!chunked_) return feed_text(bytes);
  raw_ += bytes;
  std::size_t at = 0;
  for (;;) {
    if (left_ == 0) {
      auto const end = raw_.find("\r\n", at);
      if (end == raw_.npos) break;
      std::from_chars(raw_.data() + at, raw_.data() + end, left_, 16);
      left_ += 2;  // the line end behind the chunk
      at = end + 2;
    }
    auto const taken = std::min(left_, raw_.size() - at);
    if (taken == 0) break;
    auto const ours = std::min(taken, left_ - std::min<std::size_t>(left_, 2));
    feed_text(std::string_view{raw_}.substr(at, ours));
    at += taken;
    left_ -= taken;
  }
  raw_.erase(0, at);
}

void event_source::feed_text(std::string_view text) {
  for (auto end = text.find('\n'); end != text.npos; end = text.find('\n')) {
    line_ += text.substr(0, end);
    text.remove_prefix(end + 1);
    if (!line_.empty() && line_.back() == '\r') line_.pop_back();
    take_line(line_);
    line_.clear();
  }
  line_ += text;
}

void event_source::take_line(std::string_view line) {
  auto const value = [&](std::size_t name) {
    return line.substr(line.size() > name && line[name] == ' ' ? name + 1 : name);
  };
  if (line.substr(0, 6) == "event:") event_ = value(6);
  if (line.substr(0, 5) == "data:") data_ += value(5);
  if (!line.empty()) return;
  if (event_ == "endpoint")
    endpoint_ = data_;
  else if (!data_.empty())
    messages_.push_back(data_);
  event_.clear();
  data_.clear();
}

}  // namespace bench
