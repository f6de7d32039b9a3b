// SPDX-License-Identifier: Apache-2.0
#include <thv/clients/registrar.hpp>

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include <thv/clients/client_file.hpp>

namespace thv::clients {

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

std::set<std::string> names_of(std::vector<store::group_record> const& groups) {
  std::set<std::string> names;
  for (auto const& group : groups) names.insert(group.name);
  return names;
}

/// Errors carry the file they speak of.
error at(error e, std::filesystem::path const& file) {
  if (e.where.empty())
    e.where = file.string();
  else if (e.where.find(file.string()) == std::string::npos)
    e.where = file.string() + ": " + e.where;
  return e;
}

}  // namespace

/// One client's file and what is to become of it, under the file's lock.
struct registrar::pending {
  kind const* what = nullptr;
  client_outcome outcome;
  std::optional<client_file> file;
  client_record before;
  client_record after;
  std::optional<edited> edit;
};

namespace {

/// Another client may have the same file, by a link: what that one still has stays.
template <class Pending>
void keep_of_others(std::vector<std::string>& removed, Pending const& p, records const& all) {
  if (removed.empty()) return;
  std::error_code ignored;
  auto const file = std::filesystem::weakly_canonical(p.outcome.file, ignored);
  for (auto const& [client, record] : all) {
    if (client == p.outcome.client || record.entries.empty()) continue;
    if (std::filesystem::weakly_canonical(record.file, ignored) != file) continue;
    auto const& theirs = record.entries;
    std::erase_if(removed, [&](auto const& name) { return theirs.contains(name); });
  }
}

template <class Pending>
result<void> prepare(plugin::call const& c, Pending& p, std::vector<served> const& wanted,
                     records const& all, gateway_address const& gateway, bool force,
                     fingerprint_of const& hash) {
  if (wanted.empty() && p.before.entries.empty()) return {};
  auto opened = client_file::open(c, p.outcome.file);
  if (!opened) return std::move(opened).error();
  p.file.emplace(*std::move(opened));
  THV_TRY(auto const in_file, read_entries(*p.what, p.file->text()));
  auto decided = decide(*p.what, in_file, wanted, gateway.token, p.before, force, hash);
  keep_of_others(decided.what.remove, p, all);
  p.outcome.entries = std::move(decided.entries);
  decided.after.notes = p.before.notes;
  if (!decided.what.put.empty() || !decided.what.remove.empty()) {
    auto notes = with(p.before.notes, token_mark, gateway.token);
    for (auto const& name : decided.overwritten) notes.entries.erase(name);
    THV_TRY(auto done, edit(*p.what, p.file->text(), decided.what, notes));
    decided.after.notes =
        gateway.token.empty() ? done.notes : with(done.notes, gateway.token, token_mark);
    p.edit = std::move(done);
    for (auto const& e : decided.what.put) p.outcome.written.push_back(e.name);
    p.outcome.removed = decided.what.remove;
  }
  decided.after.file = p.outcome.file.string();
  if (p.before.entries.empty()) decided.after.made_file = !p.file->existed();
  if (p.edit) decided.after.backed_up = !decided.after.entries.empty();
  p.after = std::move(decided.after);
  return {};
}

/// The token makes a file private.
template <class Pending>
result<void> write(Pending& p, bool is_private) {
  if (!p.edit) return {};
  if (p.edit->empty && p.before.made_file && p.after.entries.empty()) return p.file->erase();
  return p.file->write(p.edit->text, is_private, !p.before.backed_up);
}

template <class Pending>
void failed(Pending& p, error e) {
  p.outcome.failure = at(std::move(e), p.outcome.file);
  p.outcome.written.clear();
  p.outcome.removed.clear();
  p.edit.reset();
  p.file.reset();
  p.after = p.before;
}

template <class Pending>
bool collided(Pending const& p) {
  return p.outcome.failure && p.outcome.failure->code == errc::conflict;
}

template <class Pending>
Pending begun_anew(Pending const& p) {
  Pending anew;
  anew.what = p.what;
  anew.before = anew.after = p.before;
  anew.outcome.client = p.outcome.client;
  anew.outcome.file = p.outcome.file;
  return anew;
}

/// All that may stand in a file when it is written in a moment.
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

}  // namespace

result<void> check_groups(std::vector<std::string> const& groups, membership const& now) {
  auto const known = names_of(now.groups);
  for (auto const& group : groups)
    if (!known.contains(group))
      return fail(errc::not_found, fmt::format("group '{}' does not exist", group),
                  "use 'thv-engine group list' to see available groups");
  return {};
}

std::vector<served> served_to(std::set<std::string> const& groups, membership const& m,
                              gateway_address const& gateway) {
  std::vector<served> all;
  for (auto const& w : m.workloads)
    if (groups.contains(w.group) && w.phase == store::phase::present && w.wanted_running &&
        w.readiness == "ready")
      all.push_back({w.name, w.group, fmt::format("{}/servers/{}/mcp", gateway.url, w.name)});
  return all;
}

/// A change that has begun: the lock of the files, and what there is.
struct registrar::begun {
  std::shared_ptr<void> lock;
  records saved;  ///< as the ledger has them
  records all;    ///< as they are to be
  situation seen;
};

registrar::registrar(registrar_options options)
    : options_(std::move(options)), ledger_(options_.state_folder) {}

bool registrar::has_clients() const {
  std::error_code ignored;
  return std::filesystem::exists(ledger_.path(), ignored);
}

