// SPDX-License-Identifier: Apache-2.0
#include "docker/settings.hpp"

#include <arpa/inet.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <numeric>
#include <vector>

namespace thv::docker {

namespace {

constexpr std::array<std::string_view, 5> known_keys{"endpoint", "ca", "cert", "key", "publish"};

std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    auto diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      auto const substituted = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, substituted});
    }
  }
  return row.back();
}

result<void> check_keys(std::map<std::string, std::string> const& table) {
  for (auto const& setting : table) {
    auto const& key = setting.first;
    if (std::find(known_keys.begin(), known_keys.end(), key) != known_keys.end()) continue;
    auto const nearest =
        *std::min_element(known_keys.begin(), known_keys.end(),
                          [&](auto a, auto b) { return distance(key, a) < distance(key, b); });
    return fail(errc::invalid_argument, "unknown setting '" + key + "' of the docker runtime",
                "did you mean '" + std::string(nearest) +
                    "'? known are endpoint, ca, cert, key and publish");
  }
  return {};
}

bool is_address(std::string const& text) {
  in6_addr scratch;
  return ::inet_pton(AF_INET, text.c_str(), &scratch) == 1 ||
         ::inet_pton(AF_INET6, text.c_str(), &scratch) == 1;
}

bool is_loopback(std::string const& host) {
  return host == "localhost" || host == "::1" || (is_address(host) && host.starts_with("127."));
}

struct found_endpoint {
  std::string text;
  bool from_docker_host = false;
};

found_endpoint find_endpoint(machine const& m) {
  if (auto host = m.variable("DOCKER_HOST"); !host.empty()) return {host, true};
  if (auto path = m.variable("TOOLHIVE_DOCKER_SOCKET"); !path.empty())
    return {path.find("://") == std::string::npos ? "unix://" + path : path};
  std::vector<std::string> candidates{"/var/run/docker.sock"};
  if (auto const runtime = m.variable("XDG_RUNTIME_DIR"); !runtime.empty())
    candidates.push_back(runtime + "/docker.sock");
  if (auto const home = m.variable("HOME"); !home.empty())
    for (auto const* below : {"/.docker/run/docker.sock", "/.docker/desktop/docker.sock",
                              "/.rd/docker.sock", "/.orbstack/run/docker.sock"})
      candidates.push_back(home + below);
  auto const there = std::find_if(candidates.begin(), candidates.end(), m.is_socket);
  return {"unix://" + (there == candidates.end() ? candidates.front() : *there)};
}

bool names_port(std::string const& endpoint) {
  auto const rest = endpoint.substr(endpoint.find("://") + 3);
  auto const authority = rest.substr(0, rest.find('/'));
  auto const colon = authority.rfind(':');
  return colon != std::string::npos && authority.find(']', colon) == std::string::npos;
}

std::string value_of(std::map<std::string, std::string> const& table, std::string const& key) {
  auto const found = table.find(key);
  return found == table.end() ? std::string() : found->second;
}

result<net::address> parse_endpoint(std::string const& text) {
  auto parsed = net::parse_url(text);
  if (!parsed) {
    auto e = std::move(parsed).error();
    e.where = "endpoint";
    e.hint = "write it as unix:///path/to/docker.sock or tcp://host:port";
    return e;
  }
  return std::move(parsed->first);
}

}  // namespace

machine machine::real() {
  return {.variable =
              [](std::string const& name) {
                auto const* value = std::getenv(name.c_str());
                return std::string(value ? value : "");
              },
          .is_socket =
              [](std::string const& path) {
                struct stat info {};
                return ::stat(path.c_str(), &info) == 0 && S_ISSOCK(info.st_mode);
              }};
}

result<settings> read_settings(std::map<std::string, std::string> const& table, machine const& m) {
  THV_CHECK(check_keys(table));
  settings s;
  found_endpoint endpoint{value_of(table, "endpoint"), false};
  if (endpoint.text.empty()) endpoint = find_endpoint(m);
  s.endpoint = endpoint.text;
  if (s.endpoint.starts_with('/')) s.endpoint.insert(0, "unix://");
  THV_TRY(s.engine, parse_endpoint(s.endpoint));
  auto& files = s.engine.tls_files;
  files = {value_of(table, "ca"), value_of(table, "cert"), value_of(table, "key")};
  bool const no_files = files.ca_file.empty() && files.certificate_file.empty();
  if (endpoint.from_docker_host && no_files && !m.variable("DOCKER_TLS_VERIFY").empty()) {
    auto folder = m.variable("DOCKER_CERT_PATH");
    if (folder.empty()) folder = m.variable("HOME") + "/.docker";
    files = {folder + "/ca.pem", folder + "/cert.pem", folder + "/key.pem"};
  }
  bool const is_unix = !s.engine.unix_path.empty();
  bool const has_files =
      !files.ca_file.empty() || !files.certificate_file.empty() || !files.key_file.empty();
  if (is_unix && has_files && !endpoint.from_docker_host)
    return fail(errc::invalid_argument,
                "ca, cert and key are for tcp endpoints, not for " + s.endpoint,
                "remove them, or set endpoint = \"tcp://host:2376\"", "ca");
  if (files.certificate_file.empty() != files.key_file.empty())
    return fail(errc::invalid_argument, "cert and key belong together", "set both or neither",
                files.key_file.empty() ? "cert" : "key");
  if (!is_unix && has_files) s.engine.tls = true;
  if (!is_unix && !names_port(s.endpoint)) s.engine.port = s.engine.tls ? 2376 : 2375;
  s.elsewhere = !is_unix && !is_loopback(s.engine.host);
  s.publish = value_of(table, "publish");
  if (!s.publish.empty() && !is_address(s.publish))
    return fail(errc::invalid_argument, "'" + s.publish + "' is no IP address",
                "name the address of the engine's machine on which ports are published", "publish");
  return s;
}

}  // namespace thv::docker
