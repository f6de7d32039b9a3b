// SPDX-License-Identifier: Apache-2.0
// Any bytes as --env, --secret and lines of an env file, for members with awkward names.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <thv/registry/targets.hpp>
#include <vector>

namespace registry = thv::registry;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

bool is_member(std::vector<std::string> const& members, std::string const& name) {
  for (auto const& m : members)
    if (m == name) return true;
  return false;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  std::string_view const text(reinterpret_cast<char const*>(data), size);
  std::vector<std::string> const members = {"a", "a.b", "io.github.x/y", "a-b", ""};
  registry::targets t;
  auto const env = registry::add_env(t, text, members);
  if (env) {
    require(t.env.size() == 1 && is_member(members, t.env.begin()->first));
    auto const& [key, value] = *t.env.begin()->second.begin();
    require(t.env.begin()->first + "." + key + "=" + value == text);
  } else {
    require(t == registry::targets{} && !env.error().message.empty());
  }
  registry::targets s;
  auto const secret = registry::add_secret(s, text, members);
  if (secret) {
    auto const& [member, references] = *s.secrets.begin();
    require(is_member(members, member) && references.size() == 1);
    auto whole = references[0];
    whole.target = member + "." + whole.target;
    auto const again = to_string(whole);
    require(again == text || again + ",as=env" == text);
  } else {
    require(s == registry::targets{});
  }
  registry::targets f;
  auto const file = registry::add_env_file(f, text, "f.env", members);
  if (!file) require(file.error().where.starts_with("f.env:"));
  return 0;
}