result<registrar::begun> registrar::begin(plugin::call const& c,
                                          std::vector<std::string> const& clients,
                                          std::vector<std::string> const& groups,
                                          situation_source const& look) const {
  for (auto const& client : clients) THV_CHECK(find_kind(client));
  begun b;
  THV_TRY(b.lock, ledger_.lock(c));
  THV_TRY(b.saved, ledger_.load());
  THV_TRY(b.seen, look());
  THV_CHECK(check_groups(groups, b.seen.now));
  b.all = b.saved;
  return b;
}

result<std::vector<client_outcome>> registrar::sync(plugin::call const& c,
                                                    situation_source const& look) const {
  if (!has_clients()) return std::vector<client_outcome>();
  THV_TRY(auto now, begin(c, {}, {}, look));
  std::set<std::string> which;
  auto const known = names_of(now.seen.now.groups);
  for (auto& [name, record] : now.all) {
    which.insert(name);
    std::erase_if(record.groups, [&](auto const& group) { return !known.contains(group); });
  }
  return bring_up_to_date(c, std::move(now), which, false);
}

result<std::vector<client_outcome>> registrar::add(plugin::call const& c,
                                                   std::vector<std::string> const& clients,
                                                   std::vector<std::string> const& groups,
                                                   situation_source const& look, bool force) const {
  THV_TRY(auto now, begin(c, clients, groups, look));
  for (auto const& client : clients) now.all[client].groups.insert(groups.begin(), groups.end());
  return bring_up_to_date(c, std::move(now), {clients.begin(), clients.end()}, force);
}

result<std::vector<client_outcome>> registrar::remove(plugin::call const& c,
                                                      std::vector<std::string> const& clients,
                                                      std::vector<std::string> const& groups,
                                                      situation_source const& look) const {
  THV_TRY(auto now, begin(c, clients, groups, look));
  std::set<std::string> which;
  for (auto const& client : clients) {
    auto const found = now.all.find(client);
    if (found == now.all.end()) continue;
    which.insert(client);
    if (groups.empty()) found->second.groups.clear();
    for (auto const& group : groups) found->second.groups.erase(group);
  }
  return bring_up_to_date(c, std::move(now), which, false);
}

/// First the ledger with all that may be in the files in a moment, then the files, then the ledger
/// as it is: who is killed in between leaves nothing that is not known.
result<std::vector<client_outcome>> registrar::bring_up_to_date(plugin::call const& c, begun now,
                                                                std::set<std::string> const& which,
                                                                bool force) const {
  auto const& saved = now.saved;
  auto const& seen = now.seen;
  auto const& gateway = seen.gateway;
  auto current = now.all;
  auto const prepare_one = [&](pending& p) -> result<void> {
    THV_CHECK(prepare(c, p, served_to(p.before.groups, seen.now, gateway), current, gateway, force,
                      options_.fingerprint));
    current[p.outcome.client] = p.after;
    return {};
  };
  auto work = pending_of(now.all, which);
  auto before = now.all;
  bool edits = false;
  for (auto& p : work) {
    if (auto const ready = prepare_one(p); !ready) failed(p, ready.error());
    edits = edits || p.edit;
    before[p.outcome.client] = either(p.before, p.after);
  }
  if (edits && before != saved) THV_CHECK(ledger_.save(before));
  for (auto& p : work) {
    if (auto const done = write(p, !gateway.token.empty()); !done) failed(p, done.error());
    p.file.reset();
  }
  // Those whose client has just written the file itself, or that share one with another client.
  for (auto& p : work)
    for (int tries = 0; collided(p) && tries < 3; ++tries) {
      p = begun_anew(p);
      auto done = prepare_one(p);
      if (done) done = write(p, !gateway.token.empty());
      if (!done) failed(p, done.error());
      p.file.reset();
    }
  std::vector<client_outcome> outcomes;
  for (auto& p : work) {
    now.all[p.outcome.client] = std::move(p.after);
    outcomes.push_back(std::move(p.outcome));
  }
  if (now.all != (edits ? before : saved)) THV_CHECK(ledger_.save(now.all));
  return outcomes;
}

std::vector<registrar::pending> registrar::pending_of(records const& all,
                                                      std::set<std::string> const& which) const {
  std::vector<pending> work;
  for (auto const& name : which) {
    auto const k = find_kind(name);
    if (!k) continue;  // of a newer thv-engine
    pending p;
    p.what = *k;
    p.before = p.after = all.at(name);
    p.outcome.client = name;
    // Where our entries are already, they are kept and taken out.
    p.outcome.file = p.before.entries.empty() ? config_file(**k, options_.home, options_.on)
                                              : std::filesystem::path(p.before.file);
    work.push_back(std::move(p));
  }
  return work;
}

result<std::vector<client_view>> registrar::view(std::vector<std::string> const& clients,
                                                 membership const& now,
                                                 gateway_address const& gateway) const {
  for (auto const& client : clients) THV_CHECK(find_kind(client));
  THV_TRY(auto const all, ledger_.load());
  std::vector<client_view> views;
  for (auto const& k : kinds()) {
    if (!clients.empty() && std::find(clients.begin(), clients.end(), k.name) == clients.end())
      continue;
    client_view v;
    v.what = &k;
    v.file = config_file(k, options_.home, options_.on);
    v.installed = is_installed(k, options_.home, options_.on);
    auto const record = all.find(std::string(k.name));
    if (record != all.end()) {
      v.groups = record->second.groups;
      if (!record->second.entries.empty()) v.file = record->second.file;
      auto const text = client_file::read(v.file);
      auto const in_file = text ? read_entries(k, *text) : text.error();
      if (in_file)
        v.entries = decide(k, *in_file, served_to(v.groups, now, gateway), gateway.token,
                           record->second, false, options_.fingerprint)
                        .entries;
      else
        v.failure = at(in_file.error(), v.file);
    }
    views.push_back(std::move(v));
  }
  return views;
}

}  // namespace thv::clients
