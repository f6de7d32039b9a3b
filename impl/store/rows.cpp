// SPDX-License-Identifier: Apache-2.0
#include "rows.hpp"

#include <fmt/format.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <map>
#include <thv/model/run_config_json.hpp>
#include <thv/store/messages.hpp>

namespace thv::store::detail {
namespace {

using texts = std::vector<std::string>;
using text_map = std::map<std::string, std::string>;

std::string write_json(texts const& list) {
  if (list.empty()) return {};
  return boost::json::serialize(boost::json::array(list.begin(), list.end()));
}

std::string write_json(text_map const& map) {
  if (map.empty()) return {};
  boost::json::object object;
  for (auto const& [key, value] : map) object[key] = value;
  return boost::json::serialize(object);
}

std::string write_json(run_config config, workload_record const& w) {
  config.name = w.name;
  config.group = w.group;
  return boost::json::serialize(to_json(config));
}

// Where in the database a damaged value lies: `state.db: workload 'x': config`.
struct place {
  database const& db;
  std::string_view noun;
  std::string_view name;

  [[nodiscard]] std::string column(std::string_view column) const {
    return fmt::format("{}: {} '{}': {}", db.path().string(), noun, name, column);
  }
  [[nodiscard]] error damaged(std::string_view name_of_column, std::string const& why) const {
    return fail(errc::corrupt, fmt::format("damaged ({})", why),
                "the next command that changes something sets the database aside and rebuilds "
                "the state from what runs",
                column(name_of_column));
  }
};

result<boost::json::value> parse(std::string_view text, place const& at, std::string_view column) {
  boost::json::error_code code;
  auto value = boost::json::parse(text, code);
  if (code) return at.damaged(column, code.message());
  return value;
}

result<texts> read_list(std::string_view text, place const& at, std::string_view column) {
  texts list;
  if (text.empty()) return list;
  THV_TRY(auto const value, parse(text, at, column));
  if (!value.is_array()) return at.damaged(column, "not an array");
  for (auto const& item : value.get_array()) {
    if (!item.is_string()) return at.damaged(column, "not an array of strings");
    list.emplace_back(item.get_string());
  }
  return list;
}

result<text_map> read_map(std::string_view text, place const& at, std::string_view column) {
  text_map map;
  if (text.empty()) return map;
  THV_TRY(auto const value, parse(text, at, column));
  if (!value.is_object()) return at.damaged(column, "not an object");
  for (auto const& [key, item] : value.get_object()) {
    if (!item.is_string()) return at.damaged(column, "not an object of strings");
    map.emplace(key, item.get_string());
  }
  return map;
}

template <class Enum>
result<Enum> read_enum(std::int64_t number, Enum last, place const& at, std::string_view column) {
  if (number < 0 || number > static_cast<std::int64_t>(last))
    return at.damaged(column, fmt::format("unknown number {}", number));
  return static_cast<Enum>(number);
}

group_record read_group(statement const& s) {
  return {s.string(0), s.string(1), s.string(2), s.string(3), s.integer(4)};
}

result<workload_record> read_workload(database const& db, statement const& s) {
  workload_record w;
  w.name = s.string(0);
  place const at{db, "workload", w.name};
  w.group = s.string(1);
  w.runtime = s.string(2);
  w.instance = s.string(3);
  THV_TRY(w.phase, read_enum(s.integer(4), phase::removing, at, "phase"));
  w.wanted_running = s.integer(5) != 0;
  w.declared_by = s.string(6);
  w.readiness = s.string(7);
  w.session_key = s.string(8);
  w.created_at = s.integer(9);
  w.updated_at = s.integer(10);
  THV_TRY(auto const config, parse(s.text(11), at, "config"));
  auto read = run_config_from_json(config, at.column("config"));
  if (!read) return at.damaged("config", to_string(read.error()));
  w.config = std::move(*read);
  w.config.name = w.name;
  w.config.group = w.group;
  THV_TRY(w.secret_fingerprints, read_map(s.text(12), at, "secret_fingerprints"));
  THV_TRY(w.tools, read_list(s.text(13), at, "tools"));
  w.initialize_result = s.string(14);
  return w;
}

result<operation_record> read_operation(database const& db, statement const& s) {
  operation_record o;
  o.id = s.integer(0);
  auto const name = std::to_string(o.id);
  place const at{db, "operation", name};
  o.group = s.string(1);
  o.kind = s.string(2);
  o.owner = {s.integer(3), s.integer(4), s.string(5)};
  THV_TRY(o.state, read_enum(s.integer(6), operation_state::committed, at, "state"));
  o.started_at = s.integer(7);
  THV_TRY(o.created_groups, read_list(s.text(8), at, "created_groups"));
  THV_TRY(o.removed_groups, read_list(s.text(9), at, "removed_groups"));
  return o;
}

result<intent_record> read_intent(database const& db, statement const& s) {
  intent_record i;
  i.id = s.integer(0);
  auto const name = std::to_string(i.id);
  i.operation = s.integer(1);
  THV_TRY(i.kind, read_enum(s.integer(2), intent_kind::stop, place{db, "intent", name}, "kind"));
  i.workload = s.string(3);
  i.runtime = s.string(4);
  i.instance = s.string(5);
  i.previous = s.string(6);
  i.done = s.integer(7) != 0;
  return i;
}

std::string const select_workloads =
    "SELECT name, group_name, runtime, instance, phase, wanted_running, declared_by, readiness, "
    "session_key, created_at, updated_at, config, secret_fingerprints, tools, initialize_result "
    "FROM workloads ";
std::string const select_all_workloads = select_workloads + "ORDER BY name";
std::string const select_group_workloads = select_workloads + "WHERE group_name = ? ORDER BY name";
std::string const select_workload = select_workloads + "WHERE name = ?";

// Parameter 1 is the record's created_at, 2 the time now, 3 the reserving operation, 4 the name.
std::string const insert_workload =
    "INSERT INTO workloads (created_at, updated_at, reserved_by, name, group_name, runtime, "
    "instance, phase, wanted_running, declared_by, readiness, session_key, config, "
    "secret_fingerprints, tools, initialize_result) VALUES (iif(?1 = 0, ?2, ?1), ?2, ?3, ?4, ?5, "
    "?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)";
std::string const upsert_workload =
    insert_workload +
    " ON CONFLICT (name) DO UPDATE SET created_at = iif(?1 = 0, created_at, ?1), "
    "updated_at = ?2, reserved_by = iif(excluded.phase = 0, reserved_by, 0), "
    "group_name = excluded.group_name, runtime = excluded.runtime, "
    "instance = excluded.instance, phase = excluded.phase, "
    "wanted_running = excluded.wanted_running, declared_by = excluded.declared_by, "
    "readiness = excluded.readiness, session_key = excluded.session_key, "
    "config = excluded.config, secret_fingerprints = excluded.secret_fingerprints, "
    "tools = excluded.tools, initialize_result = excluded.initialize_result";

result<std::vector<workload_record>> read_workloads(database& db, statement& s,
                                                    std::int64_t expected = 0) {
  std::vector<workload_record> list;
  list.reserve(static_cast<std::size_t>(expected));
  for (;;) {
    THV_TRY(auto const row, db.step(s));
    if (!row) return list;
    THV_TRY(auto w, read_workload(db, s));
    list.push_back(std::move(w));
  }
}

result<void> write_workload(database& db, std::string const& sql, workload_record const& w,
                            std::int64_t operation, std::int64_t now) {
  THV_TRY(auto const group, find_group(db, w.group));
  if (!group) return messages::no_such_group(w.group);
  auto const config = write_json(w.config, w);
  auto const fingerprints = write_json(w.secret_fingerprints);
  auto const tools = write_json(w.tools);
  auto const phase = operation != 0 ? thv::store::phase::reserved : w.phase;
  THV_TRY(auto s, db.prepare(sql.c_str()));
  s.bind(w.created_at).bind(now).bind(operation).bind(w.name).bind(w.group).bind(w.runtime);
  s.bind(w.instance).bind(static_cast<std::int64_t>(phase));
  s.bind(static_cast<std::int64_t>(w.wanted_running)).bind(w.declared_by).bind(w.readiness);
  s.bind(w.session_key).bind(config).bind(fingerprints).bind(tools).bind(w.initialize_result);
  return db.run(s);
}

}  // namespace

result<std::vector<group_record>> all_groups(database& db) {
  THV_TRY(auto s, db.prepare("SELECT name, title, registry, registry_group, created_at "
                             "FROM groups ORDER BY name"));
  std::vector<group_record> list;
  for (;;) {
    THV_TRY(auto const row, db.step(s));
    if (!row) return list;
    list.push_back(read_group(s));
  }
}

result<std::optional<group_record>> find_group(database& db, std::string_view name) {
  THV_TRY(auto s, db.prepare("SELECT name, title, registry, registry_group, created_at "
                             "FROM groups WHERE name = ?"));
  THV_TRY(auto const row, db.step(s.bind(name)));
  return row ? std::optional(read_group(s)) : std::nullopt;
}

result<bool> insert_group(database& db, group_record const& g, std::int64_t now) {
  THV_TRY(auto s, db.prepare("INSERT INTO groups (created_at, name, title, registry, "
                             "registry_group) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"));
  s.bind(g.created_at != 0 ? g.created_at : now).bind(g.name).bind(g.title).bind(g.registry);
  THV_CHECK(db.run(s.bind(g.registry_group)));
  return db.changed() == 1;
}

result<void> put_group(database& db, group_record const& g, std::int64_t now) {
  THV_TRY(auto s,
          db.prepare("INSERT INTO groups (created_at, name, title, registry, registry_group) "
                     "VALUES (iif(?1 = 0, ?2, ?1), ?3, ?4, ?5, ?6) ON CONFLICT (name) DO UPDATE "
                     "SET created_at = iif(?1 = 0, created_at, ?1), title = excluded.title, "
                     "registry = excluded.registry, registry_group = excluded.registry_group"));
  s.bind(g.created_at).bind(now).bind(g.name).bind(g.title).bind(g.registry);
  return db.run(s.bind(g.registry_group));
}

result<void> remove_group(database& db, std::string_view name) {
  if (name == messages::default_group) return messages::group_is_default();
  {
    THV_TRY(auto s, db.prepare("SELECT name FROM workloads WHERE group_name = ? "
                               "ORDER BY name LIMIT 1"));
    THV_TRY(auto const row, db.step(s.bind(name)));
    if (row) return messages::group_not_empty(name, s.text(0));
  }
  THV_TRY(auto s, db.prepare("DELETE FROM groups WHERE name = ?"));
  return db.run(s.bind(name));
}

result<std::vector<workload_record>> all_workloads(database& db) {
  THV_TRY(auto const count, db.integer("SELECT count(*) FROM workloads"));
  THV_TRY(auto s, db.prepare(select_all_workloads.c_str()));
  return read_workloads(db, s, count);
}

result<std::vector<workload_record>> group_workloads(database& db, std::string_view group) {
  THV_TRY(auto s, db.prepare(select_group_workloads.c_str()));
  return read_workloads(db, s.bind(group));
}

result<std::optional<workload_record>> find_workload(database& db, std::string_view name) {
  THV_TRY(auto s, db.prepare(select_workload.c_str()));
  THV_TRY(auto const row, db.step(s.bind(name)));
  if (!row) return std::optional<workload_record>();
  THV_TRY(auto w, read_workload(db, s));
  return std::optional(std::move(w));
}

result<void> put_workload(database& db, workload_record const& w, std::int64_t now) {
  return write_workload(db, upsert_workload, w, 0, now);
}

result<void> reserve_workload(database& db, workload_record const& w, std::int64_t operation,
                              std::int64_t now) {
  {
    THV_TRY(auto s, db.prepare("SELECT group_name FROM workloads WHERE name = ?"));
    THV_TRY(auto const row, db.step(s.bind(w.name)));
    if (row) return messages::name_taken(w.name, s.text(0));
  }
  return write_workload(db, insert_workload, w, operation, now);
}

result<void> remove_workload(database& db, std::string_view name) {
  THV_TRY(auto s, db.prepare("DELETE FROM workloads WHERE name = ?"));
  return db.run(s.bind(name));
}

result<void> free_reserved(database& db, std::int64_t operation) {
  THV_TRY(auto s, db.prepare("DELETE FROM workloads WHERE reserved_by = ? AND reserved_by <> 0"));
  return db.run(s.bind(operation));
}

result<bool> update_session(database& db, workload_record const& w) {
  auto const tools = write_json(w.tools);
  THV_TRY(auto s, db.prepare("UPDATE workloads SET session_key = ?, initialize_result = ?, "
                             "tools = ?, readiness = ? WHERE name = ?"));
  s.bind(w.session_key).bind(w.initialize_result).bind(tools).bind(w.readiness).bind(w.name);
  THV_CHECK(db.run(s));
  return db.changed() == 1;
}

result<std::map<std::string, catalogue_record>> all_catalogues(database& db) {
  THV_TRY(auto s, db.prepare("SELECT workload, session_key, revision, initialize_result, lists "
                             "FROM catalogues"));
  std::map<std::string, catalogue_record> all;
  for (;;) {
    THV_TRY(auto const row, db.step(s));
    if (!row) return all;
    auto const name = s.string(0);
    place const at{db, "catalogue", name};
    catalogue_record c{s.string(1), s.string(2), s.string(3), {}};
    THV_TRY(c.lists, read_map(s.text(4), at, "lists"));
    all.emplace(name, std::move(c));
  }
}

result<void> put_catalogue(database& db, std::string_view name, catalogue_record const& c) {
  auto const lists = write_json(c.lists);
  THV_TRY(auto s, db.prepare("INSERT OR REPLACE INTO catalogues VALUES (?, ?, ?, ?, ?)"));
  s.bind(name).bind(c.session_key).bind(c.revision).bind(c.initialize_result).bind(lists);
  return db.run(s);
}

result<void> update_group(database& db, std::string_view name, std::string_view group,
                          std::int64_t now) {
  THV_TRY(auto s, db.prepare("UPDATE workloads SET group_name = ?, updated_at = ? WHERE name = ?"));
  return db.run(s.bind(group).bind(now).bind(name));
}

result<std::int64_t> insert_operation(database& db, operation_record const& o,
                                      std::vector<std::string> const& created_groups,
                                      std::int64_t now) {
  auto const created = write_json(created_groups);
  auto const removed = write_json(o.removed_groups);
  THV_TRY(auto s, db.prepare("INSERT INTO operations (group_name, kind, pid, start_time, boot_id, "
                             "state, started_at, created_groups, removed_groups) "
                             "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"));
  s.bind(o.group).bind(o.kind).bind(o.owner.pid).bind(o.owner.start_time).bind(o.owner.boot_id);
  s.bind(static_cast<std::int64_t>(o.state)).bind(o.started_at != 0 ? o.started_at : now);
  THV_CHECK(db.run(s.bind(created).bind(removed)));
  return db.last_id();
}

result<std::vector<operation_record>> all_operations(database& db) {
  THV_TRY(auto s, db.prepare("SELECT id, group_name, kind, pid, start_time, boot_id, state, "
                             "started_at, created_groups, removed_groups "
                             "FROM operations ORDER BY id"));
  std::vector<operation_record> list;
  for (;;) {
    THV_TRY(auto const row, db.step(s));
    if (!row) return list;
    THV_TRY(auto o, read_operation(db, s));
    list.push_back(std::move(o));
  }
}

result<bool> mark_committed(database& db, std::int64_t operation) {
  THV_TRY(auto s, db.prepare("UPDATE operations SET state = ? WHERE id = ?"));
  s.bind(static_cast<std::int64_t>(operation_state::committed)).bind(operation);
  THV_CHECK(db.run(s));
  return db.changed() == 1;
}

result<bool> remove_operation(database& db, std::int64_t operation) {
  THV_TRY(auto s, db.prepare("DELETE FROM operations WHERE id = ?"));
  THV_CHECK(db.run(s.bind(operation)));
  return db.changed() == 1;
}

result<bool> update_intent(database& db, intent_record const& i) {
  THV_TRY(auto s, db.prepare("UPDATE intents SET instance = ?, done = ? WHERE id = ?"));
  s.bind(i.instance).bind(static_cast<std::int64_t>(i.done)).bind(i.id);
  THV_CHECK(db.run(s));
  return db.changed() == 1;
}

result<void> insert_intent(database& db, intent_record const& i, std::int64_t operation) {
  THV_TRY(auto s, db.prepare("INSERT INTO intents (operation, kind, workload, runtime, instance, "
                             "previous, done) VALUES (?, ?, ?, ?, ?, ?, ?)"));
  s.bind(operation).bind(static_cast<std::int64_t>(i.kind)).bind(i.workload).bind(i.runtime);
  s.bind(i.instance).bind(i.previous).bind(static_cast<std::int64_t>(i.done));
  return db.run(s);
}

result<std::vector<intent_record>> operation_intents(database& db, std::int64_t operation) {
  THV_TRY(auto s, db.prepare("SELECT id, operation, kind, workload, runtime, instance, previous, "
                             "done FROM intents WHERE operation = ? ORDER BY id"));
  s.bind(operation);
  std::vector<intent_record> list;
  for (;;) {
    THV_TRY(auto const row, db.step(s));
    if (!row) return list;
    THV_TRY(auto i, read_intent(db, s));
    list.push_back(std::move(i));
  }
}

}  // namespace thv::store::detail
