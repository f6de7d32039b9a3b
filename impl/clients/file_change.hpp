// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <vector>

#include <thv/clients/client_file.hpp>
#include <thv/clients/registrar.hpp>

// What the registrar does to one client's file: look at it under its lock, then write it.
namespace thv::clients {

/// One client's file and what is to become of it, under the file's lock.
struct file_change {
  kind const* what = nullptr;
  client_outcome outcome;
  std::optional<client_file> file;
  client_record before;
  client_record after;
  std::optional<edited> edit;

  /// The client has just written the file itself, or shares one with another client.
  [[nodiscard]] bool collided() const;

  /// As it was before anything was looked at.
  [[nodiscard]] file_change begun_anew() const;

  /// Says why and lets the file go: nothing of this client changes.
  void fail(error e);
};

/// What holds for all files of one command.
struct change_rules {
  gateway_address const& gateway;
  bool force = false;
  /// It is an error when the client would see nothing of what it is registered for, since the file
  /// has entries of others under all these names.
  bool must_show = false;
  fingerprint_of const& fingerprint;
};

/// Locks and reads the file and decides. `all`: the records of all clients as they will be.
[[nodiscard]] result<void> prepare(plugin::call const& c, file_change& p,
                                   std::vector<served> const& wanted, records const& all,
                                   change_rules const& rules);

/// Carries it out. `is_private`: the file holds a token.
[[nodiscard]] result<void> write(file_change& p, bool is_private);

/// All that may stand in a file when it is written in a moment.
[[nodiscard]] client_record either(client_record const& before, client_record const& after);

/// Errors carry the file they speak of.
[[nodiscard]] error at(error e, std::filesystem::path const& file);

}  // namespace thv::clients
