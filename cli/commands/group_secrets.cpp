// SPDX-License-Identifier: Apache-2.0
#include "group_secrets.hpp"

#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <boost/json/array.hpp>

#include "../change.hpp"
#include "../output.hpp"
#include "secret.hpp"

namespace thv::cli {

namespace {

std::string_view to_string(group_secrets::fate f) {
  switch (f) {
    case group_secrets::fate::left:
      return "left";
    case group_secrets::fate::planned:
      return "planned";
    case group_secrets::fate::deleted:
      return "deleted";
    case group_secrets::fate::failed:
      return "failed";
  }
  return "failed";
}

/// The names in a vault, with a key that can be had.
result<std::vector<std::string>> names_in(secret_access const& access,
                                          result<secrets::secret_key> const& key,
                                          std::string const& group) {
  if (!key) return key.error();
  THV_TRY(auto const opened, access.vault().open(*key));
  return names_of_group(opened.list(), group);
}

/// How to delete them once the group is gone. A group's name may hold blanks, and nothing else that
/// a shell minds.
std::string command_text(std::string const& group) {
  auto const word = group.find(' ') == std::string::npos ? group : "\"" + group + "\"";
  return fmt::format("thv-engine secret delete --all --group {}", word);
}

}  // namespace

result<group_secrets> secrets_to_delete(session& s, std::string const& group,
                                        std::optional<std::string> const& passphrase_file) {
  THV_TRY(auto* access, secrets_with(s, passphrase_file));
  if (!access->vault().is_expected()) return group_secrets{};
  THV_TRY(access, vault_of(s, {}, "deleting secrets"));
  group_secrets found;
  THV_TRY(found.names, names_in(*access, access->key(), group));
  return found;
}

group_secrets secrets_left(session& s, std::string const& group) {
  auto const access = s.secrets();
  if (!access || (*access)->provider() == "environment") return {};
  group_secrets found;
  if (auto names = names_in(**access, (*access)->key_without_asking(), group))
    found.names = *std::move(names);
  return found;
}

void delete_secrets(session& s, std::string const& group, group_secrets& secrets) {
  auto const erase = [&]() -> result<std::vector<std::string>> {
    THV_TRY(auto* access, s.secrets());
    if (!access->vault().is_expected()) return std::vector<std::string>();
    THV_TRY(auto const key, access->key());
    return access->vault().erase_group(key, group);
  };
  auto erased = erase();
  secrets.is = erased ? group_secrets::fate::deleted : group_secrets::fate::failed;
  if (erased)
    secrets.names = *std::move(erased);
  else
    secrets.failure = std::move(erased).error();
}

boost::json::object to_json(group_secrets const& secrets) {
  boost::json::object out{
      {"outcome", to_string(secrets.is)},
      {"names", boost::json::array(secrets.names.begin(), secrets.names.end())}};
  if (secrets.failure) out["error"] = error_json(*secrets.failure);
  return out;
}

void tell(group_secrets const& secrets, std::string const& group, bool as_text) {
  if (secrets.names.empty()) return;
  switch (secrets.is) {
    case group_secrets::fate::left:
      return say_note(fmt::format(
          "{} of group '{}' {} kept: {}; '{}' deletes {}", counted(secrets.names.size(), "secret"),
          group, secrets.names.size() == 1 ? "is" : "are", fmt::join(secrets.names, ", "),
          command_text(group), secrets.names.size() == 1 ? "it" : "them"));
    case group_secrets::fate::planned:
      if (as_text)
        print(fmt::format("{} of the group would be deleted too: {}\n",
                          counted(secrets.names.size(), "secret"), fmt::join(secrets.names, ", ")));
      return;
    case group_secrets::fate::deleted:
      if (as_text) print(deleted_text(group, secrets.names));
      return;
    case group_secrets::fate::failed:
      auto e = *secrets.failure;
      e.message = fmt::format("the group is gone, its secrets ({}) are not: {}",
                              fmt::join(secrets.names, ", "), e.message);
      if (e.hint.empty()) e.hint = command_text(group);
      return say_error(e);
  }
}

}  // namespace thv::cli
