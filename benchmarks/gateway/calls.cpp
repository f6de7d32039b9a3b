// SPDX-License-Identifier: Apache-2.0
#include <sys/resource.h>

#include <algorithm>
#include <cstdio>
#include <iostream>

#include "json_scan.hpp"
#include "load_client.hpp"

namespace bench {

namespace {

constexpr std::string_view stateless_meta =
    R"("_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28",)"
    R"("io.modelcontextprotocol/clientInfo":{"name":"load-client","version":"1"},)"
    R"("io.modelcontextprotocol/clientCapabilities":{}})";

double cpu_seconds() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  auto const seconds = [](timeval t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

double seconds_of(clock::duration time) {
  return std::chrono::duration<double>(time).count();
}

/// For people to read, in a line of JSON: cut, and without what would need an escape.
std::string excerpt(std::string_view text) {
  std::string out{text.substr(0, 300)};
  std::replace_if(
      out.begin(), out.end(), [](char c) { return c < ' ' || c == '"' || c == '\\'; }, '\'');
  return out;
}

std::string message(std::string_view id, std::string_view method, std::string_view params) {
  std::string out = R"({"jsonrpc":"2.0",)";
  if (!id.empty()) out.append(R"("id":)").append(id).append(",");
  out.append(R"("method":")").append(method).append("\"");
  if (!params.empty()) out.append(R"(,"params":)").append(params);
  return out += "}";
}

std::string require_result(exchange const& send, std::string_view id, std::string_view method,
                           std::string_view params) {
  auto answer = send(message(id, method, params));
  if (member(answer, "id") != id || member(answer, "result").empty())
    throw load_error{std::string{method} + " was answered by: " + answer.substr(0, 300)};
  return answer;
}

}  // namespace

echo_calls::echo_calls(options const& chosen, std::string tool)
    : lists_{chosen.method == "tools/list"}, tool_{std::move(tool)}, prefix_{chosen.prefix} {
  head_ = R"(,"method":")" + chosen.method + R"(","params":{)";
  if (chosen.stateless) head_.append(stateless_meta).append(lists_ ? "" : ",");
  if (!lists_) head_.append(R"("name":")").append(tool_).append(R"(","arguments":{"message":)");
  tail_ = lists_ ? "}}" : "}}}";
  constexpr std::string_view letters =
      "abcdefghijklmnopqrstuvwxyz 0123456789 ABCDEFGHIJKLMNOPQRSTU";
  while (filler_.size() < chosen.size) filler_ += letters;
}

void echo_calls::text(std::string& out, std::uint64_t id, std::uint64_t connection) const {
  auto const begin = out.size();
  out.append("call ").append(std::to_string(id)).append(" of ").append(std::to_string(connection));
  out += ' ';
  auto const used = out.size() - begin;
  if (used < filler_.size()) out.append(filler_, used);
}

void echo_calls::make(std::string& out, std::uint64_t id, std::uint64_t connection) const {
  out.append(R"({"jsonrpc":"2.0","id":)").append(std::to_string(id)).append(head_);
  if (!lists_) {
    out += '"';
    text(out, id, connection);
    out += '"';
  }
  out += tail_;
}

echo_calls::verdict echo_calls::check(std::string_view answer, std::uint64_t id,
                                      std::uint64_t connection) const {
  std::string_view answered, result, error;
  each_member(answer, [&](std::string_view key, std::string_view value) {
    if (key == "id") answered = value;
    if (key == "result") result = value;
    if (key == "error") error = value;
  });
  if (result.empty()) return verdict::failed;
  if (answered != std::to_string(id)) return verdict::wrong;
  if (lists_) return member(result, "tools").empty() ? verdict::wrong : verdict::right;
  if (member(result, "isError") == "true") return verdict::failed;
  std::string_view first;
  each_element(member(result, "content"), [&](std::string_view block) {
    if (first.empty()) first = member(block, "text");
  });
  return same_text(first, id, connection) ? verdict::right : verdict::wrong;
}

bool echo_calls::same_text(std::string_view quoted, std::uint64_t id,
                           std::uint64_t connection) const {
  thread_local std::string expected;
  expected = prefix_;
  text(expected, id, connection);
  return unquoted(quoted) == expected || unescaped(quoted) == expected;
}

void tally::bad(echo_calls::verdict how, std::string_view answer) {
  ++(how == echo_calls::verdict::wrong ? wrong_ : failed_);
  if (first_problem_.empty()) first_problem_ = excerpt(answer);
}

void tally::begin() {
  times_.reserve(1 << 16);
  cpu_begun_ = cpu_seconds();
  begun_ = clock::now();
}

void tally::end() {
  ended_ = clock::now();
  cpu_ended_ = cpu_seconds();
}

bool tally::print() const {
  auto times = times_;
  std::sort(times.begin(), times.end());
  auto const at = [&](double share) {
    if (times.empty()) return 0.0;
    auto const index = static_cast<std::size_t>(share * static_cast<double>(times.size()));
    return 1000 * seconds_of(times[std::min(index, times.size() - 1)]);
  };
  auto const calls = static_cast<double>(times.size());
  auto const took = seconds_of(ended_ - begun_);
  std::printf(R"({"calls":%zu,"wrong":%lu,"failed":%lu,"reconnects":%lu,"seconds":%.4f,)"
              R"("calls_per_second":%.1f,"p50_ms":%.4f,"p99_ms":%.4f,"p999_ms":%.4f,"max_ms":%.4f,)"
              R"("client_cpu_us":%.2f,"first_problem":"%s"})"
              "\n",
              times.size(), wrong_, failed_, reconnects_, took, calls / took, at(0.5), at(0.99),
              at(0.999), at(1), 1e6 * (cpu_ended_ - cpu_begun_) / std::max(calls, 1.0),
              first_problem_.c_str());
  std::fflush(stdout);
  return wrong_ == 0 && failed_ == 0 && !times.empty();
}

void open_session(exchange const& send) {
  require_result(send, "1", "initialize",
                 R"({"protocolVersion":"2025-06-18","capabilities":{},)"
                 R"("clientInfo":{"name":"load-client","version":"1"}})");
  send(message("", "notifications/initialized", ""));
}

std::vector<std::string> echo_tools(exchange const& send, bool stateless) {
  auto const params = stateless ? "{" + std::string{stateless_meta} + "}" : std::string{"{}"};
  auto const answer = require_result(send, "2", "tools/list", params);
  std::vector<std::string> found;
  each_element(member(member(answer, "result"), "tools"), [&](std::string_view tool) {
    std::string const name{unquoted(member(tool, "name"))};
    if (name.size() >= 4 && name.substr(name.size() - 4) == "echo") found.push_back(name);
  });
  return found;
}

void announce(options const& chosen) {
  if (!chosen.wait) return;
  std::puts(R"({"ready":true})");
  std::fflush(stdout);
  std::string line;
  std::getline(std::cin, line);
}

void hold(options const& chosen) {
  for (std::string line; chosen.wait && std::getline(std::cin, line);) {
  }
}

}  // namespace bench
