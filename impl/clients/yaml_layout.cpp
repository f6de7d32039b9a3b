// SPDX-License-Identifier: Apache-2.0
#include "yaml_layout.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "formats.hpp"
#include "lines.hpp"
#include "yaml_places.hpp"

namespace thv::clients {
namespace {

using type = yaml_node::type;

class finder {
 public:
  finder(kind const& k, std::string_view text, yaml_tree const& d, undo_notes const& before)
      : kind_(k),
        text_(text),
        document_(d),
        before_(before),
        key_(k.container.front()),
        listed_(k.format == file_format::yaml_list) {}

  result<yaml_layout> find() {
    style().line_end = line_end_style(text_);
    if (document_.documents > 1)
      return cannot_edit(kind_, "", "there are several documents in the file");
    auto const* const root = document_.root;
    end_ = end_of_document(text_, root);
    if (root == nullptr || root->what == type::null) {
      new_container(0);
      return std::move(out_);
    }
    if (root->what != type::map) return refuse(*root, "the document is expected to be a map");
    if (root->aliased) return refuse(*root, "the document is used as an alias");
    THV_TRY(auto const index, container_index(*root));
    learn_indentation(*root);
    if (index) {
      THV_CHECK(container(*root, *index));
    } else if (root->flow) {
      new_container_in_brackets(*root);
    } else {
      new_container(column_of_key(*root->children[0]));
    }
    return std::move(out_);
  }

 private:
  layout& where() { return out_.where; }
  yaml_style& style() { return out_.style; }

  [[nodiscard]] error refuse(yaml_node const& node, std::string_view why) const {
    return cannot_edit(kind_, place(text_, std::min(node.begin, text_.size())), why);
  }

  [[nodiscard]] std::size_t column_of(yaml_node const& n) const { return column(text_, n.begin); }

  // A key may stand behind `? `.
  [[nodiscard]] std::size_t column_of_key(yaml_node const& key) const {
    auto const line = line_begin(text_, key.begin);
    return std::min(skip_spaces(text_, line), key.begin) - line;
  }

  result<std::optional<std::size_t>> container_index(yaml_node const& root) const {
    std::optional<std::size_t> found;
    for (std::size_t i = 0; i < root.children.size(); i += 2) {
      if (scalar_text(*root.children[i]) != key_) continue;
      if (found) return refuse(*root.children[i], fmt::format("'{}' is there twice", key_));
      found = i;
    }
    return found;
  }

  // How far the file indents a map in a map, and a list under its key.
  void learn_indentation(yaml_node const& root) {
    if (root.flow) return;
    std::optional<std::size_t> width;
    std::optional<std::size_t> list;
    for (std::size_t i = 0; i + 1 < root.children.size(); i += 2) {
      auto const& value = *root.children[i + 1];
      if (value.flow || value.children.empty()) continue;
      auto const outer = column_of(*root.children[i]);
      auto const inner = column_of(value.what == type::map ? *value.children[0] : value);
      if (inner < outer) continue;
      auto& learned = value.what == type::map ? width : list;
      if (!learned) learned = inner - outer;
    }
    if (width && *width > 0 && *width <= 16) style().width = *width;
    list_indentation_ = list && *list <= 16 ? *list : style().width;
  }

  void new_container(std::size_t root_column) {
    where().insert_at = last_content_or_start();
    where().container = std::string(root_column, ' ') + yaml_key(key_) + ":";
    style().column = root_column + (listed_ ? list_indentation_ : style().width);
  }

  [[nodiscard]] std::size_t last_content_or_start() const {
    return is_blank(text_) ? text_.size() : last_content(text_, end_);
  }

  void new_container_in_brackets(yaml_node const& root) {
    where().between_commas = true;
    where().comma = ", ";
    where().container = fmt::format("{}{}: {}", root.children.empty() ? "" : ", ", yaml_key(key_),
                                    listed_ ? "[" : "{");
    where().container_end = listed_ ? "]" : "}";
    where().insert_at =
        root.children.empty()
            ? behind_bracket(root)
            : end_in_brackets(text_, root.children[root.children.size() - 2]->begin);
  }

  [[nodiscard]] std::size_t behind_bracket(yaml_node const& n) const {
    auto const at = text_.find_first_of("[{", n.begin);
    return at == npos ? text_.size() : at + 1;
  }

