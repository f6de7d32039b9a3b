// SPDX-License-Identifier: Apache-2.0
#include <thv/clients/registrar.hpp>

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include <thv/clients/client_file.hpp>

#include "file_change.hpp"

namespace thv::clients {

namespace {

std::set<std::string> names_of(std::vector<store::group_record> const& groups) {
  std::set<std::string> names;
  for (auto const& group : groups) names.insert(group.name);
  return names;
}

client_record record_in(records const& all, std::string const& client) {
  auto const found = all.find(client);
  return found == all.end() ? client_record() : found->second;
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

/// How a command changes files.
struct registrar::rules {
  bool force = false;
  bool must_show = false;     ///< as of `change_rules`
  bool needs_token = true;    ///< it fails as a whole where the token cannot be had
  bool undoes_groups = true;  ///< a client with a failure stays registered as it was
};

std::filesystem::path registrar::file_of(kind const& k) const {
  return config_file(k, options_.home, options_.on, options_.moved);
}

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
  rules how;
  how.undoes_groups = false;
  return bring_up_to_date(c, std::move(now), which, how);
}

result<std::vector<client_outcome>> registrar::add(plugin::call const& c,
                                                   std::vector<std::string> const& clients,
                                                   std::vector<std::string> const& groups,
                                                   situation_source const& look, bool force) const {
  THV_TRY(auto now, begin(c, clients, groups, look));
  for (auto const& client : clients) {
    auto& record = now.all[client];
    record.groups.insert(groups.begin(), groups.end());
    if (record.entries.empty()) record.file = file_of(**find_kind(client)).string();
  }
  rules how;
  how.force = force;
  how.must_show = true;
  return bring_up_to_date(c, std::move(now), {clients.begin(), clients.end()}, how);
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
  rules how;
  how.needs_token = false;
  return bring_up_to_date(c, std::move(now), which, how);
}

/// First the ledger with all that may be in the files in a moment, then the files, then the ledger
/// as it is: who is killed in between leaves nothing that is not known.
result<std::vector<client_outcome>> registrar::bring_up_to_date(plugin::call const& c, begun now,
                                                                std::set<std::string> const& which,
                                                                rules const& how) const {
  auto const& saved = now.saved;
  auto const& gateway = now.seen.gateway;
  if (how.needs_token && gateway.token_failure) return *gateway.token_failure;
  change_rules const rules{gateway, how.force, how.must_show, options_.fingerprint};
  bool const is_private = !gateway.token.empty() || gateway.token_failure;
  auto current = now.all;
  auto const prepare_one = [&](file_change& p) -> result<void> {
    THV_CHECK(prepare(c, p, served_to(p.before.groups, now.seen.now, gateway), current, rules));
    current[p.outcome.client] = p.after;
    return {};
  };
  auto work = changes_of(now.all, which);
  auto before = now.all;
  bool edits = false;
  for (auto& p : work) {
    if (auto const ready = prepare_one(p); !ready) p.fail(ready.error());
    edits = edits || p.edit;
    before[p.outcome.client] = either(p.before, p.after);
  }
  if (edits && before != saved) THV_CHECK(ledger_.save(before));
  for (auto& p : work) {
    if (auto const done = write(p, is_private); !done) p.fail(done.error());
    p.file.reset();
  }
  for (auto& p : work)
    for (int tries = 0; p.collided() && tries < 3; ++tries) {
      p = p.begun_anew();
      auto done = prepare_one(p);
      if (done) done = write(p, is_private);
      if (!done) p.fail(done.error());
      p.file.reset();
    }
  std::vector<client_outcome> outcomes;
  for (auto& p : work) {
    if (p.outcome.failure && how.undoes_groups) p.after = record_in(saved, p.outcome.client);
    now.all[p.outcome.client] = std::move(p.after);
    outcomes.push_back(std::move(p.outcome));
  }
  if (now.all != (edits ? before : saved)) THV_CHECK(ledger_.save(now.all));
  return outcomes;
}

std::vector<file_change> registrar::changes_of(records const& all,
                                               std::set<std::string> const& which) const {
  std::vector<file_change> work;
  for (auto const& name : which) {
    auto const k = find_kind(name);
    if (!k) continue;  // of a newer thv-engine
    file_change p;
    p.what = *k;
    p.before = p.after = all.at(name);
    p.outcome.client = name;
    // Where our entries are already, they are kept and taken out, whatever the environment says.
    auto const now = file_of(**k);
    p.outcome.file = p.before.file.empty() ? now : std::filesystem::path(p.before.file);
    if (p.outcome.file != now) p.outcome.looks_in = now;
    work.push_back(std::move(p));
  }
  return work;
}

result<std::vector<client_view>> registrar::view(std::vector<std::string> const& clients,
                                                 membership const& now,
                                                 gateway_address const& gateway) const {
  for (auto const& client : clients) THV_CHECK(find_kind(client));
  THV_TRY(auto const all, ledger_.load());
  auto const token = gateway.known_token();
  std::vector<client_view> views;
  for (auto const& k : kinds()) {
    if (!clients.empty() && std::find(clients.begin(), clients.end(), k.name) == clients.end())
      continue;
    client_view v;
    v.what = &k;
    v.file = file_of(k);
    v.installed = is_installed(k, options_.home, options_.on, options_.moved);
    auto const record = all.find(std::string(k.name));
    if (record != all.end()) {
      v.groups = record->second.groups;
      if (!record->second.file.empty()) v.file = record->second.file;
      auto const text = client_file::read(v.file);
      auto const in_file = text ? read_entries(k, *text) : text.error();
      if (in_file)
        v.entries = decide(k, *in_file, served_to(v.groups, now, gateway), token, record->second,
                           false, options_.fingerprint)
                        .entries;
      else
        v.failure = at(in_file.error(), v.file);
    }
    views.push_back(std::move(v));
  }
  return views;
}

}  // namespace thv::clients
