// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <thv/plugin/runtime.hpp>

/// All that a runtime class must have, save `stop` and `inspect`.
struct almost_runtime {
  thv::result<thv::plugin::fingerprint> identify(thv::plugin::call const&);
  thv::result<thv::plugin::instance> deploy(thv::plugin::call const&,
                                            thv::plugin::workload_spec const&);
  thv::result<thv::plugin::instance> start(thv::plugin::call const&, std::string const&);
  thv::result<void> remove(thv::plugin::call const&, std::string const&);
  thv::result<std::vector<thv::plugin::instance>> list(thv::plugin::call const&);
};
