// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <process/environment.hpp>
#include <thv/model/secret_reference.hpp>

namespace thv::process {

bool is_inherited(std::string_view key) {
  static constexpr std::array names{"PATH",          "HOME",           "LANG",
                                    "LANGUAGE",      "SSL_CERT_DIR",   "NODE_EXTRA_CA_CERTS",
                                    "AWS_CA_BUNDLE", "SSL_CERT_FILE",  "REQUESTS_CA_BUNDLE",
                                    "PIP_CERT",      "GIT_SSL_CAINFO", "CURL_CA_BUNDLE"};
  if (key.starts_with("LC_")) return true;
  if (std::find(names.begin(), names.end(), key) != names.end()) return true;
  static constexpr std::array proxies{"http_proxy", "https_proxy", "ftp_proxy", "all_proxy",
                                      "no_proxy"};
  std::string lower(key);
  for (auto& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return std::find(proxies.begin(), proxies.end(), lower) != proxies.end();
}

environment_map current_environment() {
  environment_map values;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    std::string_view const text(*entry);
    auto const equals = text.find('=');
    if (equals != std::string_view::npos)
      values.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return values;
}

environment_map member_environment(environment_map const& ours, plugin::workload_spec const& spec,
                                   std::string const& id, std::uint16_t port) {
  environment_map values;
  for (auto const& [key, value] : ours)
    if (is_inherited(key)) values[key] = value;
  if (spec.transport != transport::stdio) values["MCP_TRANSPORT"] = to_string(spec.transport);
  for (auto const& [key, value] : spec.environment) values[key] = value;
  if (spec.transport != transport::stdio)
    for (auto const* key : {"PORT", "MCP_PORT", "FASTMCP_PORT"}) values[key] = std::to_string(port);
  values["THV_WORKLOAD"] = spec.name;
  values["THV_GROUP"] = spec.group;
  values["THV_STORE"] = spec.store;
  values["THV_INSTANCE"] = id;
  return values;
}

environment_map installer_environment(environment_map ours) {
  std::erase_if(ours, [](auto const& entry) {
    return entry.first.starts_with("THV_") || entry.first.starts_with("TOOLHIVE_");
  });
  return ours;
}

std::vector<std::string> to_lines(environment_map const& values) {
  std::vector<std::string> lines;
  for (auto const& [key, value] : values) lines.push_back(key + "=" + value);
  return lines;
}

std::vector<std::string> with_port(std::vector<std::string> arguments, std::uint16_t port) {
  static constexpr std::string_view mark = "{port}";
  auto const number = std::to_string(port);
  for (auto& argument : arguments)
    for (auto at = argument.find(mark); at != std::string::npos;
         at = argument.find(mark, at + number.size()))
      argument.replace(at, mark.size(), number);
  return arguments;
}

secret_targets targets_of(std::vector<std::string> const& secret_names) {
  secret_targets found;
  for (auto const& name : secret_names) {
    auto const parsed = parse_secret_reference(name);
    if (parsed && parsed->as == secret_delivery::file)
      found.files.push_back(parsed->target);
    else
      found.values.insert(parsed ? parsed->target : name);
  }
  return found;
}

plugin::workload_spec without_secrets(plugin::workload_spec spec) {
  auto const targets = targets_of(spec.secret_names);
  for (auto const& key : targets.values) spec.environment.erase(key);
  for (auto const& key : targets.files) spec.environment.erase(key);
  spec.secret_files.clear();
  spec.headers.clear();
  return spec;
}

}  // namespace thv::process
