// SPDX-License-Identifier: Apache-2.0
#include "registries.hpp"

#include <thv/registry/fetch.hpp>

#include "output.hpp"

namespace thv::cli {

flag registry_flag(std::vector<std::string>& into) {
  return {"--registry", "FILE|URL", "read this registry instead of the configured ones", &into,
          completes::files};
}

result<std::vector<std::string>> registry_sources(session& s,
                                                  std::vector<std::string> const& flags) {
  if (!flags.empty()) return flags;
  THV_TRY(auto const* settings, s.configuration());
  return settings->registry_sources;
}

result<std::vector<registry::document>> load_registries(session& s,
                                                        std::vector<std::string> const& sources,
                                                        std::stop_token stop) {
  THV_TRY(auto const* where, s.paths());
  registry::fetch_options options;
  options.cache_directory = where->cache / "registry";
  options.stop = stop;
  THV_TRY(auto documents, registry::load_all(sources, options));
  for (auto const& d : documents)
    for (auto const& text : d.notices) say_warning(text);
  return documents;
}

}  // namespace thv::cli
