// SPDX-License-Identifier: Apache-2.0
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <process/environment.hpp>
#include <process/record.hpp>
#include <stdexcept>

namespace thv::process {
namespace {

namespace json = boost::json;

json::object write_map(std::map<std::string, std::string> const& values) {
  json::object object;
  for (auto const& [key, value] : values) object[key] = value;
  return object;
}

json::object write_spec(plugin::workload_spec const& full) {
  auto const spec = without_secrets(full);
  return {{"name", spec.name},
          {"group", spec.group},
          {"store", spec.store},
          {"config_hash", spec.config_hash},
          {"source", spec.source.text},
          {"arguments", json::array(spec.arguments.begin(), spec.arguments.end())},
          {"transport", std::string(to_string(spec.transport))},
          {"host", spec.host},
          {"target_port", spec.target_port},
          {"environment", write_map(spec.environment)},
          {"secret_names", json::array(spec.secret_names.begin(), spec.secret_names.end())},
          {"labels", write_map(spec.labels)}};
}

/// Reads the fields of one object; the first wrong one ends the reading with its name.
class reader {
 public:
  explicit reader(json::value const& value) : object_(value.as_object()) {}

  std::string text(char const* key) const {
    return std::string(checked(key, json::kind::string).get_string());
  }
  bool flag(char const* key) const { return checked(key, json::kind::bool_).get_bool(); }
  reader object(char const* key) const { return reader(checked(key, json::kind::object)); }
  template <class Number>
  Number number(char const* key) const {
    return found(key).to_number<Number>();
  }
  std::optional<int> optional_number(char const* key) const {
    if (found(key).is_null()) return std::nullopt;
    return number<int>(key);
  }
  std::vector<std::string> texts(char const* key) const {
    std::vector<std::string> values;
    for (auto const& item : checked(key, json::kind::array).get_array())
      values.emplace_back(item.as_string());
    return values;
  }
  std::map<std::string, std::string> map(char const* key) const {
    std::map<std::string, std::string> values;
    for (auto const& item : checked(key, json::kind::object).get_object())
      values.emplace(item.key(), std::string(item.value().as_string()));
    return values;
  }

 private:
  json::value const& found(char const* key) const {
    auto const* value = object_.if_contains(key);
    if (value == nullptr) throw std::runtime_error("/" + std::string(key) + ": missing");
    return *value;
  }
  json::value const& checked(char const* key, json::kind kind) const {
    auto const& value = found(key);
    if (value.kind() != kind) throw std::runtime_error("/" + std::string(key) + ": wrong type");
    return value;
  }

  json::object const& object_;
};

plugin::workload_spec read_spec(reader const& r) {
  plugin::workload_spec spec;
  spec.name = r.text("name");
  spec.group = r.text("group");
  spec.store = r.text("store");
  spec.config_hash = r.text("config_hash");
  spec.source = parse_source(r.text("source"));
  spec.arguments = r.texts("arguments");
  auto const parsed = parse_transport(r.text("transport"));
  if (!parsed) throw std::runtime_error("/spec/transport: unknown");
  spec.transport = *parsed;
  spec.host = r.text("host");
  spec.target_port = r.number<std::uint16_t>("target_port");
  spec.environment = r.map("environment");
  spec.secret_names = r.texts("secret_names");
  spec.labels = r.map("labels");
  return spec;
}

record read_record(reader const& r) {
  record made;
  made.id = r.text("id");
  made.spec = read_spec(r.object("spec"));
  made.who.pid = r.number<pid_t>("pid");
  made.who.start_time = r.number<std::uint64_t>("start_time");
  made.who.boot = r.text("boot_id");
  made.wanted = r.flag("wanted");
  made.displaced_by = r.text("displaced_by");
  made.port = r.number<std::uint16_t>("port");
  made.created_at = r.number<std::int64_t>("created_at");
  made.started_at = r.number<std::int64_t>("started_at");
  made.exit_code = r.optional_number("exit_code");
  made.exit_reason = r.text("exit_reason");
  return made;
}

}  // namespace

std::string to_json(record const& r) {
  json::object const object{
      {"id", r.id},
      {"spec", write_spec(r.spec)},
      {"pid", r.who.pid},
      {"start_time", r.who.start_time},
      {"boot_id", r.who.boot},
      {"wanted", r.wanted},
      {"displaced_by", r.displaced_by},
      {"port", r.port},
      {"created_at", r.created_at},
      {"started_at", r.started_at},
      {"exit_code", r.exit_code ? json::value(*r.exit_code) : json::value(nullptr)},
      {"exit_reason", r.exit_reason}};
  return json::serialize(object) + "\n";
}

result<record> parse_record(std::string_view text) {
  try {
    return read_record(reader(json::parse(json::string_view(text.data(), text.size()))));
  } catch (std::exception const& e) {
    return fail(errc::corrupt, std::string("record.json cannot be read: ") + e.what(),
                "remove the workload and run it again");
  }
}

}  // namespace thv::process
