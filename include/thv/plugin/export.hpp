// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <thv/plugin/adapter.hpp>
#include <thv/plugin/descriptor.hpp>

/// Exports `type` (a plain class, see the concept `plugin::runtime_class`) as the plugin `name` of
/// `version`. Once for each library, at namespace scope.
#define THV_EXPORT_RUNTIME(type, name, version)                                                  \
  static_assert(::thv::plugin::runtime_class<type>,                                              \
                #type " is no runtime: the notes name the member that is missing or differs");   \
  extern "C" __attribute__((                                                                     \
      visibility("default"))) constinit ::thv::plugin::descriptor const thv_plugin_descriptor {  \
    sizeof(::thv::plugin::descriptor), ::thv::plugin::abi_major, ::thv::plugin::abi_minor,       \
        ::thv::plugin::build_fingerprint, name, version, ::thv::plugin::capabilities_of<type>(), \
        &::thv::plugin::create_runtime<type>                                                     \
  }
