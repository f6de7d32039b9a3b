// SPDX-License-Identifier: Apache-2.0
// A class without stop() is no runtime, and the compiler says which member it misses.
#include <thv/plugin/export.hpp>

#include "plain_runtime.hpp"

struct my_runtime : almost_runtime {
  static thv::result<std::unique_ptr<my_runtime>> create(thv::plugin::host_context const&);
  thv::result<thv::plugin::instance> inspect(thv::plugin::call const&, std::string const&);
#ifndef WRONG
  thv::result<void> stop(thv::plugin::call const&, std::string const&);
#endif
};

THV_EXPORT_RUNTIME(my_runtime, "mine", "1.0.0");
