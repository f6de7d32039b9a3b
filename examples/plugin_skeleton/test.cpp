// SPDX-License-Identifier: Apache-2.0
// The runtime's own test: through the interface that the engine calls, without any library loaded.
#include <iostream>

#include <thv/plugin/adapter.hpp>

#include "notebook_runtime.hpp"

namespace {

int failures = 0;

void check(bool holds, char const* what) {
  std::cout << (holds ? "ok:     " : "FAILED: ") << what << '\n';
  failures += holds ? 0 : 1;
}

}  // namespace

int main() {
  thv::plugin::host_context host;
  host.runtime_name = "notebook";
  host.settings = {{"owner", "Ada"}};
  auto const made = thv::plugin::make_runtime<notebook_runtime>(host);
  if (!made) return 1;
  auto& notebook = **made;

  check(notebook.identify({})->engine == "Ada's notebook", "the settings are read");
  thv::plugin::workload_spec spec;
  spec.name = "fetch";
  auto const page = notebook.deploy({}, spec);
  check(page && page->state == thv::workload_state::running, "a workload is written down");
  check(notebook.deploy({}, spec).error().code == thv::errc::conflict, "a name is taken once");
  check(notebook.stop({}, page->id) && notebook.stop({}, page->id), "stop can be repeated");
  check(notebook.inspect({}, page->id)->state == thv::workload_state::stopped, "it is stopped");
  check(notebook.remove({}, page->id) && notebook.list({})->empty(), "it is removed");
  check(notebook.attach({}, page->id).error().code == thv::errc::unsupported, "there is no attach");
  host.settings = {{"color", "red"}};
  check(!thv::plugin::make_runtime<notebook_runtime>(host), "an unknown setting is refused");
  return failures == 0 ? 0 : 1;
}
