// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <thv/clients/decide.hpp>
#include <thv/clients/kind.hpp>
#include <thv/clients/ledger.hpp>
#include <thv/error.hpp>
#include <thv/plugin/runtime.hpp>
#include <thv/store/records.hpp>

namespace thv::clients {

/// Where the gateway serves, and what it wants to be sent.
struct gateway_address {
  std::string url;    ///< `http://127.0.0.1:4483`
  std::string token;  ///< empty: none
  /// Why the token cannot be had now. Then no entry is written, but entries can be taken out.
  std::optional<error> token_failure = {};

  /// The token as far as it is known; nothing where it cannot be had.
  [[nodiscard]] std::optional<std::string> known_token() const {
    return token_failure ? std::nullopt : std::optional(token);
  }
};

struct registrar_options {
  std::filesystem::path state_folder;  ///< of the ledger
  std::filesystem::path home;          ///< of the user whose clients these are
  platform on = platform::linux_;
  fingerprint_of fingerprint;  ///< store::keyed_hash
  places moved = {};           ///< of the user's environment
};

/// The groups there are and their members, as recorded.
struct membership {
  std::vector<store::group_record> groups;
  std::vector<store::workload_record> workloads;
};

/// What the files follow.
struct situation {
  membership now;
  gateway_address gateway;
};

/// Looks at the situation: called under the lock of the files, so that of two commands the later
/// sees the newer one.
using situation_source = std::function<result<situation>()>;

/// How it went with one client's file.
struct client_outcome {
  std::string client;
  std::filesystem::path file;
  /// Where the client would have its file by the environment of now; its entries stay in `file`.
  /// Empty: there.
  std::filesystem::path looks_in;
  std::vector<entry_standing> entries;  ///< as they were found
  std::vector<std::string> written;     ///< names put in or brought up to date
  std::vector<std::string> removed;
  std::optional<error> failure;  ///< nothing of this client was changed

  [[nodiscard]] bool changed() const { return !written.empty() || !removed.empty(); }
};

/// A client as people see it.
struct client_view {
  kind const* what = nullptr;
  std::filesystem::path file;
  bool installed = false;
  std::set<std::string> groups;
  std::vector<entry_standing> entries;  ///< of registered ones
  std::optional<error> failure;         ///< why its file cannot be read
};

/// errc::not_found for the first group that there is not.
[[nodiscard]] result<void> check_groups(std::vector<std::string> const& groups,
                                        membership const& now);

/// Which members of `m` a client with these groups is to see: wanted running, and proved ready.
[[nodiscard]] std::vector<served> served_to(std::set<std::string> const& groups,
                                            membership const& m, gateway_address const& gateway);

struct file_change;

/// The files of all registered clients, kept as the groups are. Blocks; errors of one client do not
/// stop the others. Safe for several processes at once.
class registrar {
 public:
  explicit registrar(registrar_options options);

  /// Brings the files of all registered clients to what the groups are now; groups that are gone
  /// are unregistered. Only what differs is touched. The token's failure, where it cannot be had.
  /// [idempotent]
  [[nodiscard]] result<std::vector<client_outcome>> sync(plugin::call const& c,
                                                         situation_source const& look) const;

  /// Registers clients with groups and writes their files. errc::invalid_argument for an unknown
  /// client, errc::not_found for an unknown group: then nothing is done. `force`: entries of others
  /// under the same names, and ours that somebody changed, are overwritten. The entries go where
  /// the client looks for its file now, and stay there until the last of them is gone. A client
  /// with a failure stays registered as it was: errc::already_exists where entries of others take
  /// all the names. The token's failure, where it cannot be had. [idempotent]
  [[nodiscard]] result<std::vector<client_outcome>> add(plugin::call const& c,
                                                        std::vector<std::string> const& clients,
                                                        std::vector<std::string> const& groups,
                                                        situation_source const& look,
                                                        bool force) const;

  /// Takes our entries out and unregisters, from these groups or (none given) altogether: then the
  /// file is as it was before the first. Clients that are not registered are left out of the
  /// answer, one with a failure stays registered as it was. errc::not_found for an unknown group.
  /// Needs no token. [idempotent]
  [[nodiscard]] result<std::vector<client_outcome>> remove(plugin::call const& c,
                                                           std::vector<std::string> const& clients,
                                                           std::vector<std::string> const& groups,
                                                           situation_source const& look) const;

  /// All kinds, or the named ones. Changes nothing.
  [[nodiscard]] result<std::vector<client_view>> view(std::vector<std::string> const& clients,
                                                      membership const& now,
                                                      gateway_address const& gateway) const;

  /// Is any client registered? Quick: for callers that would have to ask for the rest.
  [[nodiscard]] bool has_clients() const;

 private:
  struct begun;
  struct rules;
  [[nodiscard]] result<begun> begin(plugin::call const& c, std::vector<std::string> const& clients,
                                    std::vector<std::string> const& groups,
                                    situation_source const& look) const;
  [[nodiscard]] std::vector<file_change> changes_of(records const& all,
                                                    std::set<std::string> const& which) const;
  [[nodiscard]] result<std::vector<client_outcome>> bring_up_to_date(
      plugin::call const& c, begun now, std::set<std::string> const& which, rules const& how) const;
  [[nodiscard]] std::filesystem::path file_of(kind const& k) const;

  registrar_options options_;
  ledger ledger_;
};

}  // namespace thv::clients
