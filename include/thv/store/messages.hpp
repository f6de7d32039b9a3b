// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <thv/error.hpp>

// What every store answers in the same words.
namespace thv::store::messages {

inline constexpr std::string_view default_group = "default";

namespace detail {

inline std::string quoted(std::string_view text) {
  return "'" + std::string(text) + "'";
}

}  // namespace detail

inline error no_such_group(std::string_view name) {
  return fail(errc::not_found, "group " + detail::quoted(name) + " does not exist");
}

inline error group_exists(std::string_view name) {
  return fail(errc::already_exists, "group " + detail::quoted(name) + " already exists");
}

inline error group_is_default() {
  return fail(errc::invalid_argument, "the group 'default' cannot be deleted");
}

inline error group_not_empty(std::string_view name, std::string_view member) {
  return fail(errc::conflict, "group " + detail::quoted(name) + " still has the workload " +
                                  detail::quoted(member));
}

inline error no_such_workload(std::string_view name) {
  return fail(errc::not_found, "workload " + detail::quoted(name) + " does not exist");
}

inline error name_taken(std::string_view name, std::string_view group) {
  return fail(errc::already_exists, "workload with name " + detail::quoted(name) +
                                        " already exists in group " + detail::quoted(group));
}

inline error in_other_group(std::string_view name, std::string_view actual,
                            std::string_view expected) {
  return fail(errc::conflict, "workload " + detail::quoted(name) + " is in group " +
                                  detail::quoted(actual) + ", not in " + detail::quoted(expected));
}

inline error being_changed(std::string_view name) {
  return fail(errc::conflict,
              "workload " + detail::quoted(name) + " is being deployed or removed right now",
              "wait until the other command has ended, then repeat this one");
}

inline error no_such_operation(std::int64_t id) {
  return fail(errc::not_found,
              "operation " + std::to_string(id) + " is not open: another process has ended it");
}

inline error no_such_intent(std::int64_t id) {
  return fail(errc::not_found, "intent " + std::to_string(id) +
                                   " is not open: another process has ended its operation");
}

inline error waiting_cancelled(std::string_view group) {
  return fail(errc::cancelled, "cancelled while waiting for group " + detail::quoted(group));
}

/// `holder`: "thv-engine (pid 123)" or "another process".
inline std::string waiting(std::string_view holder, std::string_view group) {
  return "waiting for " + std::string(holder) + ", which is changing group " +
         detail::quoted(group);
}

inline error waited_too_long(std::string_view holder, std::string_view group) {
  return fail(
      errc::timeout,
      "group " + detail::quoted(group) + " is still being changed by " + std::string(holder),
      "wait until it has ended, then repeat the command");
}

}  // namespace thv::store::messages
