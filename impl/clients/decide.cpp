// SPDX-License-Identifier: Apache-2.0
#include <thv/clients/decide.hpp>

#include <algorithm>

#include "own_keys.hpp"

namespace thv::clients {

namespace {

/// Decides entry by entry.
class decider {
 public:
  decider(kind const& k, std::map<std::string, std::string> const& in_file,
          std::optional<std::string> const& token, client_record const& before, bool force,
          fingerprint_of const& fingerprint)
      : kind_(k),
        in_file_(in_file),
        token_(token),
        before_(before),
        force_(force),
        fingerprint_(fingerprint) {
    d_.after.groups = before.groups;
    d_.after.file = before.file;
    d_.after.made_file = before.made_file;
    d_.after.made_folders = before.made_folders;
    d_.after.backed_up = before.backed_up;
    d_.after.kept = before.kept;
    d_.after.taken_out = before.taken_out;
  }

  void want(served const& s) {
    entry wanted{entry_name(kind_, s.name), s.url, token_.value_or("")};
    if (taken(wanted.name)) return tell(wanted.name, s.name, s.url, true, standing::clash);
    auto const found = in_file_.find(wanted.name);
    auto const ours = before_.entries.find(wanted.name);
    bool const is_there = found != in_file_.end();
    split_entry const now = is_there ? split(kind_, found->second) : split_entry();
    auto const own = split(kind_, canonical(kind_, wanted)).own;
    auto const is = token_ ? standing_of(is_there, now.own, own, ours)
                           : standing_without_token(is_there, now.own, ours);
    tell(wanted.name, s.name, s.url, true, is);
    bool const stays = is == standing::foreign || is == standing::changed;
    if (!token_ || (stays && !force_)) {
      if (ours != before_.entries.end()) d_.after.entries[wanted.name] = ours->second;
      return;
    }
    if (stays) d_.overwritten.push_back(wanted.name);
    if (!stays) wanted.kept = now.others;
    auto const kept = before_.kept.find(wanted.name);
    if (!is_there && kept != before_.kept.end()) wanted.kept = kept->second;
    d_.after.kept.erase(wanted.name);
    d_.after.entries[wanted.name] = {s.name,
                                     s.url,
                                     fingerprint_(own),
                                     {},
                                     is == standing::current && is_theirs(wanted.name, now.own)};
    if (is == standing::stale && !ours->second.theirs) d_.what.ours.push_back(wanted.name);
    if (is != standing::current) d_.what.put.push_back(std::move(wanted));
  }

  void let_go(std::string const& name, written_entry const& ours) {
    if (taken(name)) return;
    auto const found = in_file_.find(name);
    if (found == in_file_.end()) return;
    auto const now = split(kind_, found->second);
    bool const untouched = ours.wrote(fingerprint_(now.own));
    if (untouched && ours.theirs) return;
    tell(name, ours.workload, ours.url, false, untouched ? standing::stale : standing::changed);
    // One that points elsewhere now is its user's.
    if (!untouched && !force_) return;
    d_.what.remove.push_back(name);
    d_.after.taken_out[name] = fingerprint_(now.own);
    // What its client or user has added comes back with the member.
    auto const fresh = split(kind_, canonical(kind_, {name, ours.url, {}, {}}));
    if (now.others != fresh.others) d_.after.kept[name] = now.others;
  }

  decision take() {
    std::stable_sort(d_.entries.begin(), d_.entries.end(),
                     [](auto const& a, auto const& b) { return a.name < b.name; });
    return std::move(d_);
  }

 private:
  using entries = std::map<std::string, written_entry>;

  standing standing_of(bool in_file, std::string const& now, std::string const& wanted,
                       entries::const_iterator ours) const {
    if (!in_file) return ours == before_.entries.end() ? standing::absent : standing::missing;
    if (now == wanted) return standing::current;
    if (ours == before_.entries.end()) return standing::foreign;
    return ours->second.wrote(fingerprint_(now)) ? standing::stale : standing::changed;
  }

  /// Without the token it cannot be told whether an entry is as it should be, but who wrote it.
  standing standing_without_token(bool in_file, std::string const& now,
                                  entries::const_iterator ours) const {
    if (!in_file) return ours == before_.entries.end() ? standing::absent : standing::missing;
    if (ours == before_.entries.end()) return standing::unknown;
    return ours->second.wrote(fingerprint_(now)) ? standing::unknown : standing::changed;
  }

  /// Of an entry that is as it should be: was it there before us?
  [[nodiscard]] bool is_theirs(std::string const& name, std::string const& now) const {
    auto const ours = before_.entries.find(name);
    if (force_ || ours != before_.entries.end()) return !force_ && ours->second.theirs;
    auto const out = before_.taken_out.find(name);
    return out == before_.taken_out.end() || out->second != fingerprint_(now);
  }

  /// Two workloads may have one name for a client: the first by name has it.
  bool taken(std::string const& name) const {
    return std::any_of(d_.entries.begin(), d_.entries.end(),
                       [&](auto const& e) { return e.name == name; });
  }

  void tell(std::string const& name, std::string const& workload, std::string const& url,
            bool wanted, standing is) {
    d_.entries.push_back({name, workload, url, wanted, is});
  }

  kind const& kind_;
  std::map<std::string, std::string> const& in_file_;
  std::optional<std::string> const& token_;
  client_record const& before_;
  bool force_;
  fingerprint_of const& fingerprint_;
  decision d_;
};

}  // namespace

std::string_view to_string(standing s) {
  switch (s) {
    case standing::current:
      return "current";
    case standing::stale:
      return "stale";
    case standing::changed:
      return "changed";
    case standing::missing:
      return "missing";
    case standing::foreign:
      return "foreign";
    case standing::absent:
      return "absent";
    case standing::unknown:
      return "unknown";
    case standing::clash:
      return "clash";
  }
  return "current";
}

decision decide(kind const& k, std::map<std::string, std::string> const& in_file,
                std::vector<served> const& wanted, std::optional<std::string> const& token,
                client_record const& before, bool force, fingerprint_of const& fingerprint) {
  decider d(k, in_file, token, before, force, fingerprint);
  for (auto const& s : wanted) d.want(s);
  for (auto const& [name, ours] : before.entries) d.let_go(name, ours);
  return d.take();
}

}  // namespace thv::clients
