// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <boost/json/object.hpp>

#include <thv/model/permission_profile.hpp>
#include <thv/model/source.hpp>
#include <thv/model/transport.hpp>

namespace thv {

/// What a workload is to be: ToolHive's RunConfig (schema v0.1.0; reference §4), for the fields
/// that we support, under its JSON names. Fields that we do not know are kept in `unknown` and
/// written back. Secrets are references, never values.
struct run_config {
  std::string schema_version = "v0.1.0";
  std::string name;
  std::string group;
  /// Image reference, `npx://…`, `uvx://…` or `file:///…`; empty for remote workloads.
  std::string image;
  std::string remote_url;
  std::vector<std::string> cmd_args;
  thv::transport transport = thv::transport::streamable_http;
  std::string host = "127.0.0.1";
  std::uint16_t port = 0;         ///< gateway port; 0: none yet
  std::uint16_t target_port = 0;  ///< port inside the workload; 0: the runtime chooses
  std::vector<std::string> publish;
  std::string permission_profile_name_or_path;
  std::optional<thv::permission_profile> permission_profile;
  std::map<std::string, std::string> env_vars;
  std::vector<std::string> volumes;  ///< `host-path:container-path[:ro]`
  std::map<std::string, std::string> container_labels;
  std::vector<std::string> secrets;                      ///< `NAME,target=KEY[,as=file]`
  std::map<std::string, std::string> plaintext_headers;  ///< header_forward.add_plaintext_headers
  std::map<std::string, std::string> secret_headers;     ///< header → name of the secret
  std::string registry_url;
  std::string registry_server_name;
  std::string runtime;    ///< ours: runtime asked for; empty: chosen
  bool optional = false;  ///< ours: a failure does not fail the group
  /// Ours: started by the first request through the gateway, and stopped after `idle_timeout_ms`
  /// without one (0: never).
  bool on_demand = false;
  std::int64_t idle_timeout_ms = 0;
  boost::json::object unknown;

  /// Where the workload comes from: the URL of a remote one, else what `image` holds.
  [[nodiscard]] source origin() const {
    return parse_source(remote_url.empty() ? image : remote_url);
  }

  friend bool operator==(run_config const&, run_config const&) = default;
};

}  // namespace thv
