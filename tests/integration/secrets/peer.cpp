// SPDX-License-Identifier: Apache-2.0
// Another process that uses the keyring: `usable`, `store ID KEY`, `find ID [ask]`, `erase ID`. It
// prints what it got, or the error and its hint, and exits 0 or 1. `scan VAULT KEY_FILE TEXT` opens
// a vault and prints how often TEXT, of which each byte has been changed, stands in the memory that
// a core dump would have, and in the rest.
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include <thv/secrets/encrypted_file.hpp>
#include <thv/secrets/key_file.hpp>
#include <thv/secrets/keyring.hpp>

namespace {

using namespace thv::secrets;

int told(thv::error const& e) {
  std::printf("%d: %s\n%s\n", static_cast<int>(e.code), to_string(e).c_str(), e.hint.c_str());
  return 1;
}

int told(thv::result<void> const& done) {
  if (!done) return told(done.error());
  std::puts("done");
  return 0;
}

int find(std::string const& id, keyring_prompt prompt) {
  auto const found = keyring().find(id, prompt);
  if (!found) return told(found.error());
  std::puts(*found ? (*found)->to_text().c_str() : "none");
  return 0;
}

/// How often the text stands in some memory of this process. Nothing is copied.
std::size_t count_in(unsigned char const* from, std::size_t size, std::string const& changed) {
  std::size_t found = 0;
  for (std::size_t i = 0; i + changed.size() <= size; ++i) {
    std::size_t same = 0;
    while (same < changed.size() &&
           from[i + same] == (static_cast<unsigned char>(changed[same]) ^ 1))
      ++same;
    if (same == changed.size()) ++found;
  }
  return found;
}

int scan(std::string const& vault, std::string const& key_file, std::string const& changed) {
  auto const key = read_key_file(key_file);
  if (!key) return told(key.error());
  auto const opened = encrypted_file(vault).open(*key);
  if (!opened) return told(opened.error());
  std::size_t dumped = 0;
  std::size_t left_out = 0;
  struct mapping {
    std::uintptr_t from = 0, to = 0;
    bool readable = false;
  } at;
  std::ifstream maps("/proc/self/smaps");
  for (std::string line; std::getline(maps, line);) {
    unsigned long from = 0, to = 0;
    char rights[5] = {};
    if (std::sscanf(line.c_str(), "%lx-%lx %4s ", &from, &to, rights) == 3) {
      at = {from, to, rights[0] == 'r' && line.find("[v") == line.npos};
    } else if (line.starts_with("VmFlags:") && at.readable) {
      auto const count =
          count_in(reinterpret_cast<unsigned char const*>(at.from), at.to - at.from, changed);
      (line.find(" dd") == line.npos ? dumped : left_out) += count;
    }
  }
  std::printf("%zu %s\n", dumped, left_out > 0 ? "and some" : "and none");
  return opened->list().empty() ? 1 : 0;
}

int run(std::vector<std::string> const& words) {
  if (words.size() == 4 && words[0] == "scan") return scan(words[1], words[2], words[3]);
  if (words == std::vector<std::string>{"usable"}) return told(keyring().usable());
  if (words.size() == 3 && words[0] == "store") {
    auto const key = secret_key::from_text(words[2]);
    return key ? told(keyring().store(words[1], "thv-engine: a test's vault", *key))
               : told(key.error());
  }
  if (words.size() >= 2 && words[0] == "find")
    return find(words[1], words.size() == 3 ? keyring_prompt::allowed : keyring_prompt::never);
  if (words.size() == 2 && words[0] == "erase") return told(keyring().erase(words[1]));
  return 2;
}

}  // namespace

int main(int count, char** arguments) {
  return run({arguments + 1, arguments + count});
}
