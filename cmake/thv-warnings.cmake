# SPDX-License-Identifier: Apache-2.0
# Warnings for our own code only, never for who links it: link `thv_warnings` privately.
add_library(thv_warnings INTERFACE)
target_compile_options(thv_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wnon-virtual-dtor -Woverloaded-virtual
  -Wno-missing-field-initializers)
