// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>

namespace secrets_test {

/// A folder that goes away with its contents.
class folder {
 public:
  folder() {
    auto pattern = (std::filesystem::temp_directory_path() / "thv-secrets-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no folder");
    path_ = pattern;
  }
  ~folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  folder(folder const&) = delete;
  folder& operator=(folder const&) = delete;

  [[nodiscard]] std::filesystem::path const& path() const { return path_; }

  [[nodiscard]] std::string read(std::string const& name) const {
    std::ifstream file(path_ / name, std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
  }
  /// Mode 0600.
  std::filesystem::path write(std::string const& name, std::string const& text) const {
    std::ofstream(path_ / name, std::ios::binary | std::ios::trunc) << text;
    ::chmod((path_ / name).c_str(), 0600);
    return path_ / name;
  }
  [[nodiscard]] std::set<std::string> names() const {
    std::set<std::string> found;
    for (auto const& entry : std::filesystem::directory_iterator(path_))
      found.insert(entry.path().filename().string());
    return found;
  }

 private:
  std::filesystem::path path_;
};

}  // namespace secrets_test
