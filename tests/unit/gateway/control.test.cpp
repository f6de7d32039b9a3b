// SPDX-License-Identifier: Apache-2.0
#include <thv/gateway/control.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <thv/gateway/control_json.hpp>

using namespace thv;
using namespace thv::gateway;

namespace {

/// A gateway that only notes what it is told.
struct fake_gateway {
  std::vector<std::string> told;
  std::map<std::string, std::string> secrets{{"held", "h"}};
  held_key key;
  result<catalogue> proof = catalogue{"key", "2025-11-25", "{}", {{"tools/list", "{}"}}};

  control_actions actions() {
    control_actions a;
    a.identity = [] { return gateway_identity{"1.2.3", 42, 1000, "http://127.0.0.1:4483"}; };
    a.status = [] {
      gateway::status s;
      s.port = 4483;
      s.sessions = 2;
      s.members.push_back({"one", "ready", "", "2025-11-25", 2, 1, 7, 3});
      return s;
    };
    a.refresh = [this] { told.push_back("refresh"); };
    a.prove = [this](plugin::call const&, std::string const& name) {
      told.push_back("prove " + name);
      return proof;
    };
    a.release = [this](std::string const& name) { told.push_back("release " + name); };
    a.take_secrets = [this](std::map<std::string, std::string> s) { secrets.merge(s); };
    a.hand_over = [this] { return held_state{secrets, key.get()}; };
    a.key = [this] { return key.get(); };
    a.keep_key = [this](auto given) { key.keep(std::move(given)); };
    a.stop = [this] { told.push_back("stop"); };
    return a;
  }

  control_response ask(std::string method, std::string what, std::string body = {}) {
    return answer_control(actions(), {std::move(method), "/api/v1/" + what, std::move(body)});
  }
};

error error_of(control_response const& r) {
  return error_from_json(boost::json::parse(r.body).at("error"));
}

}  // namespace

TEST_CASE("the status is read as it was written", "[gateway][unit]") {
  fake_gateway g;
  auto const answer = g.ask("GET", "status?verbose=1");
  CHECK(answer.status == 200);
  auto const s = gateway_status_from_json(boost::json::parse(answer.body));
  REQUIRE(s);
  CHECK(s->identity.version == "1.2.3");
  CHECK(s->identity.url == "http://127.0.0.1:4483");
  CHECK(s->plane.port == 4483);
  REQUIRE(s->plane.members.size() == 1);
  CHECK(s->plane.members[0].calls == 7);
  CHECK(s->plane.members[0].errors == 3);
}

TEST_CASE("a probe answers the catalogue, or the error whole", "[gateway][unit]") {
  fake_gateway g;
  auto const answer = g.ask("POST", "probe", R"({"workload":"one"})");
  CHECK(answer.status == 200);
  auto const said = catalogue_from_json(boost::json::parse(answer.body));
  REQUIRE(said);
  CHECK(*said == *g.proof);
  CHECK(g.told == std::vector<std::string>{"prove one"});

  auto e = fail(errc::unavailable, "'one' is stopped", "start it");
  e.engine_message = "words";
  g.proof = e;
  auto const refused = g.ask("POST", "probe", R"({"workload":"one","timeout_ms":5})");
  CHECK(refused.status == 503);
  CHECK(error_of(refused) == e);
}

TEST_CASE("secrets are taken and handed over, never repeated in an error", "[gateway][unit]") {
  fake_gateway g;
  CHECK(g.ask("POST", "secrets", R"({"a":"s3cret"})").status == 200);
  CHECK(g.told == std::vector<std::string>{"refresh"});
  auto const over = boost::json::parse(g.ask("POST", "handover").body).at("secrets");
  CHECK(over == boost::json::value({{"a", "s3cret"}, {"held", "h"}}));

  for (auto const* const body : {R"({"a":"s3cret")", R"(["s3cret"])", R"({"a":["s3cret"]})",
                                 R"({"a":{"base64":["s3cret"]}})", R"({"a":{"base64":"s3cret!"}})",
                                 R"({"a":{"value":"s3cret"}})"}) {
    auto const wrong = g.ask("POST", "secrets", body);
    CHECK(wrong.status == 400);
    CHECK(wrong.body.find("s3cret") == std::string::npos);
  }
}

