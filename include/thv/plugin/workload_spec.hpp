// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <thv/model/permission_profile.hpp>
#include <thv/model/source.hpp>
#include <thv/model/transport.hpp>

namespace thv::plugin {

/// A bind mount. `source` is an absolute path on the engine's machine.
struct mount {
  std::string source;
  std::string target;
  bool read_only = true;

  friend bool operator==(mount const&, mount const&) = default;
};

/// Everything a runtime needs to make one instance of a workload. Values only, nothing to look up.
/// `environment` is complete and holds resolved secrets: it must reach the workload's environment
/// and nothing else (no log, label, argument, or error). The same holds for `secret_files`, which
/// must not be in its environment either.
struct workload_spec {
  std::string name;         ///< unique in the store, `^[a-zA-Z0-9._-]{1,100}$`
  std::string group;        ///< the group at creation
  std::string store;        ///< id of the store that owns the instance
  std::string config_hash;  ///< hash over the run config, for a label
  thv::source source;
  std::vector<std::string> arguments;
  thv::transport transport = thv::transport::stdio;
  std::string host = "127.0.0.1";    ///< address to publish an HTTP workload's port on
  std::uint16_t target_port = 0;     ///< port inside the workload; 0: the runtime chooses
  std::vector<std::string> publish;  ///< extra ports, `host-port:container-port`
  std::map<std::string, std::string> environment;
  /// `NAME,target=KEY` for each secret in `environment` or `headers`, `NAME,target=KEY,as=file` for
  /// those in `secret_files` (model/secret_reference.hpp): what a label or a record may hold.
  std::vector<std::string> secret_names;
  /// Variable → value of a secret. The workload finds the value in a file of its own, which is in
  /// memory only (a tmpfs), and the file's path in the variable. Variables are valid file names.
  /// A runtime whose fingerprint has no `secret_files` answers errc::unsupported. @since 0.2
  std::map<std::string, std::string> secret_files;
  std::map<std::string, std::string> labels;  ///< the user's own
  std::vector<mount> mounts;
  permission_profile permissions;
  std::map<std::string, std::string> headers;  ///< for `url` sources, resolved secrets included
  /// Instance that this one takes the place of, or empty. `deploy` stops it and takes over its
  /// name and ports but keeps it, so that `start` on it can bring it back and `remove` can end it.
  std::string replaces;
};

}  // namespace thv::plugin
