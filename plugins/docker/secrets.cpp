// SPDX-License-Identifier: Apache-2.0
// Secrets as files: on a tmpfs of this machine, mounted into the container.
#include <thv/model/secret_reference.hpp>

#include "docker/driver.hpp"

namespace thv::docker {

/// errc::unsupported with why not.
result<void> driver::can_give_files() const {
  if (api_.config().engine.unix_path.empty())
    return fail(errc::unsupported,
                "the engine " + api_.config().endpoint +
                    " cannot be given secrets as files: it may run on another machine",
                "leave out ',as=file' to give them as variables, or use an engine with a unix "
                "socket on this machine");
  return files_.check();
}

/// The files with the secrets of the container that a deploy is to make.
result<common::secret_files::placed> driver::place_files(plugin::call const& c,
                                                         plugin::workload_spec const& spec,
                                                         std::string const& nonce) {
  if (spec.secret_files.empty()) return common::secret_files::placed{};
  THV_CHECK(can_give_files());
  remove_leftovers(c);
  return files_.write(nonce, spec.secret_files, common::secret_files::readers::container);
}

/// A container cannot be started without its files, and with empty ones it must not be.
result<void> driver::check_files(container const& found) const {
  std::vector<std::string> variables;
  for (auto const& reference : found.instance.secret_names)
    if (auto const parsed = parse_secret_reference(reference);
        parsed && parsed->as == secret_delivery::file)
      variables.push_back(parsed->target);
  if (variables.empty() || files_.read(found.nonce, variables)) return {};
  return fail(errc::unsupported,
              "'" + found.instance.workload +
                  "' has secrets, whose values are kept on no disk: it cannot be "
                  "started again as it is",
              "deploy it again with the values");
}

/// Files whose container is gone: removed by somebody else, or never made by a command that was
/// killed. What the engine does not tell now is looked for the next time.
void driver::remove_leftovers(plugin::call const& c) {
  auto const unused = files_.unused();
  if (unused.empty()) return;
  auto const path = api_.prefix(c);
  if (!path) return;
  auto const answer = api_.exchange(c, list_containers(*path));
  if (!answer || answer->status != 200) return;
  auto const nonces = parse_nonces(answer->body);
  if (!nonces) return;
  for (auto const& one : unused)
    if (!nonces->contains(one.instance) && !files_.remove(one.instance)) return;
}

}  // namespace thv::docker
