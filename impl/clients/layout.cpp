// SPDX-License-Identifier: Apache-2.0
#include "layout.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <map>
#include <optional>

#include "formats.hpp"
#include "lines.hpp"

namespace thv::clients {
namespace {

namespace json = boost::json;

// What one text of undo_notes says. Of an entry: the line ends that were written before it, or the
// foreign text that it replaced. Of the container: that we made it, and of which blank text.
struct note {
  std::optional<int> lines;
  std::optional<std::string> was;
  std::optional<std::string> blank;
};

std::optional<std::string> string_at(json::object const& o, std::string_view key) {
  auto const* const value = o.if_contains(key);
  if (value == nullptr || !value->is_string()) return {};
  return std::string(value->get_string());
}

// Notes that are none of ours say nothing.
note read_note(std::string_view text) {
  json::error_code code;
  auto const value = json::parse(json::string_view(text.data(), text.size()), code);
  if (code || !value.is_object()) return {};
  auto const& o = value.get_object();
  note n{{}, string_at(o, "was"), string_at(o, "blank")};
  auto const* const lines = o.if_contains("lines");
  if (lines != nullptr && lines->is_int64() && lines->get_int64() >= 0 && lines->get_int64() <= 9)
    n.lines = static_cast<int>(lines->get_int64());
  return n;
}

std::string write_note(note const& n) {
  json::object o;
  if (n.lines) o["lines"] = *n.lines;
  if (n.was) o["was"] = *n.was;
  if (n.blank) o["blank"] = *n.blank;
  return json::serialize(o);
}

std::string repeat(std::string_view text, int times) {
  std::string out;
  for (; times > 0; --times) out += text;
  return out;
}

// For an entry that nobody has noted: with the blank line before it, if one follows too.
int lines_before(std::string_view text, item const& i) {
  auto const start = byte_order_mark_size(text);
  if (i.begin <= start || line_begin(text, i.begin - 1) <= start) return 1;
  auto const after = next_line(text, i.end);
  auto const follows = after >= text.size() || is_blank_line(text, after);
  return follows && is_blank_line(text, i.begin - 1) ? 2 : 1;
}

class planner {
 public:
  planner(kind const& k, std::string_view text, layout const& where, undo_notes const& before,
          std::function<std::string(entry const&)> const& render, bool restore)
      : kind_(k), text_(text), where_(where), before_(before), render_(render), restore_(restore) {}

  result<planned> plan(changes const& what) {
    removed_.insert(what.remove.begin(), what.remove.end());
    ours_.insert(what.ours.begin(), what.ours.end());
    for (auto const& e : what.put) put_[e.name] = &e;
    for (auto const& i : where_.items) ++count_[i.name];
    gone_.resize(where_.items.size());
    for (std::size_t i = 0; i < where_.items.size(); ++i) THV_CHECK(change(i));
    std::vector<entry const*> added;
    for (auto const& e : what.put)
      if (!count_.contains(e.name) && put_.at(e.name) == &e) added.push_back(&e);
    if (!added.empty() && !where_.missing.empty())
      return cannot_edit(kind_, place(text_, where_.insert_at), where_.missing);
    if (where_.between_commas)
      splice_between_commas(added);
    else
      splice_lines(added);
    return finish(added);
  }

 private:
  result<void> change(std::size_t index) {
    auto const& i = where_.items[index];
    auto const put = put_.find(i.name);
    auto const known = before_.entries.find(i.name);
    auto const ours = !i.name.empty() && known != before_.entries.end();
    auto const removed = removed_.contains(i.name);
    if (i.name.empty() || (put == put_.end() && !removed)) {
      if (ours) out_.notes.entries.insert(*known);
      return {};
    }
    if (!i.obstacle.empty()) return cannot_edit(kind_, place(text_, i.begin), i.obstacle);
    if (count_.at(i.name) > 1)
      return cannot_edit(kind_, place(text_, i.begin),
                         fmt::format("there are several entries '{}'", i.name));
    if (put != put_.end() && ours && i.has_alias && i.value != canonical(kind_, *put->second))
      return cannot_edit(kind_, place(text_, i.begin), "somebody added an alias to the entry");
    if (put != put_.end())
      replace(i, *put->second, ours ? known->second : "");
    else
      remove(index, ours ? read_note(known->second) : note{});
    return {};
  }

  void replace(item const& i, entry const& e, std::string known) {
    if (known.empty()) {
      note n;
      if (!ours_.contains(i.name)) n.was = text_.substr(i.begin, i.end - i.begin);
      known = write_note(n);
    }
    out_.notes.entries[i.name] = std::move(known);
    if (i.value != canonical(kind_, e)) splices_.push_back({i.begin, i.end, render_(e)});
  }

  void remove(std::size_t index, note const& n) {
    auto const& i = where_.items[index];
    if (n.was && restore_) {
      splices_.push_back({i.begin, i.end, *n.was});
      out_.restored.insert(i.name);
      return;
    }
    gone_[index] = true;
    if (!where_.between_commas)
      splices_.push_back(
          cut_lines(text_, i.begin, i.end, n.lines ? *n.lines : lines_before(text_, i)));
  }

