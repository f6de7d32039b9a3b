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

std::vector<sample> goose_files() {
  return {
      {"", {}},
      {"  \n\n", {}},
      {"# only a comment\n", {}},
      {"---\n", {}},
      {"--- # c\n...\n", {}},
      {"%YAML 1.2\n---\nGOOSE_MODEL: a\n...\n# end\n", {}},
      {"GOOSE_MODEL: gpt\nGOOSE_MODE: auto # smart\n", {}},
      {"extensions:\n", {}},
      {"extensions: # none yet\n  # a:\n  #   b: c\n\nGOOSE_MODEL: x\n", {}},
      {"extensions: {}\nGOOSE_MODEL: x\n", {}},
      {"a: 1\nextensions: { } # empty", {}},
      {"extensions: {dev: {enabled: true, args: [a, \"]\", 'it''s']}, web: {uri: http://x/y}}\nb: "
       "1\n",
       {"dev", "web"}},
      {"extensions: {\n  dev: {enabled: true}, # }\n  web: {uri: \"http://x\"},\n}\n",
       {"dev", "web"}},
      {"{}\n", {}},
      {"{\"GOOSE_MODEL\": \"x\", \"n\": [1, 2]}\n", {}},
      {"{\n  \"GOOSE_MODEL\": \"x\",\n  \"extensions\": {\n    \"dev\": {\"enabled\": true}\n  "
       "}\n}\n",
       {"dev"}},
      {R"(# Goose
GOOSE_PROVIDER: openai
extensions:
  developer:
    bundled: true
    enabled: true
    name: developer
    timeout: 300
    type: builtin
    # inside
  # between

  # the web
  "web search":   # quoted
    enabled: false
    type: stdio
    cmd: npx
    args: [-y, "@x/y"]   # flow
    envs: {}
    description: |
      extensions:
        fake:
          enabled: true
      # no comment

GOOSE_MODEL: gpt
)",
       {"developer", "web search"}},
      {"extensions:\n    four:\n        type: stdio\n        text: \"a\n\n            b # c\"\n\n  "
       "  more: "
       "{a: 1}\nlast: 1\n",
       {"four", "more"}},
      {"  extensions:\n     odd:\n       a: 'x\n\n         y'\n     other: *\n", {}},
      {"x: &used {a: 1}\ny: *used\nextensions:\n  one: &free\n    a: 1\n  two:\n    <<: *used\n",
       {"one", "two"}},
      {"extensions:\n  ? complex\n  : a: 1\n  plain:\n    b: |+\n      text\n    c: 1\nz: ~\n",
       {"plain"}},
      {"extensions:\n  one:\n  two: ~\n  three: 3\nz: yes\n", {"one", "two", "three"}},
      {"a: |\n  text\n   # more\nb: >-\n  folded\n\n  text\n", {}},
      {"a:\n- b\n- c\n", {}},
  };
}

std::vector<sample> continue_files() {
  return {
      {"", {}},
      {"name: Local\nversion: 1.0.0\nschema: v1\nmodels: []\n", {}},
      {"name: Local\nmcpServers:", {}},
      {"name: Local\nmcpServers: []\ncontext:\n- provider: code\n", {}},
      {"mcpServers: [{name: one, url: \"http://x\"}, {name: two}]\n", {"one", "two"}},
      {"mcpServers: [\n  {name: one},\n  # c\n  {command: nameless}\n]\n", {"one"}},
      {R"(name: my-configuration
mcpServers:
- name: Browser search
  command: npx
  args:
  - "@playwright/mcp@latest"
- name: fetch_x
  env: {A: "1"}
# context
context:
- provider: code
)",
       {"Browser search", "fetch_x"}},
      {R"(mcpServers:
  # first
  - name: one
    command: npx

  -   name: two
      requestOptions:
        headers:
          A: b

  - command: nameless
  -
    name: three # c
  - # dash
    url: x
    name: four

rules:
  - be kind
)",
       {"one", "two", "three", "four"}},
      {"mcpServers:\n    - name: wide\n      a: |\n        - name: fake\n        # fake\nz: 1\n",
       {"wide"}},
      {"models:\n- name: m\n  roles:\n  - chat\n", {}},
      {"a: &x [1]\nmcpServers:\n- &free\n  name: q\n- name: r\n  b: *x\n", {"q", "r"}},
  };
}

}  // namespace

TEST_CASE("Entries come and go in a Goose file without a trace", "[clients][yaml]") {
  auto const& goose = kind_of("goose");
  for (auto const& file : goose_files())
    for (auto const& text : law::variants(file.text)) {
      if (!read_entries(goose, text)) continue;
      for (unsigned seed = 0; seed < 5; ++seed) check_random_order(goose, text, seed, file.foreign);
    }
}

TEST_CASE("Entries come and go in a Continue file without a trace", "[clients][yaml]") {
  auto const& continue_dev = kind_of("continue");
  for (auto const& file : continue_files())
    for (auto const& text : law::variants(file.text))
      for (unsigned seed = 0; seed < 5; ++seed)
        check_random_order(continue_dev, text, seed, file.foreign);
}
