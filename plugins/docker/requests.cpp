// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <charconv>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "docker/json.hpp"
#include "docker/labels.hpp"
#include "docker/protocol.hpp"

namespace thv::docker {

namespace bj = boost::json;

namespace {

// What a stdio member says on its standard output is protocol traffic, which the engine cannot
// leave out of its log: so that log is small.
constexpr char stdio_log_size[] = "1m";
constexpr char http_log_size[] = "10m";

bool holds_nul(std::string_view text) {
  return text.find('\0') != std::string_view::npos;
}

/// Can JSON carry it? Docker would put other characters in the place of what it cannot.
bool is_utf8(std::string const& text) {
  bj::error_code problem;
  (void)bj::parse(bj::serialize(bj::string(text)), problem);
  return !problem;
}

std::string secret_file(std::string const& variable) {
  return std::string(secret_folder) + "/" + variable;
}

result<bj::array> environment(plugin::workload_spec const& spec, port_plan const& ports) {
  std::map<std::string, std::string> all{{"MCP_TRANSPORT", std::string(to_string(spec.transport))}};
  if (spec.transport != transport::stdio)
    for (auto const* name : {"MCP_PORT", "PORT", "FASTMCP_PORT"})
      all.emplace(name, std::to_string(ports.container_port));
  for (auto const& [name, value] : spec.environment) {
    if (name.empty() || name.find('=') != std::string::npos || holds_nul(name))
      return fail(errc::invalid_argument, "'" + name + "' is no name of an environment variable");
    if (holds_nul(value))
      return fail(errc::invalid_argument, "the value of " + name + " holds a zero byte");
    if (!is_utf8(name) || !is_utf8(value))
      return fail(errc::unsupported,
                  "the value of " + name + " is no UTF-8, which the engine's API cannot carry",
                  "a secret of any bytes can be given as a file: --secret NAME,target=KEY,as=file");
    all[name] = value;
  }
  for (auto const& [name, value] : spec.secret_files) all[name] = secret_file(name);
  bj::array out;
  for (auto const& [name, value] : all) out.emplace_back(name + "=" + value);
  return out;
}

bj::object labels(plugin::workload_spec const& spec, port_plan const& ports,
                  std::string const& nonce) {
  bj::object out;
  for (auto const& [name, value] : spec.labels) out[name] = value;
  out[label::marked] = "true";
  out[label::name] = spec.name;
  out[label::base_name] = spec.name;
  out[label::transport] = std::string(to_string(spec.transport));
  if (ports.container_port != 0) out[label::port] = std::to_string(ports.container_port);
  out[label::group] = spec.group;
  out[label::store] = spec.store;
  out[label::config_hash] = spec.config_hash;
  out[label::nonce] = nonce;
  bj::array secrets;
  for (auto const& reference : spec.secret_names) secrets.emplace_back(reference);
  out[label::secrets] = bj::serialize(secrets);
  return out;
}

/// Adds a mount; a second one for the same target can only make it writable.
void add_mount(std::vector<plugin::mount>& mounts, plugin::mount m) {
  auto const same = std::find_if(mounts.begin(), mounts.end(),
                                 [&](auto const& other) { return other.target == m.target; });
  if (same == mounts.end()) {
    mounts.push_back(std::move(m));
  } else if (same->source == m.source && !m.read_only) {
    same->read_only = false;
  }
}

/// A permission profile's mount: `path` or `host-path:container-path`.
result<void> add_permission(std::vector<plugin::mount>& mounts, std::string const& text,
                            bool read_only) {
  if (text.find("://") != std::string::npos)
    return fail(
        errc::unsupported,
        "the permission profile's mount '" + text + "' names a resource, which Docker cannot mount",
        "name a path, or host-path:container-path");
  auto const colon = text.find(':');
  plugin::mount m{text.substr(0, colon), colon == std::string::npos ? text : text.substr(colon + 1),
                  read_only};
  if (!m.source.starts_with('/') || !m.target.starts_with('/'))
    return fail(errc::invalid_argument,
                "the permission profile's mount '" + text + "' is not an absolute path",
                "write it as /path, or /host-path:/container-path");
  add_mount(mounts, std::move(m));
  return {};
}

result<std::vector<plugin::mount>> mounts_of(plugin::workload_spec const& spec) {
  std::vector<plugin::mount> mounts;
  for (auto const& m : spec.mounts) add_mount(mounts, m);
  for (auto const& text : spec.permissions.read) THV_CHECK(add_permission(mounts, text, true));
  for (auto const& text : spec.permissions.write) THV_CHECK(add_permission(mounts, text, false));
  return mounts;
}

/// Adds the files with secrets, at places that nothing else is mounted on: a folder of the user's
/// there would be given empty files.
result<void> add_secret_mounts(std::vector<plugin::mount>& mounts,
                               std::map<std::string, std::string> const& paths) {
  std::vector<plugin::mount> files;
  for (auto const& [variable, path] : paths) files.push_back({path, secret_file(variable), true});
  for (auto const& m : mounts) {
    auto const target = m.target.substr(0, m.target.find_last_not_of('/') + 1);
    bool const taken = std::any_of(files.begin(), files.end(), [&](auto const& file) {
      return target == secret_folder || target == file.target;
    });
    if (taken)
      return fail(errc::invalid_argument,
                  "a volume is mounted on " + m.target + ", where the files with secrets belong",
                  "mount the volume elsewhere, or leave out ',as=file'");
  }
  mounts.insert(mounts.end(), files.begin(), files.end());
  return {};
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  unsigned value = 0;
  auto const* const end = text.data() + text.size();
  auto const [at, ec] = std::from_chars(text.data(), end, value);
  if (ec != std::errc() || at != end || value < 1 || value > 65535) return std::nullopt;
  return static_cast<std::uint16_t>(value);
}

result<bj::object> bindings(plugin::workload_spec const& spec, port_plan const& ports) {
  bj::object out;
  if (ports.publish_on.empty()) return out;
  auto const publish = [&](std::string const& inside, std::string const& outside) {
    auto& list = out[inside + "/tcp"];
    if (!list.is_array()) list.emplace_array();
    list.get_array().push_back(bj::object{{"HostIp", ports.publish_on}, {"HostPort", outside}});
  };
  if (ports.container_port != 0) publish(std::to_string(ports.container_port), "0");
  for (auto const& text : spec.publish) {
    auto const colon = text.find(':');
    auto const outside = parse_port(std::string_view(text).substr(0, colon));
    auto const inside = colon == std::string::npos
                            ? std::nullopt
                            : parse_port(std::string_view(text).substr(colon + 1));
    if (!outside || !inside)
      return fail(errc::invalid_argument, "'" + text + "' is no port to publish",
                  "write it as host-port:container-port");
    publish(std::to_string(*inside), std::to_string(*outside));
  }
  return out;
}

result<bj::object> host_config(plugin::workload_spec const& spec, port_plan const& ports,
                               std::map<std::string, std::string> const& secret_paths) {
  bool const stdio = spec.transport == transport::stdio;
  bj::object out{
      {"Init", true},
      {"CapDrop", bj::array{"ALL"}},
      {"Privileged", spec.permissions.privileged},
      {"RestartPolicy", {{"Name", "unless-stopped"}}},
      {"LogConfig",
       {{"Type", "json-file"},
        {"Config", {{"max-size", stdio ? stdio_log_size : http_log_size}, {"max-file", "1"}}}}},
  };
  THV_TRY(auto mounts, mounts_of(spec));
  THV_CHECK(add_secret_mounts(mounts, secret_paths));
  bj::array list;
  for (auto const& m : mounts)
    list.push_back(bj::object{
        {"Type", "bind"}, {"Source", m.source}, {"Target", m.target}, {"ReadOnly", m.read_only}});
  bj::array security{"no-new-privileges"};
  // Where SELinux rules, a container reads a bind mount only without its label.
  if (!list.empty()) security.emplace_back("label=disable");
  out["SecurityOpt"] = std::move(security);
  out["Mounts"] = std::move(list);
  if (!spec.permissions.network.mode.empty()) out["NetworkMode"] = spec.permissions.network.mode;
  THV_TRY(out["PortBindings"], bindings(spec, ports));
  return out;
}

net::request get(std::string target) {
  return {.method = "GET", .target = std::move(target)};
}

net::request post(std::string target) {
  return {.method = "POST", .target = std::move(target)};
}

/// The filter of what bears our mark, percent-encoded.
std::string marked_filter(bool containers_only) {
  bj::object filter{{"label", bj::array{std::string(label::marked) + "=true"}}};
  if (containers_only) filter["type"] = bj::array{"container"};
  return encode(bj::serialize(filter));
}

}  // namespace

std::string encode(std::string_view text) {
  constexpr char digits[] = "0123456789ABCDEF";
  std::string out;
  for (char const c : text) {
    bool const plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '.' || c == '_' || c == '~';
    if (plain) {
      out += c;
    } else {
      auto const byte = static_cast<unsigned char>(c);
      out += {'%', digits[byte >> 4], digits[byte & 15]};
    }
  }
  return out;
}

image_reference parse_image(std::string_view text) {
  image_reference r;
  if (auto const at = text.find('@'); at != std::string_view::npos) {
    r.has_digest = true;
    r.tag = text.substr(at + 1);
    text = text.substr(0, at);
  }
  auto const slash = text.rfind('/');
  auto const colon = text.rfind(':');
  bool const tagged =
      colon != std::string_view::npos && (slash == std::string_view::npos || colon > slash);
  r.name = text.substr(0, tagged ? colon : text.size());
  if (tagged && !r.has_digest) r.tag = text.substr(colon + 1);
  return r;
}

result<std::string> container_body(plugin::workload_spec const& spec, port_plan const& ports,
                                   std::string const& nonce,
                                   std::map<std::string, std::string> const& secret_paths) {
  bool const stdio = spec.transport == transport::stdio;
  bj::object body;
  body["Image"] = spec.source.package;
  THV_TRY(body["Env"], environment(spec, ports));
  if (!spec.arguments.empty()) {
    bj::array arguments;
    for (auto const& a : spec.arguments) arguments.emplace_back(a);
    body["Cmd"] = std::move(arguments);
  }
  body["Labels"] = labels(spec, ports, nonce);
  body["Tty"] = false;
  body["OpenStdin"] = stdio;
  body["StdinOnce"] = false;
  THV_TRY(auto host, host_config(spec, ports, secret_paths));
  bj::object exposed;
  for (auto const& binding : host["PortBindings"].get_object())
    exposed[binding.key()] = bj::object();
  body["ExposedPorts"] = std::move(exposed);
  body["HostConfig"] = std::move(host);
  return bj::serialize(body);
}

net::request create_container(std::string const& api, std::string const& name, std::string body) {
  auto r = post(api + "/containers/create?name=" + encode(name));
  r.headers["Content-Type"] = "application/json";
  r.body = std::move(body);
  return r;
}

net::request container_action(std::string const& api, std::string const& id,
                              std::string const& action_and_query) {
  return post(api + "/containers/" + encode(id) + "/" + action_and_query);
}

net::request inspect_container(std::string const& api, std::string const& id) {
  return get(api + "/containers/" + encode(id) + "/json");
}

net::request remove_container(std::string const& api, std::string const& id) {
  auto r = get(api + "/containers/" + encode(id) + "?force=1&v=1");
  r.method = "DELETE";
  return r;
}

net::request list_containers(std::string const& api) {
  return get(api + "/containers/json?all=1&filters=" + marked_filter(false));
}

net::request inspect_image(std::string const& api, std::string const& image) {
  return get(api + "/images/" + encode(image) + "/json");
}

net::request pull_image(std::string const& api, std::string const& image) {
  auto const reference = parse_image(image);
  auto const tag = reference.tag.empty() ? std::string("latest") : reference.tag;
  return post(api + "/images/create?fromImage=" + encode(reference.name) + "&tag=" + encode(tag));
}

net::request container_logs(std::string const& api, std::string const& id,
                            std::string const& query) {
  return get(api + "/containers/" + encode(id) + "/logs?stdout=1&stderr=1" + query);
}

net::request watch_events(std::string const& api) {
  return get(api + "/events?filters=" + marked_filter(true));
}

net::request attach_container(std::string const& api, std::string const& id) {
  auto r = container_action(api, id, "attach?stream=1&stdin=1&stdout=1");
  r.headers["Connection"] = "Upgrade";
  r.headers["Upgrade"] = "tcp";
  return r;
}

}  // namespace thv::docker
