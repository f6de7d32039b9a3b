// SPDX-License-Identifier: Apache-2.0
#include "json_splice.hpp"

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <iterator>

#include "json_style.hpp"

namespace thv::clients::json_text {

std::string apply(std::string_view text, std::vector<splice> splices) {
  std::stable_sort(splices.begin(), splices.end(),
                   [](splice const& a, splice const& b) { return a.begin < b.begin; });
  std::string out;
  out.reserve(text.size() + 4096);
  std::size_t at = 0;
  for (auto const& s : splices) {
    out.append(text.substr(at, s.begin - at)).append(s.text);
    at = s.end;
  }
  return out.append(text.substr(at));
}

std::string without_blanks(std::string_view text) {
  std::string out;
  std::copy_if(text.begin(), text.end(), std::back_inserter(out),
               [](char c) { return c != ' ' && c != '\t' && c != '\r' && c != '\n'; });
  return out;
}

namespace {

// May what follows `at` come to stand in a line that ends in a `//` comment?
bool line_is_over(std::string_view text, std::size_t at) {
  auto const next = text.find_first_not_of(" \t\r", at);
  return next == npos || text[next] == '\n' || text.substr(next, 2) == "//";
}

// Where the white space before a member begins that goes with it: its indentation and one line
// end, unless that ends a comment and something would get into it.
std::size_t begin_of_removal(std::string_view text, object const& o, std::size_t index) {
  auto const& m = o.members[index];
  auto const previous = index == 0 ? o.open : o.members[index - 1].comma;
  auto const comment = last_comment(text, previous + 1, m.key_begin);
  auto begin = m.key_begin;
  while (begin > comment.at && (text[begin - 1] == ' ' || text[begin - 1] == '\t')) --begin;
  if (begin == comment.at || text[begin - 1] != '\n') return begin;
  auto line_end = begin - 1;
  if (line_end > comment.at && text[line_end - 1] == '\r') --line_end;
  auto const after = m.comma == npos ? m.value_end : m.comma + 1;
  if (comment.in_line && line_end <= comment.at && !line_is_over(text, after)) return begin;
  return line_end;
}

void plan_removals(std::string_view text, object const& o, std::vector<bool> const& removed,
                   std::vector<splice>& splices) {
  for (std::size_t i = 0; i < o.members.size(); ++i) {
    if (!removed[i]) continue;
    auto const& m = o.members[i];
    splices.push_back({begin_of_removal(text, o, i), m.value_end, ""});
    if (m.comma != npos) splices.push_back({m.comma, m.comma + 1, ""});
  }
}

std::string added_text(member_changes const& what, style const& s, bool trailing_comma) {
  std::string text;
  for (auto const& [key, value] : what.added) {
    if (!text.empty()) text += ',';
    text += s.lead + boost::json::serialize(boost::json::string(key)) + s.colon + render(value, s);
  }
  if (trailing_comma) text += ',';
  return text;
}

void plan_additions(std::string_view text, object const& root, object const& o,
                    member_changes const& what, std::vector<splice>& splices) {
  auto const* last = o.members.empty() ? nullptr : &o.members.back();
  auto const trailing_comma = last != nullptr && last->comma != npos;
  auto const begin = last == nullptr  ? o.open + 1
                     : trailing_comma ? last->comma + 1
                                      : last->value_end;
  auto s = style_of_new(text, root, o);
  if (last != nullptr) s.tail.clear();
  auto place = last_comment(text, begin, o.close);
  auto end = place.at;
  if (last == nullptr && place.at == begin) {
    end = o.close;  // nothing but white space, which the notes keep
  } else if (last == nullptr) {
    // The comments of an empty object stay before ours.
    if (text.substr(place.at, o.close - place.at).find('\n') != npos)
      s.tail.clear();
    else
      end = place.at = o.close;
  }
  if (place.in_line && s.lead.find('\n') == npos) s.lead = s.newline + s.indent;
  splices.push_back({place.at, end, added_text(what, s, trailing_comma) + s.tail});
}

// The last member that stays; npos: none.
std::size_t last_kept(std::vector<bool> const& removed) {
  for (auto i = removed.size(); i > 0; --i)
    if (!removed[i - 1]) return i - 1;
  return npos;
}

}  // namespace

std::string rest_without(std::string_view text, object const& o, std::vector<bool> const& removed) {
  std::vector<splice> removals;
  plan_removals(text, o, removed, removals);
  for (auto& s : removals) s.begin -= o.open + 1, s.end -= o.open + 1;
  return without_blanks(apply(text.substr(o.open + 1, o.close - o.open - 1), removals));
}

void plan_members(std::string_view text, object const& root, object const& o,
                  member_changes const& what, std::vector<splice>& splices) {
  auto const kept = last_kept(what.removed);
  auto const some_removed =
      std::find(what.removed.begin(), what.removed.end(), true) != what.removed.end();
  if (what.added.empty() && !some_removed) return;
  auto const wanted = what.inner.value_or("");
  if (what.added.empty() && kept == npos &&
      rest_without(text, o, what.removed) == without_blanks(wanted)) {
    splices.push_back({o.open + 1, o.close, wanted});
    return;
  }
  plan_removals(text, o, what.removed, splices);
  if (kept != npos) {
    auto const& m = o.members[kept];
    auto const had_trailing_comma = o.members.back().comma != npos;
    if (!what.added.empty() && m.comma == npos) splices.push_back({m.value_end, m.value_end, ","});
    if (what.added.empty() && m.comma != npos && !had_trailing_comma)
      splices.push_back({m.comma, m.comma + 1, ""});
  }
  if (!what.added.empty()) plan_additions(text, root, o, what, splices);
}

}  // namespace thv::clients::json_text
