// SPDX-License-Identifier: Apache-2.0
#include "docker/credentials.hpp"

#include <fstream>
#include <iterator>

#include <boost/json/serialize.hpp>

#include "docker/json.hpp"

namespace thv::docker {

namespace bj = boost::json;

namespace {

constexpr std::string_view alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

std::string encode_base64url(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); i += 3) {
    std::uint32_t bits = 0;
    for (std::size_t j = 0; j < 3; ++j)
      bits = bits << 8 | (i + j < text.size() ? static_cast<unsigned char>(text[i + j]) : 0U);
    for (std::size_t j = 0; j < 4; ++j)
      out += i + j > text.size() ? '=' : alphabet[bits >> (18 - 6 * j) & 63];
  }
  return out;
}

std::string decode_base64(std::string_view text) {
  std::string out;
  std::uint32_t bits = 0;
  int have = 0;
  for (char c : text) {
    if (c == '+') c = '-';
    if (c == '/') c = '_';
    auto const at = alphabet.find(c);
    if (at == std::string_view::npos) break;
    bits = bits << 6 | static_cast<std::uint32_t>(at);
    have += 6;
    if (have < 8) continue;
    have -= 8;
    out += static_cast<char>(bits >> have & 255);
  }
  return out;
}

/// The host of a key in `auths`, which may be a URL.
std::string_view host_of(std::string_view key) {
  if (auto const scheme = key.find("://"); scheme != std::string_view::npos)
    key.remove_prefix(scheme + 3);
  key = key.substr(0, key.find('/'));
  return key == "docker.io" || key == "registry-1.docker.io" ? "index.docker.io" : key;
}

std::string header_of(bj::value const& entry, std::string const& registry) {
  bj::object auth;
  if (auto const token = json::text(entry, {"identitytoken"}); !token.empty()) {
    auth["identitytoken"] = token;
  } else {
    auto const both = decode_base64(json::text(entry, {"auth"}));
    auto const colon = both.find(':');
    if (colon == std::string::npos) return {};
    auth["username"] = both.substr(0, colon);
    auth["password"] = both.substr(colon + 1);
  }
  auth["serveraddress"] = registry;
  return encode_base64url(bj::serialize(auth));
}

}  // namespace

std::string registry_of(std::string_view image) {
  auto const slash = image.find('/');
  auto const first = image.substr(0, slash);
  bool const named = slash != std::string_view::npos &&
                     (first == "localhost" || first.find_first_of(".:") != std::string_view::npos);
  return std::string(named ? host_of(first) : "index.docker.io");
}

credentials find_credentials(std::string_view config, std::string_view image) {
  boost::system::error_code ec;
  auto const v = bj::parse({config.data(), config.size()}, ec);
  if (ec) return {};
  auto const registry = registry_of(image);
  if (auto const* const entries = json::object(v, {"auths"}))
    for (auto const& entry : *entries) {
      if (host_of({entry.key().data(), entry.key().size()}) != registry) continue;
      if (auto header = header_of(entry.value(), registry); !header.empty()) return {header, {}};
    }
  auto const helper = json::text(v, {"credHelpers", registry});
  if (helper.empty() && json::text(v, {"credsStore"}).empty()) return {};
  return {{},
          "a credential helper keeps the login of " + registry +
              ", and it is not run: pull the image with docker, or log in without a helper"};
}

credentials stored_credentials(machine const& m, std::string_view image) {
  auto folder = m.variable("DOCKER_CONFIG");
  if (folder.empty()) folder = m.variable("HOME") + "/.docker";
  std::ifstream file(folder + "/config.json");
  if (!file) return {};
  return find_credentials(std::string(std::istreambuf_iterator<char>(file), {}), image);
}

}  // namespace thv::docker
