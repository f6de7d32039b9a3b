# SPDX-License-Identifier: Apache-2.0
# thv_add_plugin(NAME SOURCES file... [NO_INSTALL]): the runtime plugin NAME, a library with the
# flags it needs. It exports one symbol, keeps its code mapped, is put into lib/thv/plugins of the
# build tree, and is installed where the host looks for plugins (not with NO_INSTALL). NAME is the
# plugin's name, as given to THV_EXPORT_RUNTIME. Installed with thv-engine for plugins elsewhere.
include(GNUInstallDirs)

function(thv_add_plugin name)
  cmake_parse_arguments(arg "NO_INSTALL" "" "SOURCES" ${ARGN})
  if(arg_UNPARSED_ARGUMENTS OR NOT arg_SOURCES)
    message(FATAL_ERROR "usage: thv_add_plugin(NAME SOURCES file... [NO_INSTALL])")
  endif()
  add_library(${name} MODULE ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE thv-engine::plugin)
  set(version_script ${CMAKE_CURRENT_BINARY_DIR}/${name}.version)
  file(WRITE ${version_script} "{ global: thv_plugin_descriptor; local: *; };\n")
  target_link_options(${name} PRIVATE
    -Wl,-z,nodelete -Wl,--version-script=${version_script})
  set_target_properties(${name} PROPERTIES LINK_DEPENDS ${version_script})
  # A sanitizer's own symbols come from the program that loads the plugin.
  if(NOT "${CMAKE_CXX_FLAGS} ${CMAKE_MODULE_LINKER_FLAGS}" MATCHES "-fsanitize")
    target_link_options(${name} PRIVATE -Wl,-z,defs)
  endif()
  set_target_properties(${name} PROPERTIES
    PREFIX "" SUFFIX ".so" CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON
    POSITION_INDEPENDENT_CODE ON
    LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/lib/thv/plugins)
  if(NOT arg_NO_INSTALL)
    install(TARGETS ${name} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/thv/plugins
      COMPONENT thv_program)
  endif()
endfunction()
