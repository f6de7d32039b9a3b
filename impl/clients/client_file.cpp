// SPDX-License-Identifier: Apache-2.0
#include <thv/clients/client_file.hpp>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <optional>

#include "client_file_io.hpp"
#include "file_lock.hpp"

namespace thv::clients {

namespace fs = std::filesystem;

struct client_file::state {
  fs::path given;  // as the user names it
  fs::path real;   // behind all links
  std::optional<file_lock> lock;
  std::optional<file_io::content> content;
  std::string const nothing;

  [[nodiscard]] fs::path temporary() const {
    return real.parent_path() / fmt::format(".{}.thv-new", real.filename().string());
  }

  [[nodiscard]] error somebody_changed() const {
    return fail(errc::conflict, fmt::format("somebody has just changed {}", given.string()),
                "repeat the command");
  }

  result<void> expect_unchanged() const;
  result<void> may_replace() const;
  [[nodiscard]] fs::path backup() const {
    auto path = given;
    return path += ".thv-backup";
  }

  result<bool> keep_backup() const;
  result<void> put_in_place(fs::path const& file, bool is_private);
};

result<client_file> client_file::open(plugin::call const& c, fs::path const& path) {
  auto s = std::make_unique<state>();
  std::error_code code;
  s->given = fs::absolute(path, code);
  if (code) return file_io::failure("cannot find", path, code.value());
  THV_TRY(s->real, file_io::follow_links(s->given));
  THV_TRY(s->lock, file_lock::take(c, s->real));
  ::unlink(s->temporary().c_str());  // of a command that was killed
  THV_TRY(s->content, file_io::read(s->real));
  return client_file(std::move(s));
}

result<std::string> client_file::read(fs::path const& path) {
  THV_TRY(auto const found, file_io::read(path));
  return found ? found->text : std::string();
}

client_file::client_file(std::unique_ptr<state> s) : state_(std::move(s)) {}
client_file::client_file(client_file&&) noexcept = default;
client_file& client_file::operator=(client_file&&) noexcept = default;
client_file::~client_file() = default;

std::string const& client_file::text() const {
  return state_->content ? state_->content->text : state_->nothing;
}

bool client_file::existed() const {
  return state_->content.has_value();
}

result<void> client_file::state::expect_unchanged() const {
  THV_TRY(auto const now, file_io::read(real));
  auto const same = now.has_value() == content.has_value() && (!now || now->text == content->text);
  if (same) return {};
  return somebody_changed();
}

// Replacing a file takes only rights on its folder, but who takes away the right to write to a
// file means it.
result<void> client_file::state::may_replace() const {
  if (!content) return {};
  auto const refused = ::faccessat(AT_FDCWD, real.c_str(), W_OK, AT_EACCESS) != 0 &&
                       (errno == EACCES || errno == EPERM || errno == EROFS);
  if (!refused && (content->status.st_mode & 0222) != 0) return {};
  return fail(errc::permission_denied, fmt::format("{} is read-only", given.string()),
              real == given ? fmt::format("make it writable: chmod u+w {}", given.string())
                            : fmt::format("it is {}, which another program may keep; change it "
                                          "there",
                                          real.string()));
}

// Whether there is a new one: the file itself, under a second name that outlives its replacement.
// Where the file system has no such names, or a link was followed to another one: a copy.
result<bool> client_file::state::keep_backup() const {
  struct stat status {};
  if (!content || ::lstat(backup().c_str(), &status) == 0) return false;
  if (::link(real.c_str(), backup().c_str()) == 0) return true;
  if (errno == EEXIST) return false;
  auto const half = backup().parent_path() / fmt::format(".{}.new", backup().filename().string());
  ::unlink(half.c_str());
  THV_CHECK(file_io::write_new(half, content->text));
  auto const kept = file_io::rename_to_free(half, backup());
  if (kept) return true;
  ::unlink(half.c_str());
  if (kept.error().code == errc::already_exists) return false;
  return kept.error();
}

result<void> client_file::state::put_in_place(fs::path const& file, bool is_private) {
  if (content) THV_CHECK(file_io::resemble(file, real, content->status, is_private));
  THV_CHECK(expect_unchanged());
  if (!content) {
    auto const done = file_io::rename_to_free(file, real);
    if (!done && done.error().code == errc::already_exists) return somebody_changed();
    return done;
  }
  if (::rename(file.c_str(), real.c_str()) != 0)
    return file_io::failure("cannot replace", real, errno);
  return {};
}

result<void> client_file::write(std::string_view text, bool is_private, bool keep_backup) {
  auto& s = *state_;
  THV_CHECK(s.may_replace());
  auto const file = s.temporary();
  THV_CHECK(file_io::write_new(file, text));
  auto kept = keep_backup ? s.keep_backup() : false;
  auto const placed =
      kept ? s.put_in_place(file, is_private) : result<void>(std::move(kept).error());
  if (!placed) {
    ::unlink(file.c_str());
    if (kept && *kept) ::unlink(s.backup().c_str());
    return placed.error();
  }
  s.content.emplace();
  s.content->text = text;
  if (::stat(s.real.c_str(), &s.content->status) != 0)
    return file_io::failure("cannot read", s.real, errno);
  return {};
}

std::vector<fs::path> client_file::made_folders() const {
  return state_->lock->made();
}

result<void> client_file::erase(std::vector<fs::path> const& folders) {
  auto& s = *state_;
  THV_CHECK(s.may_replace());
  THV_CHECK(s.expect_unchanged());
  if (::unlink(s.real.c_str()) != 0 && errno != ENOENT)
    return file_io::failure("cannot remove", s.real, errno);
  s.lock->drop_if_empty(folders);
  s.content.reset();
  return {};
}

}  // namespace thv::clients
