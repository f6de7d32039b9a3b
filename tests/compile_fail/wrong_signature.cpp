// SPDX-License-Identifier: Apache-2.0
// A member that returns something else is no member of a runtime.
#include <thv/plugin/export.hpp>

#include "plain_runtime.hpp"

struct my_runtime : almost_runtime {
  static thv::result<std::unique_ptr<my_runtime>> create(thv::plugin::host_context const&);
  thv::result<void> stop(thv::plugin::call const&, std::string const&);
#ifdef WRONG
  bool inspect(thv::plugin::call const&, std::string const&);
#else
  thv::result<thv::plugin::instance> inspect(thv::plugin::call const&, std::string const&);
#endif
};

THV_EXPORT_RUNTIME(my_runtime, "mine", "1.0.0");
