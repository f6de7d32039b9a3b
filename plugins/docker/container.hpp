// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "docker/api.hpp"

/// Steps on one container that several verbs take.
namespace thv::docker {

/// What is put between a replaced container's name and some hex digits.
inline constexpr char previous_mark[] = "-thv-previous-";

/// Whose a container is, for people: "belongs to the store X of another thv-engine".
[[nodiscard]] std::string owner_of(container const& c);

/// errc::conflict, if the container is not of `store`.
[[nodiscard]] result<void> check_owner(container const& c, std::string const& store);

/// Asks it to end, kills it when the call's time runs out (10 s at most). Stopped and missing ones
/// succeed.
[[nodiscard]] result<void> stop_container(api& engine, plugin::call const& c,
                                          std::string const& id);

/// Running ones succeed. errc::conflict for a taken port.
[[nodiscard]] result<void> start_container(api& engine, plugin::call const& c,
                                           std::string const& id, std::string const& name);

/// Kills and removes it with its anonymous volumes and waits until it is gone.
[[nodiscard]] result<void> force_remove(api& engine, plugin::call const& c, std::string const& id);

/// errc::conflict with whose it is, if the name is taken.
[[nodiscard]] result<void> rename_container(api& engine, plugin::call const& c,
                                            std::string const& id, std::string const& name);

/// The error for a name that another container holds.
[[nodiscard]] error name_taken(api& engine, plugin::call const& c, std::string const& name);

/// `digits` random hex digits.
[[nodiscard]] std::string random_hex(int digits);

}  // namespace thv::docker
