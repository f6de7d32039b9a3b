// SPDX-License-Identifier: Apache-2.0
// 100 secrets of usual length: read and decrypt the vault once and hand all out, as a group of many
// members does that starts; and read it anew for each of them. Argon2id is beside them.
#include <benchmark/benchmark.h>
#include <stdlib.h>

#include <filesystem>
#include <string>

#include <thv/secrets/encrypted_file.hpp>

namespace {

using namespace thv::secrets;

constexpr int count = 100;

/// A vault in memory (/dev/shm), so that no disk is measured.
struct filled_vault {
  filled_vault() {
    std::string pattern = "/dev/shm/thv-bench-XXXXXX";
    if (::mkdtemp(pattern.data()) == nullptr) std::abort();
    folder = pattern;
    file.emplace(folder / "secrets");
    bool fine = file->create(new_vault_header(key_source::keyring), key).has_value();
    for (int i = 0; i < count; ++i)
      fine = fine && file->set(key, i % 2 == 0 ? "" : "team", name(i), std::string(40, 'x'));
    if (!fine) std::abort();
  }
  ~filled_vault() { std::filesystem::remove_all(folder); }

  static std::string name(int i) { return "secret-" + std::to_string(i); }

  std::filesystem::path folder;
  secret_key key = secret_key::random();
  std::optional<encrypted_file> file;
};

void decrypt_and_hand_out_100(benchmark::State& state) {
  filled_vault const v;
  for (auto _ : state) {
    auto const opened = v.file->open(v.key);
    if (!opened) return state.SkipWithError("the vault was not opened");
    for (int i = 0; i < count; ++i) {
      auto const value = opened->find("team", filled_vault::name(i));
      if (!value) return state.SkipWithError("a secret is missing");
      std::string handed(*value);
      benchmark::DoNotOptimize(handed);
    }
  }
}

void get_100_one_by_one(benchmark::State& state) {
  filled_vault const v;
  for (auto _ : state)
    for (int i = 0; i < count; ++i) {
      auto value = v.file->get(v.key, "team", filled_vault::name(i));
      if (!value) return state.SkipWithError("a secret is missing");
      benchmark::DoNotOptimize(value);
    }
}

void set_one_of_100(benchmark::State& state) {
  filled_vault const v;
  for (auto _ : state)
    if (!v.file->set(v.key, "", "secret-0", "another value"))
      return state.SkipWithError("the secret was not set");
}

void key_from_a_passphrase(benchmark::State& state) {
  auto const header = new_vault_header(key_source::passphrase);
  for (auto _ : state) {
    auto key = key_from_passphrase("correct horse battery staple", header);
    if (!key) return state.SkipWithError("no key");
    benchmark::DoNotOptimize(key);
  }
}

}  // namespace

BENCHMARK(decrypt_and_hand_out_100)->Unit(benchmark::kMillisecond);
BENCHMARK(get_100_one_by_one)->Unit(benchmark::kMillisecond);
BENCHMARK(set_one_of_100)->Unit(benchmark::kMillisecond);
BENCHMARK(key_from_a_passphrase)->Unit(benchmark::kMillisecond);
