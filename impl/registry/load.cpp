// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <system_error>
#include <thv/registry/fetch.hpp>
#include <thv/registry/read.hpp>

namespace thv::registry {

namespace {

error file_error(std::string const& path, int number) {
  if (number == ENOENT)
    return fail(errc::not_found, fmt::format("registry file '{}' does not exist", path),
                "give --registry the path of a file, or an http:// or https:// URL");
  auto const code = number == EACCES ? errc::permission_denied : errc::io;
  return fail(code, fmt::format("registry file '{}' cannot be read: {}", path,
                                std::error_code(number, std::generic_category()).message()));
}

struct open_file {
  int descriptor;
  ~open_file() { ::close(descriptor); }
};

/// Reads no more than the limit, whatever the file is (a pipe has no size).
result<std::string> read_file(std::string const& path, std::size_t limit) {
  open_file const file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (file.descriptor < 0) return file_error(path, errno);
  struct stat status {};
  if (::fstat(file.descriptor, &status) != 0) return file_error(path, errno);
  if (S_ISDIR(status.st_mode)) return file_error(path, EISDIR);
  std::string text;
  if (S_ISREG(status.st_mode) && status.st_size > 0)
    text.reserve(std::min(static_cast<std::size_t>(status.st_size), limit) + 1);
  std::array<char, 65536> buffer{};
  for (;;) {
    auto const n = ::read(file.descriptor, buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return file_error(path, errno);
    if (n == 0) return text;
    text.append(buffer.data(), static_cast<std::size_t>(n));
    if (text.size() > limit)
      return fail(errc::invalid_argument, fmt::format("more than {} bytes", limit), {}, path);
  }
}

std::string file_path(std::string const& source) {
  return source.starts_with("file://") ? source.substr(7) : source;
}

result<document> read_with_notice(std::string const& text, std::string const& origin,
                                  read_options const& options, std::string notice) {
  THV_TRY(auto document, read(text, origin, options));
  if (!notice.empty()) document.notices.push_back(std::move(notice));
  return document;
}

}  // namespace

result<source_text> load_text(std::string const& source, fetch_options const& options) {
  if (source.empty()) return fail(errc::invalid_argument, "empty name of a registry");
  if (!is_url(source)) {
    THV_TRY(auto text, read_file(file_path(source), options.max_bytes));
    return source_text{std::move(text), source, true, {}};
  }
  THV_TRY(auto answer, fetch(source, options));
  source_text text{std::move(answer.body), without_credentials(source), false, {}};
  if (!answer.notice.empty()) text.notices.push_back(std::move(answer.notice));
  return text;
}

result<document> load(std::string const& source, fetch_options const& options) {
  read_options reading;
  reading.limits.bytes = options.max_bytes;
  if (!is_url(source)) {
    THV_TRY(auto const text, load_text(source, options));
    reading.local = true;
    return read(text.text, text.origin, reading);
  }
  // A fresh answer is read before it is kept, so that a broken one never replaces a good copy.
  std::optional<document> fresh;
  auto const origin = without_credentials(source);
  auto checked = options;
  checked.check = [&](std::string const& body) -> result<void> {
    if (options.check) THV_CHECK(options.check(body));
    THV_TRY(fresh, read(body, origin, reading));
    return {};
  };
  THV_TRY(auto answer, fetch(source, checked));
  if (!fresh) return read_with_notice(answer.body, origin, reading, std::move(answer.notice));
  if (!answer.notice.empty()) fresh->notices.push_back(std::move(answer.notice));
  return *std::move(fresh);
}

result<std::vector<document>> load_all(std::vector<std::string> const& sources,
                                       fetch_options const& options) {
  std::vector<document> documents;
  for (auto const& source : sources) {
    THV_TRY(auto document, load(source, options));
    documents.push_back(std::move(document));
  }
  return documents;
}

}  // namespace thv::registry
