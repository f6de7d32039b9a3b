// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "formats.hpp"
#include "layout.hpp"
#include "lines.hpp"
#include "toml_scan.hpp"
#include "toml_values.hpp"

namespace thv::clients {
namespace {

namespace json = boost::json;
using statement = toml_statement;

struct document {
  std::vector<statement> statements;
  json::object values;
};

result<document> parse(std::string_view text) {
  THV_CHECK(check_text(text));
  document d;
  THV_TRY(d.statements, scan_toml(text));
  THV_TRY(d.values, toml_values(text));
  return d;
}

bool listed(kind const& k) {
  return k.format == file_format::toml_array;
}

std::string name_of(json::value const& element) {
  auto const* const o = element.if_object();
  auto const* const name = o == nullptr ? nullptr : o->if_contains("name");
  return name != nullptr && name->is_string() ? std::string(name->get_string()) : std::string();
}

// --- How an entry is written ---

std::string key_text(std::string_view key) {
  auto const bare = !key.empty() && std::all_of(key.begin(), key.end(), is_bare_toml_key);
  return bare ? std::string(key) : quoted(key);
}

std::string inline_text(json::value const& value) {
  if (value.is_string()) return quoted(value.get_string());
  if (auto const* const array = value.if_array()) {
    std::string out;
    for (auto const& element : *array) out += (out.empty() ? "" : ", ") + inline_text(element);
    return "[" + out + "]";
  }
  if (!value.is_object()) return plain_text(value);
  std::string out;
  for (auto const& member : value.get_object())
    out +=
        (out.empty() ? "{ " : ", ") + key_text(member.key()) + " = " + inline_text(member.value());
  return out.empty() ? "{}" : out + " }";
}

std::string block_text(kind const& k, entry const& e, std::string_view line_end,
                       std::string_view indent) {
  auto const container = key_text(k.container.front());
  auto out = listed(k) ? fmt::format("{}[[{}]]", indent, container)
                       : fmt::format("{}[{}.{}]", indent, container, key_text(e.name));
  for (auto const& member : value_of(k, e))
    out += fmt::format("{}{}{} = {}", line_end, indent, key_text(member.key()),
                       inline_text(member.value()));
  return out;
}

// --- Where entries lie ---

// Statements that belong together: a table's header with the keys below it.
struct section {
  std::size_t first;  // index of the header
  std::size_t last;   // of the last key
  std::size_t begin;
  std::size_t end;
};

class toml_layout {
 public:
  toml_layout(kind const& k, std::string_view text, document const& d)
      : kind_(k), text_(text), document_(d), container_(k.container.front()) {}

  result<layout> find() {
    auto const* const value = document_.values.if_contains(container_);
    auto const tables =
        value == nullptr || (listed(kind_) ? value->is_array() : value->is_object());
    if (!tables)
      return cannot_edit(kind_, container_place(),
                         fmt::format("'{}' is expected to be {}", container_,
                                     listed(kind_) ? "an array of tables" : "a table"));
    for (auto const& s : document_.statements)
      if (s.what == statement::type::value && s.path.size() == 1 && s.path[0] == container_)
        return in_brackets(s, *value);
    listed(kind_) ? elements() : tables_by_name();
    out_.insert_at = end_of_container();
    out_.lines = 2;
    return std::move(out_);
  }

  [[nodiscard]] std::string indent() const { return indent_; }

 private:
  [[nodiscard]] std::string container_place() const {
    for (auto const& s : document_.statements)
      if (s.path.front() == container_) return place(text_, s.begin);
    return {};
  }

  // `mcp_servers = …` in one statement.
  result<layout> in_brackets(statement const& s, json::value const& value) {
    if (value.is_object()) {
      out_.missing =
          fmt::format("'{}' is an inline table, to which no table can be added", container_);
      out_.insert_at = s.begin;
      for (auto const& member : value.get_object())
        out_.items.push_back({std::string(member.key()), s.value, s.value_end,
                              sorted_compact(member.value()), "the entry is in an inline table"});
      return std::move(out_);
    }
    auto const places = toml_array_values(text_, s.value);
    auto const& array = value.get_array();
    if (places.size() != array.size())
      return cannot_edit(kind_, place(text_, s.value),
                         fmt::format("'{}' is expected to hold tables alone", container_));
    out_.between_commas = true;
    for (std::size_t i = 0; i < places.size(); ++i)
      out_.items.push_back(
          {name_of(array[i]), places[i].first, places[i].second, sorted_compact(array[i]), {}});
    out_.insert_at = s.value + 1;
    out_.comma = comma_like(text_, out_.items, s.value + 1);
    return std::move(out_);
  }

