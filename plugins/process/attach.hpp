// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <process/procfs.hpp>
#include <process/state.hpp>
#include <string>

#include <thv/error.hpp>
#include <thv/plugin/runtime.hpp>

namespace thv::process {

/// Makes a stdio member's two FIFOs anew (mode 0600), without what an earlier run left in them,
/// and holds them open until the member has opened them itself. The one it writes to can hold
/// 1 MiB, where the system lets us, since a member that nobody reads stops when it is full.
struct fifo_pair {
  descriptor input;
  descriptor output;
};
[[nodiscard]] result<fifo_pair> make_fifos(state const& where, std::string const& id);

/// Would the member's next write to its stdout wait for a reader?
[[nodiscard]] bool is_full(std::string const& fifo);

/// Opens a running member's stream. The read side sees the end of the stream when the member ends;
/// the write side never raises SIGPIPE. FIFOs whose files are gone are found again through the
/// process's own descriptors. errc::conflict while another process is attached.
///
/// The stream is marked as dirty for as long as the lease lives: whoever finds the mark knows that
/// its predecessor was killed, perhaps in the middle of a line.
[[nodiscard]] result<plugin::stream> attach_stream(state const& where, std::string const& id,
                                                   identity const& member);

/// Is somebody attached right now?
[[nodiscard]] bool is_attached(state const& where, std::string const& id);

}  // namespace thv::process
