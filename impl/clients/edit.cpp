// SPDX-License-Identifier: Apache-2.0
#include <thv/clients/edit.hpp>

#include "formats.hpp"

namespace thv::clients {
namespace {

struct functions {
  decltype(&json_read) read;
  decltype(&json_edit) edit;
  decltype(&json_document) document;
};

functions of(file_format format) {
  switch (format) {
    case file_format::toml_tables:
    case file_format::toml_array:
      return {toml_read, toml_edit, toml_document};
    case file_format::yaml_list:
    case file_format::yaml_map:
      return {yaml_read, yaml_edit, yaml_document};
    case file_format::json:
      break;
  }
  return {json_read, json_edit, json_document};
}

}  // namespace

std::string document_of(kind const& k, std::vector<entry> const& entries) {
  return of(k.format).document(k, entries);
}

result<std::map<std::string, std::string>> read_entries(kind const& k, std::string_view text) {
  return of(k.format).read(k, text);
}

std::string canonical(kind const& k, entry const& e) {
  return sorted_compact(value_of(k, e));
}

result<edited> edit(kind const& k, std::string_view text, changes const& what,
                    undo_notes const& before) {
  return of(k.format).edit(k, text, what, before);
}

}  // namespace thv::clients
