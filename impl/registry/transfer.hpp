// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <stop_token>
#include <string>
#include <thv/error.hpp>

namespace thv::registry {

/// One GET over libcurl.
struct transfer_request {
  std::string url;
  std::string etag;  ///< of the copy at hand, or empty
  std::chrono::milliseconds timeout{};
  std::stop_token stop;
  std::size_t max_bytes = 0;
};

/// The answer after all redirects. 304 has no body.
struct transfer_answer {
  long status = 0;
  std::string body;
  std::string etag;
};

/// errc::unavailable and errc::timeout mean that the source is away; errc::cancelled that the stop
/// token was triggered. `message` is the reason alone, without the URL.
[[nodiscard]] result<transfer_answer> transfer(transfer_request const& request);

}  // namespace thv::registry
