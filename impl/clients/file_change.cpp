// SPDX-License-Identifier: Apache-2.0
#include "file_change.hpp"

#include <algorithm>
#include <utility>

#include "own_keys.hpp"

namespace thv::clients {

namespace fs = std::filesystem;

namespace {

/// Stands for the token in what the ledger keeps, since no secret is kept there.
constexpr std::string_view token_mark = "\x01token\x01";

void replace_all(std::string& text, std::string_view what, std::string_view by) {
  if (what.empty()) return;
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size()))
    text.replace(at, what.size(), by);
}

undo_notes with(undo_notes notes, std::string_view what, std::string_view by) {
  for (auto& [name, text] : notes.entries) replace_all(text, what, by);
  replace_all(notes.container, what, by);
  return notes;
}

bool holds_mark(undo_notes const& notes) {
  auto const marked = [](std::string const& text) { return text.find(token_mark) != text.npos; };
  return marked(notes.container) ||
         std::any_of(notes.entries.begin(), notes.entries.end(),
                     [&](auto const& one) { return marked(one.second); });
}

using entries_in_file = std::map<std::string, std::string>;

/// The token of an entry of ours, where the gateway's cannot be known.
std::string token_in(file_change const& p, entries_in_file const& in_file,
                     fingerprint_of const& fingerprint) {
  for (auto const& [name, ours] : p.before.entries) {
    auto const found = in_file.find(name);
    if (found == in_file.end()) continue;
    auto const parts = split(*p.what, found->second);
    if (!parts.token.empty() && ours.wrote(fingerprint(parts.own))) return parts.token;
  }
  return {};
}

/// The records of other clients that have the same file, by a link.
std::vector<client_record const*> sharing(file_change const& p, records const& all) {
  std::vector<client_record const*> others;
  std::error_code ignored;
  auto const file = fs::weakly_canonical(p.outcome.file, ignored);
  for (auto const& [client, record] : all) {
    if (client == p.outcome.client || record.entries.empty()) continue;
    if (fs::weakly_canonical(record.file, ignored) == file) others.push_back(&record);
  }
  return others;
}

/// What another client still has in this file stays, and what we wrote for it is no user's.
void mind_others(decision& d, file_change const& p, records const& all) {
  auto const has_theirs = [](auto const& one) { return one.second.theirs; };
  auto& after = d.after.entries;
  if (d.what.remove.empty() && std::none_of(after.begin(), after.end(), has_theirs)) return;
  for (auto const* const record : sharing(p, all)) {
    auto const& entries = record->entries;
    std::erase_if(d.what.remove, [&](auto const& name) { return entries.contains(name); });
    for (auto& [name, entry] : after)
      if (auto const same = entries.find(name); same != entries.end() && !same->second.theirs)
        entry.theirs = false;
  }
}

/// Nothing that is wanted stands there or will.
bool shows_nothing(decision const& d) {
  bool const any = std::any_of(d.entries.begin(), d.entries.end(),
                               [](auto const& e) { return e.wanted && e.is == standing::current; });
  bool const wants = std::any_of(d.entries.begin(), d.entries.end(), [](auto const& e) {
    return e.wanted && (e.is == standing::foreign || e.is == standing::changed);
  });
  return wants && !any && d.what.put.empty() && d.what.remove.empty();
}

/// The text to edit: of a file that there is not yet, what its client requires.
std::string text_of(file_change const& p, changes const& what) {
  if (p.file->existed() || what.put.empty()) return p.file->text();
  return std::string(p.what->preamble);
}

result<void> plan_edit(file_change& p, decision& d, entries_in_file const& in_file,
                       change_rules const& rules) {
  auto const& gateway = rules.gateway;
  auto const token =
      gateway.token_failure ? token_in(p, in_file, rules.fingerprint) : gateway.token;
  if (gateway.token_failure && token.empty() && holds_mark(p.before.notes))
    return *gateway.token_failure;
  auto notes = with(p.before.notes, token_mark, token);
  for (auto const& name : d.overwritten) notes.entries.erase(name);
  THV_TRY(auto done, edit(*p.what, text_of(p, d.what), d.what, notes));
  d.after.notes = with(done.notes, token, token_mark);
  p.edit = std::move(done);
  for (auto const& e : d.what.put) p.outcome.written.push_back(e.name);
  p.outcome.removed = d.what.remove;
  return {};
}

