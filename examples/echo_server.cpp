// SPDX-License-Identifier: Apache-2.0
#include "echo_server.hpp"

int main() {
  echo_server::serve(0, 1);
}