  void tables_by_name() {
    for (auto const& s : sections()) {
      auto const& path = document_.statements[s.first].path;
      if (path.size() > 1) add(path[1], s);
    }
    for (auto const& s : document_.statements)
      if (s.what == statement::type::value && s.path.size() > 1 && s.path[0] == container_)
        in_foreign_form(s);
    auto const* const values = document_.values.if_contains(container_);
    if (values == nullptr) return;
    for (auto& i : out_.items)
      if (auto const* const v = values->get_object().if_contains(i.name))
        i.value = sorted_compact(*v);
  }

  // A key of an entry (or a whole one) that does not stand below the entry's own header.
  void in_foreign_form(statement const& s) {
    if (below_own_header(s)) return;
    auto const found = find_item(s.path[1]);
    auto const why = fmt::format("'{}' is not written as a table of its own", s.path[1]);
    if (found == out_.items.end())
      out_.items.push_back({s.path[1], s.begin, s.end, {}, why});
    else
      found->obstacle = why;
  }

  [[nodiscard]] bool below_own_header(statement const& s) const {
    auto const index = static_cast<std::size_t>(&s - document_.statements.data());
    return index < header_of_.size() && header_of_[index] > 1;
  }

  void add(std::string const& name, section const& s) {
    auto const found = find_item(name);
    if (found == out_.items.end()) {
      out_.items.push_back({name, s.begin, s.end, {}, {}});
      last_of_.push_back(s.last);
    } else {
      extend(static_cast<std::size_t>(found - out_.items.begin()), s);
    }
  }

  void extend(std::size_t index, section const& s) {
    auto& i = out_.items[index];
    if (last_of_[index] + 1 != s.first)
      i.obstacle = fmt::format("the tables of '{}' do not stand together", i.name);
    i.end = s.end;
    last_of_[index] = s.last;
  }

  std::vector<item>::iterator find_item(std::string const& name) {
    return std::find_if(out_.items.begin(), out_.items.end(),
                        [&](item const& i) { return i.name == name; });
  }

  void elements() {
    auto const* const value = document_.values.if_contains(container_);
    if (value == nullptr) return;
    auto const& array = value->get_array();
    for (auto const& s : sections()) {
      auto const index = out_.items.size();
      if (document_.statements[s.first].path.size() > 1) {
        if (index > 0) extend(index - 1, s);
        continue;
      }
      if (index == array.size()) return;
      out_.items.push_back(
          {name_of(array[index]), s.begin, s.end, sorted_compact(array[index]), {}});
      last_of_.push_back(s.last);
    }
  }

  // The sections of the container. Notes for every statement how long the path of its header is if
  // that belongs to the container, and the indentation of the last one.
  std::vector<section> sections() {
    std::vector<section> found;
    auto const& all = document_.statements;
    header_of_.assign(all.size(), 0);
    auto inside = false;
    for (std::size_t i = 0; i < all.size(); ++i) {
      auto const& s = all[i];
      if (s.what != statement::type::value) {
        inside = s.path.front() == container_;
        if (inside) found.push_back({i, i, s.begin, s.end});
      }
      if (!inside) continue;
      header_of_[i] = all[found.back().first].path.size();
      found.back().end = s.end;
      found.back().last = i;
    }
    if (!found.empty()) {
      auto const begin = found.back().begin;
      indent_ = text_.substr(begin, skip_spaces(text_, begin) - begin);
      container_end_ = found.back().end;
    }
    return found;
  }

  // Behind the last table of the container, with the comments right below it unless they are
  // those of the next table.
  std::size_t end_of_container() {
    if (is_blank(text_)) return text_.size();
    if (!container_end_) return last_content(text_, text_.size());
    auto end = *container_end_;
    for (auto next = next_line(text_, end); next < text_.size(); next = next_line(text_, next)) {
      if (is_blank_line(text_, next)) return end;
      if (!is_comment_line(text_, next)) return *container_end_;
      end = line_end(text_, next);
    }
    return end;
  }

