// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <span>

#include <boost/asio/io_context.hpp>
#include <thv/plugin/runtime.hpp>

#include "link.hpp"

namespace thv::gateway {

/// Talks to a member over its stream, one message a line. Owns the descriptors. `buffer`: memory
/// for reading that several links share. Lines over `limit` are dropped: whose answer they were is
/// told by what stands at their ends.
std::unique_ptr<link> make_stdio_link(boost::asio::io_context& io, plugin::stream stream,
                                      link_events& events, std::size_t limit,
                                      std::span<char> buffer);

}  // namespace thv::gateway
