// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <thv/error.hpp>
#include <thv/store/records.hpp>

#include "database.hpp"

// Records as rows. Functions that change something are parts of a transaction of the caller.
namespace thv::store::detail {

result<std::vector<group_record>> all_groups(database& db);
result<std::optional<group_record>> find_group(database& db, std::string_view name);
/// false if there is one of that name.
result<bool> insert_group(database& db, group_record const& group, std::int64_t now);
result<void> put_group(database& db, group_record const& group, std::int64_t now);
/// Checks that it is not `default` and has no members; an unknown one is fine.
result<void> remove_group(database& db, std::string_view name);

result<std::vector<workload_record>> all_workloads(database& db);
result<std::vector<workload_record>> group_workloads(database& db, std::string_view group);
result<std::optional<workload_record>> find_workload(database& db, std::string_view name);
/// Inserts or replaces. errc::not_found if its group does not exist.
result<void> put_workload(database& db, workload_record const& w, std::int64_t now);
/// Inserts as reserved by an operation. errc::already_exists if the name is taken.
result<void> reserve_workload(database& db, workload_record const& w, std::int64_t operation,
                              std::int64_t now);
result<void> remove_workload(database& db, std::string_view name);
/// Frees the names that the operation has reserved and not put since.
result<void> free_reserved(database& db, std::int64_t operation);

/// false if there is no such workload.
result<bool> update_session(database& db, workload_record const& w);
result<std::map<std::string, catalogue_record>> all_catalogues(database& db);
/// The workload must exist.
result<void> put_catalogue(database& db, std::string_view name, catalogue_record const& c);
result<void> update_group(database& db, std::string_view name, std::string_view group,
                          std::int64_t now);

result<std::int64_t> insert_operation(database& db, operation_record const& operation,
                                      std::vector<std::string> const& created_groups,
                                      std::int64_t now);
result<std::vector<operation_record>> all_operations(database& db);
/// These answer whether there is such an operation or intent.
result<bool> mark_committed(database& db, std::int64_t operation);
result<bool> remove_operation(database& db, std::int64_t operation);
result<bool> update_intent(database& db, intent_record const& intent);
result<void> insert_intent(database& db, intent_record const& intent, std::int64_t operation);
result<std::vector<intent_record>> operation_intents(database& db, std::int64_t operation);

}  // namespace thv::store::detail
