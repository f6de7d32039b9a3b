// SPDX-License-Identifier: Apache-2.0
// A member over stdio that does as it is told, for tests of the gateway alone. Its tools:
//   echo {text}         says it
//   big {bytes}         says so many bytes
//   hang {}             never answers
//   deaf {ms}           reads nothing for so long, then answers
//   ask {id}            sends `roots/list` under this id (JSON), and says what it was answered
//   flood {lines}       sends so many pings and reads nothing meanwhile, then answers
//   question {lines}    sends so many `sampling/createMessage` likewise
//   write {line}        writes this line, with ID for the id of the call, and answers nothing
// It answers in the order in which it was asked, and counts `initialize`.
#include <unistd.h>

#include <cstdio>
#include <iostream>
#include <string>

#include <boost/json.hpp>

namespace json = boost::json;

namespace {

void say(std::string const& line) {
  std::string const all = line + "\n";
  for (std::size_t at = 0; at < all.size();) {
    auto const n = ::write(1, all.data() + at, all.size() - at);
    if (n <= 0) ::_exit(1);
    at += static_cast<std::size_t>(n);
  }
}

void answer(json::value const& id, json::value result) {
  say(json::serialize(json::object{{"jsonrpc", "2.0"}, {"id", id}, {"result", std::move(result)}}));
}

json::object text(std::string const& words) {
  return {{"content", json::array{json::object{{"type", "text"}, {"text", words}}}}};
}

json::object next() {
  std::string line;
  if (!std::getline(std::cin, line)) ::_exit(0);
  return json::parse(line).as_object();
}

std::string replaced(std::string in, std::string const& id) {
  for (auto at = in.find("ID"); at != std::string::npos; at = in.find("ID", at + id.size()))
    in.replace(at, 2, id);
  return in;
}

void call(json::value const& id, std::string const& name, json::object const& arguments) {
  if (name == "echo") {
    answer(id, text(std::string(arguments.at("text").as_string())));
  } else if (name == "big") {
    answer(id, text(std::string(arguments.at("bytes").to_number<std::size_t>(), 'x')));
  } else if (name == "deaf") {
    ::usleep(arguments.at("ms").to_number<unsigned>() * 1000);
    answer(id, text("heard again"));
  } else if (name == "ask") {
    auto const mine = arguments.at("id");
    say(json::serialize(json::object{{"jsonrpc", "2.0"}, {"id", mine}, {"method", "roots/list"}}));
    for (;;) {
      auto const got = next();
      if (got.contains("method") || got.at("id") != mine) continue;
      return answer(id, text(json::serialize(got)));
    }
  } else if (name == "flood" || name == "question") {
    auto const* const method = name == "flood" ? "ping" : "sampling/createMessage";
    auto const count = arguments.at("lines").to_number<int>();
    std::string lines;
    for (int i = 1; i <= count; ++i) {
      lines += R"({"jsonrpc":"2.0","id":")" + std::to_string(i) + R"(","method":")" + method +
               R"("})" + "\n";
      if (lines.size() < 60'000 && i < count) continue;
      lines.pop_back();
      say(lines);
      lines.clear();
    }
    answer(id, text(name == "flood" ? "flooded" : "asked"));
  } else if (name == "write") {
    say(replaced(std::string(arguments.at("line").as_string()), json::serialize(id)));
  }
}

}  // namespace

int main() {
  std::ios::sync_with_stdio(false);
  for (;;) {
    auto const in = next();
    if (!in.contains("method") || !in.contains("id")) continue;
    auto const& id = in.at("id");
    auto const method = std::string(in.at("method").as_string());
    if (method == "initialize") {
      answer(id, {{"protocolVersion", "2025-11-25"},
                  {"capabilities", json::object{{"tools", json::object{}}}},
                  {"serverInfo", {{"name", "odd"}, {"version", "1"}}}});
    } else if (method == "tools/list") {
      json::array tools;
      for (auto const* name : {"echo", "big", "hang", "deaf", "ask", "flood", "question", "write"})
        tools.push_back({{"name", name}, {"inputSchema", {{"type", "object"}}}});
      answer(id, json::object{{"tools", tools}});
    } else if (method == "tools/call") {
      auto const& params = in.at("params").as_object();
      auto const* given = params.if_contains("arguments");
      call(id, std::string(params.at("name").as_string()),
           given && given->is_object() ? given->as_object() : json::object{});
    } else {
      answer(id, json::object{});
    }
  }
}
