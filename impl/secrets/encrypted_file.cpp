// SPDX-License-Identifier: Apache-2.0
#include <thv/secrets/encrypted_file.hpp>

#include <fmt/format.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <tuple>

#include <thv/config/paths.hpp>
#include <thv/model/utf8.hpp>

#include <thv/secrets/private_file.hpp>
#include "../store/file.hpp"
#include "vault_contents.hpp"
#include "vault_keys.hpp"

namespace thv::secrets {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t tag_size = crypto_aead_xchacha20poly1305_ietf_ABYTES;

unsigned char const* bytes(std::string_view text) {
  return reinterpret_cast<unsigned char const*>(text.data());
}

std::int64_t milliseconds_now() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

error no_such_secret(std::string_view group, std::string_view name) {
  return fail(errc::not_found,
              group.empty() ? fmt::format("secret not found: {}", name)
                            : fmt::format("secret not found: {} (group '{}')", name, group),
              fmt::format("set it: thv-engine secret set {}{}", name,
                          group.empty() ? "" : fmt::format(" --group {}", group)));
}

/// The plaintext of a whole file whose header was read.
result<vault_contents> decrypt(std::string_view text, vault_header const& header,
                               secret_key const& key, std::string const& origin) {
  if (!header.fits(key)) return wrong_key(header, origin);
  auto const clear = text.substr(0, text.size() - header.contents);
  auto const sealed = text.substr(clear.size());
  auto const inner = contents_key(key, header);
  locked_buffer plain(sealed.size() < tag_size ? 0 : sealed.size() - tag_size);
  if (sealed.size() < tag_size ||
      ::crypto_aead_xchacha20poly1305_ietf_decrypt(plain.data(), nullptr, nullptr, bytes(sealed),
                                                   sealed.size(), bytes(clear), clear.size(),
                                                   header.nonce.data(), inner.bytes().data()) != 0)
    return fail(errc::corrupt, "the vault is damaged: its key fits, its contents fail their check",
                "nothing was changed; restore the file from a backup", origin);
  return vault_contents::parse(std::move(plain), origin);
}

/// What others who were killed left half written. Only under the lock.
void remove_leftovers(fs::path const& path) {
  std::error_code ignored;
  auto const prefix = path.filename().string() + ".";
  fs::directory_iterator found(path.parent_path(), ignored);
  for (; found != fs::directory_iterator(); found.increment(ignored)) {
    auto const name = found->path().filename().string();
    if (!name.starts_with(prefix) || !name.ends_with(".new")) continue;
    auto const middle =
        std::string_view(name).substr(prefix.size(), name.size() - prefix.size() - 4);
    if (!middle.empty() && middle.find_first_not_of("0123456789") == middle.npos)
      fs::remove(found->path(), ignored);
  }
}

/// A link stays one: what it leads to is read and replaced, or made where there is nothing yet.
fs::path target_of(fs::path const& path) {
  constexpr int most_links = 40;
  std::error_code failed;
  auto target = fs::absolute(path, failed);
  if (failed) return path;
  if (!fs::is_symlink(target, failed)) return target;
  // By hand, since weakly_canonical does not follow a link that leads to nothing.
  for (int links = 0; links < most_links && fs::is_symlink(target, failed); ++links) {
    auto const next = fs::read_symlink(target, failed);
    if (failed || next.empty()) break;
    target = target.parent_path() / next;
  }
  auto clean = fs::weakly_canonical(target, failed);
  return failed || clean.empty() ? target : clean;
}

}  // namespace

error wrong_key(vault_header const& header, std::string const& origin) {
  switch (header.source) {
    case key_source::keyring:
      return fail(errc::unauthenticated, "the key in the keyring does not fit this vault",
                  "nothing was changed; restore the keyring or the vault from a backup", origin);
    case key_source::key_file:
      return fail(errc::unauthenticated, "the key file does not fit this vault",
                  "nothing was changed; name the right one: [secrets] key_file in the "
                  "configuration, or THV_SECRETS_KEY_FILE",
                  origin);
    case key_source::passphrase:
      break;
  }
  return fail(errc::unauthenticated, "wrong passphrase", "nothing was changed; try again", origin);
}

