// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <thv/error.hpp>
#include <thv/model/run_config.hpp>
#include <thv/registry/registry.hpp>

#include "command.hpp"

// From the flags of `run` to a run config.
namespace thv::cli {

/// Values of the flags of `run` that describe the workload.
struct run_flags {
  std::vector<std::string> what;  ///< server, image, package, URL or program
  std::vector<std::string> arguments;
  std::optional<std::string> name, group, transport, target_port, host, network;
  std::optional<std::string> permission_profile, runtime, from_config;
  std::vector<std::string> publish, env, env_files, secrets, volumes, labels;
  std::vector<std::string> forward_headers, forward_secret_headers;
  bool on_demand = false;
  std::optional<std::string> idle_timeout;
};

/// Those flags, for the command and for `--from-config`, beside which none may stand.
[[nodiscard]] std::vector<flag> run_flag_list(run_flags& into);

/// Chooses one of a server's packages; see registry::member_options.
using package_chooser = std::function<result<registry::package const*>(registry::server const&)>;

/// What a word means that is no package, URL or program: a registry server, else an image.
enum class word_kind { program, package, url, image, server_or_image };
[[nodiscard]] word_kind kind_of_word(std::string const& word);

/// The run config that the flags ask for. `documents` are searched for a server's name; `choose`
/// picks among its packages. errc::invalid_argument with ToolHive's texts where it has them.
[[nodiscard]] result<run_config> run_config_of(run_flags const& flags,
                                               std::vector<registry::document> const& documents,
                                               package_chooser const& choose);

/// Reads what `export` wrote. errc::invalid_argument with file and JSON pointer.
[[nodiscard]] result<run_config> run_config_from_file(std::string const& path);

}  // namespace thv::cli
