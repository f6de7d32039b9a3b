// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>

#include "session.hpp"

// The systemd user unit, with which the gateway returns after a reboot.
namespace thv::cli {

/// The file that this program was started from, also when it was replaced since.
[[nodiscard]] result<std::string> program_path();

/// A unit file. `KillMode=process`: stopping it leaves members alone.
[[nodiscard]] std::string unit_text(std::vector<std::string> const& command,
                                    std::map<std::string, std::string> const& environment);

/// Writes the unit, enables and starts it. False: there is no user systemd to tell; it is written.
[[nodiscard]] result<bool> enable_unit(session& s);
/// Disables and removes it. False: there was none.
[[nodiscard]] result<bool> disable_unit(session& s);
/// Starts it, if it is enabled for this state folder. False: it is not.
[[nodiscard]] result<bool> start_unit(session& s);

/// Where it lies: `~/.config/systemd/user/thv-engine-gateway.service`.
[[nodiscard]] result<std::filesystem::path> unit_path();

}  // namespace thv::cli
