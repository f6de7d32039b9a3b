// SPDX-License-Identifier: Apache-2.0
#include "common/secret_files.hpp"

#include <unistd.h>

#include <chrono>
#include <optional>
#include <string_view>
#include <thread>

#include <thv/model/secret_reference.hpp>

#include "common/private_folder.hpp"

namespace thv::common {

namespace {

/// Whoever removes the last instance removes the empty folders above it, which somebody else may be
/// about to use: then they are made again. Whoever looks for what is left over holds the lock.
constexpr int tries = 500;
constexpr auto pause = std::chrono::milliseconds(10);

bool is_name(std::string_view text) {
  return !text.empty() && text.size() < 200 && text != "." && text != ".." &&
         text.find_first_of(std::string_view("/\0", 2)) == std::string_view::npos;
}

std::string user_folder() {
  return "thv-engine-" + std::to_string(::geteuid());
}

/// The folders one in the other, as far as they are there. The last one is that of the last name
/// when there are as many as names and one more.
std::vector<private_folder> open_all(std::string const& shared,
                                     std::vector<std::string> const& names) {
  std::vector<private_folder> folders;
  auto first = private_folder::open_shared(shared);
  if (!first) return folders;
  folders.push_back(*std::move(first));
  for (auto const& name : names) {
    auto next = folders.back().open(name);
    if (!next) break;
    folders.push_back(*std::move(next));
  }
  return folders;
}

result<private_folder> make_below(private_folder folder, std::vector<std::string> const& names) {
  std::optional<private_folder> reached(std::move(folder));
  for (auto const& name : names) {
    auto next = reached->make(name);
    if (!next) return std::move(next).error();
    reached.emplace(*std::move(next));
  }
  return *std::move(reached);
}

/// The folder of the last name, locked.
result<private_folder> make_all(std::string const& shared, std::vector<std::string> const& names) {
  for (int i = 0; i < tries; ++i) {
    auto folder = private_folder::open_shared(shared);
    if (!folder) return std::move(folder).error();
    auto made = make_below(*std::move(folder), names);
    if (!made && made.error().code != errc::not_found) return made;
    if (made && made->try_lock() && made->still_there()) return made;
    std::this_thread::sleep_for(pause);
  }
  return fail(errc::conflict, "another command holds '" + shared + "/" + names.front() + "'",
              "try again");
}

result<void> check_keys(secret_values const& values) {
  for (auto const& [key, value] : values)
    if (!is_secret_file_name(key))
      return fail(errc::invalid_argument,
                  "'" + key + "' cannot be the name of a file with a secret");
  return {};
}

error nowhere(std::vector<error> const& problems) {
  auto e = fail(errc::unsupported, "there is no place in memory for secrets as files",
                "mount a tmpfs on /dev/shm, or give the secrets as variables");
  for (auto const& problem : problems) {
    e.message += (&problem == &problems.front() ? ": " : "; ") + problem.message;
    if (problem.code == errc::unsupported || problem.code == errc::not_found) continue;
    e.code = problem.code;
    if (!problem.hint.empty()) e.hint = problem.hint;
  }
  return e;
}

}  // namespace

std::vector<std::string> memory_folders() {
  return {"/dev/shm", "/run/user/" + std::to_string(::geteuid())};
}

secret_files::secret_files(std::string store, std::string runtime, std::vector<std::string> folders)
    : store_(std::move(store)), runtime_(std::move(runtime)), folders_(std::move(folders)) {
  if (!is_name(store_) || !is_name(runtime_)) folders_.clear();
}

std::vector<std::string> secret_files::names(std::string const& instance) const {
  return {user_folder(), store_, runtime_, instance};
}

result<void> secret_files::check() const {
  std::vector<error> problems;
  for (auto const& path : folders_) {
    auto const shared = private_folder::open_shared(path);
    if (!shared) {
      problems.push_back(shared.error());
      continue;
    }
    auto const ours = shared->open(user_folder());
    if (ours || ours.error().code == errc::not_found) return {};
    problems.push_back(ours.error());
  }
  return nowhere(problems);
}

result<secret_files::placed> secret_files::write_in(std::string const& folder,
                                                    std::string const& instance,
                                                    secret_values const& values,
                                                    readers who) const {
  THV_TRY(auto made, make_all(folder, names(instance)));
  auto const place = std::make_shared<private_folder>(std::move(made));
  auto done = place->clear();
  placed files{{}, place};
  for (auto const& [key, value] : values) {
    if (!done) break;
    done = place->write(key, value, who == readers::owner ? 0400 : 0444);
    files.paths[key] = place->path() + "/" + key;
  }
  if (done) return files;
  (void)remove_from(folder, instance).has_value();
  return std::move(done).error();
}

result<secret_files::placed> secret_files::write(std::string const& instance,
                                                 secret_values const& values, readers who) const {
  THV_CHECK(check_keys(values));
  for (auto const& name : names(instance))
    if (!is_name(name))
      return fail(errc::invalid_argument, "'" + name + "' cannot be the name of a folder");
  THV_CHECK(remove(instance));
  std::vector<error> problems;
  for (auto const& folder : folders_) {
    auto files = write_in(folder, instance, values, who);
    if (files) return files;
    problems.push_back(std::move(files).error());
  }
  return nowhere(problems);
}

result<secret_values> secret_files::read(std::string const& instance,
                                         std::vector<std::string> const& variables) const {
  auto const missing = [&] {
    return fail(errc::not_found, "the files with the secrets of '" + instance + "' are gone");
  };
  if (!is_name(instance)) return missing();
  for (auto const& folder : folders_) {
    auto const opened = open_all(folder, names(instance));
    if (opened.size() != names(instance).size() + 1) continue;
    secret_values values;
    for (auto const& key : variables) {
      if (!is_secret_file_name(key)) return missing();
      auto value = opened.back().read(key);
      if (!value && value.error().code == errc::not_found) return missing();
      if (!value) return std::move(value).error();
      values[key] = *std::move(value);
    }
    return values;
  }
  return missing();
}

result<void> secret_files::remove_from(std::string const& folder,
                                       std::string const& instance) const {
  auto const path = names(instance);
  auto const opened = open_all(folder, path);
  if (opened.size() == path.size() + 1) THV_CHECK(opened.back().clear());
  // The innermost first; what still holds something stays.
  for (auto i = opened.size(); i-- > 1;) opened[i - 1].remove_if_empty(path[i - 1]);
  return {};
}

result<void> secret_files::remove(std::string const& instance) const {
  if (!is_name(instance)) return {};
  for (auto const& folder : folders_) THV_CHECK(remove_from(folder, instance));
  return {};
}

std::vector<secret_files::held> secret_files::unused() const {
  std::vector<held> found;
  for (auto const& folder : folders_) {
    auto const opened = open_all(folder, {user_folder(), store_, runtime_});
    if (opened.size() != 4) continue;
    for (auto const& name : opened.back().entries()) {
      auto instance = opened.back().open(name);
      if (!instance || !instance->try_lock() || !instance->still_there()) continue;
      found.push_back({name, std::make_shared<private_folder>(*std::move(instance))});
    }
  }
  return found;
}

}  // namespace thv::common
