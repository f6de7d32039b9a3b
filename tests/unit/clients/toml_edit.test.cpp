// SPDX-License-Identifier: Apache-2.0
#include <thv/clients/edit.hpp>

#include <catch2/catch_test_macros.hpp>

#include "law.hpp"

namespace {

using namespace thv;
using namespace thv::clients;
using law::check_random_order;
using law::kind_of;
using law::make_entry;

struct sample {
  char const* text;
  std::vector<std::string> foreign;  // names that may be overwritten
};

std::vector<sample> codex_files() {
  return {
      {"", {}},
      {"\n", {}},
      {" \n\t\n", {}},
      {"# only a comment\n", {}},
      {"# only a comment\n\n\n", {}},
      {"model = \"gpt-5\"\n", {}},
      {"model = \"gpt-5\"\napproval_policy = \"on-request\"  # ask\n\n[features]\nweb = true\n",
       {}},
      {R"(# Codex
model = "gpt-5"

[mcp_servers.docs]
command = "npx"
args = [
  "-y",  # no question
  "@upstash/context7-mcp", # ]
]

[mcp_servers.docs.env]
KEY = "value"

# the linter
[mcp_servers."with space"]
url = "http://localhost:9/mcp"
# url = "http://localhost:8/mcp"

# profiles
[profiles.fast]
model = 'o4-mini'
)",
       {"docs", "with space"}},
      {R"([mcp_servers.first]
url = "http://localhost:1/mcp"
[mcp_servers.first.http_headers]
X = "1"
[other]
text = """
[mcp_servers.fake]
url = "no"
"""
lit = '''
[mcp_servers.fake2]''''
[mcp_servers.last]
url = "http://localhost:2/mcp"
)",
       {"first", "last"}},
      {"  [mcp_servers]\n\n  [mcp_servers.in]\n  url = \"x\"\n", {"in"}},
      {"[mcp_servers]\n", {}},
      {"[mcp_servers]\nx.url = \"http://a\"\ny = { url = \"http://b\" }\n\n[a]\nb = 1\n", {}},
      {"mcp_servers.x.url = \"http://a\"\nz = 1979-05-27T07:32:00Z\n", {}},
      {"[a]\nb = [ 1, [ 2 ], { c = \"]\", d.e = 1.5 } ]\nf = inf\ng = 1979-05-27 07:32:00 # date\n"
       "[[h]]\n[[h]]\n[h.i]\n",
       {}},
      {"[mcp_servers.x.env]\nA = '1'\n[mcp_servers.x]\nurl = 'a'\n[b]\n[mcp_servers.y]\nurl = "
       "'b'\n",
       {"x", "y"}},
      {"\t[ mcp_servers . 'x' ] # here\n\turl='a'\n\n\n\n[z]\n", {"x"}},
      {"[\"mcp_servers\".\"\\u0078\\\"\"]\nurl = \"\"\"\\\n   a\"\"\"\"\"\n", {"x\""}},
  };
}

std::vector<sample> vibe_files() {
  return {
      {"", {}},
      {"# nothing yet", {}},
      {"active_model = \"devstral\"\nmcp_servers = []\napi_timeout = 720.0\n\n[[models]]\nname = "
       "\"a\"\n",
       {}},
      {"mcp_servers = [ # none\n]\n", {}},
      {"mcp_servers = [{ name = \"one\", transport = \"stdio\", command = \"uvx\" }] # one\n",
       {"one"}},
      {"a = 1\nmcp_servers = [\n    { name = \"one\", args = [\"]\", '}'] },  # first\n    { name "
       "= "
       "\"two\", url = \"http://x\" },\n]\nb = 2\n",
       {"one", "two"}},
      {"mcp_servers = [\n\t{ name = \"one\" },\n\t{ transport = \"http\" } # nameless\n]\n",
       {"one"}},
      {R"(active_model = "devstral"

[[mcp_servers]]
name = "fetch_server"
transport = "stdio"
env = { "DEBUG" = "1" }

# with OAuth
[[mcp_servers]]
name = "linear"
transport = "streamable-http"
url = "https://mcp.linear.app/mcp"

[mcp_servers.auth]
type = "oauth"

[tools.bash]
permission = "ask"
)",
       {"fetch_server", "linear"}},
      {"[[mcp_servers]]\nname = \"a\"\n[mcp_servers.env]\n[[mcp_servers]]\nurl = \"nameless\"\n"
       "[x]\n[[mcp_servers]]\nname = 'b'",
       {"a", "b"}},
  };
}

}  // namespace

TEST_CASE("Entries come and go in a Codex file without a trace", "[clients][toml]") {
  auto const& codex = kind_of("codex");
  for (auto const& file : codex_files())
    for (auto const& text : law::variants(file.text))
      for (unsigned seed = 0; seed < 5; ++seed) check_random_order(codex, text, seed, file.foreign);
}

TEST_CASE("Entries come and go in a Mistral Vibe file without a trace", "[clients][toml]") {
  auto const& vibe = kind_of("mistral-vibe");
  for (auto const& file : vibe_files())
    for (auto const& text : law::variants(file.text))
      for (unsigned seed = 0; seed < 5; ++seed) check_random_order(vibe, text, seed, file.foreign);
}
