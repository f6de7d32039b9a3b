// SPDX-License-Identifier: Apache-2.0
#include <charconv>

#include <thv/mcp/sse.hpp>

namespace thv::mcp {

result<void> sse_parser::feed(std::string_view bytes,
                              std::function<bool(sse_event const&)> const& sink) {
  while (!bytes.empty()) {
    if (after_cr_ && bytes.front() == '\n') bytes.remove_prefix(1);
    after_cr_ = false;
    auto const end = bytes.find_first_of("\r\n");
    auto const piece = bytes.substr(0, end);
    if (line_.size() + data_.size() + piece.size() > limit_)
      return fail(errc::engine, "the server sent an event that is too large");
    line_ += piece;
    if (end == std::string_view::npos) return {};
    after_cr_ = bytes[end] == '\r';
    bytes.remove_prefix(end + 1);
    if (!take_line(sink)) return {};
  }
  return {};
}

bool sse_parser::take_line(std::function<bool(sse_event const&)> const& sink) {
  std::string line;
  line.swap(line_);
  std::string_view text = line;
  if (first_line_ && text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  first_line_ = false;
  if (!text.empty()) {
    auto const colon = text.find(':');
    if (colon == 0) return true;
    auto value = colon == std::string_view::npos ? std::string_view() : text.substr(colon + 1);
    if (value.starts_with(' ')) value.remove_prefix(1);
    take_field(text.substr(0, colon), value);
    return true;
  }
  sse_event event{type_.empty() ? "message" : std::move(type_), std::move(data_), last_id_};
  type_.clear();
  data_.clear();
  bool const complete = std::exchange(has_data_, false);
  return !complete || sink(event);
}

void sse_parser::take_field(std::string_view name, std::string_view value) {
  if (name == "event") {
    type_ = value;
  } else if (name == "data") {
    if (has_data_) data_ += '\n';
    data_ += value;
    has_data_ = true;
  } else if (name == "id") {
    if (value.find('\0') == std::string_view::npos) last_id_ = value;
  } else if (name == "retry") {
    take_retry(value);
  }
}

void sse_parser::take_retry(std::string_view value) {
  std::uint32_t milliseconds = 0;
  auto const [end, problem] =
      std::from_chars(value.data(), value.data() + value.size(), milliseconds);
  if (problem == std::errc() && end == value.data() + value.size())
    retry_ = std::chrono::milliseconds(milliseconds);
}

}  // namespace thv::mcp
