// SPDX-License-Identifier: Apache-2.0
// The only file that includes Boost.DLL.
#define BOOST_DLL_USE_STD_FS
#include <boost/dll/shared_library.hpp>

#include <cstring>
#include <string_view>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include <thv/config/values.hpp>
#include <thv/plugin/loader.hpp>

namespace thv::plugin {
namespace {

namespace fs = std::filesystem;
namespace load_mode = boost::dll::load_mode;
using boost::dll::shared_library;

/// The descriptor's size in version 0.1, the first: a plugin's is never smaller.
constexpr std::size_t first_size = offsetof(descriptor, create) + sizeof(descriptor::create);
/// More is no descriptor of any version: it is some other symbol.
constexpr std::size_t largest_size = 4096;

error refuse(errc code, fs::path const& path, std::string message, std::string hint = {}) {
  return fail(code, std::move(message), std::move(hint), path.string());
}

result<void> check_version(descriptor const& d, fs::path const& path) {
  if (d.abi_major == abi_major && d.abi_minor <= abi_minor) return {};
  return refuse(
      errc::unsupported, path,
      fmt::format("the plugin was built for plugin interface {}.{}, this program has {}.{}",
                  d.abi_major, d.abi_minor, abi_major, abi_minor),
      d.abi_major == abi_major && d.abi_minor > abi_minor
          ? "update thv-engine, or build the plugin against this version's headers"
          : "build the plugin again, against this version's headers");
}

result<void> check_build(descriptor const& d, fs::path const& path) {
  if (d.fingerprint && std::string_view(d.fingerprint) == build_fingerprint) return {};
  return refuse(errc::unsupported, path,
                fmt::format("the plugin was built with [{}], this program with [{}]",
                            d.fingerprint ? d.fingerprint : "no fingerprint", build_fingerprint),
                "build the plugin again, with the same compiler family, standard-library mode and "
                "sanitizers");
}

/// dlerror's words without Boost.DLL's prefix and its translation of errno.
std::string linker_words(std::exception const& e) {
  std::string_view text = e.what();
  constexpr std::string_view prefix = "boost::dll::shared_library::load() failed";
  if (text.starts_with(prefix)) text.remove_prefix(prefix.size());
  auto const dlerror_start = text.find("(dlerror system message: ");
  if (dlerror_start != std::string_view::npos) {
    text.remove_prefix(text.find(": ", dlerror_start) + 2);
    text = text.substr(0, text.rfind(')'));
  }
  return std::string(text);
}

result<std::shared_ptr<shared_library>> open(fs::path const& path) {
  std::error_code status;
  if (!fs::exists(path, status)) return refuse(errc::not_found, path, "there is no such plugin");
  try {
    return std::make_shared<shared_library>(fs::absolute(path),
                                            load_mode::rtld_now | load_mode::rtld_local);
  } catch (std::exception const& e) {
    auto failure = refuse(errc::corrupt, path, "the plugin cannot be loaded");
    failure.engine_message = linker_words(e);
    return failure;
  }
}

}  // namespace

result<void> check_descriptor(descriptor const& d, fs::path const& path) {
  if (d.size < first_size || d.size > largest_size)
    return refuse(errc::corrupt, path,
                  fmt::format("the plugin's descriptor says it is {} bytes long; this program "
                              "expects {} to {}",
                              d.size, first_size, largest_size));
  THV_CHECK(check_version(d, path));
  THV_CHECK(check_build(d, path));
  if (!d.name || !config::check_runtime_name(d.name))
    return refuse(errc::corrupt, path, "the plugin's descriptor has no usable name");
  if (!d.version || !*d.version)
    return refuse(errc::corrupt, path, "the plugin's descriptor has no version");
  if (!d.create)
    return refuse(errc::corrupt, path, "the plugin's descriptor has no function to make a runtime");
  return {};
}

result<library> library::load(fs::path const& path) {
  THV_TRY(auto opened, open(path));
  if (!opened->has(descriptor_symbol))
    return refuse(errc::corrupt, path,
                  fmt::format("is no thv-engine plugin: it exports no '{}'", descriptor_symbol),
                  "a plugin exports its runtime with THV_EXPORT_RUNTIME");
  auto const* d = &opened->get<descriptor const>(descriptor_symbol);
  THV_CHECK(check_descriptor(*d, path));
  return library(path, std::move(opened), d);
}

result<std::shared_ptr<runtime>> library::create(host_context const& host) const {
  error failure{errc::internal, {}, {}, {}, {}};
  auto* made = descriptor_->create(host, &failure);
  if (!made) {
    if (failure.message.empty())
      failure.message =
          fmt::format("the plugin '{}' made no runtime and gave no reason", descriptor_->name);
    return failure;
  }
  return std::shared_ptr<runtime>(made, [keep_open = handle_](runtime* r) { delete r; });
}

}  // namespace thv::plugin
