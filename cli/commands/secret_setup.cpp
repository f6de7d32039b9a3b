// SPDX-License-Identifier: Apache-2.0
#include <filesystem>
#include <memory>

#include <fmt/format.h>

#include <thv/config/values.hpp>
#include <thv/secrets/key_file.hpp>
#include <thv/secrets/keyring.hpp>

#include "../ask.hpp"
#include "../change.hpp"
#include "../output.hpp"
#include "commands.hpp"
#include "secret.hpp"

// secret setup and provider.
namespace thv::cli {

namespace {

namespace fs = std::filesystem;

struct options {
  std::vector<std::string> words;
  std::optional<std::string> key;
  std::optional<std::string> key_file;
  std::optional<std::string> passphrase_file;
  std::optional<std::string> new_passphrase_file;
  std::optional<std::string> format;

  [[nodiscard]] bool json() const { return format == "json"; }
};

/// A key that is new to the vault, where it was put, and how to take that back.
struct new_key {
  secrets::vault_header header;
  secrets::secret_key key;
  std::function<void()> undo = [] {};  ///< never removes a key file, which others may have read
};

/// The flag, or what the user answers; without anybody to ask, the keyring where it works.
result<secrets::key_source> choose_source(options const& o) {
  if (o.key) return *secrets::parse_key_source(*o.key);
  if (o.key_file) return secrets::key_source::key_file;
  if (o.new_passphrase_file || o.passphrase_file) return secrets::key_source::passphrase;
  auto const usable = secrets::keyring().usable();
  if (!can_ask()) {
    if (usable) return secrets::key_source::keyring;
    return fail(errc::invalid_argument,
                fmt::format("say where the key of the secrets is to come from ({})",
                            usable.error().message),
                "--key key-file, or --key passphrase --passphrase-file FILE");
  }
  say(usable ? "A keyring was found.\n" : fmt::format("{}.\n", to_string(usable.error())));
  std::string const preset = usable ? "keyring" : "passphrase";
  THV_TRY(auto const answer,
          ask_line(fmt::format("Where shall the key come from: keyring, passphrase or key-file? "
                               "[{}]: ",
                               preset)));
  if (auto const source = secrets::parse_key_source(answer.empty() ? preset : answer))
    return *source;
  return fail(errc::invalid_argument, fmt::format("'{}' is none of these", answer));
}

result<new_key> new_keyring_key() {
  auto header = secrets::new_vault_header(secrets::key_source::keyring);
  auto key = secrets::secret_key::random();
  auto const prompt = can_ask() ? secrets::keyring_prompt::allowed : secrets::keyring_prompt::never;
  auto const id = header.id_text();
  THV_CHECK(secrets::keyring().store(id, "Key of thv-engine's secrets", key, prompt));
  return new_key{std::move(header), std::move(key), [id] { (void)secrets::keyring().erase(id); }};
}

result<std::string> new_passphrase(options const& o, secret_access const& access, bool replaces) {
  if (o.new_passphrase_file) return read_passphrase(*o.new_passphrase_file);
  // Where there is no vault yet, there is only one passphrase: the flag's, or the variable's.
  auto const& file = access.options().passphrase_file;
  if (!replaces && !file.empty()) return read_passphrase(file);
  if (!can_ask_beside_input())
    return fail(errc::invalid_argument, "there is no terminal to ask for a passphrase on",
                replaces ? "--new-passphrase-file FILE" : "--passphrase-file FILE");
  THV_TRY(auto text, ask_hidden("New passphrase for the secrets (input will be hidden): "));
  THV_TRY(auto again, ask_hidden("The same again: "));
  bool const same = text == again;
  secrets::wipe(again);
  if (same && !text.empty()) return text;
  secrets::wipe(text);
  return fail(errc::invalid_argument,
              same ? "the passphrase is empty" : "the two passphrases are not the same");
}

result<new_key> new_passphrase_key(options const& o, secret_access const& access, bool replaces) {
  THV_TRY(auto text, new_passphrase(o, access, replaces));
  if (text.size() < 12)
    say_note("whoever gets the file can guess a passphrase of less than 12 characters");
  auto header = secrets::new_vault_header(secrets::key_source::passphrase);
  auto key = secrets::key_from_passphrase(text, header);
  secrets::wipe(text);
  if (!key) return std::move(key).error();
  return new_key{std::move(header), *std::move(key)};
}

result<new_key> new_file_key(session& s, options const& o) {
  THV_TRY(auto const* settings, s.configuration());
  THV_TRY(auto const* where, s.paths());
  fs::path path = where->config / "secrets.key";
  auto const& configured = settings->secrets.key_file;
  if (!configured.empty()) path = configured;
  if (o.key_file) path = fs::absolute(*o.key_file).lexically_normal();
  // The configured one is what every later command would read.
  if (!configured.empty() && path != fs::path(configured).lexically_normal())
    return fail(
        errc::invalid_argument,
        fmt::format("the key file {} is configured, which goes before --key-file", configured),
        "leave --key-file out, or change [secrets] key_file in the configuration or "
        "THV_SECRETS_KEY_FILE",
        "--key-file");
  auto header = secrets::new_vault_header(secrets::key_source::key_file, {}, path.string());
  std::error_code ignored;
  if (fs::exists(path, ignored)) {
    THV_TRY(auto key, secrets::read_key_file(path));
    return new_key{std::move(header), std::move(key)};
  }
  THV_TRY(auto key, secrets::make_key_file(path));
  return new_key{std::move(header), std::move(key)};
}

result<new_key> make_key(session& s, options const& o, secret_access const& access,
                         secrets::key_source source, bool replaces) {
  switch (source) {
    case secrets::key_source::keyring:
      return new_keyring_key();
    case secrets::key_source::passphrase:
      return new_passphrase_key(o, access, replaces);
    case secrets::key_source::key_file:
      return new_file_key(s, o);
  }
  return fail(errc::internal, "a key from nowhere");
}

boost::json::object vault_json(secrets::encrypted_file const& vault,
                               secrets::vault_header const& header,
                               secret_access_options const& options) {
  boost::json::object out{{"vault", vault.path().string()}, {"key", to_string(header.source)}};
  if (header.source == secrets::key_source::key_file)
    out["key_file"] = options.key_file.empty() ? header.key_location : options.key_file.string();
  return out;
}

void tell(options const& o, secret_access const& access, secrets::vault_header const& header,
          std::string const& done) {
  if (o.json()) {
    auto out = vault_json(access.vault(), header, access.options());
    out["done"] = done;
    return print(pretty(out));
  }
  print(fmt::format("Secrets are kept encrypted in {}.\nTheir key comes from {}.\n",
                    access.vault().path().string(), key_text(header, access.options())));
  if (access.provider() == "environment")
    say_note("[secrets] provider or THV_SECRETS_PROVIDER chooses the environment instead");
}

/// The vault gets its first key, or another one.
result<secrets::vault_header> put_key(session& s, options const& o, secret_access& access) {
  bool const replaces = access.vault().exists();
  THV_TRY(auto const source, choose_source(o));
  std::optional<secrets::secret_key> old_key;
  std::optional<secrets::vault_header> old_header;
  if (replaces) {
    THV_TRY(old_header, access.vault().header());
    THV_TRY(old_key, access.key());
  }
  THV_TRY(auto made, make_key(s, o, access, source, replaces));
  auto const done = replaces ? access.vault().change_key(*old_key, made.header, made.key)
                             : access.vault().create(made.header, made.key);
  if (!done) {
    made.undo();
    return done.error();
  }
  if (old_header && old_header->source == secrets::key_source::keyring)
    if (auto const gone = secrets::keyring().erase(old_header->id_text()); !gone)
      say_warning("the former key is left in the keyring: " + to_string(gone.error()));
  access.forget();
  if (access.options().give_holder) access.options().give_holder(made.key);
  return made.header;
}

int set_up(session& s, options const& o) {
  if (o.key && o.key != "key-file" && o.key_file)
    return wrong_usage(
        fail(errc::invalid_argument, "a key file needs --key key-file", {}, "--key-file"));
  auto const access = secrets_with(s, o.passphrase_file);
  if (!access) return failed(access.error());
  auto const& vault = (*access)->vault();
  bool const wants_change = o.key || o.key_file || o.new_passphrase_file;
  if (vault.exists() && !wants_change) {
    auto const header = vault.header();
    if (!header) return failed(header.error());
    auto const key = (*access)->key();
    if (!key) return failed(key.error());
    // A key that fits does not tell whether the contents are whole.
    if (auto const opened = vault.open(*key); !opened) return failed(opened.error());
    tell(o, **access, *header, "unchanged");
    return 0;
  }
  auto const existed = vault.exists();
  auto const header = put_key(s, o, **access);
  if (!header) return failed(header.error());
  tell(o, **access, *header, existed ? "changed" : "created");
  return 0;
}

std::string chosen_by(config::configuration const& settings, secret_access const& access) {
  if (!settings.secrets.provider.empty()) return settings.secrets.provider_where;
  return access.vault().is_expected() ? "default, since there is a vault"
                                      : "default, since there is no vault";
}

int show_provider(config::configuration const& settings, options const& o,
                  secret_access const& access) {
  std::optional<secrets::vault_header> header;
  if (access.vault().is_expected()) {
    auto read = access.vault().header();
    if (!read) return failed(read.error());
    header = *std::move(read);
  }
  if (o.json()) {
    boost::json::object out{{"provider", access.provider()},
                            {"chosen_by", chosen_by(settings, access)}};
    if (header) out["vault"] = vault_json(access.vault(), *header, access.options());
    print(pretty(out));
    return 0;
  }
  std::vector<std::pair<std::string, std::string>> lines{
      {"Provider", access.provider()}, {"Chosen by", chosen_by(settings, access)}};
  lines.emplace_back("Vault", header ? access.vault().path().string()
                                     : "none; 'thv-engine secret setup' makes one");
  if (header) lines.emplace_back("Key", key_text(*header, access.options()));
  print(key_values(lines));
  return 0;
}

/// Does it work, and how is it chosen?
int test_provider(session& s, options const& o, secret_access& access) {
  auto const& name = o.words.front();
  if (auto const known = config::check_secrets_provider(name); !known)
    return wrong_usage(known.error());
  if (name == "encrypted") {
    auto const key = access.key();
    if (!key) return failed(key.error());
    auto const opened = access.vault().open(*key);
    if (!opened) return failed(opened.error());
    print(fmt::format("The vault {} can be opened: {}.\n", access.vault().path().string(),
                      counted(opened->list().size(), "secret")));
  } else {
    print("Secrets can be read from environment variables THV_SECRET_NAME.\n");
  }
  if (access.provider() == name) {
    print(fmt::format("'{}' is in use.\n", name));
    return 0;
  }
  auto const where = s.paths();
  if (!where) return failed(where.error());
  auto const file = s.options().config.value_or(((*where)->config / "config.toml").string());
  print(
      fmt::format("To use it, write this to {}, or set THV_SECRETS_PROVIDER={}:\n\n"
                  "[secrets]\nprovider = \"{}\"\n",
                  file, name, name));
  return 0;
}

int provider(session& s, options const& o) {
  auto const settings = s.configuration();
  if (!settings) return failed(settings.error());
  auto const access = secrets_with(s, o.passphrase_file);
  if (!access) return failed(access.error());
  return o.words.empty() ? show_provider(**settings, o, **access) : test_provider(s, o, **access);
}

}  // namespace

command secret_setup_command() {
  auto o = std::make_shared<options>();
  command c;
  c.name = "setup";
  c.summary = "Make the encrypted file for secrets, or give it another key";
  c.details =
      "The key is random and lies in the desktop's keyring or in a file, or is derived from a\n"
      "passphrase. On a terminal, what is not given is asked for.";
  c.example =
      "thv-engine secret setup\n"
      "thv-engine secret setup --key key-file --key-file ~/.config/thv-engine/secrets.key";
  c.flags = {{"--key",
              "SOURCE",
              "where the key comes from",
              &o->key,
              completes::nothing,
              {"keyring", "passphrase", "key-file"}},
             {"--key-file", "PATH", "the key file; it is made unless it is there", &o->key_file,
              completes::files},
             passphrase_file_flag(o->passphrase_file),
             {"--new-passphrase-file", "FILE", "read the passphrase that replaces another key",
              &o->new_passphrase_file, completes::files},
             format_flag(o->format)};
  c.run = [o](session& s) { return set_up(s, *o); };
  return c;
}

command secret_provider_command() {
  auto o = std::make_shared<options>();
  command c;
  c.name = "provider";
  c.summary = "Show where secrets come from, or test a provider";
  c.example =
      "thv-engine secret provider\n"
      "thv-engine secret provider encrypted";
  c.words = {"[NAME]", 0, 1, &o->words, completes::nothing, {"encrypted", "environment"}};
  c.flags = {passphrase_file_flag(o->passphrase_file), format_flag(o->format)};
  c.run = [o](session& s) { return provider(s, *o); };
  return c;
}

}  // namespace thv::cli
