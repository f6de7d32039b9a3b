// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "layout.hpp"
#include "yaml_tree.hpp"
#include "yaml_write.hpp"

namespace thv::clients {

struct yaml_layout {
  layout where;
  yaml_style style;
};

/// Where the entries of a file lie and how they are written. `before` tells which are ours.
/// errc::unsupported for what cannot be edited.
result<yaml_layout> find_yaml_layout(kind const& k, std::string_view text, yaml_tree const& d,
                                     undo_notes const& before);

/// The name of an entry: of an element of a list what stands under `name`.
std::string yaml_element_name(yaml_node const& element);

}  // namespace thv::clients
