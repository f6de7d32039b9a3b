// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/json/value.hpp>
#include <cstddef>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include <thv/error.hpp>

namespace thv::clients {

/// A node of a YAML document with its place. Aliases are not followed.
struct yaml_node {
  enum class type { null, scalar, sequence, map, alias };
  type what = type::null;
  std::size_t begin = 0;  ///< its first byte; for a null that is not written, the next token's
  std::string value;      ///< of a scalar
  std::string tag;        ///< `?`: none, and plain; `!`: none, and in quotes or a block
  bool flow = false;      ///< in brackets
  std::string anchor;     ///< its name; of an alias: the name of what it stands for
  bool aliased = false;   ///< an alias uses the anchor
  yaml_node const* target = nullptr;       ///< of an alias
  std::vector<yaml_node const*> children;  ///< of a map: key, value, key, value, …
};

struct yaml_tree {
  std::deque<yaml_node> nodes;
  yaml_node const* root = nullptr;  ///< of the first document; null: there is none
  int documents = 0;                ///< 2: there are more than one
};

/// errc::invalid_argument with a place, also for what is nested in more than 100 levels.
result<yaml_tree> parse_yaml(std::string_view text);

/// The same values in the same order, whatever way they are written?
bool same(yaml_node const& a, yaml_node const& b);

/// Plain scalars by the core schema of YAML 1.2. Aliases of collections become `"*"`.
boost::json::value yaml_value(yaml_node const& node);

/// The text of a scalar or of an alias of one; empty for anything else.
std::string_view scalar_text(yaml_node const& node);

/// Is it the key `<<`, under which a map takes over the keys of another?
bool is_merge_key(yaml_node const& node);

/// Does the node hold an alias of a collection?
bool holds_alias(yaml_node const& node);

/// Does the node hold an anchor that an alias uses?
bool holds_used_anchor(yaml_node const& node);

}  // namespace thv::clients
