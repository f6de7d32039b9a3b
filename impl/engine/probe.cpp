// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>
#include <thv/engine/probe.hpp>

namespace thv {

namespace {

/// Closes the descriptors of a stream when the exchange is over.
struct stream_closer {
  plugin::stream& stream;

  ~stream_closer() {
    ::close(stream.read_fd);
    if (stream.write_fd != stream.read_fd) ::close(stream.write_fd);
  }
};

}  // namespace

result<mcp::probe_result> probe_instance(plugin::call const& c, plugin::runtime& runtime,
                                         plugin::instance const& instance, run_config const& config,
                                         bool initialised, secret_source const& secrets) {
  if (config.transport == transport::stdio && config.origin().kind != source_kind::url) {
    THV_TRY(auto stream, runtime.attach(c, instance.id));
    stream_closer const closer{stream};
    return mcp::probe_stdio(c, stream, initialised);
  }
  THV_TRY(auto where, runtime.where(c, instance.id));
  for (auto const& [header, value] : config.plaintext_headers) where.headers[header] = value;
  for (auto const& [header, name] : config.secret_headers) {
    THV_TRY(auto value, secrets(name, config.group));
    where.headers[header] = std::move(value);
  }
  return mcp::probe_http(c, where, config.transport);
}

}  // namespace thv