  [[nodiscard]] bool all_gone() const {
    return std::all_of(gone_.begin(), gone_.end(), [](bool gone) { return gone; });
  }

  // An entry goes with the comma before it, or with the one after it if nothing stays before it.
  void splice_between_commas(std::vector<entry const*> const& added) {
    auto const& items = where_.items;
    auto const none_stays = all_gone();
    auto stays_before = false;
    for (std::size_t i = 0; i < items.size(); ++i) {
      auto const last = i + 1 == items.size();
      if (!gone_[i])
        stays_before = true;
      else if (stays_before)
        splices_.push_back({items[i - 1].end, items[i].end, {}});
      else
        splices_.push_back({items[i].begin, last ? items[i].end : items[i + 1].begin, {}});
    }
    if (none_stays && added.empty() && !items.empty()) cut_last_comma();
    std::string text = where_.container;
    for (auto const* e : added) {
      if (!none_stays || e != added.front()) text += where_.comma;
      text += render_(*e);
      note_added(*e, {});
    }
    if (added.empty()) return;
    auto const at = items.empty() ? where_.insert_at
                    : none_stays  ? items.front().begin
                                  : items.back().end;
    splices_.push_back({at, at, text + where_.container_end});
  }

  void cut_last_comma() {
    auto at = where_.items.back().end;
    while (at < text_.size() && (is_space(text_[at]) || text_[at] == '#'))
      at = text_[at] == '#' ? line_end(text_, at) : at + 1;
    if (at < text_.size() && text_[at] == ',') splices_.push_back({at, at + 1, {}});
  }

  static bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

  void splice_lines(std::vector<entry const*> const& added) {
    if (added.empty()) return;
    auto const end_of_line = line_end_style(text_);
    auto const blank = is_blank(text_);
    auto const& c = where_.container;
    std::string text;
    if (!c.empty()) text = blank ? c : std::string(end_of_line) + c;
    for (auto const* e : added) {
      auto const first = text.empty() && blank;
      text += (first ? std::string() : repeat(end_of_line, where_.lines)) + render_(*e);
      note_added(*e, first ? 1 : where_.lines);
    }
    if (blank)
      splices_.push_back(
          {byte_order_mark_size(text_), text_.size(), text + std::string(end_of_line)});
    else
      splices_.push_back({where_.insert_at, where_.insert_at, std::move(text)});
  }

  void note_added(entry const& e, std::optional<int> lines) {
    note n;
    n.lines = lines;
    out_.notes.entries[e.name] = write_note(n);
  }

  // The container stays noted while one of our entries is in it.
  result<planned> finish(std::vector<entry const*> const& added) {
    auto const known = read_note(before_.container);
    auto const ours_left = !out_.notes.entries.empty();
    if (!added.empty() && (is_blank(text_) || !where_.container.empty())) {
      note n;
      if (!where_.container.empty()) n.lines = 1;
      if (is_blank(text_)) n.blank = std::string(text_);
      out_.notes.container = write_note(n);
    } else if (ours_left) {
      out_.notes.container = before_.container;
    } else if (known.lines && where_.made.possible && all_gone()) {
      auto const& made = where_.made;
      splices_.push_back(made.whole_lines ? cut_lines(text_, made.begin, made.end, *known.lines)
                                          : splice{made.begin, made.end, {}});
    }
    out_.text = without_first_lines(apply(text_, std::move(splices_)));
    if (!ours_left && known.blank && out_.text != text_ && is_blank(out_.text))
      out_.text = *known.blank;
    return std::move(out_);
  }

  // What stood first is gone: the blank lines after it would now be first.
  [[nodiscard]] std::string without_first_lines(std::string text) const {
    auto const start = byte_order_mark_size(text);
    auto const first = text_.substr(std::min(start, text_.size())).find_first_not_of("\r\n");
    auto const now = text.find_first_not_of("\r\n", start);
    if (first == 0) text.erase(start, (now == npos ? text.size() : now) - start);
    return text;
  }

  kind const& kind_;
  std::string_view text_;
  layout const& where_;
  undo_notes const& before_;
  std::function<std::string(entry const&)> const& render_;
  bool restore_;
  std::map<std::string, entry const*> put_;
  std::set<std::string> removed_;
  std::set<std::string> ours_;
  std::map<std::string, int> count_;
  std::vector<bool> gone_;
  std::vector<splice> splices_;
  planned out_;
};

}  // namespace

std::string comma_like(std::string_view text, std::vector<item> const& items, std::size_t inside) {
  if (items.empty()) return ", ";
  auto const last = items.back().begin;
  auto const begin = line_begin(text, last);
  if (begin < inside || skip_spaces(text, begin) != last) return ", ";
  return fmt::format(",{}{}", line_end_style(text), text.substr(begin, last - begin));
}

result<planned> plan_changes(kind const& k, std::string_view text, layout const& where,
                             changes const& what, undo_notes const& before,
                             std::function<std::string(entry const&)> const& render, bool restore) {
  return planner(k, text, where, before, render, restore).plan(what);
}

}  // namespace thv::clients
