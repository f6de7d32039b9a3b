// SPDX-License-Identifier: Apache-2.0
#include <thv/clients/decide.hpp>

#include <catch2/catch_test_macros.hpp>

using namespace thv;
using namespace thv::clients;

namespace {

std::string hash(std::string_view text) {
  return "hash of " + std::string(text);
}

kind const& cursor() {
  return **find_kind("cursor");
}

served fetch(std::string url = "http://127.0.0.1:4483/servers/fetch/mcp") {
  return {"fetch", "dev", std::move(url)};
}

struct bench {
  std::map<std::string, std::string> in_file;
  client_record before{{"dev"}, "/home/u/.cursor/mcp.json", false, {}, {}};
  std::string token;

  decision decide(std::vector<served> const& wanted, bool force = false) {
    return clients::decide(cursor(), in_file, wanted, token, before, force, hash);
  }

  /// As if it was carried out.
  void carry_out(std::vector<served> const& wanted) {
    auto const d = decide(wanted);
    for (auto const& e : d.what.put) in_file[e.name] = canonical(cursor(), e);
    for (auto const& name : d.what.remove) in_file.erase(name);
    before = d.after;
  }
};

std::string only(decision const& d) {
  REQUIRE(d.entries.size() == 1);
  return std::string(to_string(d.entries[0].is));
}

}  // namespace

TEST_CASE("An entry comes with its member, follows its URL and goes with it", "[clients][unit]") {
  bench b;
  auto d = b.decide({fetch()});
  CHECK(only(d) == "absent");
  REQUIRE(d.what.put.size() == 1);
  CHECK(d.what.put[0].url == fetch().url);
  CHECK(d.after.entries.at("fetch").url == fetch().url);

  b.carry_out({fetch()});
  d = b.decide({fetch()});
  CHECK(only(d) == "current");
  CHECK(d.what.put.empty());
  CHECK(d.after.entries == b.before.entries);

  auto const moved = fetch("http://127.0.0.1:4484/servers/fetch/mcp");
  d = b.decide({moved});
  CHECK(only(d) == "stale");
  CHECK(d.what.put.at(0).url == moved.url);

  d = b.decide({});
  CHECK(only(d) == "stale");
  CHECK_FALSE(d.entries[0].wanted);
  CHECK(d.what.remove == std::vector<std::string>{"fetch"});
  CHECK(d.after.entries.empty());
}

TEST_CASE("A token reaches the entry, and of it only a hash the record", "[clients][unit]") {
  bench b;
  b.token = "t0ken";
  b.carry_out({fetch()});
  CHECK(b.in_file.at("fetch").find("Bearer t0ken") != std::string::npos);
  CHECK(b.before.entries.at("fetch").fingerprint.starts_with("hash of "));
  CHECK(b.before.entries.at("fetch").url.find("t0ken") == std::string::npos);
  b.token = "other";
  CHECK(only(b.decide({fetch()})) == "stale");
  CHECK(b.decide({fetch()}).what.put.at(0).token == "other");
}

TEST_CASE("An entry of somebody else stays, unless it is to be overwritten", "[clients][unit]") {
  bench b;
  b.in_file["fetch"] = R"({"args":["mcp"],"command":"uvx"})";
  auto d = b.decide({fetch()});
  CHECK(only(d) == "foreign");
  CHECK(d.what.put.empty());
  CHECK(d.after.entries.empty());
  d = b.decide({fetch()}, true);
  REQUIRE(d.what.put.size() == 1);
  CHECK(d.what.put[0].kept.empty());
  CHECK(d.after.entries.contains("fetch"));
  CHECK(b.decide({}).what.remove.empty());
}

