// SPDX-License-Identifier: Apache-2.0
#include <thv/secrets/key_file.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include <thv/config/paths.hpp>

#include <thv/secrets/private_file.hpp>
#include "../store/file.hpp"

namespace thv::secrets {

namespace {

constexpr std::size_t largest = 256;

}  // namespace

result<secret_key> read_key_file(std::filesystem::path const& path) {
  THV_TRY(auto text, read_private_file(path, "key file", largest));
  auto const last = text.find_last_not_of(" \t\r\n");
  auto key = secret_key::from_text(
      std::string_view(text).substr(0, last == std::string::npos ? 0 : last + 1));
  wipe(text);
  if (key) return key;
  auto e = std::move(key).error();
  e.message = "the key file holds no key";
  e.where = path.string();
  return e;
}

result<secret_key> make_key_file(std::filesystem::path const& path) {
  THV_CHECK(config::make_private_directory(path.parent_path()));
  store::detail::descriptor const fd(
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd && errno == EEXIST)
    return fail(errc::already_exists, "there is a file already",
                "use it as the key file, or name another path", path.string());
  if (!fd) return store::detail::file_error("cannot create", path, errno);
  auto key = secret_key::random();
  auto text = key.to_text() + "\n";
  bool const whole = store::detail::write_all(fd.get(), text) && ::fsync(fd.get()) == 0;
  int const number = errno;
  wipe(text);
  if (whole) return key;
  ::unlink(path.c_str());
  return store::detail::file_error("cannot write", path, number);
}

}  // namespace thv::secrets