result<void> check_secret_name(std::string_view name) {
  auto const wrong = [](std::string what) {
    return fail(errc::invalid_argument, std::move(what),
                "a name has 1 to 256 bytes, and no '=', ',' or control character");
  };
  if (name.empty()) return wrong("the name of a secret is empty");
  if (name.size() > 256) return wrong("the name of a secret is longer than 256 bytes");
  auto const control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  if (std::any_of(name.begin(), name.end(), control) || !is_utf8(name))
    return wrong("the name of a secret holds a control character or is no UTF-8");
  if (name.find_first_of("=,") != name.npos)
    return wrong("the name of a secret holds '=' or ','");  // not repeated: it may hold a value
  return {};
}

std::optional<std::string_view> open_vault::exactly(std::string_view group,
                                                    std::string_view name) const {
  auto const found = std::lower_bound(summaries_.begin(), summaries_.end(), std::tie(group, name),
                                      [](secret_summary const& s, auto const& wanted) {
                                        return std::tuple<std::string_view, std::string_view>(
                                                   s.group, s.name) < wanted;
                                      });
  if (found == summaries_.end() || found->group != group || found->name != name)
    return std::nullopt;
  return values_[static_cast<std::size_t>(found - summaries_.begin())];
}

std::optional<std::string_view> open_vault::find(std::string_view group,
                                                 std::string_view name) const {
  if (auto const own = exactly(group, name)) return own;
  return exactly({}, name);
}

encrypted_file::encrypted_file(fs::path path, std::function<std::int64_t()> now)
    : link_(path), path_(target_of(path)), now_(now ? std::move(now) : milliseconds_now) {}

bool encrypted_file::exists() const {
  std::error_code ignored;
  return fs::status(path_, ignored).type() != fs::file_type::not_found;
}

bool encrypted_file::is_expected() const {
  std::error_code ignored;
  return exists() || fs::is_symlink(link_, ignored);
}

result<std::string> encrypted_file::read() const {
  auto text = read_private_file(path_, "vault", largest);
  if (text || text.error().code != errc::not_found) return text;
  if (is_expected())
    return fail(errc::unavailable,
                fmt::format("the link to the vault leads to {}, where nothing is", path_.string()),
                "mount the disk that it is on; or make a new vault: thv-engine secret setup",
                link_.string());
  return fail(errc::not_found, "there is no vault for secrets yet",
              "make one: thv-engine secret setup", path_.string());
}

result<vault_header> encrypted_file::header() const {
  THV_TRY(auto const text, read());
  return read_vault_header(text, text.size(), path_.string());
}

result<void> encrypted_file::write(vault_header header, secret_key const& key,
                                   vault_contents const& contents) const {
  auto const plain = contents.text();
  if (header.key_location.size() > vault_header::largest_location)
    return fail(errc::invalid_argument, "the path of the key file is longer than 4096 bytes");
  if (plain.size() + tag_size + vault_header::fixed_size + header.key_location.size() > largest)
    return fail(errc::invalid_argument, "the vault would become larger than 32 MiB",
                "nothing was changed; delete what is not needed", path_.string());
  ::randombytes_buf(header.nonce.data(), header.nonce.size());
  header.check = key_check(key, header);
  header.contents = static_cast<std::uint32_t>(plain.size() + tag_size);
  auto text = write_vault_header(header);
  auto const clear = text.size();
  text.resize(clear + header.contents);
  auto const inner = contents_key(key, header);
  ::crypto_aead_xchacha20poly1305_ietf_encrypt(
      reinterpret_cast<unsigned char*>(text.data()) + clear, nullptr, plain.data(), plain.size(),
      bytes(text), clear, nullptr, header.nonce.data(), inner.bytes().data());
  remove_leftovers(path_);
  return store::detail::write_private_file(path_, text);
}

