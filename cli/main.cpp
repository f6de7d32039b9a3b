// SPDX-License-Identifier: Apache-2.0
#include "app.hpp"

int main(int count, char** arguments) {
  return thv::cli::run_program(count, arguments);
}
