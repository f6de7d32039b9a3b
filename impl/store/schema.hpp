// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "database.hpp"

namespace thv::store::detail {

/// What the header page of a database says.
enum class schema_state { current, empty, older };

/// errc::unsupported if a newer thv-engine wrote it, errc::corrupt if it is another program's.
result<schema_state> inspect_schema(database& db);

/// Brings the schema up to date, each step in its own transaction. `now`: when group `default` was
/// made, if it is made here; `lost`: an empty database stands in for a lost one, which is noted in
/// the same transaction. The caller keeps other processes from doing the same.
result<void> migrate(database& db, std::int64_t now, bool lost);

/// Facts about the database itself: `store_id`, `needs_rebuild`. Empty if unset.
result<std::string> read_fact(database& db, std::string_view name);
result<void> write_fact(database& db, std::string_view name, std::string_view value);

}  // namespace thv::store::detail
