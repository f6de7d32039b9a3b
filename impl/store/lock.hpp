// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <string_view>

#include <thv/error.hpp>
#include <thv/plugin/runtime.hpp>
#include <thv/store/store.hpp>

namespace thv::store::detail {

/// Sleeps until `pause` or the deadline of the call is over, or a stop is requested.
void sleep(plugin::call const& c, std::chrono::steady_clock::duration pause);

/// A file name for any group name: what is not a-z, 0-9, `_` or `-` becomes `%XX`, and a name that
/// would be too long ends in its hash.
std::string lock_file_name(std::string_view group);

/// Takes an flock on a file in `directory`, which exists. Two locks of one group exclude each
/// other within a process too, since each opens the file for itself.
result<group_lock> take_group_lock(std::filesystem::path const& directory, std::string const& group,
                                   plugin::call const& c);

}  // namespace thv::store::detail
