// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <process/procfs.hpp>
#include <string>
#include <string_view>

#include <thv/error.hpp>
#include <thv/plugin/workload_spec.hpp>

namespace thv::process {

/// What is known about one instance between commands, kept in its folder as `record.json`. It is
/// written before the process exists (`who.pid` is 0 then), so that a crash in between leaves a
/// process that its mark `THV_INSTANCE` leads back to this record.
struct record {
  std::string id;
  plugin::workload_spec spec;  ///< without values of secrets
  identity who;                ///< of the last start
  bool wanted = true;          ///< false after `stop`
  std::string displaced_by;    ///< the instance that took the name over, or empty
  std::uint16_t port = 0;
  std::int64_t created_at = 0;
  std::int64_t started_at = 0;
  std::optional<int> exit_code;  ///< of the last run, where we were its parent
  std::string exit_reason;
};

/// The JSON text of a record. Only the spec's storable part is written.
[[nodiscard]] std::string to_json(record const& r);

/// errc::corrupt names the field that is wrong.
[[nodiscard]] result<record> parse_record(std::string_view text);

}  // namespace thv::process
