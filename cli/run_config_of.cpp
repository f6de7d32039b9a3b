// SPDX-License-Identifier: Apache-2.0
#include "run_config_of.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <fmt/format.h>

#include <thv/config/duration.hpp>
#include <thv/engine/spec.hpp>
#include <thv/json/parse.hpp>
#include <thv/model/names.hpp>
#include <thv/model/permission_profile_json.hpp>
#include <thv/model/run_config_json.hpp>
#include <thv/registry/find.hpp>
#include <thv/registry/members.hpp>

#include "change.hpp"
#include "output.hpp"
#include "views.hpp"

namespace thv::cli {

namespace {

error wrong(std::string message, std::string where, std::string hint = {}) {
  return fail(errc::invalid_argument, std::move(message), std::move(hint), std::move(where));
}

/// `KEY=VALUE` of `--env`; later ones win.
result<std::map<std::string, std::string>> environment_of(run_flags const& flags) {
  std::map<std::string, std::string> env;
  for (auto const& path : flags.env_files) {
    std::ifstream file(path);
    if (!file) return wrong(fmt::format("env file '{}' cannot be read", path), "--env-file");
    std::string line;
    for (int number = 1; std::getline(file, line); ++number) {
      if (line.ends_with('\r')) line.pop_back();
      auto const start = line.find_first_not_of(" \t");
      if (start == line.npos || line[start] == '#') continue;
      line.erase(0, start);
      if (line.starts_with("export ")) line.erase(0, 7);
      auto const equals = line.find('=');
      if (equals == line.npos || equals == 0)
        return wrong("invalid environment variable format", fmt::format("{}:{}", path, number),
                     "expected KEY=VALUE");
      env[line.substr(0, equals)] = line.substr(equals + 1);
    }
  }
  for (auto const& text : flags.env) {
    auto const equals = text.find('=');
    if (equals == text.npos)
      return wrong(fmt::format("invalid environment variable format: {}", text), "--env",
                   "expected KEY=VALUE");
    if (equals == 0) return wrong("empty environment variable key", "--env");
    env[text.substr(0, equals)] = text.substr(equals + 1);
  }
  return env;
}

result<secret_reference> secret_of(std::string const& text, std::string const& where) {
  auto parsed = parse_secret_reference(text);
  if (!parsed) parsed.error().where = where;
  return parsed;
}

/// The program that a path means, as `file:///absolute/path`.
result<std::string> program_reference(std::string const& word) {
  std::filesystem::path const path = word.starts_with("file://") ? word.substr(7) : word;
  std::error_code problem;
  auto const absolute = std::filesystem::canonical(path, problem);
  if (problem) return fail(errc::not_found, fmt::format("program '{}' does not exist", word));
  if (std::filesystem::is_directory(absolute) || access(absolute.c_str(), X_OK) != 0)
    return fail(errc::invalid_argument, fmt::format("'{}' is no executable program", word));
  return "file://" + absolute.string();
}

/// Errors of registry/members.hpp speak of a group's members: of one server, its name is no part.
error of_one_server(error e, std::string const& server) {
  for (auto* text : {&e.message, &e.hint})
    for (auto at = text->find(server + "."); at != text->npos; at = text->find(server + ".", at))
      text->erase(at, server.size() + 1);
  return e;
}

result<run_config> config_of_server(registry::found_server const& found, run_flags const& flags,
                                    package_chooser const& choose) {
  auto const& server = *found.server;
  registry::targets targets;
  THV_TRY(targets.env[server.name], environment_of(flags));
  for (auto const& text : flags.secrets) {
    THV_TRY(auto parsed, secret_of(text, "--secret"));
    targets.secrets[server.name].push_back(std::move(parsed));
  }
  registry::member_options options;
  options.registry = found.document->origin;
  options.runtime = flags.runtime.value_or("");
  options.choose = choose;
  auto config = registry::server_config(server, targets, options);
  if (!config) return of_one_server(std::move(config).error(), server.name);
  return config;
}

result<run_config> config_of_source(std::string const& word, run_flags const& flags) {
  run_config c;
  auto const kind = kind_of_word(word);
  if (word.starts_with("go://"))
    return fail(errc::unsupported, fmt::format("'{}': Go packages cannot be run", word),
                "npx:// and uvx:// packages, images, URLs and programs can");
  if (kind == word_kind::url)
    c.remote_url = word;
  else if (kind == word_kind::program) {
    THV_TRY(c.image, program_reference(word));
  } else {
    c.image = word;
  }
  bool const http =
      kind == word_kind::url || kind == word_kind::image || kind == word_kind::server_or_image;
  c.transport = http ? transport::streamable_http : transport::stdio;
  c.name = default_workload_name(c.remote_url.empty() ? c.image : c.remote_url);
  if (!c.remote_url.empty() && (!flags.env.empty() || !flags.env_files.empty()))
    return wrong("a remote server takes no environment variables", "--env",
                 "use --remote-forward-headers NAME=VALUE");
  THV_TRY(c.env_vars, environment_of(flags));
  for (auto const& text : flags.secrets) {
    THV_TRY(auto const parsed, secret_of(text, "--secret"));
    if (!c.remote_url.empty() && parsed.as == secret_delivery::file)
      return wrong("a remote server takes no files", "--secret",
                   fmt::format("use --remote-forward-headers-secret HEADER={}", parsed.name));
    c.secrets.push_back(to_string(parsed));
  }
  if (c.remote_url.empty()) c.permission_profile = network_only_permissions();
  return c;
}

result<void> apply_permissions(run_config& c, run_flags const& flags) {
  if (flags.permission_profile) {
    c.permission_profile_name_or_path = *flags.permission_profile;
    THV_TRY(c.permission_profile, load_permission_profile(*flags.permission_profile));
  }
  if (flags.network) {
    if (!c.permission_profile) c.permission_profile = network_only_permissions();
    c.permission_profile->network.mode = *flags.network;
  }
  return {};
}

result<void> apply_volumes(run_config& c, run_flags const& flags) {
  for (auto const& text : flags.volumes) {
    auto const parsed = parse_volume(text);
    if (!parsed) {
      auto e = parsed.error();
      e.where = "--volume";
      return e;
    }
    if (!std::filesystem::exists(parsed->source))
      return fail(errc::not_found,
                  fmt::format("volume source path does not exist: {}", parsed->source));
    c.volumes.push_back(text);
  }
  return {};
}

bool is_port(std::string const& text) {
  return number_of({}, text, 1, 65535).has_value();
}

result<void> apply_network(run_config& c, run_flags const& flags) {
  if (flags.transport) {
    auto const parsed = parse_transport(*flags.transport);
    if (!parsed)
      return wrong(fmt::format("unknown transport '{}'", *flags.transport), "--transport");
    if (!c.remote_url.empty() && *parsed == transport::stdio)
      return wrong("a remote server cannot use stdio", "--transport");
    c.transport = *parsed;
    if (c.transport == transport::stdio) c.target_port = 0;
  }
  if (flags.target_port) {
    THV_TRY(auto const port, number_of("--target-port", *flags.target_port, 1, 65535));
    if (c.transport == transport::stdio)
      return wrong("a stdio server has no port", "--target-port", "use --transport");
    c.target_port = static_cast<std::uint16_t>(port);
  }
  if (flags.host) {
    if (flags.host->empty() || flags.host->find(':') != std::string::npos)
      return wrong(fmt::format("invalid host: {}", *flags.host), "--host",
                   "give an IPv4 address or a name");
    c.host = *flags.host;
  }
  for (auto const& text : flags.publish) {
    auto const colon = text.find(':');
    if (colon == text.npos || !is_port(text.substr(0, colon)) || !is_port(text.substr(colon + 1)))
      return wrong(fmt::format("'{}' is no pair of ports", text), "--publish",
                   "write it as hostPort:containerPort");
    c.publish.push_back(text);
  }
  return {};
}

/// Headers that the connection itself needs.
bool is_reserved_header(std::string_view name) {
  static constexpr std::array<std::string_view, 10> reserved = {
      "connection", "keep-alive",    "proxy-authenticate", "proxy-authorization",
      "te",         "trailer",       "transfer-encoding",  "upgrade",
      "host",       "content-length"};
  return std::find(reserved.begin(), reserved.end(), thv::detail::to_lower(name)) != reserved.end();
}

result<void> add_headers(std::map<std::string, std::string>& to,
                         std::vector<std::string> const& texts, std::string const& flag) {
  for (auto const& text : texts) {
    auto const equals = text.find('=');
    auto const name = text.substr(0, equals);
    if (equals == text.npos || name.empty() || name.find_first_of(" :\r\n\t") != name.npos)
      return wrong("invalid header", flag, "expected NAME=VALUE");
    if (is_reserved_header(name))
      return wrong(fmt::format("the header '{}' cannot be set", name), flag);
    if (text.find_first_of("\r\n") != text.npos)
      return wrong(fmt::format("the value of the header '{}' has a line break", name), flag);
    to[name] = text.substr(equals + 1);
  }
  return {};
}

result<void> apply_headers(run_config& c, run_flags const& flags) {
  if (c.remote_url.empty() &&
      !(flags.forward_headers.empty() && flags.forward_secret_headers.empty()))
    return wrong("headers can be forwarded to remote servers only",
                 flags.forward_headers.empty() ? "--remote-forward-headers-secret"
                                               : "--remote-forward-headers");
  THV_CHECK(add_headers(c.plaintext_headers, flags.forward_headers, "--remote-forward-headers"));
  return add_headers(c.secret_headers, flags.forward_secret_headers,
                     "--remote-forward-headers-secret");
}

result<void> apply_demand(run_config& c, run_flags const& flags) {
  c.on_demand = c.on_demand || flags.on_demand || flags.idle_timeout.has_value();
  if (c.on_demand && !c.remote_url.empty())
    return wrong("a server that somebody else runs cannot be started on demand",
                 flags.idle_timeout ? "--idle-timeout" : "--on-demand");
  if (!flags.idle_timeout) return {};
  auto time = config::parse_duration(*flags.idle_timeout);
  if (!time) return wrong(time.error().message, "--idle-timeout", time.error().hint);
  c.idle_timeout_ms = time->count();
  return {};
}

result<void> apply_name(run_config& c, run_flags const& flags) {
  if (flags.name) {
    c.name = sanitize_workload_name(*flags.name);
    if (c.name != *flags.name)
      say_warning(fmt::format("the name '{}' is not valid; '{}' is used", *flags.name, c.name));
  }
  if (c.name.empty())
    return wrong("no name could be made for this workload", {}, "give one with --name");
  c.group = flags.group.value_or("default");
  auto valid = validate_group_name(c.group);
  if (!valid) {
    auto const reason = valid.error().message.substr(std::string("invalid group name").size());
    return wrong("invalid group name in --group" + reason, {});
  }
  return {};
}

}  // namespace

word_kind kind_of_word(std::string const& word) {
  if (word.starts_with("./") || word.starts_with("../") || word.starts_with('/') ||
      word.starts_with("file://"))
    return word_kind::program;
  if (word.starts_with("npx://") || word.starts_with("uvx://") || word.starts_with("go://"))
    return word_kind::package;
  if (word.starts_with("http://") || word.starts_with("https://")) return word_kind::url;
  auto const last = word.substr(word.rfind('/') == word.npos ? 0 : word.rfind('/') + 1);
  return last.find_first_of(":@") != last.npos ? word_kind::image : word_kind::server_or_image;
}

result<run_config> run_config_of(run_flags const& flags,
                                 std::vector<registry::document> const& documents,
                                 package_chooser const& choose) {
  auto const& word = flags.what.front();
  std::optional<run_config> made;
  if (kind_of_word(word) == word_kind::server_or_image && !documents.empty()) {
    auto const found = registry::find_server(documents, word);
    if (found) {
      THV_TRY(made, config_of_server(*found, flags, choose));
    } else if (found.error().code != errc::not_found || word.find('/') == word.npos) {
      // A bare word that a registry does not know is a typing error far more often than an image.
      auto e = found.error();
      if (e.code == errc::not_found) e.hint += fmt::format("; for an image write {}:latest", word);
      return e;
    }
  }
  if (!made) {
    THV_TRY(made, config_of_source(word, flags));
  }
  auto& c = *made;
  if (!flags.arguments.empty()) c.cmd_args = flags.arguments;
  if (flags.runtime) c.runtime = *flags.runtime;
  THV_CHECK(apply_name(c, flags));
  THV_CHECK(apply_network(c, flags));
  THV_CHECK(apply_permissions(c, flags));
  THV_CHECK(apply_volumes(c, flags));
  THV_CHECK(apply_headers(c, flags));
  THV_CHECK(apply_demand(c, flags));
  THV_TRY(c.container_labels, parse_labels(flags.labels));
  return c;
}

result<run_config> run_config_from_file(std::string const& path) {
  std::ifstream file(path, std::ios::binary);
  std::string const text(std::istreambuf_iterator<char>(file), {});
  if (!file.is_open() || file.bad())
    return fail(errc::not_found, fmt::format("run configuration '{}' cannot be read", path));
  THV_TRY(auto const value, json::parse(text, path));
  THV_TRY(auto config, run_config_from_json(value, path));
  THV_CHECK(validate_run_config(config, path));
  for (std::size_t i = 0; i < config.secrets.size(); ++i) {
    THV_TRY(auto const parsed,
            secret_of(config.secrets[i], fmt::format("{}: /secrets/{}", path, i)));
    config.secrets[i] = to_string(parsed);
  }
  return config;
}

std::vector<flag> run_flag_list(run_flags& f) {
  using c = completes;
  return {
      {"--name", "NAME", "name of the workload (default: made from the source)", &f.name},
      {"--group", "GROUP", "group it belongs to (default: default)", &f.group, c::groups},
      {"--transport",
       "TRANSPORT",
       "how it speaks MCP",
       &f.transport,
       c::nothing,
       {"stdio", "sse", "streamable-http"}},
      {"--target-port", "PORT", "port inside the workload (HTTP only)", &f.target_port},
      {"--host", "ADDRESS", "address its port is published on (default: 127.0.0.1)", &f.host},
      {"-p, --publish", "HOST:CONTAINER", "publish another port", &f.publish},
      {"-e, --env", "KEY=VALUE", "environment variable", &f.env},
      {"--env-file", "FILE", "file with KEY=VALUE lines", &f.env_files, c::files},
      {"--secret", "NAME,target=KEY[,as=file]",
       "give the value of the secret NAME (THV_SECRET_NAME) as KEY, or a file's path", &f.secrets},
      {"-v, --volume", "HOST:CONTAINER[:ro]", "mount a folder or file", &f.volumes, c::files},
      {"--network", "MODE", "network mode of the container", &f.network},
      {"--permission-profile", "PROFILE", "none, network, or a JSON file", &f.permission_profile,
       c::files},
      {"-l, --label", "KEY=VALUE", "label", &f.labels},
      {"--runtime", "NAME", "runtime to run it on (default: the first that can)", &f.runtime,
       c::runtimes},
      {"--on-demand", "", "start it at the first request through the gateway", &f.on_demand},
      {"--idle-timeout", "DURATION",
       "on demand, and stopped after this long without a request, such as 10m", &f.idle_timeout},
      {"--remote-forward-headers", "NAME=VALUE", "header for a remote server", &f.forward_headers},
      {"--remote-forward-headers-secret", "NAME=SECRET",
       "header for a remote server with a secret's value", &f.forward_secret_headers},
  };
}

}  // namespace thv::cli