TEST_CASE("One that is exactly as it should be is taken as it is", "[clients][unit]") {
  bench b;
  b.in_file["fetch"] = canonical(cursor(), {"fetch", fetch().url, {}});
  auto const d = b.decide({fetch()});
  CHECK(only(d) == "current");
  CHECK(d.what.put.empty());
  CHECK(d.after.entries.at("fetch").theirs);
  b.carry_out({fetch()});
  CHECK(b.decide({fetch()}).after.entries.at("fetch").theirs);
  CHECK(b.decide({}).what.remove.empty());
  CHECK_FALSE(b.decide({fetch()}, true).after.entries.at("fetch").theirs);
  // What we wrote is no user's.
  CHECK_FALSE(b.decide({fetch("http://x/mcp")}).after.entries.at("fetch").theirs);
}

TEST_CASE("Where no token can be known nothing is put, and entries are told by their writer",
          "[clients][unit]") {
  bench b;
  CHECK(only(b.decide({fetch()})) == "absent");
  b.token = "t0ken";
  b.carry_out({fetch()});
  auto const decide_without = [&](std::vector<served> const& wanted) {
    return clients::decide(cursor(), b.in_file, wanted, std::nullopt, b.before, true, hash);
  };
  auto d = decide_without({fetch("http://127.0.0.1:1/servers/fetch/mcp")});
  CHECK(only(d) == "unknown");
  CHECK(d.what.put.empty());
  CHECK(d.after.entries == b.before.entries);
  CHECK(decide_without({}).what.remove == std::vector<std::string>{"fetch"});
  b.in_file["fetch"] = canonical(cursor(), {"fetch", "https://example.com/mcp", {}});
  CHECK(only(decide_without({fetch()})) == "changed");
  CHECK(decide_without({fetch()}).what.put.empty());
  b.in_file.clear();
  CHECK(only(decide_without({fetch()})) == "missing");
  CHECK(decide_without({fetch()}).what.put.empty());
}

TEST_CASE("What a client or its user adds to our entry stays", "[clients][unit]") {
  bench b;
  b.carry_out({fetch()});
  b.in_file["fetch"] = canonical(cursor(), {"fetch", fetch().url, {}, R"({"disabled":true})"});
  CHECK(only(b.decide({fetch()})) == "current");
  auto const d = b.decide({fetch("http://127.0.0.1:1/servers/fetch/mcp")});
  CHECK(only(d) == "stale");
  CHECK(d.what.put.at(0).kept == R"({"disabled":true})");
  CHECK(b.decide({}).what.remove.size() == 1);
}

TEST_CASE("An entry of ours that was pointed elsewhere is its user's", "[clients][unit]") {
  bench b;
  b.carry_out({fetch()});
  b.in_file["fetch"] = canonical(cursor(), {"fetch", "https://example.com/mcp", {}});

  SECTION("while its member is served it stays, and we remember it") {
    auto const d = b.decide({fetch()});
    CHECK(only(d) == "changed");
    CHECK(d.what.put.empty());
    CHECK(d.after.entries == b.before.entries);
    CHECK(b.decide({fetch()}, true).what.put.size() == 1);
  }
  SECTION("when its member goes it stays, and we forget it") {
    auto const d = b.decide({});
    CHECK(only(d) == "changed");
    CHECK(d.what.remove.empty());
    CHECK(d.after.entries.empty());
  }
  SECTION("one that somebody has removed comes back while its member is served") {
    b.in_file.clear();
    CHECK(only(b.decide({fetch()})) == "missing");
    CHECK(b.decide({fetch()}).what.put.size() == 1);
    CHECK(b.decide({}).entries.empty());
  }
}

TEST_CASE("Of two workloads with one name for a client the first has it", "[clients][unit]") {
  auto const& codex = **find_kind("codex");
  client_record const before;
  auto const d = decide(codex, {}, {{"a-b", "dev", "http://x/1"}, {"a.b", "dev", "http://x/2"}}, "",
                        before, false, hash);
  REQUIRE(d.what.put.size() == 1);
  CHECK(d.what.put[0].name == "a-b");
  CHECK(d.what.put[0].url == "http://x/1");
  REQUIRE(d.entries.size() == 2);
  CHECK(d.entries[0].is == standing::absent);
  CHECK(d.entries[1].is == standing::clash);
  CHECK(d.entries[1].workload == "a.b");
}
