// SPDX-License-Identifier: Apache-2.0
// The member behind every gateway that is compared: one tool, `echo`, revision 2025-06-18.
//   native_member stdio
//   native_member http PORT
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "http_message.hpp"
#include "json_scan.hpp"

namespace {

using bench::member;

[[noreturn]] void fail(char const* what) {
  std::fprintf(stderr, "native_member: %s: %s\n", what, std::strerror(errno));
  std::exit(1);
}

void result(std::string& out, std::string_view id, std::initializer_list<std::string_view> parts) {
  out.append(R"({"jsonrpc":"2.0","id":)").append(id).append(R"(,"result":)");
  for (auto part : parts) out += part;
  out += '}';
}

void refuse(std::string& out, std::string_view id, std::string_view error) {
  out.append(R"({"jsonrpc":"2.0","id":)").append(id).append(R"(,"error":)").append(error) += '}';
}

void call(std::string& out, std::string_view id, std::string_view params) {
  auto const text = member(member(params, "arguments"), "message");
  if (member(params, "name") != R"("echo")") {
    refuse(out, id, R"({"code":-32602,"message":"No such tool: this server has only 'echo'"})");
  } else if (text.empty() || text.front() != '"') {
    refuse(out, id, R"({"code":-32602,"message":"'message' must be given, as a string"})");
  } else {
    result(out, id, {R"({"content":[{"type":"text","text":)", text, "}]}"});
  }
}

void initialize(std::string& out, std::string_view id, std::string_view params) {
  auto version = member(params, "protocolVersion");
  if (version != R"("2025-03-26")" && version != R"("2024-11-05")") version = R"("2025-06-18")";
  result(out, id,
         {R"({"protocolVersion":)", version, R"(,"capabilities":{"tools":{}},)",
          R"("serverInfo":{"name":"native-member","version":"1"}})"});
}

/// Appends the answer to one message; a notification or a response has none.
/// Returns whether the message opens a session.
bool answer(std::string& out, std::string_view message) {
  std::string_view id, method, params;
  bench::each_member(message, [&](std::string_view key, std::string_view value) {
    if (key == "id") id = value;
    if (key == "method") method = bench::unquoted(value);
    if (key == "params") params = value;
  });
  if (id.empty() || method.empty()) return false;
  if (method == "tools/call") {
    call(out, id, params);
  } else if (method == "initialize") {
    initialize(out, id, params);
    return true;
  } else if (method == "ping") {
    result(out, id, {"{}"});
  } else if (method == "tools/list") {
    result(out, id,
           {R"({"tools":[{"name":"echo","description":"Says it again","inputSchema":)",
            R"({"type":"object","properties":{"message":{"type":"string"}},)",
            R"("required":["message"]}}]})"});
  } else {
    refuse(out, id, R"({"code":-32601,"message":"Method not found"})");
  }
  return false;
}

// --- over pipes ---------------------------------------------------------------------------------

/// Writes what the pipe takes; the rest stays.
void write_some(std::string& out) {
  std::size_t sent = 0;
  while (sent < out.size()) {
    auto const count = write(STDOUT_FILENO, out.data() + sent, out.size() - sent);
    if (count < 0 && errno == EAGAIN) break;
    if (count < 0 && errno != EINTR) fail("writing an answer");
    if (count > 0) sent += static_cast<std::size_t>(count);
  }
  out.erase(0, sent);
}

void answer_lines(std::string& out, std::string& rest, std::string_view text) {
  for (auto end = text.find('\n'); end != text.npos; end = text.find('\n')) {
    if (rest.empty()) {
      answer(out, text.substr(0, end));
    } else {
      answer(out, rest.append(text.substr(0, end)));
      rest.clear();
    }
    if (!out.empty() && out.back() != '\n') out += '\n';
    text.remove_prefix(end + 1);
  }
  rest += text;
}

/// All lines of one read are answered by one write. It reads on while nobody takes its answers, as
/// servers with an event loop do: a client that writes before it reads must not come to a stop.
int serve_pipes() {
  fcntl(STDOUT_FILENO, F_SETFL, fcntl(STDOUT_FILENO, F_GETFL) | O_NONBLOCK);
  std::vector<char> buffer(std::size_t{256} << 10);
  std::string rest, out;
  for (;;) {
    if (!out.empty()) {
      pollfd both[2] = {{STDIN_FILENO, POLLIN, 0}, {STDOUT_FILENO, POLLOUT, 0}};
      poll(both, 2, -1);
      if (both[1].revents != 0) write_some(out);
      if (both[0].revents == 0) continue;
    }
    auto const count = read(STDIN_FILENO, buffer.data(), buffer.size());
    if (count == 0) return 0;
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail("reading requests");
    auto const waiting = !out.empty();
    answer_lines(out, rest, {buffer.data(), static_cast<std::size_t>(count)});
    if (!waiting) write_some(out);
  }
}

// --- over HTTP ----------------------------------------------------------------------------------

struct connection {
  int socket;
  std::string received, out;
  bench::http_message message;
};

class http_server {
 public:
  explicit http_server(int port) : listener_{socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0)} {
    int const on = 1;
    setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto* const bare = reinterpret_cast<sockaddr*>(&address);
    if (bind(listener_, bare, sizeof address) != 0 || listen(listener_, 4096) != 0)
      fail("listening");
    watch(listener_, EPOLLIN, nullptr, EPOLL_CTL_ADD);
  }

