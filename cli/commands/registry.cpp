// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <boost/json/array.hpp>

#include <thv/registry/fetch.hpp>
#include <thv/registry/find.hpp>
#include <thv/registry/packages.hpp>
#include <thv/registry/search.hpp>
#include <thv/registry/validate.hpp>

#include "../change.hpp"
#include "../output.hpp"
#include "../registries.hpp"
#include "commands.hpp"

// registry list, show and validate, and search.
namespace thv::cli {

namespace {

struct options {
  std::vector<std::string> words;
  std::vector<std::string> registries;
  std::optional<std::string> format;

  [[nodiscard]] bool json() const { return format == "json"; }
};

std::string type_of(registry::server const& server) {
  if (server.remote()) return "remote";
  if (server.packages.empty()) return "unsupported";
  switch (parse_source(server.packages.front().reference).kind) {
    case source_kind::npm:
      return "npx";
    case source_kind::pypi:
      return "uvx";
    case source_kind::program:
      return "program";
    default:
      return "container";
  }
}

std::string transport_of(registry::server const& server) {
  auto const first = server.packages.empty() ? std::nullopt : server.packages.front().transport;
  if (first) return std::string(to_string(*first));
  if (server.transport) return std::string(to_string(*server.transport));
  return server.remote() ? "streamable-http" : "stdio";
}

std::string description_text(registry::server const& server) {
  auto const deprecated = thv::detail::to_lower(server.status) == "deprecated";
  return plain_line((deprecated ? "**DEPRECATED** " : "") + cut(server.description, 50));
}

std::string members_text(registry::group const& group) {
  return cut(plain_line(group.description), 50);
}

boost::json::array strings(std::vector<std::string> const& list) {
  boost::json::array out;
  for (auto const& text : list) out.push_back(boost::json::value(text));
  return out;
}

boost::json::array variables_json(std::vector<registry::variable> const& list) {
  boost::json::array out;
  for (auto const& v : list) {
    boost::json::object o{{"name", v.name}, {"required", v.required}, {"secret", v.secret}};
    if (!v.description.empty()) o["description"] = v.description;
    if (v.default_value) o["default"] = *v.default_value;
    out.push_back(std::move(o));
  }
  return out;
}

boost::json::object server_json(registry::server const& server) {
  boost::json::object out{{"name", server.name}, {"type", type_of(server)}};
  auto const add = [&](char const* key, std::string const& text) {
    if (!text.empty()) out[key] = text;
  };
  add("title", server.title);
  add("description", server.description);
  add("tier", server.tier);
  add("status", server.status);
  out["transport"] = transport_of(server);
  out["tools"] = strings(server.tools);
  if (!server.tags.empty()) out["tags"] = strings(server.tags);
  out["stars"] = server.stars;
  add("repository_url", server.repository_url);
  add("url", server.url);
  if (!server.headers.empty()) out["headers"] = variables_json(server.headers);
  boost::json::array packages;
  for (auto const& p : server.packages) {
    boost::json::object o{{"reference", p.reference}};
    if (!p.args.empty()) o["args"] = strings(p.args);
    if (!p.env_vars.empty()) o["env_vars"] = variables_json(p.env_vars);
    packages.push_back(std::move(o));
  }
  if (!packages.empty()) out["packages"] = std::move(packages);
  return out;
}

boost::json::object group_json(registry::group const& group) {
  boost::json::array servers;
  for (auto const& server : group.servers) servers.push_back(server_json(server));
  return {{"name", group.name},
          {"type", "group"},
          {"description", group.description},
          {"servers", std::move(servers)}};
}

/// Reads the registries of a command that is of no use without one.
result<std::vector<registry::document>> documents_of(session& s, options const& o) {
  THV_TRY(auto const sources, registry_sources(s, o.registries));
  if (sources.empty())
    return fail(errc::not_found, "no registry is set",
                "give --registry FILE|URL, set THV_REGISTRY, or [registry] sources in the "
                "configuration");
  return load_registries(s, sources);
}

int list_registry(session& s, options const& o) {
  auto const documents = documents_of(s, o);
  if (!documents) return failed(documents.error());
  boost::json::array out;
  table t({"NAME", "TYPE", "DESCRIPTION", "TIER", "STARS"});
  for (auto const& document : *documents) {
    for (auto const& group : document.groups) {
      out.push_back(group_json(group));
      t.add({plain_line(group.name), "group", members_text(group), "",
             counted(group.servers.size(), "server")});
    }
    for (auto const& server : document.servers) {
      out.push_back(server_json(server));
      t.add({plain_line(server.name), type_of(server), description_text(server), server.tier,
             std::to_string(server.stars)});
    }
  }
  o.json() ? print(pretty(out)) : t.print();
  return 0;
}

void print_variables(std::string& to, char const* title,
                     std::vector<registry::variable> const& list) {
  if (list.empty()) return;
  to += fmt::format("\n{}:\n", title);
  for (auto const& v : list) {
    std::string marks = v.required ? "required" : "optional";
    if (v.secret) marks += ", secret";
    if (v.default_value) marks += ", default " + *v.default_value;
    to += plain_line(fmt::format("  {} ({}){}{}", v.name, marks, v.description.empty() ? "" : ": ",
                                 v.description)) +
          "\n";
  }
}

std::string server_text(registry::server const& server) {
  std::vector<std::pair<std::string, std::string>> lines{{"Name", server.name},
                                                         {"Type", type_of(server)}};
  auto const add = [&](char const* key, std::string const& value) {
    if (!value.empty()) lines.emplace_back(key, value);
  };
  add("Title", server.title);
  add("Description", server.description);
  add("Tier", server.tier);
  add("Status", server.status);
  add("Transport", transport_of(server));
  for (auto const& p : server.packages) add("Runs", p.reference);
  add("URL", server.url);
  add("Repository", server.repository_url);
  add("Stars", std::to_string(server.stars));
  add("Tools", fmt::format("{}", fmt::join(server.tools, ", ")));
  add("Tags", fmt::format("{}", fmt::join(server.tags, ", ")));
  auto text = key_values(lines);
  if (!server.packages.empty())
    print_variables(text, "Environment variables", server.packages.front().env_vars);
  print_variables(text, "Headers", server.headers);
  return text;
}

void print_group(registry::group const& group) {
  print(key_values({{"Name", group.name},
                    {"Type", "group"},
                    {"Runs as", slug(group.name)},
                    {"Description", group.description},
                    {"Servers", std::to_string(group.servers.size())}}));
  for (auto const& server : group.servers) print("\n" + server_text(server));
}

int show_entry(session& s, options const& o) {
  auto const documents = documents_of(s, o);
  if (!documents) return failed(documents.error());
  auto const& name = o.words.front();
  auto const server = registry::find_server(*documents, name);
  auto const group = registry::find_group(*documents, name);
  if (!server && server.error().code != errc::not_found) return failed(server.error());
  if (server)
    print(o.json() ? pretty(server_json(*server->server)) : server_text(*server->server));
  else if (group && o.json())
    print(pretty(group_json(*group->group)));
  else if (group)
    print_group(*group->group);
  else
    return failed(fail(errc::not_found, fmt::format("'{}' not found in registry", name),
                       server.error().hint));
  return 0;
}

boost::json::object finding_json(registry::finding const& f) {
  return {{"severity", f.severity == registry::severity::error ? "error" : "warning"},
          {"where", f.problem.where},
          {"message", f.problem.message},
          {"hint", f.problem.hint}};
}

int validate_registry(session& s, options const& o) {
  auto const where = s.paths();
  if (!where) return failed(where.error());
  registry::fetch_options fetch;
  fetch.cache_directory = (*where)->cache / "registry";
  auto const source = registry::load_text(o.words.front(), fetch);
  if (!source) return failed(source.error());
  for (auto const& text : source->notices) say_warning(text);
  registry::read_options how;
  how.local = source->local;
  auto const findings = registry::validate(source->text, source->origin, how);
  auto const errors =
      static_cast<std::size_t>(std::count_if(findings.begin(), findings.end(), [](auto const& f) {
        return f.severity == registry::severity::error;
      }));
  if (o.json()) {
    boost::json::array out;
    for (auto const& f : findings) out.push_back(finding_json(f));
    print(pretty(out));
    return errors == 0 ? 0 : 1;
  }
  for (auto const& f : findings)
    print(fmt::format("{}: {}\n", f.severity == registry::severity::error ? "error" : "warning",
                      plain_line(to_string(f))));
  auto const warnings = counted(findings.size() - errors, "warning");
  print(errors == 0 ? fmt::format("{} can be used: {}.\n", source->origin, warnings)
                    : fmt::format("{} cannot be used: {}, {}.\n", source->origin,
                                  counted(errors, "error"), warnings));
  return errors == 0 ? 0 : 1;
}

int search_registry(session& s, options const& o) {
  auto const documents = documents_of(s, o);
  if (!documents) return failed(documents.error());
  auto const hits = registry::search(*documents, o.words);
  if (o.json()) {
    boost::json::array out;
    for (auto const& hit : hits) {
      auto entry = hit.server ? server_json(*hit.server) : group_json(*hit.group);
      if (hit.server && hit.group) entry["group"] = hit.group->name;
      out.push_back(std::move(entry));
    }
    print(pretty(out));
    return 0;
  }
  if (hits.empty()) {
    print(fmt::format("No servers found matching query: {}\n", fmt::join(o.words, " ")));
    return 0;
  }
  table t({"NAME", "TYPE", "DESCRIPTION", "TRANSPORT", "STARS"});
  for (auto const& hit : hits) {
    if (hit.server == nullptr) {
      t.add({plain_line(hit.group->name), "group", members_text(*hit.group), "", ""});
      continue;
    }
    auto const name =
        hit.group ? fmt::format("{} (in {})", hit.server->name, hit.group->name) : hit.server->name;
    t.add({plain_line(name), type_of(*hit.server), description_text(*hit.server),
           transport_of(*hit.server), std::to_string(hit.server->stars)});
  }
  t.print();
  return 0;
}

command verb(std::shared_ptr<options> const& o, std::string name, std::string summary,
             std::string example, thv::cli::words words) {
  command c;
  c.name = std::move(name);
  c.summary = std::move(summary);
  c.example = std::move(example);
  c.words = std::move(words);
  c.flags = {registry_flag(o->registries), format_flag(o->format)};
  return c;
}

}  // namespace

command registry_command() {
  command c;
  c.name = "registry";
  c.summary = "Read registries of MCP servers and groups";
  c.example =
      "thv-engine registry list --registry ./registry.json\n"
      "thv-engine registry validate ./registry.json";
  auto o = std::make_shared<options>();
  auto list = verb(o, "list", "List the servers and groups of the registries",
                   "thv-engine registry list --registry ./registry.json", {});
  list.aliases = {"ls"};
  list.run = [o](session& s) { return list_registry(s, *o); };
  auto show = verb(o, "show", "Show a server or group of the registries",
                   "thv-engine registry show fetch --registry ./registry.json",
                   {"NAME", 1, 1, &o->words, completes::servers});
  show.aliases = {"info"};
  show.run = [o](session& s) { return show_entry(s, *o); };
  auto validate = verb(o, "validate", "Say everything that is wrong with a registry document",
                       "thv-engine registry validate ./registry.json",
                       {"FILE|URL", 1, 1, &o->words, completes::files});
  validate.flags.erase(validate.flags.begin());
  validate.run = [o](session& s) { return validate_registry(s, *o); };
  c.commands = {std::move(list), std::move(show), std::move(validate)};
  return c;
}

command search_command() {
  auto o = std::make_shared<options>();
  auto c = verb(o, "search", "Search the registries for servers and groups",
                "thv-engine search fetch web --registry ./registry.json",
                {"WORDS...", 1, any_number, &o->words});
  c.details = "Finds those in whose name, description, tools or tags every word stands.";
  c.run = [o](session& s) { return search_registry(s, *o); };
  return c;
}

}  // namespace thv::cli
