// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include <thv/clients/edit.hpp>

// The files in tests/support/client_files, and what happens to a file in the course of a test.
namespace thv::test {

/// A configuration file as a user has it.
struct sample {
  std::string name;  ///< `codex/config.toml`, and how it was varied
  clients::kind const* client;
  std::string text;
};

/// Every file of the corpus as it lies there.
[[nodiscard]] std::vector<sample> corpus();

/// What must be refused.
[[nodiscard]] std::vector<sample> refused();

/// The file with other line ends, with a byte order mark, without its last line end; itself first.
[[nodiscard]] std::vector<sample> variants(sample const& s);

/// `count` entries with the names that the client wants, `server-00` and so on, in their order.
[[nodiscard]] std::vector<clients::entry> entries(clients::kind const& k, std::size_t count,
                                                  std::string const& token = {});

/// A file that is edited step after step, with its notes. A step that fails throws with the words
/// of the error.
class editing {
 public:
  explicit editing(sample const& s);

  void put(std::vector<clients::entry> const& what);
  void remove(std::vector<std::string> const& names);
  /// Somebody else changes the file.
  void rewrite(std::string text) { text_ = std::move(text); }

  [[nodiscard]] std::string const& text() const { return text_; }
  [[nodiscard]] clients::undo_notes const& notes() const { return notes_; }
  /// Is nothing left but what was made by us?
  [[nodiscard]] bool empty() const { return empty_; }
  [[nodiscard]] std::map<std::string, std::string> read() const;

 private:
  void apply(clients::changes const& what);

  clients::kind const* client_;
  std::string text_;
  clients::undo_notes notes_;
  bool empty_ = false;
};

/// Where two texts differ, for people.
[[nodiscard]] std::string difference(std::string const& expected, std::string const& found);

}  // namespace thv::test