  [[noreturn]] void run() {
    std::array<epoll_event, 256> events;
    for (;;) {
      auto const count = epoll_wait(epoll_, events.data(), events.size(), -1);
      for (int i = 0; i < count; ++i) {
        auto* const owner = static_cast<connection*>(events[i].data.ptr);
        if (owner == nullptr) {
          accept_all();
        } else if (!serve(*owner, events[i].events)) {
          close(owner->socket);
          delete owner;
        }
      }
    }
  }

 private:
  void watch(int socket, std::uint32_t what, connection* owner, int how) {
    epoll_event event{};
    event.events = what;
    event.data.ptr = owner;
    epoll_ctl(epoll_, how, socket, &event);
  }

  void accept_all() {
    for (;;) {
      auto const socket = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK);
      if (socket < 0) return;
      int const on = 1;
      setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      watch(socket, EPOLLIN, new connection{socket, {}, {}, {}}, EPOLL_CTL_ADD);
    }
  }

  bool serve(connection& owner, std::uint32_t events) {
    if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0 && !receive(owner)) return false;
    auto const waited = (events & EPOLLOUT) != 0;
    while (!owner.out.empty()) {
      auto const count = send(owner.socket, owner.out.data(), owner.out.size(), MSG_NOSIGNAL);
      if (count < 0 && errno == EAGAIN) {
        if (!waited) watch(owner.socket, EPOLLIN | EPOLLOUT, &owner, EPOLL_CTL_MOD);
        return true;
      }
      if (count < 0) return false;
      owner.out.erase(0, static_cast<std::size_t>(count));
    }
    if (waited) watch(owner.socket, EPOLLIN, &owner, EPOLL_CTL_MOD);
    return true;
  }

  bool receive(connection& owner) {
    auto const count = recv(owner.socket, buffer_.data(), buffer_.size(), 0);
    if (count < 0 && errno == EAGAIN) return true;
    if (count <= 0) return false;
    std::string_view data{buffer_.data(), static_cast<std::size_t>(count)};
    auto const kept = !owner.received.empty();
    if (kept) data = owner.received.append(data);
    for (std::size_t taken = 0;; data.remove_prefix(taken)) {
      auto const state =
          data.empty() ? bench::progress::incomplete : owner.message.parse(data, taken);
      if (state == bench::progress::broken) return false;
      if (state == bench::progress::incomplete) break;
      respond(owner.out, owner.message);
    }
    if (kept) {
      owner.received.erase(0, owner.received.size() - data.size());
    } else {
      owner.received = data;
    }
    return true;
  }

  void respond(std::string& out, bench::http_message const& request) {
    auto const verb = request.first_line.substr(0, request.first_line.find(' '));
    if (verb != "POST" && verb != "DELETE") {
      out += "HTTP/1.1 405 Method Not Allowed\r\nAllow: POST, DELETE\r\nContent-Length: 0\r\n\r\n";
      return;
    }
    text_.clear();
    auto const opens = verb == "POST" && answer(text_, request.body);
    std::string session;
    if (opens) {
      session = "session-" + std::to_string(++last_session_);
      sessions_.insert(session);
    } else if (auto const known = sessions_.find(std::string{request.session});
               known == sessions_.end()) {
      out +=
          request.session.empty() ? "HTTP/1.1 400 Bad Request\r\n" : "HTTP/1.1 404 Not Found\r\n";
      out += "Content-Length: 0\r\n\r\n";
      return;
    } else if (verb == "DELETE") {
      sessions_.erase(known);
      out += "HTTP/1.1 204 No Content\r\n\r\n";
      return;
    }
    if (text_.empty()) {
      out += "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n";
      return;
    }
    out += "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n";
    if (opens) out.append("Mcp-Session-Id: ").append(session).append("\r\n");
    out.append("Content-Length: ").append(std::to_string(text_.size())).append("\r\n\r\n");
    out += text_;
  }

  int listener_, epoll_ = epoll_create1(0);
  std::vector<char> buffer_ = std::vector<char>(std::size_t{256} << 10);
  std::string text_;
  std::unordered_set<std::string> sessions_;
  unsigned long last_session_ = 0;
};

}  // namespace

int main(int count, char** words) {
  std::signal(SIGPIPE, SIG_IGN);
  std::string_view const how = count > 1 ? words[1] : "";
  if (how == "stdio" && count == 2) return serve_pipes();
  if (how == "http" && count == 3) http_server{std::atoi(words[2])}.run();
  std::fputs("usage: native_member stdio | native_member http PORT\n", stderr);
  return 2;
}