TEST_CASE("secrets of any bytes are taken and handed over", "[gateway][unit]") {
  fake_gateway g;
  std::map<std::string, std::string> const given{
      {"held", "h"}, {"latin", "gr\xfc\xdf"}, {"nul", std::string("\0\xff", 2)}, {"text", "größe"}};
  auto const body = boost::json::serialize(secrets_json(given));
  CHECK(g.ask("POST", "secrets", body).status == 200);
  CHECK(g.secrets == given);
  auto const over = boost::json::parse(g.ask("POST", "handover").body).at("secrets");
  auto const read = secrets_from_json(over);
  REQUIRE(read);
  CHECK(*read == given);
}

TEST_CASE("the key is kept until it is dropped, and goes to a successor", "[gateway][unit]") {
  fake_gateway g;
  CHECK(g.ask("GET", "key").status == 404);
  auto const key = secrets::secret_key::random();
  auto const text = key.to_text();
  CHECK(g.ask("POST", "key", R"({"key":")" + text + "\"}").status == 200);
  CHECK(g.told == std::vector<std::string>{"refresh"});
  CHECK(*g.key.get() == key);
  CHECK(boost::json::parse(g.ask("GET", "key").body).at("key").get_string() == text);
  CHECK(boost::json::parse(g.ask("POST", "handover").body).at("key").get_string() == text);
  for (auto const* const body : {R"({"key":"5ecre7"})", R"({"key":7})", R"(["5ecre7"])", "{}"}) {
    auto const wrong = g.ask("POST", "key", body);
    CHECK(wrong.status == 400);
    CHECK(wrong.body.find("5ecre7") == std::string::npos);
  }
  CHECK(g.ask("PUT", "key").status == 405);
  CHECK(g.ask("DELETE", "key").status == 200);
  CHECK(g.ask("GET", "key").status == 404);
  CHECK_FALSE(boost::json::parse(g.ask("POST", "handover").body).as_object().contains("key"));
}

TEST_CASE("what the control API does not know is refused", "[gateway][unit]") {
  struct request {
    std::string method;
    std::string what;
    std::string body;
    int status;
  };
  auto const r = GENERATE(values<request>({
      {"GET", "refresh", "", 405},
      {"POST", "status", "", 405},
      {"GET", "nothing", "", 404},
      {"POST", "nothing", "", 404},
      {"POST", "", "", 404},
      {"POST", "probe", "", 400},
      {"POST", "probe", "{}", 400},
      {"POST", "probe", R"({"workload":7})", 400},
      {"POST", "probe", R"({"workload":"x","timeout_ms":0})", 400},
      {"POST", "probe", R"({"workload":"x","timeout_ms":1e300})", 400},
      {"POST", "release", "[]", 400},
  }));
  fake_gateway g;
  CAPTURE(r.method, r.what, r.body);
  auto const answer = g.ask(r.method, r.what, r.body);
  CHECK(answer.status == r.status);
  CHECK_FALSE(error_of(answer).message.empty());
  CHECK(g.told.empty());
  CHECK(answer_control(g.actions(), {"GET", "/other", ""}).status == 404);
}

TEST_CASE("held secrets win over the environment's", "[gateway][unit]") {
  held_secrets s([](std::string const& name, std::string const&) -> result<std::string> {
    if (name == "a" || name == "b") return std::string("fallback");
    return fail(errc::not_found, "no value for secret '" + name + "'");
  });
  s.add({{"a", "1"}, {"c", "3"}});
  s.add({{"c", "4"}});
  CHECK(*s.get("a", "default") == "1");
  CHECK(*s.get("b", "default") == "fallback");
  CHECK(*s.get("c", "default") == "4");
  CHECK(s.get("d", "default").error().code == errc::not_found);
  CHECK(s.all() == std::map<std::string, std::string>{{"a", "1"}, {"c", "4"}});
}
