// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "json_scan.hpp"
#include "load_client.hpp"

namespace bench {

std::string_view answer_in(http_message const& response, std::string& scratch) {
  if (!response.event_stream()) return response.body;
  scratch.clear();
  for (auto rest = response.body; !rest.empty();) {
    auto const end = rest.find('\n');
    auto line = rest.substr(0, end);
    rest.remove_prefix(end == rest.npos ? rest.size() : end + 1);
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    if (line.substr(0, 5) == "data:") {
      scratch += line.substr(line.size() > 5 && line[5] == ' ' ? 6 : 5);
      continue;
    }
    if (!line.empty() || scratch.empty()) continue;
    if (member(scratch, "method").empty()) return scratch;
    scratch.clear();  // a notification on the way
  }
  return scratch;
}

void read_url(bench::options& chosen, std::string const& url) {
  auto const end = url.find('/', 7);
  auto const where = url.substr(7, end == url.npos ? end : end - 7);
  auto const colon = where.find(':');
  if (url.substr(0, 7) != "http://" || colon == where.npos)
    throw load_error{"--url: expected http://ADDRESS:PORT/PATH, got " + url};
  chosen.host = where.substr(0, colon) == "localhost" ? "127.0.0.1" : where.substr(0, colon);
  chosen.port = static_cast<std::uint16_t>(std::stoul(where.substr(colon + 1)));
  chosen.path = end == url.npos ? "/" : url.substr(end);
}

int connect_to(options const& chosen) {
  auto const handle = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (handle < 0) throw load_error{std::string{"no socket: "} + std::strerror(errno)};
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(chosen.port);
  inet_pton(AF_INET, chosen.host.c_str(), &address.sin_addr);
  if (connect(handle, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    std::string const why = std::strerror(errno);
    close(handle);
    throw load_error{chosen.host + ":" + std::to_string(chosen.port) + ": " + why};
  }
  int const on = 1;
  setsockopt(handle, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  timeval const limit{static_cast<time_t>(chosen.timeout), 0};
  setsockopt(handle, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  return handle;
}

namespace {

std::string common_head(std::string_view verb, options const& chosen, std::string const& session) {
  std::string out{verb};
  out += " " + chosen.path + " HTTP/1.1\r\nHost: " + chosen.host + ":" +
         std::to_string(chosen.port) + "\r\n" + chosen.headers;
  if (!session.empty()) out += "Mcp-Session-Id: " + session + "\r\n";
  return out;
}

}  // namespace

std::string post_head(options const& chosen, std::string const& session, std::string const& tool) {
  auto out = common_head("POST", chosen, session) +
             "Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n"
             "MCP-Protocol-Version: " +
             (chosen.stateless ? "2026-07-28" : "2025-06-18") + "\r\n";
  if (chosen.stateless)
    out += "Mcp-Method: " + std::string{tool.empty() ? "tools/list" : "tools/call"} + "\r\n";
  if (chosen.stateless && !tool.empty()) out += "Mcp-Name: " + tool + "\r\n";
  return out + "Content-Length: ";
}

http_link::http_link(options const& chosen, std::string session)
    : options_{chosen}, socket_{connect_to(chosen)}, session_{std::move(session)} {}

http_link::~http_link() {
  if (socket_ >= 0) close(socket_);
}

int http_link::release() {
  return std::exchange(socket_, -1);
}

void http_link::send_all(std::string_view text) {
  while (!text.empty()) {
    auto const count = send(socket_, text.data(), text.size(), MSG_NOSIGNAL);
    if (count <= 0) throw load_error{std::string{"sending: "} + std::strerror(errno)};
    text.remove_prefix(static_cast<std::size_t>(count));
  }
}

bool http_link::receive() {
  std::array<char, 16384> buffer;
  auto const count = recv(socket_, buffer.data(), buffer.size(), 0);
  if (count > 0) received_.append(buffer.data(), static_cast<std::size_t>(count));
  return count > 0;
}

std::string http_link::post(std::string const& message) {
  send_all(post_head(options_, session_, "") + std::to_string(message.size()) + "\r\n\r\n" +
           message);
  http_message response;
  std::size_t taken = 0;
  for (auto state = progress::incomplete; state != progress::complete;) {
    if (!receive()) throw load_error{"the server closed the connection, or did not answer"};
    state = response.parse(received_, taken);
    if (state == progress::broken) throw load_error{"not HTTP: " + received_.substr(0, 300)};
  }
  if (response.status() / 100 != 2)
    throw load_error{"refused: " + std::string{response.first_line} + ": " +
                     std::string{response.body.substr(0, 300)}};
  if (!response.session.empty()) session_ = response.session;
  std::string scratch;
  std::string answer{answer_in(response, scratch)};
  auto const closes = response.closes;
  received_.erase(0, taken);
  if (closes) {
    close(socket_);
    socket_ = connect_to(options_);
  }
  return answer;
}

int http_link::open_stream() {
  send_all(common_head("GET", options_, session_) +
           "Accept: text/event-stream\r\nMCP-Protocol-Version: 2025-06-18\r\n\r\n");
  for (;;) {
    if (!receive()) throw load_error{"the server closed the connection of the stream"};
    if (received_.find("\r\n\r\n") == received_.npos) continue;
    http_message head;
    std::size_t taken = 0;
    head.parse(received_, taken);
    return head.status();
  }
}

}  // namespace bench
