// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "../command.hpp"

// One function for each command; a noun's file holds its verbs.
namespace thv::cli {

[[nodiscard]] command group_command();
[[nodiscard]] command group_run_command();
[[nodiscard]] command group_delete_command();
[[nodiscard]] command group_rm_command();
[[nodiscard]] command group_move_command();
[[nodiscard]] command run_command();
[[nodiscard]] command list_command();
[[nodiscard]] command status_command();
[[nodiscard]] command stop_command();
[[nodiscard]] command start_command();
[[nodiscard]] command restart_command();
[[nodiscard]] command rm_command();
[[nodiscard]] command logs_command();
[[nodiscard]] command registry_command();
[[nodiscard]] command search_command();
[[nodiscard]] command runtime_command();
[[nodiscard]] command client_command();
[[nodiscard]] command gateway_command();
[[nodiscard]] command mcp_command();
[[nodiscard]] command proxy_command();
[[nodiscard]] command secret_command();
[[nodiscard]] command export_command();
[[nodiscard]] command version_command();
[[nodiscard]] command completion_command();
[[nodiscard]] command complete_command();

}  // namespace thv::cli
