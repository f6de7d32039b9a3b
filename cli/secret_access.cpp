// SPDX-License-Identifier: Apache-2.0
#include "secret_access.hpp"

#include <sys/stat.h>

#include <iostream>
#include <iterator>

#include <fmt/format.h>

#include <thv/gateway/control_client.hpp>
#include <thv/gateway/control_files.hpp>
#include <thv/secrets/core_dumps.hpp>
#include <thv/secrets/key_file.hpp>
#include <thv/secrets/private_file.hpp>
#include <thv/store/keyed_hash.hpp>

#include "ask.hpp"
#include "gateway_access.hpp"
#include "output.hpp"

#include "session.hpp"

namespace thv::cli {

namespace {

using namespace std::chrono_literals;

constexpr std::size_t longest_passphrase = 64 * 1024;

error no_value(std::string const& name, std::string const& group, bool encrypted) {
  auto const variable = fmt::format("set the environment variable THV_SECRET_{}", name);
  if (!encrypted)
    return fail(errc::not_found, fmt::format("secret '{}' has no value", name), variable);
  return fail(errc::not_found, fmt::format("secret '{}' has no value", name),
              fmt::format("thv-engine secret set {}{}, or {}", name,
                          group.empty() ? "" : fmt::format(" --group {}", group), variable));
}

error no_passphrase(std::filesystem::path const& vault) {
  return fail(errc::unavailable, "the secrets are locked: their passphrase is not known",
              "thv-engine secret unlock on a terminal, or give --passphrase-file FILE or "
              "THV_SECRETS_PASSPHRASE_FILE",
              vault.string());
}

/// The socket of a gateway that runs, or nothing.
std::optional<std::string> gateway_socket(std::filesystem::path const& state) {
  gateway::control_files const files(state);
  auto const facts = files.read_facts();
  if (!facts || !files.is_locked()) return std::nullopt;
  return facts->socket;
}

}  // namespace

secret_access::secret_access(secret_access_options options)
    : options_(std::move(options)), vault_(options_.vault), environment_(options_.variables) {
  if (!options_.ask_passphrase) options_.ask_passphrase = ask_hidden;
}

std::string secret_access::provider() const {
  if (!options_.provider.empty()) return options_.provider;
  // A vault on a disk that is not there now is not none.
  return vault_.is_expected() ? "encrypted" : "environment";
}

result<std::string> secret_access::from_environment(std::string const& name) {
  return environment_.get(name);
}

result<std::string> secret_access::get(std::string const& name, std::string const& group) {
  auto kept = stored(name, group);
  if (kept) return kept;
  auto const code = kept.error().code;
  if (code != errc::not_found && code != errc::unavailable) return kept;
  if (auto value = environment_.get(name); value || value.error().code != errc::not_found)
    return value;
  if (code == errc::unavailable) return kept;
  if (provider() == "environment") return environment_.get(name);
  return no_value(name, group, true);
}

result<std::string> secret_access::stored(std::string const& name, std::string const& group) {
  if (provider() == "environment") return no_value(name, group, false);
  std::lock_guard const lock(mutex_);
  return stored_locked(name, group);
}

result<std::string> secret_access::stored_locked(std::string const& name,
                                                 std::string const& group) {
  THV_TRY(auto const opened, open_locked());
  if (auto const value = opened->find(group, name)) return std::string(*value);
  return no_value(name, group, true);
}

std::optional<secret_access::identity> secret_access::vault_identity() const {
  struct stat found {};
  if (::stat(vault_.path().c_str(), &found) != 0) return std::nullopt;
  return identity{found.st_ino, found.st_size, found.st_mtim.tv_sec, found.st_mtim.tv_nsec};
}

result<std::shared_ptr<secrets::open_vault const>> secret_access::open_locked() {
  auto const before = vault_identity();
  if (opened_ && before && before == opened_identity_) return opened_;
  THV_TRY(auto const key, key_locked());
  THV_TRY(auto opened, vault_.open(key));
  auto shared = std::make_shared<secrets::open_vault const>(std::move(opened));
  opened_ = shared;
  opened_identity_ = before;
  return shared;
}

result<secrets::secret_key> secret_access::key() {
  std::lock_guard const lock(mutex_);
  return key_locked();
}

std::optional<secrets::secret_key> secret_access::key_in_hand() const {
  std::lock_guard const lock(mutex_);
  if (!key_) return std::nullopt;
  return key_->clone();
}

void secret_access::forget() {
  std::lock_guard const lock(mutex_);
  key_.reset();
  opened_.reset();
  failure_.reset();
}

result<secrets::secret_key> secret_access::key_without_asking() {
  std::lock_guard const lock(mutex_);
  THV_TRY(auto const header, vault_.header());
  if (auto kept = kept_key(header)) return *std::move(kept);
  THV_TRY(auto found, find_key(header, false));
  keep_key(found);
  return found;
}

std::optional<secrets::secret_key> secret_access::kept_key(secrets::vault_header const& header) {
  if (key_ && header.fits(*key_)) return key_->clone();
  if (!options_.ask_holder) return std::nullopt;
  auto held = options_.ask_holder();
  if (!held || !header.fits(*held)) return std::nullopt;
  key_ = held->clone();
  return held;
}

void secret_access::keep_key(secrets::secret_key const& key) {
  key_ = key.clone();
  if (options_.give_holder) options_.give_holder(key);
}

result<secrets::secret_key> secret_access::key_locked() {
  THV_TRY(auto const header, vault_.header());
  if (auto kept = kept_key(header)) return *std::move(kept);
  // A command asks once; a keyring that takes long is not asked again for each of many secrets.
  auto const now = std::chrono::steady_clock::now();
  if (failure_ && (options_.may_ask || now - failed_at_ < 5s)) return *failure_;
  auto found = find_key(header, options_.may_ask);
  if (!found) {
    failure_ = found.error();
    failed_at_ = std::chrono::steady_clock::now();
    return found;
  }
  failure_.reset();
  keep_key(*found);
  return found;
}

result<secrets::secret_key> secret_access::find_key(secrets::vault_header const& header,
                                                    bool may_ask) {
  THV_TRY(auto key, key_of_source(header, may_ask));
  if (header.fits(key)) return key;
  return secrets::wrong_key(header, vault_.path().string());
}

result<secrets::secret_key> secret_access::key_of_source(secrets::vault_header const& header,
                                                         bool may_ask) {
  switch (header.source) {
    case secrets::key_source::keyring: {
      auto const prompt =
          may_ask ? secrets::keyring_prompt::allowed : secrets::keyring_prompt::never;
      THV_TRY(auto found, secrets::keyring(options_.variables).find(header.id_text(), prompt));
      if (found) return *std::move(found);
      return fail(errc::unavailable, "the keyring holds no key for the secrets",
                  "log in to the desktop session that has it; without it they cannot be read",
                  vault_.path().string());
    }
    case secrets::key_source::key_file:
      return key_of_file(header);
    case secrets::key_source::passphrase:
      if (!options_.passphrase_file.empty()) return key_of_passphrase_file(header);
      if (!may_ask) return no_passphrase(vault_.path());
      return key_of_asked_passphrase(header);
  }
  return fail(errc::internal, "a key from nowhere");
}

result<secrets::secret_key> secret_access::key_of_file(secrets::vault_header const& header) {
  auto const path =
      options_.key_file.empty() ? std::filesystem::path(header.key_location) : options_.key_file;
  auto key = secrets::read_key_file(path);
  if (key || key.error().code != errc::not_found) return key;
  // A secret that is not found would be looked for elsewhere.
  return fail(errc::unavailable, "there is no such key file",
              "put it back, or name it: [secrets] key_file in the configuration, or "
              "THV_SECRETS_KEY_FILE",
              path.string());
}

/// Tells a passphrase and a vault's key from others, without keeping either.
std::string secret_access::mark_of(std::string const& passphrase,
                                   secrets::vault_header const& header) {
  if (!mark_key_) mark_key_ = secrets::secret_key::random();
  auto const text_of = [](auto const& bytes) {
    return std::string_view(reinterpret_cast<char const*>(bytes.data()), bytes.size());
  };
  std::string text;
  text.append(text_of(header.id)).append(text_of(header.salt)).append(text_of(header.check));
  text += passphrase;
  auto mark = store::keyed_hash(text_of(mark_key_->bytes()), text);
  secrets::wipe(text);
  return mark;
}

result<secrets::secret_key> secret_access::key_of_passphrase_file(
    secrets::vault_header const& header) {
  auto text = read_passphrase(options_.passphrase_file);
  if (!text) {
    // A secret that is not found would be looked for elsewhere.
    if (text.error().code == errc::not_found) text.error().code = errc::unavailable;
    return std::move(text).error();
  }
  auto mark = mark_of(*text, header);
  if (mark == wrong_mark_) {
    secrets::wipe(*text);
    return secrets::wrong_key(header, vault_.path().string());
  }
  auto key = options_.key_from_passphrase(*text, header);
  secrets::wipe(*text);
  if (key && !header.fits(*key)) wrong_mark_ = std::move(mark);
  return key;
}

result<secrets::secret_key> secret_access::key_of_asked_passphrase(
    secrets::vault_header const& header) {
  for (int tries = 0;; ++tries) {
    THV_TRY(auto text,
            options_.ask_passphrase("Passphrase of the secrets (input will be hidden): "));
    auto key = options_.key_from_passphrase(text, header);
    secrets::wipe(text);
    if (key && header.fits(*key)) return key;
    if (tries == 2 || (!key && key.error().code != errc::invalid_argument)) return key;
    say("Wrong passphrase, try again.\n");
  }
}

result<std::string> read_passphrase(std::string const& file) {
  std::string text;
  if (file == "-") {
    text.assign(std::istreambuf_iterator<char>(std::cin), {});
    if (text.size() > longest_passphrase)
      return fail(errc::invalid_argument, "the passphrase is longer than 64 KiB");
  } else {
    THV_TRY(text, secrets::read_private_file(file, "passphrase file", longest_passphrase));
  }
  if (text.ends_with('\n')) text.pop_back();
  if (text.ends_with('\r')) text.pop_back();
  if (text.empty())
    return fail(errc::invalid_argument, "the passphrase is empty", {},
                file == "-" ? "standard input" : file);
  return text;
}

result<secret_access_options> secret_options(session& s) {
  THV_TRY(auto const* settings, s.configuration());
  THV_TRY(auto const* where, s.paths());
  secret_access_options o;
  o.provider = settings->secrets.provider;
  o.vault = where->state / "secrets";
  o.key_file = settings->secrets.key_file;
  return o;
}

result<std::unique_ptr<secret_access>> make_secret_access(
    session& s, std::optional<std::string> const& passphrase_file) {
  // Before the first value, key or passphrase is read.
  THV_CHECK(secrets::forbid_core_dumps());
  THV_TRY(auto const* where, s.paths());
  THV_TRY(auto o, secret_options(s));
  auto const variable = o.variables("THV_SECRETS_PASSPHRASE_FILE").value_or(std::string());
  if (variable == "-" && !passphrase_file)
    return fail(errc::invalid_argument, "'-' is for the flag --passphrase-file alone",
                "name a file, or take the variable away", "THV_SECRETS_PASSPHRASE_FILE");
  o.passphrase_file = passphrase_file.value_or(variable);
  o.may_ask = can_ask_beside_input();
  auto const state = where->state;
  o.ask_holder = [state]() -> std::optional<secrets::secret_key> {
    auto const socket = gateway_socket(state);
    if (!socket) return std::nullopt;
    auto held = gateway::control_client(*socket).key(within(1s));
    if (!held) return std::nullopt;
    return *std::move(held);
  };
  o.give_holder = [state](secrets::secret_key const& key) {
    auto const socket = gateway_socket(state);
    if (!socket) return;
    // Where it cannot keep the key, the next command gets it as this one did.
    (void)gateway::control_client(*socket).give_key(within(1s), key);
  };
  return std::make_unique<secret_access>(std::move(o));
}

}  // namespace thv::cli
