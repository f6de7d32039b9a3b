// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include <boost/json/object.hpp>

#include <thv/engine/views.hpp>

#include "gateway_access.hpp"
#include "output.hpp"
#include "session.hpp"

// Workloads as `list`, `status` and `group show` print them.
namespace thv::cli {

/// Where the workload itself answers; empty for a stdio one.
[[nodiscard]] std::string endpoint_of(workload_view const& view);
/// Where the gateway serves it, or that it does not run.
[[nodiscard]] std::string url_text(gateway_view const& g, std::string const& workload);
/// The gateway, and on standard error that it does not run.
[[nodiscard]] gateway_view gateway_for_listing(session& s);
/// What it runs: an image or package, `remote` for a remote server.
[[nodiscard]] std::string package_of(workload_view const& view);
[[nodiscard]] cell status_cell(workload_view const& view, gateway_view const& g);

/// Columns NAME PACKAGE STATUS URL PORT GROUP CREATED.
void print_workloads(std::vector<workload_view> const& views, gateway_view const& g);

/// ToolHive's fields of a listed workload, and ours: runtime, ready, gateway, endpoint.
[[nodiscard]] boost::json::object workload_json(workload_view const& view, gateway_view const& g);

/// What `list` and `group list NAME` are to list.
struct listing {
  std::optional<std::string> group;
  bool all = false;
  std::vector<std::string> labels;
  std::string format = "text";
};
[[nodiscard]] int list_workloads(session& s, listing const& wanted);

/// `k=v` pairs of `--label`, each with Kubernetes' syntax. errc::invalid_argument.
[[nodiscard]] result<std::map<std::string, std::string>> parse_labels(
    std::vector<std::string> const& texts);

}  // namespace thv::cli
