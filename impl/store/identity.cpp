// SPDX-License-Identifier: Apache-2.0
#include "identity.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <string_view>
#include <thv/store/keyed_hash.hpp>

#include "file.hpp"

namespace thv::store::detail {
namespace {

constexpr std::size_t id_digits = 32;
constexpr std::size_t key_digits = 64;
constexpr std::string_view layout = "id=\nkey=\n";

bool is_hex(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

}  // namespace

identity make_identity(std::string id) {
  return {id.empty() ? random_hex(id_digits / 2) : std::move(id), random_hex(key_digits / 2)};
}

result<std::optional<identity>> read_identity(std::filesystem::path const& path) {
  auto const text = read_small_file(path);
  if (!text) {
    if (errno == ENOENT || errno == ENOTDIR) return std::optional<identity>();
    return file_error("cannot read", path, errno);
  }
  auto const view = std::string_view(*text);
  if (view.size() == layout.size() + id_digits + key_digits) {
    identity who{std::string(view.substr(3, id_digits)), std::string(view.substr(40, key_digits))};
    if (is_hex(who.id) && is_hex(who.key) &&
        view == fmt::format("id={}\nkey={}\n", who.id, who.key))
      return std::optional(std::move(who));
  }
  return fail(errc::corrupt,
              fmt::format("{} is damaged: expected the store's id and its key", path.string()),
              fmt::format("restore {0} from a backup, or move it away: a new one is made, and "
                          "members with secrets are then restarted once",
                          path.string()));
}

result<void> write_identity(std::filesystem::path const& path, identity const& who) {
  return write_private_file(path, fmt::format("id={}\nkey={}\n", who.id, who.key));
}

}  // namespace thv::store::detail
