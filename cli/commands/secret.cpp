// SPDX-License-Identifier: Apache-2.0
#include "secret.hpp"

#include <unistd.h>

#include <algorithm>
#include <iostream>
#include <iterator>
#include <memory>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <boost/json/object.hpp>

#include <thv/model/names.hpp>
#include <thv/secrets/value_text.hpp>

#include "../ask.hpp"
#include "../change.hpp"
#include "../gateway_access.hpp"
#include "../output.hpp"
#include "../secret_use.hpp"
#include "commands.hpp"

// secret set, get, delete, lock and unlock. No value is ever a word of the command line.
namespace thv::cli {

namespace {

using namespace std::chrono_literals;

struct options {
  std::vector<std::string> words;
  std::optional<std::string> group;
  std::optional<std::string> passphrase_file;
  bool apply = false;
  bool all = false;
  change_flags change;

  [[nodiscard]] bool json() const { return change.json(); }
  [[nodiscard]] std::string const& name() const { return words.front(); }
  [[nodiscard]] std::string in_group() const { return group.value_or(std::string()); }
};

result<void> check(options const& o) {
  if (!o.words.empty()) THV_CHECK(secrets::check_secret_name(o.name()));
  if (o.group) THV_CHECK(validate_group_name(*o.group));
  return {};
}

/// From a pipe or file, without the newline at its end; on a terminal, hidden.
result<std::string> read_value() {
  std::string value;
  if (isatty(STDIN_FILENO) == 1) {
    if (!can_ask_beside_input())
      return fail(errc::invalid_argument, "there is no terminal to ask for the value on",
                  "write it to standard input");
    THV_TRY(value, ask_hidden("Enter secret value (input will be hidden): "));
  } else {
    value.assign(std::istreambuf_iterator<char>(std::cin), {});
    if (value.ends_with('\n')) value.pop_back();
  }
  if (value.empty())
    return fail(errc::invalid_argument, "validation error: secret value cannot be empty");
  return value;
}

void warn_users(std::vector<std::string> const& workloads, std::string const& hint) {
  if (workloads.empty()) return;
  say_warning("The following MCP servers use this secret and may need to be restarted:");
  for (auto const& name : workloads) say(fmt::format("  - {}\n", name));
  if (!hint.empty()) say(hint + "\n");
}

/// Tells who used the values that changed.
void tell_users(session& s, std::string const& group, std::vector<std::string> const& names,
                std::set<secret_place> const& stored, std::string const& hint) {
  auto const records = s.workloads();
  if (!records) return say_warning(to_string(records.error()));
  auto const uses = secret_uses(*records);
  std::vector<secret_use> affected;
  for (auto const& name : names) {
    auto const users = users_of(uses, {group, name}, stored);
    affected.insert(affected.end(), users.begin(), users.end());
  }
  warn_users(workloads_in(affected), hint);
}

/// Members that run with another value are made anew.
int apply_value(session& s, options const& o) {
  return with_engine(s, o.change, o.in_group(), [&](engine& e, change_options const& how) {
    auto const report = carry_out(
        s, how, [&](change_options const& with) { return e.apply_secrets({o.name()}, with); });
    return finish(s, report, o.change, fmt::format("secret '{}'", o.name()));
  });
}

/// A typing error would keep the value from everybody.
void note_unknown_group(session& s, options const& o) {
  // Opens the store, for groups too.
  if (!o.group || !s.workloads()) return;
  auto const groups = s.store().groups();
  if (!groups) return;
  auto const is_it = [&](store::group_record const& one) { return one.name == *o.group; };
  if (std::none_of(groups->begin(), groups->end(), is_it))
    say_note(
        fmt::format("there is no group '{}' yet; its members will be given this value", *o.group));
}

int set_secret(session& s, options const& o) {
  // Not repeated: it may be the value.
  if (o.words.size() > 1)
    return wrong_usage(fail(errc::invalid_argument,
                            "a value is never given on the command line, where others see it",
                            "write it to standard input, or type it when asked"));
  if (auto const fine = check(o); !fine) return wrong_usage(fine.error());
  if (o.passphrase_file == "-" && isatty(STDIN_FILENO) != 1)
    return wrong_usage(fail(errc::invalid_argument,
                            "standard input cannot be both the passphrase and the value",
                            "give the passphrase in a file", "--passphrase-file"));
  auto const access = vault_of(s, o.passphrase_file, "setting secrets (read-only)");
  if (!access) return failed(access.error());
  auto const key = (*access)->key();
  if (!key) return failed(key.error());
  auto value = read_value();
  if (!value) return failed(value.error());
  auto const done = (*access)->vault().set(*key, o.in_group(), o.name(), *value);
  secrets::wipe(*value);
  if (!done) return failed(done.error());
  note_unknown_group(s, o);
  if (o.apply) return apply_value(s, o);
  nudge_gateway(s);
  auto const opened = (*access)->vault().open(*key);
  if (!opened) return failed(opened.error());
  tell_users(s, o.in_group(), {o.name()}, places_of(opened->list()),
             "'secret set … --apply' restarts them.");
  return 0;
}

result<void> check_deletion(options const& o) {
  THV_CHECK(check(o));
  if (o.all && !o.words.empty())
    return fail(errc::invalid_argument, "a name and --all were both given", "remove one of them");
  if (o.all && !o.group)
    return fail(errc::invalid_argument, "--all is for the secrets of one group",
                "name it: --group GROUP");
  if (!o.all && o.words.empty())
    return fail(errc::invalid_argument, "the name of the secret is missing",
                "usage: thv-engine secret delete NAME [--group GROUP]");
  return {};
}

/// Of a group, with `--all`.
result<std::vector<std::string>> erase(options const& o, secrets::encrypted_file const& vault,
                                       secrets::secret_key const& key) {
  if (o.all) return vault.erase_group(key, *o.group);
  THV_CHECK(vault.erase(key, o.in_group(), o.name()));
  return o.words;
}

int delete_secret(session& s, options const& o) {
  if (auto const fine = check_deletion(o); !fine) return wrong_usage(fine.error());
  auto const access = vault_of(s, o.passphrase_file, "deleting secrets");
  if (!access) return failed(access.error());
  auto const key = (*access)->key();
  if (!key) return failed(key.error());
  auto const before = (*access)->vault().open(*key);
  if (!before) return failed(before.error());
  auto names = erase(o, (*access)->vault(), *key);
  if (!names) {
    if (names.error().code == errc::not_found) names.error().hint = "thv-engine secret list";
    return failed(names.error());
  }
  if (o.all) print(names->empty() ? "No secrets found\n" : deleted_text(*o.group, *names));
  tell_users(s, o.in_group(), *names, places_of(before->list()), {});
  return 0;
}

int get_secret(session& s, options const& o) {
  if (auto const fine = check(o); !fine) return wrong_usage(fine.error());
  auto const access = secrets_with(s, o.passphrase_file);
  if (!access) return failed(access.error());
  auto value = (*access)->get(o.name(), o.in_group());
  if (!value) {
    auto e = std::move(value).error();
    if (e.code == errc::not_found)
      e.message = fmt::format("failed to get secret {0}: secret not found: {0}", o.name());
    return failed(e);
  }
  if (o.json()) {
    boost::json::object out{{"name", o.name()}};
    auto const encoded = secrets::base64_unless_utf8(*value);
    out[encoded ? "base64" : "value"] = encoded.value_or(*value);
    if (o.group) out["group"] = *o.group;
    print(pretty(out));
  } else {
    print(*value);
    print("\n");
  }
  secrets::wipe(*value);
  return 0;
}

int lock_secrets(session& s) {
  auto const g = look_at_gateway(s);
  if (!g) return failed(g.error());
  // Where none runs, nobody holds the key.
  if (!g->running()) return 0;
  auto const dropped = gateway::control_client(g->socket).drop_key(within(5s));
  return dropped ? 0 : failed(dropped.error());
}

int unlock_secrets(session& s, options const& o) {
  auto const access = vault_of(s, o.passphrase_file, "unlocking");
  if (!access) return failed(access.error());
  auto const g = running_gateway(s);
  if (!g) return failed(g.error());
  auto const key = (*access)->key();
  if (!key) return failed(key.error());
  auto const given = gateway::control_client(g->socket).give_key(within(5s), *key);
  return given ? 0 : failed(given.error());
}

flag group_flag(options& o, std::string help) {
  return {"-g, --group", "GROUP", std::move(help), &o.group, completes::groups};
}

command verb(std::string name, std::string summary, std::string example) {
  command c;
  c.name = std::move(name);
  c.summary = std::move(summary);
  c.example = std::move(example);
  return c;
}

command set_command() {
  auto o = std::make_shared<options>();
  auto c = verb("set", "Store the value of a secret",
                "thv-engine secret set github < token.txt\n"
                "thv-engine secret set db-password --group data-pipeline --apply");
  c.details =
      "The value is read from standard input (one newline at its end is dropped), or asked for on\n"
      "a terminal, where it is not shown.";
  c.words = {"NAME", 1, any_number, &o->words};
  c.flags = {group_flag(*o, "for the members of this group alone"),
             {"--apply", "", "restart the members that use it and have another value", &o->apply},
             passphrase_file_flag(o->passphrase_file),
             format_flag(o->change.format)};
  c.run = [o](session& s) { return set_secret(s, *o); };
  return c;
}

command get_command() {
  auto o = std::make_shared<options>();
  auto c = verb("get", "Print the value of a secret", "thv-engine secret get github");
  c.details =
      "With --group, as a member of that group gets it: the group's own, else the one for all.\n"
      "In JSON, a value that is no UTF-8 stands as \"base64\" instead of \"value\".";
  c.words = {"NAME", 1, 1, &o->words};
  c.flags = {group_flag(*o, "as for a member of this group"),
             passphrase_file_flag(o->passphrase_file), format_flag(o->change.format)};
  c.run = [o](session& s) { return get_secret(s, *o); };
  return c;
}

command delete_command() {
  auto o = std::make_shared<options>();
  auto c =
      verb("delete", "Delete a secret", "thv-engine secret delete github --group data-pipeline");
  c.aliases = {"rm"};
  c.words = {"[NAME]", 0, 1, &o->words};
  c.flags = {group_flag(*o, "the one of this group, not the one for all"),
             {"--all", "", "all secrets of the group", &o->all},
             passphrase_file_flag(o->passphrase_file)};
  c.run = [o](session& s) { return delete_secret(s, *o); };
  return c;
}

command lock_command() {
  auto c = verb("lock", "Let the gateway forget the key of the secrets", "thv-engine secret lock");
  c.details =
      "Running members keep their values. A key in the keyring or a key file is read again when "
      "it\n"
      "is needed; a passphrase is asked for again.";
  c.run = [](session& s) { return lock_secrets(s); };
  return c;
}

command unlock_command() {
  auto o = std::make_shared<options>();
  auto c = verb("unlock", "Give the gateway the key of the secrets", "thv-engine secret unlock");
  c.details =
      "It keeps the key in locked memory, so that members can be restarted without a question.";
  c.flags = {passphrase_file_flag(o->passphrase_file)};
  c.run = [o](session& s) { return unlock_secrets(s, *o); };
  return c;
}

}  // namespace

result<secret_access*> vault_of(session& s, std::optional<std::string> const& passphrase_file,
                                std::string const& doing) {
  THV_TRY(auto* access, secrets_with(s, passphrase_file));
  auto const& provider = access->options().provider;
  if (provider == "environment")
    return fail(errc::unsupported,
                fmt::format("the environment secrets provider does not support {}", doing),
                "take [secrets] provider = \"environment\" or THV_SECRETS_PROVIDER away");
  if (!access->vault().is_expected())
    return fail(errc::not_found, "secrets provider not configured",
                "run 'thv-engine secret setup' to configure a secrets provider first");
  return access;
}

std::vector<std::string> names_of_group(std::vector<secrets::secret_summary> const& list,
                                        std::string const& group) {
  std::vector<std::string> names;
  for (auto const& one : list)
    if (one.group == group) names.push_back(one.name);
  return names;
}

std::string deleted_text(std::string const& group, std::vector<std::string> const& names) {
  return fmt::format("Deleted {} of group '{}': {}\n", counted(names.size(), "secret"), group,
                     fmt::join(names, ", "));
}

std::set<secret_place> places_of(std::vector<secrets::secret_summary> const& list) {
  std::set<secret_place> places;
  for (auto const& one : list) places.emplace(one.group, one.name);
  return places;
}

flag passphrase_file_flag(std::optional<std::string>& into) {
  return {"--passphrase-file", "FILE", "read the passphrase from this file; '-' is standard input",
          &into, completes::files};
}

result<secret_access*> secrets_with(session& s, std::optional<std::string> const& passphrase_file) {
  if (passphrase_file) {
    THV_TRY(auto access, make_secret_access(s, passphrase_file));
    s.use_secrets(std::move(access));
  }
  return s.secrets();
}

std::string key_text(secrets::vault_header const& header, secret_access_options const& options) {
  switch (header.source) {
    case secrets::key_source::keyring:
      return "the keyring";
    case secrets::key_source::passphrase:
      return "a passphrase";
    case secrets::key_source::key_file:
      return fmt::format("the key file {}", options.key_file.empty() ? header.key_location
                                                                     : options.key_file.string());
  }
  return {};
}

command secret_command() {
  command c;
  c.name = "secret";
  c.summary = "Store values that MCP servers are given";
  c.details =
      "A member is given a secret with 'run --secret NAME,target=VARIABLE'. The values are kept "
      "in\n"
      "an encrypted file; without one they come from environment variables THV_SECRET_NAME.";
  c.example =
      "thv-engine secret setup\n"
      "thv-engine secret set github";
  c.commands = {secret_setup_command(), set_command(),    get_command(),
                secret_list_command(),  delete_command(), secret_provider_command(),
                lock_command(),         unlock_command()};
  return c;
}

}  // namespace thv::cli
