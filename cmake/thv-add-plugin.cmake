# SPDX-License-Identifier: Apache-2.0
# thv_add_plugin(NAME SOURCES file...): a runtime plugin library with the flags it needs. It exports
# one symbol, keeps its code mapped, and is put where the host looks for plugins.
function(thv_add_plugin name)
  cmake_parse_arguments(arg "" "" "SOURCES" ${ARGN})
  add_library(${name} MODULE ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE thv-engine::plugin)
  set(version_script ${CMAKE_CURRENT_BINARY_DIR}/${name}.version)
  file(WRITE ${version_script} "{ global: thv_plugin_descriptor; local: *; };\n")
  target_link_options(${name} PRIVATE
    -Wl,-z,nodelete -Wl,--version-script=${version_script})
  if(NOT CMAKE_CXX_FLAGS MATCHES "-fsanitize")
    target_link_options(${name} PRIVATE -Wl,-z,defs)
  endif()
  set_target_properties(${name} PROPERTIES
    PREFIX "" CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON
    LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/lib/thv/plugins)
endfunction()
