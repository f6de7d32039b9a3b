// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <string_view>

#include <thv/error.hpp>

/// What every store answers in the same words.
namespace thv::store::messages {

inline constexpr std::string_view default_group = "default";

inline error no_such_group(std::string_view name) {
  return fail(errc::not_found, fmt::format("group '{}' does not exist", name));
}

inline error group_exists(std::string_view name) {
  return fail(errc::already_exists, fmt::format("group '{}' already exists", name));
}

inline error group_is_default() {
  return fail(errc::invalid_argument, "the group 'default' cannot be deleted");
}

inline error group_not_empty(std::string_view name, std::string_view member) {
  return fail(errc::conflict, fmt::format("group '{}' still has the workload '{}'", name, member));
}

inline error no_such_workload(std::string_view name) {
  return fail(errc::not_found, fmt::format("workload '{}' does not exist", name));
}

inline error name_taken(std::string_view name, std::string_view group) {
  return fail(errc::already_exists,
              fmt::format("workload with name '{}' already exists in group '{}'", name, group));
}

inline error in_other_group(std::string_view name, std::string_view actual,
                            std::string_view expected) {
  return fail(errc::conflict,
              fmt::format("workload '{}' is in group '{}', not in '{}'", name, actual, expected));
}

inline error being_changed(std::string_view name) {
  return fail(errc::conflict,
              fmt::format("workload '{}' is being deployed or removed right now", name),
              "wait until the other command has ended, then repeat this one");
}

inline error no_such_operation(std::int64_t id) {
  return fail(errc::not_found,
              fmt::format("operation {} is not open: another process has ended it", id));
}

inline error no_such_intent(std::int64_t id) {
  return fail(errc::not_found,
              fmt::format("intent {} is not open: another process has ended its operation", id));
}

inline error waiting_cancelled(std::string_view group) {
  return fail(errc::cancelled, fmt::format("cancelled while waiting for group '{}'", group));
}

/// `holder`: "thv-engine (pid 123)" or "another process".
inline std::string waiting(std::string_view holder, std::string_view group) {
  return fmt::format("waiting for {}, which is changing group '{}'", holder, group);
}

inline error waited_too_long(std::string_view holder, std::string_view group) {
  return fail(errc::timeout, fmt::format("group '{}' is still being changed by {}", group, holder),
              "wait until it has ended, then repeat the command");
}

}  // namespace thv::store::messages
