// SPDX-License-Identifier: Apache-2.0
// Somebody who embeds the gateway alone: it serves a member of the embedder's own, without the
// engine, its store or its configuration; a tool is called through it over HTTP, and it ends.
#include <unistd.h>

#include <iostream>
#include <string>
#include <thread>
#include <vector>

#include <thv/gateway/server.hpp>
#include <thv/net/http.hpp>

namespace {

/// What runs at the other end of two pipes: an MCP server with the tool `greet`.
void serve(int input, int output) {
  std::string kept;
  char bytes[4096];
  for (auto n = ::read(input, bytes, sizeof bytes); n > 0; n = ::read(input, bytes, sizeof bytes)) {
    kept.append(bytes, static_cast<std::size_t>(n));
    for (auto end = kept.find('\n'); end != std::string::npos; end = kept.find('\n')) {
      auto const line = kept.substr(0, end);
      kept.erase(0, end + 1);
      auto const at = line.find("\"id\":");
      if (at == std::string::npos) continue;
      auto const id = line.substr(at + 5, line.find_first_of(",}", at) - at - 5);
      std::string result = "{}";
      if (line.find("\"initialize\"") != std::string::npos)
        result = R"({"protocolVersion":"2025-11-25","capabilities":{"tools":{}},)"
                 R"("serverInfo":{"name":"own","version":"1"}})";
      else if (line.find("\"tools/list\"") != std::string::npos)
        result = R"({"tools":[{"name":"greet","inputSchema":{"type":"object"}}]})";
      else if (line.find("\"tools/call\"") != std::string::npos)
        result = R"({"content":[{"type":"text","text":"hello from the member"}]})";
      auto const answer = R"({"jsonrpc":"2.0","id":)" + id + R"(,"result":)" + result + "}\n";
      if (::write(output, answer.data(), answer.size()) < 0) break;
    }
  }
  ::close(input);
  ::close(output);
}

/// All that the gateway has to know of the embedder's members.
class own_members final : public thv::gateway::backend {
 public:
  ~own_members() override {
    for (auto& one : threads_) one.join();
  }

  thv::result<std::vector<thv::gateway::member>> members() override {
    thv::gateway::member m;
    m.name = "own";
    return std::vector{m};
  }
  thv::result<thv::gateway::attachment> open(thv::plugin::call const&,
                                             std::string const&) override {
    int to[2];
    int from[2];
    if (::pipe(to) != 0 || ::pipe(from) != 0) return thv::fail(thv::errc::io, "no pipes");
    threads_.emplace_back(serve, to[0], from[1]);
    thv::gateway::attachment way;
    way.session_key = std::to_string(threads_.size());
    way.stream = thv::plugin::stream{};
    way.stream->read_fd = from[0];
    way.stream->write_fd = to[1];
    return way;
  }
  thv::result<void> keep(std::string const&, thv::gateway::catalogue const&) override { return {}; }
  thv::result<void> sleep(thv::plugin::call const&, std::string const&) override { return {}; }

 private:
  std::vector<std::thread> threads_;
};

/// A client of the gateway.
thv::result<std::string> ask(std::uint16_t port, std::string& session, std::string body) {
  thv::plugin::call patience;
  patience.deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  thv::net::address where;
  where.host = "127.0.0.1";
  where.port = port;
  thv::net::request request;
  request.method = "POST";
  request.target = "/servers/own/mcp";
  request.headers = {{"Content-Type", "application/json"},
                     {"Accept", "application/json, text/event-stream"}};
  if (!session.empty()) request.headers["Mcp-Session-Id"] = session;
  request.body = std::move(body);
  THV_TRY(auto const answer, thv::net::exchange(patience, where, request));
  if (auto const found = answer.headers.find("mcp-session-id"); found != answer.headers.end())
    session = found->second;
  if (answer.status != 200) return thv::fail(thv::errc::engine, answer.body);
  return answer.body;
}

thv::result<std::string> greeted(std::uint16_t port) {
  std::string session;
  THV_CHECK(ask(port, session,
                R"({"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":)"
                R"("2025-11-25","capabilities":{},"clientInfo":{"name":"me","version":"1"}}})"));
  return ask(port, session,
             R"({"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"greet"}})");
}

}  // namespace

int main() {
  own_members members;
  thv::gateway::server_options options;
  options.port = 0;
  thv::gateway::server server(members, options);
  if (auto const listens = server.listen(); !listens) {
    std::cerr << to_string(listens.error()) << '\n';
    return 1;
  }
  std::thread loop([&] { server.run(); });
  auto const answer = greeted(server.port());
  auto const state = server.status().members.at(0);
  server.stop();
  loop.join();
  if (!answer) {
    std::cerr << to_string(answer.error()) << '\n';
    return 1;
  }
  std::cout << state.name << " is " << state.state << ", " << state.calls << " call: " << *answer
            << '\n';
}
