// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <thv/config/duration.hpp>
#include <thv/registry/suggest.hpp>

#include "../change.hpp"
#include "../gateway_access.hpp"
#include "../interrupt.hpp"
#include "../mcp_client.hpp"
#include "../output.hpp"
#include "../tool_arguments.hpp"
#include "commands.hpp"

// mcp list and mcp call: a member asked through the gateway.
namespace thv::cli {

namespace json = boost::json;

namespace {

struct options {
  std::vector<std::string> words;
  std::vector<std::string> arguments;
  std::optional<std::string> json_arguments;
  std::optional<std::string> timeout;
  std::optional<std::string> format;
};

/// What can be listed: its capability and the array in the result.
struct listable {
  char const* word;
  char const* method;
  char const* column;
};

constexpr std::array<listable, 3> kinds{{{"tools", "tools/list", "name"},
                                         {"prompts", "prompts/list", "name"},
                                         {"resources", "resources/list", "uri"}}};

result<plugin::call> call_of(options const& o, std::stop_token stop) {
  std::chrono::milliseconds time = std::chrono::seconds(60);
  if (o.timeout) {
    auto given = config::parse_duration(*o.timeout);
    if (!given) {
      given.error().where = "--timeout";
      return std::move(given).error();
    }
    time = *given;
  }
  return within(time, std::move(stop));
}

/// Opens a session with the member, and lets `what` use it.
template <class What>
int with_member(session& s, options const& o, What const& what) {
  interrupt_guard interrupt;
  auto const c = call_of(o, interrupt.token());
  if (!c) return wrong_usage(c.error());
  auto const g = running_gateway(s);
  if (!g) return failed(g.error());
  auto to = endpoint_of_member(s, *g, o.words.front());
  if (!to) return failed(to.error());
  mcp_client client(*std::move(to));
  if (auto const begun = client.initialize(*c); !begun) return failed(begun.error());
  return what(*c, client);
}

std::string text_of(json::value const& entry, char const* key) {
  auto const* object = entry.if_object();
  auto const* text = object ? object->if_contains(key) : nullptr;
  return text && text->is_string() ? plain_line(std::string(text->get_string())) : std::string();
}

int list_kind(plugin::call const& c, mcp_client& client, listable const& kind, bool as_json) {
  json::array entries;
  if (client.has(kind.word)) {
    auto listed = client.list(c, kind.method, kind.word);
    if (!listed) return failed(listed.error());
    entries = *std::move(listed);
  }
  if (as_json) {
    print(pretty(entries));
    return 0;
  }
  if (entries.empty()) {
    print(fmt::format("The server has no {}.\n", kind.word));
    return 0;
  }
  table t({kind.column == std::string_view("uri") ? "URI" : "NAME", "DESCRIPTION"});
  for (auto const& entry : entries)
    t.add({text_of(entry, kind.column), cut(text_of(entry, "description"), 100)});
  t.print();
  return 0;
}

/// One piece of a tool's answer as text; what is no text is named.
std::string content_text(json::value const& piece) {
  auto const type = text_of(piece, "type");
  auto const* object = piece.if_object();
  if (type == "text" && object != nullptr)
    if (auto const* text = object->if_contains("text"); text && text->is_string())
      return std::string(text->get_string());
  if (type == "resource_link") return text_of(piece, "uri");
  if (type == "resource" && object != nullptr)
    if (auto const* inner = object->if_contains("resource")) {
      auto const* fields = inner->if_object();
      auto const* text = fields ? fields->if_contains("text") : nullptr;
      if (text && text->is_string()) return std::string(text->get_string());
      return text_of(*inner, "uri");
    }
  auto const mime = text_of(piece, "mimeType");
  return fmt::format("[{}{}]", type.empty() ? "unknown content" : type,
                     mime.empty() ? "" : " " + mime);
}

void print_answer(json::object const& answer) {
  auto const* content = answer.if_contains("content");
  bool any = false;
  if (content != nullptr && content->is_array())
    for (auto const& piece : content->get_array()) {
      auto const text = content_text(piece);
      print(text);
      if (!text.ends_with('\n')) print("\n");
      any = true;
    }
  auto const* structured = answer.if_contains("structuredContent");
  if (!any && structured != nullptr) print(pretty(*structured));
}

result<json::object> arguments_for(options const& o, json::array const& tools) {
  auto const& name = o.words[1];
  std::vector<std::string> names;
  json::object const* tool = nullptr;
  for (auto const& entry : tools) {
    names.push_back(text_of(entry, "name"));
    if (names.back() == name) tool = entry.if_object();
  }
  if (tool == nullptr) {
    auto const near = registry::nearest(name, names);
    return fail(errc::not_found, fmt::format("'{}' has no tool '{}'", o.words[0], name),
                near ? fmt::format("did you mean '{}'?", *near)
                     : fmt::format("'thv-engine mcp list {}' shows its tools", o.words[0]));
  }
  auto const* schema = tool->if_contains("inputSchema");
  return tool_arguments(o.arguments, o.json_arguments, schema ? *schema : json::value());
}

int call_tool(plugin::call const& c, mcp_client& client, options const& o) {
  auto const tools = client.list(c, "tools/list", "tools");
  if (!tools) return failed(tools.error());
  auto arguments = arguments_for(o, *tools);
  if (!arguments)
    return arguments.error().where.empty() ? failed(arguments.error())
                                           : wrong_usage(arguments.error());
  auto const answer =
      client.request(c, "tools/call", {{"name", o.words[1]}, {"arguments", *std::move(arguments)}});
  if (!answer) return failed(answer.error());
  auto const* is_error = answer->if_contains("isError");
  if (o.format == "json")
    print(pretty(*answer));
  else
    print_answer(*answer);
  return is_error != nullptr && is_error->is_bool() && is_error->get_bool() ? 1 : 0;
}

flag request_timeout_flag(options& o) {
  return {"--timeout", "DURATION", "time for all of it, such as 5m (default: 60s)", &o.timeout};
}

command list_verb() {
  auto o = std::make_shared<options>();
  command c;
  c.name = "list";
  c.aliases = {"ls"};
  c.summary = "List the tools, prompts or resources of an MCP server";
  c.example = "thv-engine mcp list fetch\nthv-engine mcp list fetch resources --format json";
  c.words = {"NAME [tools|prompts|resources]", 1, 2, &o->words, completes::workloads};
  c.flags = {request_timeout_flag(*o), format_flag(o->format)};
  c.run = [o](session& s) {
    std::string const wanted = o->words.size() == 2 ? o->words[1] : "tools";
    auto const kind =
        std::find_if(kinds.begin(), kinds.end(), [&](auto const& k) { return k.word == wanted; });
    if (kind == kinds.end())
      return wrong_usage(fail(errc::invalid_argument, fmt::format("'{}' cannot be listed", wanted),
                              "list tools, prompts or resources"));
    return with_member(s, *o, [&](plugin::call const& c, mcp_client& client) {
      return list_kind(c, client, *kind, o->format == "json");
    });
  };
  return c;
}

command call_verb() {
  auto o = std::make_shared<options>();
  command c;
  c.name = "call";
  c.summary = "Call a tool of an MCP server";
  c.details =
      "A value of --arg becomes what the tool's schema says: text, a number, true or false, or "
      "JSON.\n"
      "The exit status is 1 when the tool says that it failed.";
  c.example =
      "thv-engine mcp call fetch fetch --arg url=https://example.org --arg max_length=500\n"
      "thv-engine mcp call fetch fetch --json '{\"url\": \"https://example.org\"}'";
  c.words = {"NAME TOOL", 2, 2, &o->words, completes::workloads};
  c.flags = {
      {"--arg", "KEY=VALUE", "an argument of the tool", &o->arguments},
      {"--json", "OBJECT", "all arguments as a JSON object", &o->json_arguments},
      request_timeout_flag(*o),
      format_flag(o->format),
  };
  c.run = [o](session& s) {
    return with_member(
        s, *o, [&](plugin::call const& c, mcp_client& client) { return call_tool(c, client, *o); });
  };
  return c;
}

}  // namespace

command mcp_command() {
  command c;
  c.name = "mcp";
  c.summary = "Ask an MCP server through the gateway";
  c.example =
      "thv-engine mcp list fetch\nthv-engine mcp call fetch fetch --arg url=https://example.org";
  c.commands = {list_verb(), call_verb()};
  return c;
}

}  // namespace thv::cli
