// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "command.hpp"

namespace thv::cli {

/// What may stand in the place of the last of `words`: fixed candidates, and what kind of name may
/// stand there as well.
struct completion {
  struct candidate {
    std::string text;
    std::string help;
  };
  std::vector<candidate> candidates;
  completes with = completes::nothing;
};

/// `words` are those after the program's name, the last one (perhaps empty) being typed.
[[nodiscard]] completion complete(command const& root, std::vector<flag> const& globals,
                                  std::vector<std::string> const& words);

}  // namespace thv::cli
