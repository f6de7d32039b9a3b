// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <numeric>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <boost/json/value.hpp>

#include <thv/error.hpp>
#include <thv/json/parse.hpp>
#include <thv/json/reader.hpp>
#include <thv/registry/finding.hpp>
#include <thv/registry/read_entry.hpp>
#include <thv/registry/read_upstream.hpp>
#include <thv/registry/registry.hpp>
#include <thv/registry/schema.hpp>

namespace thv::registry {

struct read_options {
  /// The document is a file on this machine: entries may name programs (`file:///path`).
  bool local = false;
  /// So many warnings are kept; a last one counts the rest.
  std::size_t max_warnings = 100;
  /// So many servers and groups may be in a document; more is an error.
  std::size_t max_entries = 100'000;
  json::limits limits = {};
};

namespace detail {

[[nodiscard]] inline bool has_control_character(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

/// Walks a document. Each step returns false when reading has to stop.
class document_reader {
 public:
  document_reader(read_options const& options, findings& found)
      : options_(options), found_(found) {}

  bool read_root(json::reader const& root, document& into) {
    if (auto ok = root.expect_object(); !ok) return found_.add(std::move(ok).error());
    auto const data = root.find("data");
    bool const upstream = data && data->value().is_object();
    check_root(root, upstream, found_);
    if (upstream && !(read_members(*data, into.servers) && read_groups(*data, into.groups)))
      return false;
    std::vector<server> rest;
    if (!read_members(root, upstream ? rest : into.servers) || !read_groups(root, into.groups))
      return false;
    std::move(rest.begin(), rest.end(), std::back_inserter(into.servers));
    sort_by_name(into.servers);
    sort_by_name(into.groups);
    return true;
  }

 private:
  /// Sorts positions, then moves each (large) entry once.
  template <class T>
  static void sort_by_name(std::vector<T>& list) {
    std::vector<std::size_t> order(list.size());
    std::iota(order.begin(), order.end(), std::size_t(0));
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return list[a].name < list[b].name; });
    std::vector<T> sorted;
    sorted.reserve(list.size());
    for (auto const i : order) sorted.push_back(std::move(list[i]));
    list = std::move(sorted);
  }

  bool read_groups(json::reader const& owner, std::vector<group>& into) {
    auto const list = owner.find("groups");
    if (!list) return true;
    if (auto ok = list->expect_array(); !ok) return found_.add(std::move(ok).error());
    auto const count = list->value().get_array().size();
    if (!count_entries(*list, count)) return false;
    for (std::size_t i = 0; i < count; ++i)
      if (!read_group(list->element(i), into)) return false;
    return true;
  }

  bool read_group(json::reader const& item, std::vector<group>& into) {
    group g;
    g.pointer = item.pointer();
    auto const head = [&]() -> result<void> {
      THV_CHECK(item.expect_object());
      THV_CHECK(item.read("name", g.name));
      THV_CHECK(item.read("description", g.description));
      if (g.name.empty()) return item.fail_at("name", "missing");
      if (has_control_character(g.name))
        return item.fail_at("name", "name with a control character");
      if (!group_names_.insert(g.name).second)
        return item.fail_at("name", "duplicate group name " + thv::detail::quoted(g.name));
      return {};
    };
    if (auto ok = head(); !ok) return found_.add(std::move(ok).error());
    check_group(item, found_);
    if (!read_members(item, g.servers)) return false;
    sort_by_name(g.servers);
    into.push_back(std::move(g));
    return true;
  }

