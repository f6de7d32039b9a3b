// SPDX-License-Identifier: Apache-2.0
// raw_docker run|rm SOCKET IMAGE COUNT PARALLEL: the floor: what a program does that calls the
// Engine API and nothing else. `run` creates and starts containers with published ports, `rm` stops
// and removes them. Prints the milliseconds from the first call to the last answer.
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <boost/json.hpp>
#include <thv/net/http.hpp>

namespace {

using namespace thv;

net::response call(net::address const& engine, std::string method, std::string target,
                   std::string body = {}) {
  net::request r;
  r.method = std::move(method);
  r.target = std::move(target);
  if (!body.empty()) r.headers["Content-Type"] = "application/json";
  r.body = std::move(body);
  auto answer = net::exchange({}, engine, r);
  if (!answer || answer->status >= 400) {
    std::cerr << r.target << ": " << (answer ? answer->body : to_string(answer.error())) << '\n';
    std::exit(1);
  }
  return *std::move(answer);
}

std::string create_body(std::string const& image) {
  namespace bj = boost::json;
  return bj::serialize(bj::object{
      {"Image", image},
      {"Cmd", bj::array{"http"}},
      {"Env", bj::array{"PORT=8080"}},
      {"Labels", bj::object{{"raw", "true"}}},
      {"ExposedPorts", bj::object{{"8080/tcp", bj::object{}}}},
      {"HostConfig",
       bj::object{
           {"Init", true},
           {"CapDrop", bj::array{"ALL"}},
           {"SecurityOpt", bj::array{"no-new-privileges"}},
           {"RestartPolicy", bj::object{{"Name", "unless-stopped"}}},
           {"PortBindings", bj::object{{"8080/tcp", bj::array{bj::object{{"HostIp", "127.0.0.1"},
                                                                         {"HostPort", "0"}}}}}}}}});
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) return 2;
  std::string const what = argv[1];
  net::address engine;
  engine.unix_path = argv[2];
  std::string const image = argv[3];
  int const count = std::atoi(argv[4]);
  int const parallel = std::atoi(argv[5]);
  std::atomic<int> next = 0;
  auto const each = [&](std::function<void(std::string const&)> const& work) {
    std::vector<std::jthread> threads;
    for (int t = 0; t < parallel; ++t)
      threads.emplace_back([&] {
        for (int i = next++; i < count; i = next++) work(fmt::format("raw-{}", i));
      });
  };
  auto const begun = std::chrono::steady_clock::now();
  if (what == "run")
    each([&](std::string const& name) {
      call(engine, "POST", "/v1.41/containers/create?name=" + name, create_body(image));
      call(engine, "POST", "/v1.41/containers/" + name + "/start");
    });
  else
    each([&](std::string const& name) {
      call(engine, "POST", "/v1.41/containers/" + name + "/stop?t=10");
      call(engine, "DELETE", "/v1.41/containers/" + name + "?force=true&v=true");
    });
  std::chrono::duration<double, std::milli> const took = std::chrono::steady_clock::now() - begun;
  std::cout << fmt::format("{:.1f}\n", took.count());
  return 0;
}
