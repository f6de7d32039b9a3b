// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include <thv/plugin/runtime.hpp>

namespace thv::plugin {

/// For a runtime that holds groups and membership itself (a cluster): there it is the truth, and
/// the engine reads it back, so that what others made shows too. A runtime class derives from it
/// and needs to do nothing else to be found. A draft: it may change until a runtime has used it.
class THV_PLUGIN_INTERFACE group_holder {
 public:
  /// What `runtime::query` is asked for.
  static constexpr char interface_id[] = "thv.groups/1";

  virtual ~group_holder() = default;

  /// Names of the groups that the runtime holds, sorted. [thread-safe] [idempotent]
  virtual result<std::vector<std::string>> groups(call const& c) noexcept = 0;
};

}  // namespace thv::plugin
