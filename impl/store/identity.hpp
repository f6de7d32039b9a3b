// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include <thv/error.hpp>

namespace thv::store::detail {

/// Which store this is: kept beside the database in a file of its own, so that the database can be
/// lost and rebuilt.
struct identity {
  std::string id;   ///< 32 hexadecimal digits
  std::string key;  ///< 64 hexadecimal digits
};

/// `id` if it is given (of a database that lost its identity file), else a new one; a new key.
identity make_identity(std::string id = {});

/// nullopt if there is no such file; errc::corrupt if it holds something else.
result<std::optional<identity>> read_identity(std::filesystem::path const& path);

result<void> write_identity(std::filesystem::path const& path, identity const& who);

}  // namespace thv::store::detail
