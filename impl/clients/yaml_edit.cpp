// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <map>
#include <set>

#include "formats.hpp"
#include "lines.hpp"
#include "yaml_layout.hpp"
#include "yaml_places.hpp"

namespace thv::clients {
namespace {

using type = yaml_node::type;

result<yaml_tree> parse(std::string_view text) {
  THV_CHECK(check_text(text));
  THV_TRY(auto tree, parse_yaml(text));
  if (auto const at = open_quotes(text, tree); at != npos)
    return fail(errc::invalid_argument, "not valid YAML: the quotes that begin here have no end",
                "correct the file at that place, then repeat", place(text, at));
  return tree;
}

// A document apart: what must stay, in its order, and the entries that may change.
struct parts {
  bool readable = true;  // the container is a collection of the right type, or not there
  std::vector<yaml_node const*> rest;
  std::vector<yaml_node const*> other_entries;
  std::map<std::string, yaml_node const*> entries;
};

class divider {
 public:
  divider(kind const& k, std::set<std::string> const& names)
      : key_(k.container.front()), listed_(k.format == file_format::yaml_list), names_(names) {}

  parts divide(yaml_tree const& d) {
    auto const* const root = d.root;
    if (d.documents > 1) out_.readable = false;
    if (root == nullptr || root->what == type::null) return std::move(out_);
    if (root->what != type::map) out_.readable = false;
    for (std::size_t i = 0; i + 1 < root->children.size(); i += 2) {
      auto const* const value = root->children[i + 1];
      if (scalar_text(*root->children[i]) == key_)
        container(*value);
      else
        out_.rest.insert(out_.rest.end(), {root->children[i], value});
    }
    return std::move(out_);
  }

 private:
  void container(yaml_node const& value) {
    if (value.what == type::null) return;
    if (value.what != (listed_ ? type::sequence : type::map)) {
      out_.readable = false;
      return;
    }
    auto const step = listed_ ? 1U : 2U;
    for (std::size_t i = 0; i + step <= value.children.size(); i += step) {
      auto const* const first = value.children[i];
      auto const name = listed_ ? yaml_element_name(*first) : std::string(scalar_text(*first));
      if (!name.empty() && names_.contains(name) && !is_merge_key(*first)) {
        out_.entries[name] = value.children[i + step - 1];
        continue;
      }
      for (std::size_t part = 0; part < step; ++part)
        out_.other_entries.push_back(value.children[i + part]);
    }
  }

  std::string key_;
  bool listed_;
  std::set<std::string> const& names_;
  parts out_;
};

bool all_same(std::vector<yaml_node const*> const& a, std::vector<yaml_node const*> const& b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (!same(*a[i], *b[i])) return false;
  return true;
}

result<void> check(kind const& k, yaml_tree const& old, planned const& p, changes const& what) {
  auto const changed = [&] {
    return cannot_edit(k, "", "something else in the file would change");
  };
  auto const now = parse(p.text);
  if (!now) return changed();
  std::set<std::string> names(what.remove.begin(), what.remove.end());
  for (auto const& e : what.put) names.insert(e.name);
  auto const before = divider(k, names).divide(old);
  auto const after = divider(k, names).divide(*now);
  if (!before.readable || !after.readable || !all_same(before.rest, after.rest) ||
      !all_same(before.other_entries, after.other_entries))
    return changed();
  std::map<std::string, entry const*> put;
  for (auto const& e : what.put) put[e.name] = &e;
  for (auto const& name : names) {
    auto const found = after.entries.find(name);
    auto const there = found != after.entries.end();
    auto const wanted = put.find(name);
    if (wanted == put.end() ? there != p.restored.contains(name) : !there) return changed();
    if (wanted != put.end() &&
        sorted_compact(yaml_value(*found->second)) != canonical(k, *wanted->second))
      return changed();
  }
  return {};
}

}  // namespace

result<std::map<std::string, std::string>> yaml_read(kind const& k, std::string_view text) {
  THV_TRY(auto const d, parse(text));
  std::map<std::string, std::string> entries;
  if (d.root == nullptr || d.root->what != type::map) return entries;
  auto const listed = k.format == file_format::yaml_list;
  for (std::size_t i = 0; i + 1 < d.root->children.size(); i += 2) {
    if (scalar_text(*d.root->children[i]) != k.container.front()) continue;
    auto const* value = d.root->children[i + 1];
    if (value->what == type::alias && value->target != nullptr) value = value->target;
    if (value->what != (listed ? type::sequence : type::map)) continue;
    auto const step = listed ? 1U : 2U;
    for (std::size_t n = 0; n + step <= value->children.size(); n += step) {
      auto const& first = *value->children[n];
      auto const name = listed ? yaml_element_name(first) : std::string(scalar_text(first));
      if (!name.empty() && !is_merge_key(first))
        entries[name] = sorted_compact(yaml_value(*value->children[n + step - 1]));
    }
  }
  return entries;
}

result<edited> yaml_edit(kind const& k, std::string_view text, changes const& what,
                         undo_notes const& before) {
  THV_TRY(auto const d, parse(text));
  THV_TRY(auto const found, find_yaml_layout(k, text, d, before));
  auto const render = [&](entry const& e) {
    return found.where.between_commas ? yaml_flow(k, e) : yaml_block(k, e, found.style);
  };
  auto p = plan_changes(k, text, found.where, what, before, render, true);
  if (!p) return std::move(p).error();
  auto checked = check(k, d, *p, what);
  if (!checked && !p->restored.empty()) {
    p = plan_changes(k, text, found.where, what, before, render, false);
    if (!p) return std::move(p).error();
    checked = check(k, d, *p, what);
  }
  if (!checked) return std::move(checked).error();
  auto const nothing = p->notes.entries.empty() && is_blank(p->text);
  return edited{std::move(p->text), std::move(p->notes), nothing};
}

std::string yaml_document(kind const& k, std::vector<entry> const& entries) {
  auto out = yaml_key(k.container.front()) + ":\n";
  for (auto const& e : entries) out += yaml_block(k, e, {}) + "\n";
  return out;
}

}  // namespace thv::clients
