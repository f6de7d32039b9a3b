// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <optional>
#include <set>
#include <thv/json/canonical.hpp>
#include <thv/json/pointer.hpp>

#include "formats.hpp"
#include "json_splice.hpp"
#include "json_style.hpp"
#include "json_text.hpp"

namespace thv::clients {

namespace json = boost::json;
using namespace json_text;

namespace {

// What was made around the entries: a text for `undo_notes::container`.
struct container_notes {
  std::optional<std::size_t> made;   // the first of the container's keys that we wrote
  std::optional<std::string> inner;  // of the object we wrote into, where that had no members
  std::optional<std::string> blank;  // the whole text from before, where that held no value
};

container_notes notes_from(std::string_view text) {
  container_notes notes;
  json::error_code code;
  json::parse_options options;
  options.allow_invalid_utf8 = true;  // of comments
  auto const value = json::parse(text, code, {}, options);
  if (code || !value.is_object()) return notes;
  auto const& object = value.get_object();
  if (auto const* made = object.if_contains("made"); made != nullptr && made->is_int64())
    notes.made = static_cast<std::size_t>(made->get_int64());
  auto const text_at = [&](std::string_view key) -> std::optional<std::string> {
    auto const* found = object.if_contains(key);
    if (found == nullptr || !found->is_string()) return std::nullopt;
    return std::string(found->get_string());
  };
  notes.inner = text_at("inner");
  notes.blank = text_at("blank");
  return notes;
}

std::string text_of(container_notes const& notes) {
  json::object object;
  if (notes.made) object["made"] = *notes.made;
  if (notes.inner) object["inner"] = *notes.inner;
  if (notes.blank) object["blank"] = *notes.blank;
  return object.empty() ? "" : json::serialize(object);
}

bool is_white(std::string_view text) {
  return text.find_first_not_of(" \t\r\n") == npos;
}

bool is_blank(std::string_view text) {
  return skip_trivia(text, 0) == text.size();
}

// An object for a text without any value. What stands in it stays before that.
std::string with_empty_object(std::string_view text) {
  std::string const newline = text.find("\r\n") != npos ? "\r\n" : "\n";
  std::string out(text);
  if (last_comment(text, 0, text.size()).in_line && !text.ends_with('\n')) out += newline;
  return out + "{}" + newline;
}

// Null for a text without any value.
result<json::value> parse_or_blank(std::string_view text) {
  if (!is_blank(text)) return parse(text);
  THV_CHECK(parse(with_empty_object(text)));  // its comments have an end
  return json::value();
}

std::string pointer_of(kind const& k, std::size_t levels) {
  std::string pointer;
  for (std::size_t i = 0; i < levels; ++i)
    pointer += "/" + thv::json::pointer_token(k.container[i]);
  return pointer;
}

result<void> expect_object(kind const& k, json::value const* value, std::size_t level) {
  if (value->is_object()) return {};
  return cannot_edit(k, pointer_of(k, level),
                     fmt::format("an object is expected here, not {}", name_of(*value)));
}

// The objects from the root to the container, as far as they exist.
struct chain {
  std::vector<object> objects;
  std::vector<std::size_t> members;  // of objects[i]: the one that holds objects[i + 1]

  [[nodiscard]] bool is_whole(kind const& k) const {
    return objects.size() == k.container.size() + 1;
  }
};

// `root`: the value of the text.
result<chain> find_chain(kind const& k, std::string_view text, json::value const* root) {
  chain found;
  auto at = skip_trivia(text, 0);
  for (std::size_t level = 0;; ++level) {
    THV_CHECK(expect_object(k, root, level));
    found.objects.push_back(scan_object(text, at));
    if (level == k.container.size()) return found;
    auto const index = found.objects.back().find(k.container[level]);
    root = root->get_object().if_contains(k.container[level]);
    if (index == npos || root == nullptr) return found;
    found.members.push_back(index);
    at = found.objects.back().members[index].value_begin;
  }
}

// One edit of one text, without a byte order mark.
class json_editing {
 public:
  json_editing(kind const& k, std::string_view text, changes const& what, undo_notes const& before)
      : kind_(k), text_(text), before_(before), made_before_(notes_from(before.container)) {
    for (auto const& e : what.put) put_[e.name] = &e;
    for (auto const& name : what.remove)
      if (put_.count(name) == 0) remove_.insert(name);
    ours_.insert(what.ours.begin(), what.ours.end());
  }

