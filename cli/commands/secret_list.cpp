// SPDX-License-Identifier: Apache-2.0
#include <memory>

#include <fmt/format.h>
#include <boost/json/array.hpp>

#include <thv/model/names.hpp>

#include "../change.hpp"
#include "../output.hpp"
#include "../secret_use.hpp"
#include "secret.hpp"

// secret list.
namespace thv::cli {

namespace {

struct options {
  std::optional<std::string> group;
  std::optional<std::string> passphrase_file;
  std::optional<std::string> format;
  bool used_by = false;

  [[nodiscard]] bool json() const { return format == "json"; }
};

boost::json::array uses_json(std::vector<secret_use> const& uses) {
  boost::json::array out;
  for (auto const& use : uses)
    out.push_back(boost::json::object{
        {"workload", use.workload}, {"group", use.group}, {"target", use.target}});
  return out;
}

std::string uses_text(std::vector<secret_use> const& uses) {
  std::string text;
  for (auto const& use : uses)
    text += fmt::format("      {} in '{}', as {}\n", use.workload, use.group, use.target);
  return text.empty() ? "      used by none\n" : text;
}

std::string line_of(std::string const& group, std::string const& name) {
  return group.empty() ? fmt::format("  - {}\n", name)
                       : fmt::format("  - {} (group '{}')\n", name, group);
}

/// Secrets that members name and that are neither stored for all nor for their group.
std::vector<secret_use> unmet(std::vector<secret_use> const& uses,
                              std::set<secret_place> const& stored,
                              std::optional<std::string> const& group) {
  std::vector<secret_use> found;
  for (auto const& use : uses)
    if ((!group || use.group == *group) && !stored.contains({std::string(), use.name}) &&
        !stored.contains({use.group, use.name}))
      found.push_back(use);
  return found;
}

void print_list(options const& o, std::vector<secrets::secret_summary> const& shown,
                std::vector<secret_use> const& uses, std::set<secret_place> const& stored) {
  if (shown.empty()) print("No secrets found\n");
  if (!shown.empty()) print("Available secrets:\n");
  for (auto const& one : shown) {
    print(line_of(one.group, one.name));
    if (o.used_by) print(uses_text(users_of(uses, {one.group, one.name}, stored)));
  }
  if (!o.used_by) return;
  auto const missing = unmet(uses, stored, o.group);
  if (missing.empty()) return;
  print("Used, but not stored:\n");
  for (auto const& use : missing) print(fmt::format("  - {}\n", use.name) + uses_text({use}));
}

void print_list_json(options const& o, std::vector<secrets::secret_summary> const& shown,
                     std::vector<secret_use> const& uses, std::set<secret_place> const& stored) {
  boost::json::array out;
  for (auto const& one : shown) {
    boost::json::object item{{"name", one.name}, {"updated_at", rfc3339(one.updated_at)}};
    if (!one.group.empty()) item["group"] = one.group;
    if (o.used_by) {
      item["stored"] = true;
      item["used_by"] = uses_json(users_of(uses, {one.group, one.name}, stored));
    }
    out.push_back(std::move(item));
  }
  if (o.used_by)
    for (auto const& use : unmet(uses, stored, o.group))
      out.push_back(boost::json::object{
          {"name", use.name}, {"stored", false}, {"used_by", uses_json({use})}});
  print(pretty(out));
}

int list_secrets(session& s, options const& o) {
  if (o.group)
    if (auto const fine = validate_group_name(*o.group); !fine) return wrong_usage(fine.error());
  auto const access = vault_of(s, o.passphrase_file, "listing secrets");
  if (!access) return failed(access.error());
  auto const key = (*access)->key();
  if (!key) return failed(key.error());
  auto const opened = (*access)->vault().open(*key);
  if (!opened) return failed(opened.error());
  std::vector<secret_use> uses;
  if (o.used_by) {
    auto const records = s.workloads();
    if (!records) return failed(records.error());
    uses = secret_uses(*records);
  }
  auto shown = opened->list();
  // What a group's members can be given: its own, and those for all.
  if (o.group)
    std::erase_if(shown,
                  [&](auto const& one) { return !one.group.empty() && one.group != *o.group; });
  auto const stored = places_of(opened->list());
  o.json() ? print_list_json(o, shown, uses, stored) : print_list(o, shown, uses, stored);
  return 0;
}

}  // namespace

command secret_list_command() {
  auto o = std::make_shared<options>();
  command c;
  c.name = "list";
  c.summary = "List the names of secrets, never a value";
  c.example = "thv-engine secret list --used-by";
  c.aliases = {"ls"};
  c.flags = {{"-g, --group", "GROUP", "those that members of this group can be given", &o->group,
              completes::groups},
             {"--used-by", "", "show which members are given which secret", &o->used_by},
             passphrase_file_flag(o->passphrase_file),
             format_flag(o->format)};
  c.run = [o](session& s) { return list_secrets(s, *o); };
  return c;
}

}  // namespace thv::cli
