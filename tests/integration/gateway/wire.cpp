// SPDX-License-Identifier: Apache-2.0
#include "wire.hpp"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>
#include <boost/json.hpp>

namespace thv::test {

namespace {

using clock = std::chrono::steady_clock;

std::string lower(std::string text) {
  for (auto& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return text;
}

http_answer head_of(std::string_view head) {
  http_answer a;
  a.status = std::atoi(std::string(head.substr(9, 3)).c_str());
  for (auto at = head.find("\r\n"); at + 2 < head.size();) {
    auto const end = head.find("\r\n", at + 2);
    auto const one = head.substr(at + 2, end - at - 2);
    if (auto const colon = one.find(": "); colon != std::string_view::npos)
      a.fields[lower(std::string(one.substr(0, colon)))] = one.substr(colon + 2);
    at = end;
  }
  return a;
}

}  // namespace

wire::wire(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0)
    throw std::runtime_error("cannot connect to the gateway");
  int const on = 1;
  ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

wire::wire(wire&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), kept_(std::move(other.kept_)) {}

wire::~wire() {
  if (fd_ >= 0) ::close(fd_);
}

bool wire::send(std::string_view bytes) {
  while (!bytes.empty()) {
    auto const n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

bool wire::read_more(clock::time_point until) {
  auto const left = std::chrono::duration_cast<std::chrono::milliseconds>(until - clock::now());
  pollfd one{fd_, POLLIN, 0};
  if (::poll(&one, 1, static_cast<int>(std::max<std::int64_t>(left.count(), 0))) <= 0) return false;
  char bytes[65536];
  auto const n = ::recv(fd_, bytes, sizeof bytes, 0);
  if (n <= 0) return false;
  kept_.append(bytes, static_cast<std::size_t>(n));
  return true;
}

std::optional<std::string> wire::until(std::string_view end, std::chrono::milliseconds time) {
  auto const limit = clock::now() + time;
  std::size_t from = 0;
  for (;;) {
    if (auto const at = kept_.find(end, from); at != std::string::npos) {
      auto got = kept_.substr(0, at + end.size());
      kept_.erase(0, at + end.size());
      return got;
    }
    from = kept_.size() < end.size() ? 0 : kept_.size() - end.size() + 1;
    if (!read_more(limit)) return std::nullopt;
  }
}

std::optional<std::string> wire::take(std::size_t size, std::chrono::milliseconds time) {
  auto const limit = clock::now() + time;
  while (kept_.size() < size)
    if (!read_more(limit)) return std::nullopt;
  auto got = kept_.substr(0, size);
  kept_.erase(0, size);
  return got;
}

http_answer wire::answer(std::chrono::milliseconds time) {
  auto const head = until("\r\n\r\n", time);
  if (!head) return {};
  auto a = head_of(*head);
  if (a.status == 100) return answer(time);
  if (a.fields.count("transfer-encoding") != 0) {
    for (;;) {
      auto const size = until("\r\n", time);
      if (!size) return {};
      auto const count = std::strtoul(size->c_str(), nullptr, 16);
      auto const limit = clock::now() + time;
      while (kept_.size() < count + 2)
        if (!read_more(limit)) return {};
      a.body += kept_.substr(0, count);
      kept_.erase(0, count + 2);
      if (count == 0) return a;
    }
  }
  auto const size = std::strtoul(a.fields["content-length"].c_str(), nullptr, 10);
  auto const limit = clock::now() + time;
  while (kept_.size() < size)
    if (!read_more(limit)) return {};
  a.body = kept_.substr(0, size);
  kept_.erase(0, size);
  return a;
}

bool wire::closes(std::chrono::milliseconds time) {
  auto const limit = clock::now() + time;
  while (read_more(limit)) kept_.clear();
  return clock::now() < limit;
}

std::string post(std::string_view path, std::string_view body, std::string_view fields) {
  return fmt::format(
      "POST {} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
      "Accept: application/json, text/event-stream\r\n{}Content-Length: {}\r\n\r\n{}",
      path, fields, body.size(), body);
}

std::string get(std::string_view path, std::string_view fields) {
  return fmt::format("GET {} HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n{}\r\n",
                     path, fields);
}

std::string tool_call(std::string_view tool, std::string_view arguments, std::string_view id) {
  return fmt::format(
      R"({{"jsonrpc":"2.0","id":{},"method":"tools/call","params":{{"name":"{}","arguments":{}}}}})",
      id, tool, arguments);
}

std::string said(std::string_view body) {
  boost::json::error_code ec;
  auto text = body;
  if (auto const data = text.rfind("data: "); data != std::string_view::npos && body[0] != '{')
    text = text.substr(data + 6, text.rfind('}') - data - 5);
  auto const value = boost::json::parse({text.data(), text.size()}, ec);
  if (ec) return std::string(body);
  auto const* words = value.find_pointer("/result/content/0/text", ec);
  return words && words->is_string() ? std::string(words->get_string()) : std::string(body);
}

told talk(wire& line, std::string_view request, std::chrono::milliseconds time) {
  told t;
  if (!line.send(request)) return t;
  auto const head = line.until("\r\n\r\n", time);
  if (!head) return t;
  int const status = std::atoi(head->c_str() + 9);
  auto const field = [&](std::string_view name) -> std::optional<std::string> {
    auto const at = head->find(name);
    if (at == std::string::npos) return std::nullopt;
    return head->substr(at + name.size(), head->find('\r', at) - at - name.size());
  };
  t.session = field("Mcp-Session-Id: ").value_or("");
  if (auto const size = field("Content-Length: ")) {
    auto const body = line.take(std::strtoul(size->c_str(), nullptr, 10), time);
    if (!body) return t;
    t.body = *body;
  } else if (field("Transfer-Encoding: ")) {
    for (;;) {
      auto const size = line.until("\r\n", time);
      if (!size) return t;
      auto const count = std::strtoul(size->c_str(), nullptr, 16);
      auto const chunk = line.take(count + 2, time);
      if (!chunk) return t;
      if (count == 0) break;
      if (!t.body.empty()) t.events.push_back(std::move(t.body));
      t.body = chunk->substr(0, count);
    }
  }
  t.status = status;
  return t;
}

session_client::session_client(std::uint16_t port, std::string member)
    : line(port), path_("/servers/" + std::move(member) + "/mcp") {
  line.send(post(path_, R"({"jsonrpc":"2.0","id":0,"method":"initialize","params":{)"
                        R"("protocolVersion":"2025-11-25","capabilities":{"roots":{}},)"
                        R"("clientInfo":{"name":"wire","version":"1"}}})"));
  auto greeting = line.answer();
  if (greeting.status != 200)
    throw std::runtime_error(fmt::format("initialize: {} {}", greeting.status, greeting.body));
  fields_ = fmt::format("Mcp-Session-Id: {}\r\nMCP-Protocol-Version: 2025-11-25\r\n",
                        greeting.fields["mcp-session-id"]);
}

bool session_client::send(std::string_view body) {
  return line.send(post(path_, body, fields_));
}

http_answer session_client::exchange(std::string_view body) {
  send(body);
  return line.answer(std::chrono::seconds(20));
}

std::string session_client::call(std::string_view tool, std::string_view arguments,
                                 std::string_view id) {
  auto const got = exchange(tool_call(tool, arguments, id));
  return got.status == 200 ? said(got.body) : fmt::format("{} {}", got.status, got.body);
}

}  // namespace thv::test