  /// `servers` and `remote_servers` of the document or of a group, each an object or an array.
  bool read_members(json::reader const& owner, std::vector<server>& into) {
    std::unordered_set<std::string> names;
    for (bool const remote : {false, true}) {
      auto const list = owner.find(remote ? "remote_servers" : "servers");
      if (!list) continue;
      auto const* object = list->value().if_object();
      auto const* array = list->value().if_array();
      auto const count = object != nullptr ? object->size() : array != nullptr ? array->size() : 0;
      if (!count_entries(*list, count)) return false;
      into.reserve(into.size() + count);
      names.reserve(names.size() + count);
      if (object != nullptr) {
        for (auto const& member : *object)
          if (!read_server(list->child(member.key(), member.value()), member.key(), remote, names,
                           into))
            return false;
      } else if (array != nullptr) {
        for (std::size_t i = 0; i < array->size(); ++i)
          if (!read_server(list->element(i), {}, remote, names, into)) return false;
      } else if (!found_.add(list->wrong("an object or an array"))) {
        return false;
      }
    }
    return true;
  }

  /// `key` is the entry's name in the object form; in the array form, where it is empty, the entry
  /// itself says it.
  bool read_server(json::reader const& entry, std::string_view key, bool remote,
                   std::unordered_set<std::string>& names, std::vector<server>& into) {
    bool const upstream = is_upstream(entry.value());
    if (upstream && !is_latest(entry)) return true;
    auto read = upstream && entry.has("server")
                    ? read_body(entry, *entry.find("server"), key, remote, upstream)
                    : read_body(entry, entry, key, remote, upstream);
    if (!read) return found_.add(std::move(read).error());
    if (!names.insert(read->name).second)
      return found_.add(entry.fail("duplicate server name " + thv::detail::quoted(read->name),
                                   "each name may stand once in a group"));
    into.push_back(*std::move(read));
    return true;
  }

  result<server> read_body(json::reader const& entry, json::reader const& body,
                           std::string_view key, bool remote, bool upstream) {
    THV_CHECK(entry.expect_object());
    std::string name(key);
    if (name.empty()) THV_CHECK(body.read("name", name));
    if (name.empty()) return body.fail_at("name", "missing");
    if (has_control_character(name)) return entry.fail("name with a control character");
    if (upstream) {
      check_server_json(body, found_);
      return read_server_json(entry, body, name, found_);
    }
    check_entry(entry, name, remote, found_);
    return read_entry(entry, name, remote, options_.local);
  }

  /// Bounds the memory that many tiny entries would take. False: stop, whatever else is wanted.
  bool count_entries(json::reader const& list, std::size_t count) {
    entries_ += count;
    if (entries_ <= options_.max_entries) return true;
    found_.add(list.fail(fmt::format("more than {} servers and groups", options_.max_entries)));
    return false;
  }

  read_options const& options_;
  findings& found_;
  std::size_t entries_ = 0;
  std::unordered_set<std::string> group_names_;
};

/// Reads into a document and records everything found, the first error or all of them.
[[nodiscard]] inline document read_into(std::string_view text, std::string_view origin,
                                        read_options const& options, findings& found) {
  document d;
  d.origin = origin;
  auto value = json::parse(text, origin, options.limits);
  if (!value) {
    found.add(std::move(value).error());
    return d;
  }
  document_reader(options, found).read_root(json::reader(*value, d.origin), d);
  return d;
}

}  // namespace detail

/// Reads a registry document in any known format: ToolHive's, with `servers` and `remote_servers`
/// as objects or arrays, at the top level and in `groups[]`; and the upstream one, with the same
/// under `data`. Stops at the first error, whose `where` is `origin: /json/pointer`. Everything
/// that running does not need becomes a warning.
[[nodiscard]] inline result<document> read(std::string_view text, std::string_view origin,
                                           read_options const& options = {}) {
  detail::findings found(false, options.max_warnings);
  auto d = detail::read_into(text, origin, options, found);
  for (auto const& f : found.list()) {
    if (f.severity == severity::error) return f.problem;
    d.warnings.push_back(to_string(f));
  }
  if (found.left_out() != 0)
    d.warnings.push_back(fmt::format("{}: and {} more warnings", origin, found.left_out()));
  return d;
}

}  // namespace thv::registry
