// SPDX-License-Identifier: Apache-2.0
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <system_error>

#include <thv/config/config.hpp>
#include <thv/config/duration.hpp>
#include <thv/config/paths.hpp>
#include <thv/config/values.hpp>

namespace thv::config {
namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t largest_file = 1024 * 1024;

/// The file's text; nullopt where there is no such file and that is fine.
result<std::optional<std::string>> read(fs::path const& file, bool must_exist) {
  std::error_code status;
  auto const kind = fs::status(file, status);
  if (kind.type() == fs::file_type::not_found) {
    if (!must_exist) return std::optional<std::string>();
    return fail(errc::not_found, "there is no such configuration file",
                "name an existing one with --config or THV_CONFIG", file.string());
  }
  if (status) return fail(errc::io, status.message(), {}, file.string());
  if (fs::is_directory(kind))
    return fail(errc::invalid_argument, "is a folder; expected a configuration file", {},
                file.string());
  std::ifstream stream(file, std::ios::binary);
  if (!stream)
    return fail(errno == EACCES ? errc::permission_denied : errc::io,
                "cannot be read: " + std::generic_category().message(errno), {}, file.string());
  std::string text(largest_file + 1, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(stream.gcount()));
  if (stream.bad()) return fail(errc::io, "cannot be read", {}, file.string());
  if (text.size() > largest_file)
    return fail(errc::invalid_argument, "is larger than 1 MiB", "is it the right file?",
                file.string());
  return std::optional(std::move(text));
}

/// The value of a variable, read by `read`, with the variable's name in the error.
template <class T, class Read>
result<void> override_with(T& target, environment const& variables, std::string const& name,
                           Read read) {
  auto const value = variables(name);
  if (!value) return {};
  auto parsed = read(*value);
  if (!parsed) {
    auto e = std::move(parsed).error();
    e.where = name;
    return e;
  }
  target = *std::move(parsed);
  return {};
}

result<int> parse_parallel(std::string const& text) {
  std::int64_t number = 0;
  auto const* end = text.data() + text.size();
  auto const [stop, status] = std::from_chars(text.data(), end, number);
  if (status != std::errc{} || stop != end)
    return fail(errc::invalid_argument, "'" + text + "' is no whole number from 1 to 64");
  return check_parallel(number);
}

result<std::string> parse_absolute_path(std::string const& text) {
  if (text.starts_with('/')) return text;
  return fail(errc::invalid_argument, "'" + text + "' is no absolute path", "start it with '/'");
}

}  // namespace

result<void> apply_environment(configuration& c, environment const& variables) {
  if (auto const runtime = variables("THV_DEFAULT_RUNTIME")) {
    c.default_runtime = *runtime;
    c.default_runtime_where = "THV_DEFAULT_RUNTIME";
  }
  if (auto const registry = variables("THV_REGISTRY")) c.registry_sources = {*registry};
  THV_CHECK(override_with(c.auto_create, variables, "THV_AUTO_CREATE", parse_boolean));
  THV_CHECK(override_with(c.deploy_parallel, variables, "THV_DEPLOY_PARALLEL", parse_parallel));
  THV_CHECK(override_with(c.deploy_timeout, variables, "THV_DEPLOY_TIMEOUT", parse_duration));
  THV_CHECK(
      override_with(c.secrets.provider, variables, "THV_SECRETS_PROVIDER", check_secrets_provider));
  if (variables("THV_SECRETS_PROVIDER")) c.secrets.provider_where = "THV_SECRETS_PROVIDER";
  THV_CHECK(
      override_with(c.secrets.key_file, variables, "THV_SECRETS_KEY_FILE", parse_absolute_path));
  return {};
}

result<configuration> load(std::optional<fs::path> const& file, environment const& variables) {
  std::optional<fs::path> given = file;
  if (!given) {
    if (auto const variable = variables("THV_CONFIG")) given = fs::path(*variable);
  }
  fs::path chosen;
  if (given) {
    chosen = *given;
  } else {
    THV_TRY(auto folders, user_paths(variables));
    chosen = folders.config / "config.toml";
  }
  THV_TRY(auto text, read(chosen, given.has_value()));
  configuration c;
  if (text) {
    THV_TRY(c, parse(*text, chosen.string()));
  }
  THV_CHECK(apply_environment(c, variables));
  return c;
}

}  // namespace thv::config