  result<edited> run() {
    THV_TRY(auto was, parse_or_blank(text_));
    if (was.is_null() && is_blank(text_)) {
      if (put_.empty()) return unchanged();
      made_.blank = std::string(text_);
      base_ = with_empty_object(text_);
    }
    json::value const empty_root(json::object_kind);
    THV_TRY(chain_, find_chain(kind_, base(), base_ ? &empty_root : &was));
    if (chain_.is_whole(kind_))
      plan_in_container(was);
    else if (put_.empty())
      made_ = made_before_;
    else
      plan_new_container();
    return finish(was);
  }

 private:
  [[nodiscard]] std::string_view base() const { return base_ ? *base_ : text_; }

  // Nothing of ours is in it.
  [[nodiscard]] edited unchanged() const {
    return {std::string(text_), undo_notes{}, is_white(text_)};
  }

  json::object const* container_in(json::value const& root) const {
    auto const* value = &root;
    for (auto const key : kind_.container) {
      auto const* object = value->if_object();
      value = object == nullptr ? nullptr : object->if_contains(key);
      if (value == nullptr) return nullptr;
    }
    return value->if_object();
  }

  // Keeps what is known of an entry of ours, or notes what a put one displaces.
  void note_entry(std::string const& name, std::string displaced) {
    auto const known = before_.entries.find(name);
    if (ours_.contains(name)) displaced.clear();
    notes_.entries[name] = known != before_.entries.end() ? known->second : std::move(displaced);
  }

  void plan_put(json::object const& was, object const& container, entry const& e,
                member_changes& members) {
    auto value = json::value(value_of(kind_, e));
    expected_[e.name] = value;
    auto const index = container.find(e.name);
    if (index == npos) {
      notes_.entries[e.name] = "";
      members.added.emplace_back(e.name, std::move(value));
      return;
    }
    auto const& m = container.members[index];
    note_entry(e.name, std::string(base().substr(m.value_begin, m.value_end - m.value_begin)));
    if (auto const* old = was.if_contains(e.name); old != nullptr && *old == value) return;
    auto const s = style_of_value(base(), chain_.objects[0], container, index);
    splices_.push_back({m.value_begin, m.value_end, render(value, s)});
  }

  // A displaced entry comes back; one that we added goes, as often as it is there.
  void plan_remove(object const& container, std::string const& name, member_changes& members) {
    auto const index = container.find(name);
    if (index == npos) return;
    auto const note = before_.entries.find(name);
    if (note != before_.entries.end() && !note->second.empty()) {
      if (auto old = parse(note->second)) {
        expected_[name] = *old;
        auto const& m = container.members[index];
        splices_.push_back({m.value_begin, m.value_end, note->second});
        return;
      }
    }
    expected_[name] = nullptr;
    for (std::size_t i = 0; i < container.members.size(); ++i)
      if (container.members[i].key == name) members.removed[i] = true;
  }

  void plan_in_container(json::value const& was) {
    auto const& container = chain_.objects.back();
    static json::object const nothing;
    auto const* values = container_in(was);
    member_changes members;
    members.removed.resize(container.members.size());
    made_ = made_before_;
    if (!made_.made) members.inner = made_.inner;
    for (auto const& [name, note] : before_.entries)
      if (container.find(name) != npos && remove_.count(name) == 0) notes_.entries[name] = note;
    for (auto const& name : remove_) plan_remove(container, name, members);
    for (auto const& [name, e] : put_)
      plan_put(values != nullptr ? *values : nothing, container, *e, members);
    if (notes_.entries.empty() && take_container_away(members)) return;
    if (container.members.empty() && !members.added.empty() && before_.container.empty())
      made_.inner = std::string(inner_of(container));
    plan_members(base(), chain_.objects[0], container, members, splices_);
  }