result<void> encrypted_file::create(vault_header header, secret_key const& key) const {
  start_sodium();
  THV_CHECK(config::make_private_directory(path_.parent_path()));
  THV_TRY(auto const lock, store::detail::lock_file(path_.string() + ".lock"));
  if (exists())
    return fail(errc::already_exists, "there is a vault already",
                "use it, or move it away to begin anew", path_.string());
  return write(std::move(header), key, vault_contents());
}

result<void> encrypted_file::check_owner() const {
  struct stat found {};
  if (::stat(path_.c_str(), &found) != 0 || found.st_uid == ::geteuid()) return {};
  // It and its lock would become ours, and its user could use them no more.
  return fail(errc::permission_denied,
              fmt::format("the vault belongs to another user (uid {})", found.st_uid),
              "nothing was changed; run the command as that user", path_.string());
}

result<void> encrypted_file::update(secret_key const& key, change const& apply) const {
  start_sodium();
  // Without the folder there is no vault, and no place for its lock.
  THV_CHECK(header());
  THV_CHECK(check_owner());
  THV_TRY(auto const lock, store::detail::lock_file(path_.string() + ".lock"));
  THV_TRY(auto const text, read());
  THV_TRY(auto found, read_vault_header(text, text.size(), path_.string()));
  THV_TRY(auto contents, decrypt(text, found, key, path_.string()));
  THV_CHECK(apply(contents));
  return write(std::move(found), key, contents);
}

result<open_vault> encrypted_file::open(secret_key const& key) const {
  THV_TRY(auto const text, read());
  THV_TRY(auto const header, read_vault_header(text, text.size(), path_.string()));
  THV_TRY(auto contents, decrypt(text, header, key, path_.string()));
  return std::move(contents).hand_out();
}

result<std::string> encrypted_file::get(secret_key const& key, std::string_view group,
                                        std::string_view name) const {
  THV_TRY(auto const vault, open(key));
  if (auto const value = vault.find(group, name)) return std::string(*value);
  return no_such_secret(group, name);
}

result<void> encrypted_file::set(secret_key const& key, std::string_view group,
                                 std::string_view name, std::string_view value) const {
  THV_CHECK(check_secret_name(name));
  if (!group.empty()) THV_CHECK(check_secret_name(group));
  if (value.empty()) return fail(errc::invalid_argument, "secret value cannot be empty");
  return update(key, [&](vault_contents& contents) -> result<void> {
    contents.set(group, name, value, now_());
    return {};
  });
}

result<void> encrypted_file::erase(secret_key const& key, std::string_view group,
                                   std::string_view name) const {
  return update(key, [&](vault_contents& contents) -> result<void> {
    if (!contents.erase(group, name)) return no_such_secret(group, name);
    return {};
  });
}

result<std::vector<std::string>> encrypted_file::erase_group(secret_key const& key,
                                                             std::string_view group) const {
  std::vector<std::string> names;
  if (group.empty()) return fail(errc::invalid_argument, "the name of the group is empty");
  THV_CHECK(update(key, [&](vault_contents& contents) -> result<void> {
    names = contents.erase_group(group);
    return {};
  }));
  return names;
}

result<void> encrypted_file::change_key(secret_key const& old_key, vault_header header,
                                        secret_key const& new_key) const {
  THV_CHECK(this->header());
  THV_CHECK(check_owner());
  THV_TRY(auto const lock, store::detail::lock_file(path_.string() + ".lock"));
  THV_TRY(auto const text, read());
  THV_TRY(auto const old_header, read_vault_header(text, text.size(), path_.string()));
  THV_TRY(auto const contents, decrypt(text, old_header, old_key, path_.string()));
  return write(std::move(header), new_key, contents);
}

}  // namespace thv::secrets
