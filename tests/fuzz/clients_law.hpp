// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdlib>
#include <string>
#include <string_view>

#include <thv/clients/edit.hpp>

// Any bytes as a client's file: refused with an error, or edited so that taking our entries out
// gives back every byte, also where they had replaced one of the file's own.
namespace thv::clients::fuzz {

inline void require(bool holds) {
  if (!holds) std::abort();
}

inline void check_error(error const& e) {
  require(e.code == errc::invalid_argument || e.code == errc::unsupported);
  require(!e.message.empty());
}

inline void put_and_remove(kind const& k, std::string_view text, std::string const& name) {
  auto const put = edit(k, text, {{{name, "http://x", "t"}, {"two", "http://y", ""}}, {}}, {});
  if (!put) return check_error(put.error());
  auto const read = read_entries(k, put->text);
  require(read.has_value());
  require(read->at(name) == canonical(k, {name, "http://x", "t"}));
  auto const changed = edit(k, put->text, {{{name, "http://z", ""}}, {"two"}}, put->notes);
  require(changed.has_value());
  auto const left = edit(k, changed->text, {{}, {name}}, changed->notes);
  require(left.has_value());
  require(left->text == text);
  require(left->notes == undo_notes{});
}

inline void check(kind const& k, std::string_view text) {
  auto const entries = read_entries(k, text);
  if (!entries) return check_error(entries.error());
  put_and_remove(k, text, "1.5 new");
  if (entries->empty()) return;
  put_and_remove(k, text, entries->begin()->first);
  auto const gone = edit(k, text, {{}, {entries->begin()->first}}, {});
  if (!gone) return check_error(gone.error());
  auto const read = read_entries(k, gone->text);
  require(read.has_value() && !read->contains(entries->begin()->first));
}

}  // namespace thv::clients::fuzz
