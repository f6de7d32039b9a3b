// SPDX-License-Identifier: Apache-2.0
#include "views.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <boost/json/array.hpp>

#include <thv/model/names.hpp>

namespace thv::cli {

std::string endpoint_of(workload_view const& view) {
  auto const& config = view.record.config;
  if (!view.url.empty()) return view.url;
  if (!config.remote_url.empty()) return config.remote_url;
  if (config.transport == transport::stdio || view.port == 0) return {};
  return fmt::format("http://{}:{}/{}", config.host, view.port,
                     config.transport == transport::sse ? "sse" : "mcp");
}

std::string url_text(gateway_view const& g, std::string const& workload) {
  return g.running() ? member_url(g, workload) : "gateway down";
}

gateway_view gateway_for_listing(session& s) {
  auto g = look_at_gateway(s);
  if (!g) {
    say_warning("the gateway: " + to_string(g.error()));
    return {};
  }
  if (!g->running())
    say_note(fmt::format("the gateway {}; 'thv-engine gateway start' starts it",
                         g->is == gateway_view::state::stopped ? "was stopped" : "does not run"));
  return *std::move(g);
}

std::string package_of(workload_view const& view) {
  return view.record.config.remote_url.empty() ? view.record.config.image : "remote";
}

cell status_cell(workload_view const& view, gateway_view const& g) {
  if (auto const secret = waits_for(g, view.record.name); !secret.empty())
    return {"waiting for secret " + secret, tone::warning};
  std::string const word(to_string(view.state));
  switch (view.state) {
    case workload_state::running:
      return {word, tone::good};
    case workload_state::unauthenticated:
      return {"⚠️  " + word, tone::warning};
    case workload_state::error:
    case workload_state::unhealthy:
      return {word, tone::bad};
    default:
      return {word, tone::faint};
  }
}

void print_workloads(std::vector<workload_view> const& views, gateway_view const& g) {
  table t({"NAME", "PACKAGE", "STATUS", "URL", "PORT", "GROUP", "CREATED"});
  for (auto const& view : views)
    t.add({view.record.name, package_of(view), status_cell(view, g), url_text(g, view.record.name),
           g.running() ? std::to_string(g.port) : std::string(), view.record.group,
           utc_text(view.record.created_at)});
  t.print();
}

boost::json::object workload_json(workload_view const& view, gateway_view const& g) {
  auto const& config = view.record.config;
  boost::json::object out{{"name", view.record.name},
                          {"package", package_of(view)},
                          {"url", member_url(g, view.record.name)},
                          {"port", g.port},
                          {"transport_type", to_string(config.transport)},
                          {"proxy_mode", "streamable-http"},
                          {"status", to_string(view.state)}};
  auto const secret = waits_for(g, view.record.name);
  if (!secret.empty())
    out["status_context"] = "waiting for secret " + secret;
  else if (!view.state_context.empty())
    out["status_context"] = view.state_context;
  out["created_at"] = rfc3339(view.record.created_at);
  if (!config.container_labels.empty()) {
    boost::json::object labels;
    for (auto const& [key, value] : config.container_labels) labels[key] = value;
    out["labels"] = std::move(labels);
  }
  if (!view.record.group.empty()) out["group"] = view.record.group;
  if (!view.record.tools.empty()) {
    boost::json::array tools;
    for (auto const& tool : view.record.tools) tools.push_back(boost::json::value(tool));
    out["tools"] = std::move(tools);
  }
  if (!config.remote_url.empty()) out["remote"] = true;
  out["started_at"] = rfc3339(view.started_at);
  out["runtime"] = view.record.runtime;
  out["ready"] = view.ready;
  out["gateway"] = to_string(g.is);
  if (auto const endpoint = endpoint_of(view); !endpoint.empty()) out["endpoint"] = endpoint;
  if (config.on_demand) out["on_demand"] = true;
  return out;
}

namespace {

bool is_alphanumeric(char c) {
  return thv::detail::is_lower_alphanumeric(thv::detail::to_lower(c));
}

/// Up to 63 of letters, digits, `-`, `_` and `.`, the first and the last a letter or digit.
bool is_label_word(std::string_view text) {
  if (text.empty() || text.size() > 63) return false;
  return is_alphanumeric(text.front()) && is_alphanumeric(text.back()) &&
         std::all_of(text.begin(), text.end(), thv::detail::is_workload_character);
}

bool is_label_key(std::string_view key) {
  auto const slash = key.find('/');
  if (slash == key.npos) return is_label_word(key);
  auto const prefix = key.substr(0, slash);
  return !prefix.empty() && prefix.size() <= 253 &&
         std::all_of(prefix.begin(), prefix.end(),
                     [](char c) {
                       return thv::detail::is_lower_alphanumeric(c) || c == '.' || c == '-';
                     }) &&
         is_label_word(key.substr(slash + 1));
}

}  // namespace

result<std::map<std::string, std::string>> parse_labels(std::vector<std::string> const& texts) {
  std::map<std::string, std::string> labels;
  for (auto const& text : texts) {
    auto const equals = text.find('=');
    auto const key = text.substr(0, equals);
    auto const value = equals == text.npos ? std::string() : text.substr(equals + 1);
    if (equals == text.npos || !is_label_key(key) || (!value.empty() && !is_label_word(value)))
      return fail(
          errc::invalid_argument, fmt::format("invalid label: {}", text),
          "write it as key=value with Kubernetes' rules: letters, digits, '-', '_' and '.', "
          "at most 63",
          "--label");
    labels[key] = value;
  }
  return labels;
}

}  // namespace thv::cli