  kind const& kind_;
  std::string_view text_;
  document const& document_;
  std::string container_;
  layout out_;
  std::vector<std::size_t> header_of_;
  std::optional<std::size_t> container_end_;
  std::vector<std::size_t> last_of_;  // of every item: the index of its last statement
  std::string indent_;
};

// --- Whether only the entries have changed ---

// Takes the entries out of the values: what stays must not change.
std::map<std::string, json::value> take_out(kind const& k, json::object& values,
                                            std::set<std::string> const& names) {
  std::map<std::string, json::value> taken;
  auto* const value = values.if_contains(k.container.front());
  if (value == nullptr) return taken;
  if (auto* const o = value->if_object()) {
    for (auto const& name : names)
      if (auto const found = o->find(name); found != o->end()) {
        taken[name] = found->value();
        o->erase(found);
      }
    if (o->empty()) values.erase(k.container.front());
  } else if (auto* const a = value->if_array()) {
    auto const gone = std::stable_partition(
        a->begin(), a->end(), [&](auto const& e) { return !names.contains(name_of(e)); });
    for (auto i = gone; i != a->end(); ++i) taken[name_of(*i)] = *i;
    a->erase(gone, a->end());
    if (a->empty()) values.erase(k.container.front());
  }
  return taken;
}

result<void> check(kind const& k, json::object before, planned const& p, changes const& what) {
  auto after = parse(p.text);
  auto const changed = [&] {
    return cannot_edit(k, "", "something else in the file would change");
  };
  if (!after) return changed();
  std::set<std::string> names(what.remove.begin(), what.remove.end());
  for (auto const& e : what.put) names.insert(e.name);
  take_out(k, before, names);
  auto const taken = take_out(k, after->values, names);
  if (before != after->values) return changed();
  std::map<std::string, entry const*> put;
  for (auto const& e : what.put) put[e.name] = &e;
  for (auto const& name : names) {
    auto const found = taken.find(name);
    auto const wanted = put.find(name);
    auto const there = found != taken.end();
    if (wanted == put.end() ? there != p.restored.contains(name) : !there) return changed();
    if (wanted != put.end() && sorted_compact(found->second) != canonical(k, *wanted->second))
      return changed();
  }
  return {};
}

}  // namespace

result<std::map<std::string, std::string>> toml_read(kind const& k, std::string_view text) {
  THV_TRY(auto const d, parse(text));
  std::map<std::string, std::string> entries;
  auto const* const value = d.values.if_contains(k.container.front());
  if (value == nullptr) return entries;
  if (!listed(k) && value->is_object())
    for (auto const& member : value->get_object())
      entries[std::string(member.key())] = sorted_compact(member.value());
  if (listed(k) && value->is_array())
    for (auto const& element : value->get_array())
      if (auto const name = name_of(element); !name.empty())
        entries[name] = sorted_compact(element);
  return entries;
}

result<edited> toml_edit(kind const& k, std::string_view text, changes const& what,
                         undo_notes const& before) {
  THV_TRY(auto const d, parse(text));
  toml_layout finder(k, text, d);
  THV_TRY(auto const where, finder.find());
  auto const render = [&](entry const& e) {
    return where.between_commas ? inline_text(value_of(k, e))
                                : block_text(k, e, line_end_style(text), finder.indent());
  };
  auto p = plan_changes(k, text, where, what, before, render, true);
  if (!p) return std::move(p).error();
  auto checked = check(k, d.values, *p, what);
  if (!checked && !p->restored.empty()) {
    p = plan_changes(k, text, where, what, before, render, false);
    if (!p) return std::move(p).error();
    checked = check(k, d.values, *p, what);
  }
  if (!checked) return std::move(checked).error();
  auto const nothing = p->notes.entries.empty() && is_blank(p->text);
  return edited{std::move(p->text), std::move(p->notes), nothing};
}

std::string toml_document(kind const& k, std::vector<entry> const& entries) {
  std::string out;
  for (auto const& e : entries)
    out += (out.empty() ? "" : "\n") + block_text(k, e, "\n", "") + "\n";
  return out;
}

}  // namespace thv::clients
