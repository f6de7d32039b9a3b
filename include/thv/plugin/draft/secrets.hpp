// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include <thv/plugin/runtime.hpp>

namespace thv::plugin {

/// For a runtime that keeps secrets itself (a cluster's Secret objects): the engine then hands it
/// names, never values. A runtime class derives from it and needs to do nothing else to be found. A
/// draft: it may change until a runtime has used it.
class THV_PLUGIN_INTERFACE secret_keeper {
 public:
  /// What `runtime::query` is asked for.
  static constexpr char interface_id[] = "thv.secrets/1";

  virtual ~secret_keeper() = default;

  /// Does the runtime have a secret of that name? errc::not_found with a hint how to make it.
  /// [thread-safe] [idempotent]
  virtual result<void> check_secret(call const& c, std::string const& name) noexcept = 0;
};

}  // namespace thv::plugin
