// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <thread>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <catch2/catch_test_macros.hpp>

#include "docker/container.hpp"
#include "docker/driver.hpp"
#include "docker/frames.hpp"
#include "unit/net/within.hpp"

namespace thv::test {

using namespace std::chrono_literals;

/// A variable that the test cannot do without.
inline std::string needed(char const* name) {
  auto const* const value = std::getenv(name);
  if (!value || !*value)
    throw std::runtime_error(std::string(name) +
                             " is not set: start the test engines (tests/support/engines)");
  return value;
}

/// The test engine as somebody else sees it, without our driver.
class outsider {
 public:
  outsider() : where_(net::parse_url(needed("THV_TEST_DOCKER_HOST")).value().first) {}

  net::response ask(std::string const& method, std::string const& target,
                    boost::json::value const& body = nullptr) const {
    net::request r{.method = method, .target = "/v1.41" + target};
    if (!body.is_null()) {
      r.headers["Content-Type"] = "application/json";
      r.body = boost::json::serialize(body);
    }
    auto answer = net::exchange(within(60s), where_, r);
    if (!answer) throw std::runtime_error(to_string(answer.error()));
    return *std::move(answer);
  }

  /// `GET /containers/ID/json`; null when there is none.
  boost::json::value inspect(std::string const& id) const {
    auto const answer = ask("GET", "/containers/" + id + "/json");
    return answer.status == 200 ? boost::json::parse(answer.body) : boost::json::value();
  }

  /// The name that a container has now.
  std::string name_of(std::string const& id) const {
    return std::string(inspect(id).at("Name").as_string().c_str()).substr(1);
  }

 private:
  net::address where_;
};

using table = std::map<std::string, std::string>;

/// The value of what must succeed.
template <class T>
auto good(result<T> outcome) {
  INFO((outcome ? "" : to_string(outcome.error())));
  REQUIRE(outcome);
  if constexpr (!std::is_void_v<T>) return *std::move(outcome);
}

/// A driver with a store and names of its own; what it made goes with it.
class rig {
 public:
  explicit rig(table settings = {})
      : store_("test-" + docker::random_hex(12)), state_(make_folder()) {
    if (settings.count("endpoint") == 0) settings["endpoint"] = needed("THV_TEST_DOCKER_HOST");
    auto made = docker::driver::create({.runtime_name = "docker",
                                        .state_directory = state_,
                                        .cache_directory = state_,
                                        .store = store_,
                                        .settings = std::move(settings)});
    if (!made) throw std::runtime_error(to_string(made.error()));
    driver_ = *std::move(made);
  }
  rig(rig const&) = delete;
  rig& operator=(rig const&) = delete;
  ~rig() {
    outsider engine;
    auto const filter = docker::encode(R"({"label":["thv.store=)" + store_ + R"("]})");
    auto const answer = engine.ask("GET", "/containers/json?all=1&filters=" + filter);
    auto const left = boost::json::parse(answer.body);
    for (auto const& c : left.as_array())
      engine.ask("DELETE",
                 "/containers/" + std::string(c.at("Id").as_string().c_str()) + "?force=1&v=1");
    std::error_code ignored;
    std::filesystem::remove_all(state_, ignored);
  }

  docker::driver* operator->() { return driver_.get(); }
  docker::driver& operator*() { return *driver_; }
  [[nodiscard]] std::string const& store() const { return store_; }
  [[nodiscard]] std::string name(std::string const& suffix) const { return store_ + "-" + suffix; }

  /// The tiny server; over HTTP when asked for another transport than stdio.
  [[nodiscard]] plugin::workload_spec tiny(std::string const& suffix,
                                           transport t = transport::stdio) const {
    plugin::workload_spec s{.name = name(suffix),
                            .group = "team",
                            .store = store_,
                            .config_hash = "hash",
                            .source = parse_source("mcp/tiny:1"),
                            .transport = t};
    if (t != transport::stdio) s.arguments = {"http"};
    return s;
  }

 private:
  static std::string make_folder() {
    std::string folder = "/tmp/thv-docker-XXXXXX";
    if (!::mkdtemp(folder.data())) throw std::runtime_error("mkdtemp failed");
    return folder;
  }

  std::string store_;
  std::string state_;
  std::unique_ptr<docker::driver> driver_;
};

/// Sends a line and waits for a line of standard output, as a client of a stdio member does.
inline std::string converse(plugin::stream const& s, std::string const& line,
                            std::chrono::milliseconds time = 10s) {
  auto const text = line + "\n";
  if (::send(s.write_fd, text.data(), text.size(), MSG_NOSIGNAL) !=
      static_cast<ssize_t>(text.size()))
    throw std::runtime_error("sending to the member failed");
  docker::frame_reader frames;
  docker::line_splitter lines;
  std::string answer;
  bool found = false;
  auto const end = std::chrono::steady_clock::now() + time;
  while (!found && std::chrono::steady_clock::now() < end) {
    pollfd p{s.read_fd, POLLIN, 0};
    if (::poll(&p, 1, 100) <= 0) continue;
    char bytes[4096];
    auto const n = ::read(s.read_fd, bytes, sizeof bytes);
    if (n <= 0) break;
    frames.feed({bytes, static_cast<std::size_t>(n)}, [&](auto, std::string_view piece, bool) {
      return lines.feed(piece, [&](std::string_view l) {
        answer = l;
        found = true;
        return true;
      });
    });
  }
  return answer;
}

inline constexpr char initialize[] =
    R"({"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25",)"
    R"("capabilities":{},"clientInfo":{"name":"test","version":"1"}}})";

/// Calls f until it is true, for some time at most.
template <class F>
bool eventually(F f, std::chrono::milliseconds time = 10s) {
  auto const end = std::chrono::steady_clock::now() + time;
  while (!f()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(20ms);
  }
  return true;
}

/// Posts initialize to an HTTP member until it answers with a success; the answer's body.
inline std::string initialize_at(std::string const& url) {
  auto const where = net::parse_url(url).value();
  std::string body;
  eventually([&] {
    net::request const r{.method = "POST",
                         .target = where.second,
                         .headers = {{"Content-Type", "application/json"},
                                     {"Accept", "application/json, text/event-stream"}},
                         .body = initialize};
    auto const answer = net::exchange(within(2s), where.first, r);
    if (answer && answer->status == 200) body = answer->body;
    return !body.empty();
  });
  return body;
}

}  // namespace thv::test