  result<void> container(yaml_node const& root, std::size_t index) {
    auto const& key = *root.children[index];
    auto const& value = *root.children[index + 1];
    if (value.what == type::alias) return refuse(value, fmt::format("'{}' is an alias", key_));
    if (value.aliased)
      return refuse(value, fmt::format("'{}' is used as an alias elsewhere", key_));
    made(root, index);
    auto const last = index + 2 >= root.children.size();
    limit_ = last ? end_ : line_begin(text_, root.children[index + 2]->begin);
    root_column_ = column_of(root.flow ? root : *root.children[0]);
    if (value.what == type::null) return empty_container(root, key, value);
    if (value.what != (listed_ ? type::sequence : type::map))
      return refuse(value,
                    fmt::format("'{}' is expected to be {}", key_, listed_ ? "a list" : "a map"));
    // Where an item without a value ends cannot be told.
    for (auto const* item : value.children)
      if (listed_ && item->what == type::null)
        return cannot_edit(kind_, place(text_, dash_of_empty(item->begin)),
                           fmt::format("an item of '{}' is empty; expected a map", key_));
    return value.flow ? in_brackets(value) : block(value);
  }

  // The parser finds nothing only where the next thing begins.
  [[nodiscard]] std::size_t dash_of_empty(std::size_t next) const {
    auto at = std::min(next, text_.size());
    while (at > 0 && (text_[at - 1] != '-' || skip_spaces(text_, line_begin(text_, at)) + 1 != at))
      --at;
    return at > 0 ? at - 1 : std::min(next, text_.size());
  }

  // What is cut if we have made the container and nothing is left in it.
  void made(yaml_node const& root, std::size_t index) {
    auto const& children = root.children;
    auto const begin = children[index]->begin;
    if (!root.flow) {
      auto const line = line_begin(text_, begin);
      auto const rest = text_.substr(begin, line_end(text_, begin) - begin);
      auto const ours = rest.substr(0, rest.find_last_not_of(" \t") + 1) == yaml_key(key_) + ":";
      where().made = {ours && skip_spaces(text_, line) == begin, true, line,
                      line_end(text_, begin)};
      return;
    }
    auto const end = end_in_brackets(text_, begin);
    if (index > 0)
      where().made = {true, false, end_in_brackets(text_, children[index - 2]->begin), end};
    else
      where().made = {true, false, begin, children.size() > 2 ? children[2]->begin : end};
  }

  result<void> empty_container(yaml_node const& root, yaml_node const& key,
                               yaml_node const& value) {
    auto const end = line_end(text_, key.begin);
    if (root.flow || value.begin < end)
      return refuse(key, fmt::format("'{}' is null; expected {}", key_,
                                     listed_ ? "a list or nothing" : "a map or nothing"));
    where().insert_at = end;
    style().column = root_column_ + (listed_ ? list_indentation_ : style().width);
    return {};
  }

  result<void> in_brackets(yaml_node const& value) {
    where().between_commas = true;
    where().insert_at = behind_bracket(value);
    auto const step = listed_ ? 1U : 2U;
    for (std::size_t i = 0; i + step <= value.children.size(); i += step) {
      auto const begin = value.children[i]->begin;
      add(value, i, begin, end_in_brackets(text_, begin));
    }
    where().comma = comma_like(text_, where().items, where().insert_at);
    return {};
  }

  result<void> block(yaml_node const& value) {
    auto const step = listed_ ? 1U : 2U;
    auto const& children = value.children;
    style().column = listed_ ? column_of(value) : column_of_key(*children[0]);
    learn_from_neighbours(value);
    std::vector<std::size_t> begins;
    for (std::size_t i = 0; i < children.size(); i += step)
      begins.push_back(listed_ ? dash_line(children[i]->begin)
                               : line_begin(text_, children[i]->begin));
    begins.push_back(limit_);
    for (std::size_t i = 0; i < children.size(); i += step)
      add_lines(value, i, begins[i / step], begins[i / step + 1]);
    where().insert_at = behind_comments(last_end_);
    where().lines = blank_between() ? 2 : 1;
    return {};
  }

