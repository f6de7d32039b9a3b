// SPDX-License-Identifier: Apache-2.0
// Independent referees judge the gateway: tests/referees, through it, for each pair of transports
// and eras. One gateway process serves all members of a test.
#include <mutex>

#include <fmt/format.h>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "support.hpp"

using namespace thv::test;

namespace {

/// Runs referees at once, and says of each that failed what it said.
class panel {
 public:
  void add(std::string name, std::vector<std::string> command) {
    jobs_.push_back([this, name = std::move(name), command = std::move(command)] {
      judge(name, run(command));
    });
  }
  void add(std::function<void()> job) { jobs_.push_back(std::move(job)); }

  void judge(std::string const& name, ran const& outcome) {
    if (outcome.status == 0) return;
    std::lock_guard const lock(guard_);
    complaints_ += fmt::format("{} ended with {}:\n{}\n", name, outcome.status, outcome.output);
  }

  /// What was wrong; empty: nothing.
  [[nodiscard]] std::string const& hear(std::size_t workers) {
    at_once(workers, jobs_);
    return complaints_;
  }

 private:
  std::mutex guard_;
  std::string complaints_;
  std::vector<std::function<void()>> jobs_;
};

}  // namespace

TEST_CASE("clients of both SDKs do everything with members of each kind",
          "[gateway][integration]") {
  auto const kind = GENERATE(as<std::string>(), "v1", "v2-legacy", "v2", "v2-auto", "sse");
  DYNAMIC_SECTION("client " << kind) {
    matrix const all(all_cells());
    panel referees;
    for (auto const& cell : all_cells())
      referees.add(kind + " with " + cell,
                   kind == "sse" ? referee("clients", {"--client", "v1", "--transport", "sse",
                                                       "--url", all.sse(cell)})
                                 : referee("clients", {"--client", kind, "--url", all.url(cell)}));
    auto const& complaints = referees.hear(2);
    INFO(complaints);
    CHECK(complaints.empty());
  }
}

TEST_CASE("what passes the conformance suites directly passes through the gateway",
          "[gateway][integration]") {
  auto const suite = GENERATE(as<std::string>(), "legacy", "legacy-next", "modern");
  DYNAMIC_SECTION("suite " << suite) {
    matrix const all(all_cells());
    scratch_folder const files;
    auto const conformance = [&](std::string const& name, std::string const& url) {
      return run(
          referee("conformance", {"--version", suite, "--url", url, "--out", files.file(name)}));
    };
    auto const direct =
        conformance("direct", all.direct(suite == "modern" ? "modern-http" : "legacy-http"));
    INFO(direct.output);
    REQUIRE(direct.status == 0);
    panel referees;
    for (auto const& cell : all_cells())
      referees.add([&, cell] {
        auto const through = conformance(cell, all.url(cell));
        referees.judge(cell, through);
        referees.judge(
            cell, run(referee("compare", {files.file("direct"), files.file(cell),
                                          THV_REFEREES_SOURCE "/exceptions.yml", "--cell", cell})));
      });
    // Scenarios of the stateless era wait most of their time.
    auto const& complaints = referees.hear(suite == "modern" ? 4 : 2);
    INFO(complaints);
    CHECK(complaints.empty());
  }
}

TEST_CASE("two clients of two members hear their own messages and no others",
          "[gateway][integration]") {
  matrix const all({"legacy-stdio", "other-legacy-stdio", "legacy-http", "other-legacy-http",
                    "modern-http", "other-modern-http", "modern-stdio", "legacy-sse"});
  panel referees;
  auto const two = [&](std::string const& clients, std::string const& first,
                       std::string const& second) {
    referees.add(fmt::format("clients {} with {} and {}", clients, first, second),
                 referee("two_clients", {first, second, "--clients", clients}));
  };
  two("v1,v1", all.url("legacy-stdio"), all.url("other-legacy-stdio"));
  two("v1,v2-legacy", all.url("legacy-http"), all.url("other-legacy-http"));
  two("v2,v2", all.url("modern-http"), all.url("other-modern-http"));
  two("v1,v2", all.url("legacy-stdio"), all.url("legacy-http"));
  two("v1,v2", all.url("modern-http"), all.url("modern-stdio"));
  two("v2,v2", all.url("legacy-stdio"), all.url("modern-stdio"));
  two("v1,v1", all.sse("legacy-sse"), all.sse("modern-http"));
  auto const& complaints = referees.hear(1);
  INFO(complaints);
  CHECK(complaints.empty());
}

TEST_CASE("a member in trouble is noticed by its own clients only", "[gateway][integration]") {
  struct pair {
    char const* bad;
    char const* good;
    char const* client;
  };
  auto const [bad, good, client] = GENERATE(pair{"legacy-stdio", "good-legacy-stdio", "v1"},
                                            pair{"modern-stdio", "good-legacy-http", "v2"},
                                            pair{"legacy-stdio", "good-modern-http", "v2"});
  DYNAMIC_SECTION(bad << " beside " << good << " for clients of " << client) {
    matrix const all({bad, good});
    auto const outcome = run(
        referee("trouble", {all.url(bad), all.url(good), "--client", client, "--member", "stdio"}));
    INFO(outcome.output);
    CHECK(outcome.status == 0);
  }
}

TEST_CASE("the Inspector lists, reads and calls", "[gateway][integration]") {
  matrix const all({"legacy-stdio", "modern-stdio", "legacy-http", "modern-http"});
  panel referees;
  for (auto const* const cell : {"legacy-stdio", "modern-stdio", "legacy-http", "modern-http"}) {
    referees.add(fmt::format("legacy Inspector of {}", cell),
                 referee("inspector", {"--url", all.url(cell)}));
    referees.add(fmt::format("modern Inspector of {}", cell),
                 referee("inspector", {"--era", "modern", "--url", all.url(cell)}));
  }
  referees.add("Inspector over SSE",
               referee("inspector", {"--transport", "sse", "--url", all.sse("legacy-stdio")}));
  auto const& complaints = referees.hear(2);
  INFO(complaints);
  CHECK(complaints.empty());
}
