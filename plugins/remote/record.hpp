// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <thv/error.hpp>
#include <thv/plugin/runtime.hpp>

namespace thv::remote {

/// What is kept about one remote server: enough for `list` and for making a lost store again.
/// Values of headers are not in it: a file is no place for the secret ones, and the engine knows
/// the plain ones.
struct record {
  std::string id;
  std::string name;
  std::string group;
  std::string store;
  std::string config_hash;
  std::string url;
  thv::transport transport = thv::transport::streamable_http;
  std::map<std::string, std::string> labels;
  std::vector<std::string> secret_names;
  bool stopped = false;
  std::string displaced_by;  ///< the instance that took the name over, or empty
  std::int64_t created_at = 0;
  std::int64_t started_at = 0;
  std::int64_t starts = 0;

  friend bool operator==(record const&, record const&) = default;
};

[[nodiscard]] std::string to_json(record const& r);

/// errc::corrupt names the member that is wrong.
[[nodiscard]] result<record> parse_record(std::string_view text);

/// The record as the engine sees it.
[[nodiscard]] plugin::instance to_instance(record const& r);

}  // namespace thv::remote
