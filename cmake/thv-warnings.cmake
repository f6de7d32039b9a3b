# SPDX-License-Identifier: Apache-2.0
# Warnings for our own code only, never for who links it: link `thv_warnings` privately.
add_library(thv_warnings INTERFACE)
target_compile_options(thv_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wnon-virtual-dtor -Woverloaded-virtual
  -Wno-missing-field-initializers)
# GCC 12 sees overlapping copies in std::string's operator+ where there are none (PR 105651).
target_compile_options(thv_warnings INTERFACE
  $<$<AND:$<CXX_COMPILER_ID:GNU>,$<VERSION_LESS:$<CXX_COMPILER_VERSION>,13>>:-Wno-restrict>)
