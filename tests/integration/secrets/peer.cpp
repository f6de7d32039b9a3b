// SPDX-License-Identifier: Apache-2.0
// Another process that uses the keyring: `usable`, `store ID KEY`, `find ID [ask]`, `erase ID`. It
// prints what it got, or the error and its hint, and exits 0 or 1.
#include <cstdio>
#include <string>
#include <vector>

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

int run(std::vector<std::string> const& words) {
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
