# SPDX-License-Identifier: Apache-2.0
# cmake -DBUILD=folder -DPREFIX=folder -P install.cmake: installs the build afresh.
file(REMOVE_RECURSE ${PREFIX})
execute_process(COMMAND ${CMAKE_COMMAND} --install ${BUILD} --prefix ${PREFIX}
  OUTPUT_VARIABLE output COMMAND_ERROR_IS_FATAL ANY)
