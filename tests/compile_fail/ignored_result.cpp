// SPDX-License-Identifier: Apache-2.0
// A result that nobody looks at is an error where warnings are.
#pragma GCC diagnostic error "-Wunused-result"
#include <thv/error.hpp>

thv::result<void> may_fail();

void test() {
#ifdef WRONG
  may_fail();
#else
  (void)may_fail();
#endif
}
