// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <thv/clients/edit.hpp>
#include <thv/error.hpp>
#include <thv/plugin/runtime.hpp>

// What we have written into whose files, so that nothing of others is ever touched and all of ours
// can be taken out again.
namespace thv::clients {

/// An entry of ours in a client's file.
struct written_entry {
  std::string workload;
  std::string url;
  /// Keyed hash of the keys that are ours, as they were written: a token is not kept here.
  std::string fingerprint;
  /// That of before, while it is being written: who was killed then left one of both.
  std::string earlier = {};
  /// It stood there before us, exactly so: it is never taken out.
  bool theirs = false;

  [[nodiscard]] bool wrote(std::string const& found) const {
    return found == fingerprint || (!earlier.empty() && found == earlier);
  }
  friend bool operator==(written_entry const&, written_entry const&) = default;
};

/// One client: the groups that it is registered with, and what its file holds of ours.
struct client_record {
  std::set<std::string> groups;
  std::string file;                              ///< where the entries are, or are to come
  bool made_file = false;                        ///< there was none before
  std::vector<std::string> made_folders;         ///< of the file, by us: they go with it, if empty
  bool backed_up = false;                        ///< the file from before the first entry was kept
  std::map<std::string, written_entry> entries;  ///< by name in the file
  undo_notes notes;
  /// Further keys that stood in entries of ours which were taken out, by name: they come back with
  /// the entry.
  std::map<std::string, std::string> kept;
  /// Fingerprints of entries of ours which were taken out, by name: a client that writes its file
  /// from memory may bring them back, and they are ours then.
  std::map<std::string, std::string> taken_out;

  [[nodiscard]] bool empty() const { return groups.empty() && entries.empty(); }
  friend bool operator==(client_record const&, client_record const&) = default;
};

/// By name of the client.
using records = std::map<std::string, client_record>;

/// The file `clients.json` of a state folder, mode 0600. It may hold what an overwritten entry of
/// the user's held, so that this can come back.
class ledger {
 public:
  explicit ledger(std::filesystem::path const& state_folder)
      : path_(state_folder / "clients.json"), lock_path_(state_folder / "clients.lock") {}

  /// A missing file holds nothing. errc::corrupt for one that cannot be understood, with the place;
  /// errc::unsupported for one of a newer thv-engine.
  [[nodiscard]] result<records> load() const;

  /// Replaces the file as a whole, or leaves it. Only under the lock.
  [[nodiscard]] result<void> save(records const& all) const;

  /// One change of client files at a time. Held until the pointer goes. errc::timeout,
  /// errc::cancelled.
  [[nodiscard]] result<std::shared_ptr<void>> lock(plugin::call const& c) const;

  [[nodiscard]] std::filesystem::path const& path() const { return path_; }

 private:
  std::filesystem::path path_;
  std::filesystem::path lock_path_;
};

}  // namespace thv::clients
