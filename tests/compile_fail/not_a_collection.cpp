// SPDX-License-Identifier: Apache-2.0
// What has no get() is no collection of runtimes.
#include <thv/plugin/collection.hpp>

struct mine {
  std::vector<std::string> names() const;
#ifndef WRONG
  thv::result<thv::plugin::runtime*> get(std::string const& name);
#endif
};

template <thv::runtime_collection Runtimes>
void use(Runtimes&);

void test(mine& runtimes) {
  use(runtimes);
}
