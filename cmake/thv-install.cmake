# SPDX-License-Identifier: Apache-2.0
# What `cmake --install` puts where, and the package `find_package(thv-engine)` finds. Each library
# is an export set of its own, so that who asks for `plan` alone needs none of the others' packages.
# Two install components: `thv_program` (program, plugins) and `thv_development` (all the rest).
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

# The host looks for plugins beside the program, in the library folder that is installed to.
set_property(TARGET thv_engine APPEND PROPERTY COMPILE_DEFINITIONS
  THV_LIBRARY_FOLDER="${CMAKE_INSTALL_LIBDIR}")

# Headers that `impl/` gives to neither `plugin` nor `plan` belong to the compiled libraries.
file(GLOB_RECURSE headers CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/include/thv/*.hpp)
foreach(library thv_plugin thv_plan)
  get_target_property(taken ${library} HEADER_SET)
  list(REMOVE_ITEM headers ${taken})
endforeach()
set(net_headers ${headers})
list(FILTER net_headers INCLUDE REGEX "/include/thv/net/")
list(REMOVE_ITEM headers ${net_headers})
target_sources(thv_net PUBLIC FILE_SET HEADERS
  BASE_DIRS ${PROJECT_SOURCE_DIR}/include FILES ${net_headers})
set(gateway_headers ${headers})
list(FILTER gateway_headers INCLUDE REGEX "/include/thv/gateway/")
list(REMOVE_ITEM headers ${gateway_headers})
target_sources(thv_gateway PUBLIC FILE_SET HEADERS
  BASE_DIRS ${PROJECT_SOURCE_DIR}/include FILES ${gateway_headers})
set(clients_headers ${headers})
list(FILTER clients_headers INCLUDE REGEX "/include/thv/clients/")
list(REMOVE_ITEM headers ${clients_headers})
target_sources(thv_clients PUBLIC FILE_SET HEADERS
  BASE_DIRS ${PROJECT_SOURCE_DIR}/include FILES ${clients_headers})
target_sources(thv_engine PUBLIC FILE_SET HEADERS
  BASE_DIRS ${PROJECT_SOURCE_DIR}/include FILES ${headers})
unset(headers)
unset(net_headers)
unset(gateway_headers)
unset(clients_headers)
unset(taken)

# Every public header compiles alone (target all_verify_interface_header_sets, a test of ours).
if(PROJECT_IS_TOP_LEVEL)
  set_target_properties(thv_plugin thv_plan thv_net thv_engine thv_clients thv_gateway PROPERTIES
    VERIFY_INTERFACE_HEADER_SETS ON)
endif()

option(THV_INSTALL "Install thv-engine with this project" ${PROJECT_IS_TOP_LEVEL})
if(NOT THV_INSTALL)
  return()
endif()

set(thv_package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/thv-engine)
foreach(component plugin plan net engine clients gateway)
  set_target_properties(thv_${component} PROPERTIES EXPORT_NAME ${component})
  install(TARGETS thv_${component} EXPORT thv-engine-${component}
    ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT thv_development
    FILE_SET HEADERS DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT thv_development)
  install(EXPORT thv-engine-${component} FILE thv-engine-${component}.cmake
    NAMESPACE thv-engine:: DESTINATION ${thv_package_folder} COMPONENT thv_development)
endforeach()

set(thv_plugin_folder ${CMAKE_INSTALL_LIBDIR}/thv/plugins)
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/thv-engine-config.cmake.in
  ${PROJECT_BINARY_DIR}/cmake/thv-engine-config.cmake
  INSTALL_DESTINATION ${thv_package_folder} PATH_VARS thv_plugin_folder)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/cmake/thv-engine-config-version.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES
  ${PROJECT_BINARY_DIR}/cmake/thv-engine-config.cmake
  ${PROJECT_BINARY_DIR}/cmake/thv-engine-config-version.cmake
  ${CMAKE_CURRENT_LIST_DIR}/thv-add-plugin.cmake
  DESTINATION ${thv_package_folder} COMPONENT thv_development)

if(TARGET thv-engine)
  install(TARGETS thv-engine RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT thv_program)
endif()
