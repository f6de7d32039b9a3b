// SPDX-License-Identifier: Apache-2.0
#include <remote/record.hpp>

#include <fmt/format.h>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

namespace thv::remote {

namespace json = boost::json;

namespace {

error wrong(std::string_view member) {
  return fail(errc::corrupt,
              fmt::format("the record's member '{}' is not what it should be", member));
}

/// Reads members one after another and remembers the first that is wrong.
class reader {
 public:
  explicit reader(json::object const& object) : object_(object) {}

  void text(std::string_view name, std::string& out) {
    if (auto const* value = find(name)) {
      if (value->is_string())
        out = value->get_string();
      else
        wrong_ = name;
    }
  }
  void number(std::string_view name, std::int64_t& out) {
    if (auto const* value = find(name)) {
      if (value->is_int64())
        out = value->get_int64();
      else
        wrong_ = name;
    }
  }
  void flag(std::string_view name, bool& out) {
    if (auto const* value = find(name)) {
      if (value->is_bool())
        out = value->get_bool();
      else
        wrong_ = name;
    }
  }
  void texts(std::string_view name, std::vector<std::string>& out) {
    auto const* value = find(name);
    if (!value) return;
    if (!value->is_array()) return refuse(name);
    for (auto const& item : value->get_array()) {
      if (!item.is_string()) return refuse(name);
      out.emplace_back(item.get_string());
    }
  }
  void texts(std::string_view name, std::map<std::string, std::string>& out) {
    auto const* value = find(name);
    if (!value) return;
    if (!value->is_object()) return refuse(name);
    for (auto const& [key, item] : value->get_object()) {
      if (!item.is_string()) return refuse(name);
      out[std::string(key)] = item.get_string();
    }
  }
  void refuse(std::string_view name) { wrong_ = name; }
  [[nodiscard]] std::string const& wrong_member() const { return wrong_; }

 private:
  [[nodiscard]] json::value const* find(std::string_view name) {
    auto const* value = object_.if_contains({name.data(), name.size()});
    if (!value) wrong_ = name;
    return value;
  }

  json::object const& object_;
  std::string wrong_;
};

}  // namespace

std::string to_json(record const& r) {
  json::object labels;
  for (auto const& [key, value] : r.labels) labels[key] = value;
  json::object const object{
      {"id", r.id},
      {"name", r.name},
      {"group", r.group},
      {"store", r.store},
      {"config_hash", r.config_hash},
      {"url", r.url},
      {"transport", json::string_view(to_string(r.transport))},
      {"labels", std::move(labels)},
      {"secret_names", json::array(r.secret_names.begin(), r.secret_names.end())},
      {"stopped", r.stopped},
      {"displaced_by", r.displaced_by},
      {"created_at", r.created_at},
      {"started_at", r.started_at},
      {"starts", r.starts}};
  return json::serialize(object) + "\n";
}

result<record> parse_record(std::string_view text) {
  json::error_code problem;
  auto const value = json::parse({text.data(), text.size()}, problem);
  if (problem || !value.is_object()) return fail(errc::corrupt, "the record is no JSON object");
  record r;
  std::string transport;
  reader in(value.get_object());
  in.text("id", r.id);
  in.text("name", r.name);
  in.text("group", r.group);
  in.text("store", r.store);
  in.text("config_hash", r.config_hash);
  in.text("url", r.url);
  in.text("transport", transport);
  in.texts("labels", r.labels);
  in.texts("secret_names", r.secret_names);
  in.flag("stopped", r.stopped);
  in.text("displaced_by", r.displaced_by);
  in.number("created_at", r.created_at);
  in.number("started_at", r.started_at);
  in.number("starts", r.starts);
  if (!in.wrong_member().empty()) return wrong(in.wrong_member());
  auto const known = parse_transport(transport);
  if (!known || *known == thv::transport::stdio) return wrong("transport");
  r.transport = *known;
  return r;
}

plugin::instance to_instance(record const& r) {
  plugin::instance i;
  i.id = r.id;
  i.workload = r.name;
  i.group = r.group;
  i.store = r.store;
  i.config_hash = r.config_hash;
  i.state = r.stopped ? workload_state::stopped : workload_state::running;
  if (!r.displaced_by.empty()) i.message = "replaced by " + r.displaced_by;
  i.created_at = r.created_at;
  i.started_at = r.started_at;
  i.session_key = fmt::format("{}/{}", r.id, r.starts);
  i.transport = r.transport;
  i.package = r.url;
  i.labels = r.labels;
  i.secret_names = r.secret_names;
  return i;
}

}  // namespace thv::remote
