// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include <thv/error.hpp>

namespace thv::process {

/// More than this in a member's log and the oldest part is given back to the file system.
inline constexpr std::int64_t log_bound = 4 << 20;
/// So much of it stays then.
inline constexpr std::int64_t log_kept = 2 << 20;

/// Bounds a log that a running process appends to, without a process that stands between: the
/// oldest blocks become a hole in the file, so nothing is copied, no byte that is written
/// meanwhile is lost, and offsets of readers stay true. Where the file system has no holes, the
/// file is emptied. Called whenever the runtime looks at an instance.
void bound_log(std::string const& path, std::int64_t bound = log_bound,
               std::int64_t kept = log_kept);

/// Where to start reading for the last `lines` lines (0: for everything that is there).
[[nodiscard]] std::int64_t log_start(int fd, std::size_t lines);

/// Feeds the file from `*offset` to its present end, and advances `*offset`. False if the sink
/// said no.
[[nodiscard]] result<bool> feed_log(int fd, std::int64_t* offset,
                                    std::function<bool(std::string_view)> const& sink);

}  // namespace thv::process