  void add_lines(yaml_node const& container, std::size_t i, std::size_t begin, std::size_t limit) {
    auto const& last = *container.children[listed_ ? i : i + 1];
    auto const name = name_at(container, i);
    auto const ours = before_.entries.contains(name);
    auto const end = end_of_lines(text_, last, begin, limit, style().column, !ours);
    last_end_ = std::max(last_end_, end_of_lines(text_, last, begin, limit, style().column, true));
    add(container, i, begin, end);
    auto& added = where().items.back();
    auto const first = skip_spaces(text_, begin);
    if (listed_ ? first >= text_.size() || text_[first] != '-'
                : first != container.children[i]->begin)
      added.obstacle = "the entry does not begin its line";
  }

  std::string name_at(yaml_node const& container, std::size_t i) const {
    if (listed_) return yaml_element_name(*container.children[i]);
    auto const& key = *container.children[i];
    return std::string(is_merge_key(key) ? std::string_view() : scalar_text(key));
  }

  void add(yaml_node const& container, std::size_t i, std::size_t begin, std::size_t end) {
    auto const& value = *container.children[listed_ ? i : i + 1];
    item found{name_at(container, i), begin, end, sorted_compact(yaml_value(value)), {}};
    if (holds_used_anchor(value) || (!listed_ && holds_used_anchor(*container.children[i])))
      found.obstacle = "the entry holds an anchor that is used elsewhere";
    found.has_alias = holds_alias(value);
    if (value.what == type::alias) found.obstacle = "the entry is an alias";
    where().items.push_back(std::move(found));
  }

  // The dash of an element stands on its line, or alone on one before.
  [[nodiscard]] std::size_t dash_line(std::size_t at) const {
    auto const start = byte_order_mark_size(text_);
    for (auto line = line_begin(text_, std::min(at, text_.size()));;) {
      auto const first = skip_spaces(text_, line);
      if (first - line == out_.style.column && first < text_.size() && text_[first] == '-')
        return line;
      if (line <= start) return line;
      line = line_begin(text_, line - 1);
    }
  }

  void learn_from_neighbours(yaml_node const& value) {
    for (std::size_t i = 0; i < value.children.size(); ++i) {
      auto const& child = *value.children[i];
      if (child.what != type::map || child.flow || child.children.empty()) continue;
      auto const inner = column_of(*child.children[0]);
      if (inner <= style().column || inner - style().column > 16) continue;
      (listed_ ? style().dash : style().width) = inner - style().column;
      return;
    }
  }

  // Comments right below the last entry belong to it, unless they are those of what follows.
  [[nodiscard]] std::size_t behind_comments(std::size_t end) const {
    auto behind = end;
    for (auto at = next_line(text_, end); at < limit_; at = next_line(text_, at)) {
      if (is_blank_line(text_, at)) return behind;
      auto const indent = skip_spaces(text_, at) - at;
      if (!is_comment_line(text_, at) || indent < out_.style.column) break;
      behind = line_end(text_, at);
    }
    return out_.style.column > root_column_ || limit_ >= text_.size() ? behind : end;
  }

  [[nodiscard]] bool blank_between() const {
    auto const& items = out_.where.items;
    return items.size() > 1 && items.back().begin > 0 &&
           is_blank_line(text_, items.back().begin - 1);
  }

  kind const& kind_;
  std::string_view text_;
  yaml_tree const& document_;
  undo_notes const& before_;
  std::string key_;
  bool listed_;
  yaml_layout out_;
  std::size_t end_ = 0;
  std::size_t limit_ = 0;
  std::size_t root_column_ = 0;
  std::size_t list_indentation_ = 2;
  std::size_t last_end_ = 0;
};

}  // namespace

result<yaml_layout> find_yaml_layout(kind const& k, std::string_view text, yaml_tree const& d,
                                     undo_notes const& before) {
  return finder(k, text, d, before).find();
}

std::string yaml_element_name(yaml_node const& element) {
  auto const* n = &element;
  if (n->what == type::alias && n->target != nullptr) n = n->target;
  if (n->what != type::map) return {};
  for (std::size_t i = 0; i + 1 < n->children.size(); i += 2)
    if (scalar_text(*n->children[i]) == "name")
      return std::string(scalar_text(*n->children[i + 1]));
  return {};
}

}  // namespace thv::clients
