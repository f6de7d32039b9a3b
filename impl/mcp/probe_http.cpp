// SPDX-License-Identifier: Apache-2.0
#include "probe_http.hpp"

#include <algorithm>
#include <string>
#include <vector>

namespace thv::mcp {

namespace {

/// A server may repeat a header of the request in its words ("bad token …"), and it may be secret.
void redact(std::string& words, std::map<std::string, std::string> const& headers) {
  std::vector<std::string> values;
  for (auto const& [name, value] : headers) {
    values.push_back(value);
    if (auto const space = value.rfind(' '); space != std::string::npos)
      values.push_back(value.substr(space + 1));
  }
  std::sort(values.begin(), values.end(),
            [](auto const& a, auto const& b) { return a.size() > b.size(); });
  for (auto const& value : values) {
    if (value.size() < 4) continue;
    for (auto at = words.find(value); at != std::string::npos; at = words.find(value, at + 3))
      words.replace(at, value.size(), "***");
  }
}

result<probe_result> probe(plugin::call const& c, detail::http_target const& target,
                           thv::transport transport) {
  switch (transport) {
    case transport::streamable_http:
      return detail::probe_streamable(c, target);
    case transport::sse:
      return detail::probe_sse(c, target);
    case transport::stdio:
      break;
  }
  return fail(errc::invalid_argument, "a stdio server is not reached by a URL",
              "its transport is streamable-http or sse");
}

}  // namespace

result<probe_result> probe_http(plugin::call const& c, plugin::endpoint const& where,
                                thv::transport transport) {
  THV_TRY(auto const target, detail::http_target::of(where));
  auto outcome = probe(c, target, transport);
  if (!outcome) redact(outcome.error().engine_message, where.headers);
  return outcome;
}

}  // namespace thv::mcp