  [[nodiscard]] std::string_view inner_of(object const& o) const {
    return base().substr(o.open + 1, o.close - o.open - 1);
  }

  // Is everything in the container ours and about to go, and the container ours too?
  bool take_container_away(member_changes const& members) {
    if (!made_.made || *made_.made >= chain_.members.size()) return false;
    if (std::find(members.removed.begin(), members.removed.end(), false) != members.removed.end())
      return false;
    auto const level = *made_.made;
    for (auto i = level + 1; i < chain_.objects.size(); ++i) {
      auto const& o = chain_.objects[i];
      if (i + 1 < chain_.objects.size() && o.members.size() != 1) return false;
      if (!rest_without(base(), o, std::vector<bool>(o.members.size(), true)).empty()) return false;
    }
    member_changes parent;
    parent.removed.resize(chain_.objects[level].members.size());
    parent.removed[chain_.members[level]] = true;
    parent.inner = made_.inner;
    plan_members(base(), chain_.objects[0], chain_.objects[level], parent, splices_);
    return true;
  }

  void plan_new_container() {
    auto const level = chain_.objects.size() - 1;
    auto const& parent = chain_.objects.back();
    made_.made = level;
    if (!made_.blank) made_.blank = made_before_.blank;
    if (parent.members.empty()) made_.inner = std::string(inner_of(parent));
    json::object entries;
    for (auto const& [name, e] : put_) {
      entries[name] = value_of(kind_, *e);
      expected_[name] = entries[name];
      notes_.entries[name] = "";
    }
    json::value value = std::move(entries);
    for (auto i = kind_.container.size(); i > level + 1; --i)
      value = json::object{{kind_.container[i - 1], std::move(value)}};
    member_changes members;
    members.removed.resize(parent.members.size());
    members.added.emplace_back(std::string(kind_.container[level]), std::move(value));
    plan_members(base(), chain_.objects[0], parent, members, splices_);
  }

  result<edited> finish(json::value const& was) {
    auto text = apply(base(), std::move(splices_));
    auto const after = parse(text);
    if (!after) return cannot_edit(kind_, after.error().where, "the result would be no valid JSON");
    THV_CHECK(check_changes(kind_, was, *after, expected_));
    if (!notes_.entries.empty()) {
      notes_.container = text_of(made_);
    } else if (made_.blank && without_blanks(text) == without_blanks(*made_.blank) + "{}") {
      text = *made_.blank;
    }
    auto const empty = is_white(text);
    return edited{std::move(text), std::move(notes_), empty};
  }

  kind const& kind_;
  std::string_view text_;
  undo_notes const& before_;
  container_notes const made_before_;
  std::map<std::string, entry const*> put_;
  std::set<std::string> remove_;
  std::set<std::string> ours_;
  std::optional<std::string> base_;
  chain chain_;
  std::vector<splice> splices_;
  std::map<std::string, json::value> expected_;
  container_notes made_;
  undo_notes notes_;
};

}  // namespace

result<edited> json_edit(kind const& k, std::string_view text, changes const& what,
                         undo_notes const& before) {
  auto const mark = byte_order_mark(text);
  THV_TRY(auto done, json_editing(k, text.substr(mark), what, before).run());
  done.text.insert(0, text.substr(0, mark));
  return done;
}

result<std::map<std::string, std::string>> json_read(kind const& k, std::string_view text) {
  text.remove_prefix(byte_order_mark(text));
  std::map<std::string, std::string> entries;
  THV_TRY(auto root, parse_or_blank(text));
  if (is_blank(text)) return entries;
  auto const* value = &root;
  for (std::size_t level = 0; level <= k.container.size(); ++level) {
    THV_CHECK(expect_object(k, value, level));
    auto const* object = value->if_object();
    if (level == k.container.size())
      for (auto const& member : *object)
        entries[std::string(member.key())] = sorted_compact(member.value());
    else if (value = object->if_contains(k.container[level]); value == nullptr)
      break;
  }
  return entries;
}

std::string json_document(kind const& k, std::vector<entry> const& entries) {
  auto const made = json_edit(k, "", {entries, {}}, {});
  return made ? made->text : std::string();
}

}  // namespace thv::clients