/// Folders around the file that we have made: now, or for another client's file.
void note_folders(client_record& after, file_change const& p, records const& all) {
  auto const file = p.outcome.file.string();
  std::set<std::string> folders(after.made_folders.begin(), after.made_folders.end());
  for (auto const& one : p.file->made_folders()) folders.insert(one.string());
  if (!p.file->existed())
    for (auto const& [client, record] : all)
      for (auto const& one : record.made_folders)
        if (file.starts_with(one + "/")) folders.insert(one);
  after.made_folders.assign(folders.begin(), folders.end());
}

}  // namespace

error at(error e, fs::path const& file) {
  if (e.where.empty())
    e.where = file.string();
  else if (e.where.find(file.string()) == std::string::npos)
    e.where = file.string() + ": " + e.where;
  return e;
}

bool file_change::collided() const {
  return outcome.failure && outcome.failure->code == errc::conflict;
}

file_change file_change::begun_anew() const {
  file_change anew;
  anew.what = what;
  anew.before = anew.after = before;
  anew.outcome.client = outcome.client;
  anew.outcome.file = outcome.file;
  anew.outcome.looks_in = outcome.looks_in;
  return anew;
}

void file_change::fail(error e) {
  outcome.failure = at(std::move(e), outcome.file);
  outcome.written.clear();
  outcome.removed.clear();
  edit.reset();
  file.reset();
  after = before;
}

result<void> prepare(plugin::call const& c, file_change& p, std::vector<served> const& wanted,
                     records const& all, change_rules const& rules) {
  if (wanted.empty() && p.before.entries.empty()) return {};
  auto opened = client_file::open(c, p.outcome.file);
  if (!opened) return std::move(opened).error();
  p.file.emplace(*std::move(opened));
  THV_TRY(auto const in_file, read_entries(*p.what, p.file->text()));
  auto const token = rules.gateway.known_token();
  auto d = decide(*p.what, in_file, wanted, token, p.before, rules.force, rules.fingerprint);
  mind_others(d, p, all);
  p.outcome.entries = d.entries;
  if (rules.must_show && shows_nothing(d))
    return thv::fail(errc::already_exists,
                     "it has entries of its own under the names of all these servers, which stay",
                     "'thv-engine client register --force' overwrites them until they are removed");
  bool const was_empty = p.before.entries.empty();
  d.after.notes = p.before.notes;
  if (was_empty) d.after.made_folders.clear();
  if (!d.what.put.empty() || !d.what.remove.empty()) THV_CHECK(plan_edit(p, d, in_file, rules));
  d.after.file = p.outcome.file.string();
  d.after.made_file = !p.file->existed() || (d.after.made_file && !was_empty);
  note_folders(d.after, p, all);
  if (p.edit) d.after.backed_up = !d.after.entries.empty();
  p.after = std::move(d.after);
  return {};
}

result<void> write(file_change& p, bool is_private) {
  if (!p.edit) return {};
  bool const ours_alone =
      p.edit->empty || (!p.what->preamble.empty() && p.edit->text == p.what->preamble);
  if (!ours_alone || !p.after.made_file || !p.after.entries.empty())
    return p.file->write(p.edit->text, is_private, !p.before.backed_up);
  THV_CHECK(p.file->erase({p.after.made_folders.begin(), p.after.made_folders.end()}));
  p.after.made_folders.clear();
  p.after.made_file = false;
  return {};
}

client_record either(client_record const& before, client_record const& after) {
  auto both = after;
  both.backed_up = before.backed_up;
  for (auto const& [name, entry] : before.entries) {
    auto const [place, only_before] = both.entries.emplace(name, entry);
    if (!only_before && place->second.fingerprint != entry.fingerprint)
      place->second.earlier = entry.fingerprint;
  }
  both.notes.entries.insert(before.notes.entries.begin(), before.notes.entries.end());
  if (both.notes.container.empty()) both.notes.container = before.notes.container;
  return both;
}

}  // namespace thv::clients
