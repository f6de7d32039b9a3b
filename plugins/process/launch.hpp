// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include <thv/error.hpp>

namespace thv::process {

/// Where one of a new process's three standard descriptors comes from: a file that the process
/// itself opens (so that it shares nothing with us), or a descriptor of ours.
struct standard_stream {
  std::string path;
  int flags = 0;
  int fd = -1;  ///< used when `path` is empty
};

struct launch_request {
  std::string program;                   ///< absolute path
  std::vector<std::string> arguments;    ///< without the program's own name
  std::vector<std::string> environment;  ///< `KEY=VALUE`, the whole of it
  std::string working_directory;
  standard_stream input;
  standard_stream output;
  standard_stream error;
};

/// Starts a program in a session and process group of its own, with default signal handling and no
/// descriptor but the three standard ones. Returns its pid once the program is executing. It is
/// our child: whoever wants its exit status waits for it (children.hpp); nothing ends it when we
/// end. errc::not_found, errc::permission_denied or errc::io with the system's words.
[[nodiscard]] result<pid_t> launch(launch_request const& request);

}  // namespace thv::process
