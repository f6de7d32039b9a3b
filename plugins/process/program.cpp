// SPDX-License-Identifier: Apache-2.0
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <process/command.hpp>
#include <process/posix.hpp>
#include <process/program.hpp>

namespace thv::process {

static result<program_line> local_program(source const& s) {
  if (!s.package.starts_with('/'))
    return fail(errc::invalid_argument, "'" + s.package + "' is not an absolute path",
                "write file:///path/to/program", s.text);
  struct stat found {};
  if (::stat(s.package.c_str(), &found) != 0) {
    auto failure = system_failure(errno, "cannot run the program '" + s.package + "'");
    failure.where = s.text;
    return failure;
  }
  if (S_ISDIR(found.st_mode))
    return fail(errc::invalid_argument, "'" + s.package + "' is a folder, not a program", {},
                s.text);
  if (::access(s.package.c_str(), X_OK) != 0)
    return fail(errc::permission_denied, "'" + s.package + "' is not executable",
                "chmod +x " + s.package, s.text);
  return program_line{s.package, {}};
}

static result<program_line> package_program(plugin::call const& c, install_context const& context,
                                            source const& s) {
  auto const package = install_package(c, context, s);
  if (!package) return package.error();
  if (!package->with_node) {
    ::chmod(package->program.c_str(), 0755);  // npm leaves that to its links
    return program_line{package->program, {}};
  }
  auto const node = find_program(context.settings.node, "node", context.path_variable());
  if (node.empty())
    return fail(errc::unavailable, "'node' is not in PATH; it runs '" + s.text + "'",
                "install it (Debian: apt-get install nodejs), or set `node` in the runtime's table "
                "of the configuration");
  auto arguments = package->node_options;
  arguments.push_back(package->program);
  return program_line{node, std::move(arguments)};
}

result<program_line> resolve_program(plugin::call const& c, install_context const& context,
                                     source const& s) {
  switch (s.kind) {
    case source_kind::program:
      return local_program(s);
    case source_kind::npm:
    case source_kind::pypi:
      return package_program(c, context, s);
    case source_kind::image:
    case source_kind::url:
      break;
  }
  auto const what = s.kind == source_kind::image ? "the OCI image '" : "the URL '";
  return fail(errc::unsupported,
              what + s.text +
                  "' cannot run as a local process: this runtime runs npx:// and "
                  "uvx:// packages and programs of this machine (file:///path)",
              s.kind == source_kind::image ? "use a container runtime, such as docker"
                                           : "use the remote runtime");
}

}  // namespace thv::process
