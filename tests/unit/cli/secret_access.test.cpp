// SPDX-License-Identifier: Apache-2.0
#include "secret_access.hpp"

#include <catch2/catch_test_macros.hpp>

#include <sys/stat.h>

#include <atomic>
#include <cstdlib>
#include <fstream>
#include <thread>

#include <thv/secrets/key_file.hpp>

using thv::errc;
using thv::cli::secret_access;
using thv::cli::secret_access_options;
using namespace thv::secrets;

namespace {

namespace fs = std::filesystem;

constexpr auto fast = passphrase_cost{1, 1024};

/// A vault with the secret `a`, and what may be asked for its key.
struct bench {
  fs::path folder;
  std::map<std::string, std::string> variables;
  std::optional<secret_key> key;
  int questions = 0;
  std::vector<std::string> answers;

  bench() {
    std::string pattern = (fs::temp_directory_path() / "thv-access-XXXXXX").string();
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    folder = pattern;
  }
  ~bench() {
    std::error_code ignored;
    fs::remove_all(folder, ignored);
  }

  [[nodiscard]] encrypted_file vault() const { return encrypted_file(folder / "secrets"); }

  void make(vault_header const& header, secret_key made) {
    REQUIRE(vault().create(header, made));
    REQUIRE(vault().set(made, "", "a", "stored"));
    REQUIRE(vault().set(made, "team", "a", "of the team"));
    key = std::move(made);
  }
  void make_with_passphrase(std::string const& text) {
    auto const header = new_vault_header(key_source::passphrase, fast);
    make(header, key_from_passphrase(text, header).value());
  }
  std::string file(std::string const& name, std::string const& text) const {
    std::ofstream(folder / name) << text;
    ::chmod((folder / name).c_str(), 0600);
    return (folder / name).string();
  }
  secret_access_options options() {
    secret_access_options o;
    o.vault = folder / "secrets";
    o.variables = thv::config::fixed_environment(variables);
    o.ask_passphrase = [this](std::string const&) -> thv::result<std::string> {
      auto const at = static_cast<std::size_t>(questions++);
      if (at < answers.size()) return answers[at];
      return thv::fail(errc::cancelled, "interrupted");
    };
    return o;
  }
};

}  // namespace

TEST_CASE("without a vault secrets come from the environment", "[cli][secrets]") {
  bench b;
  b.variables = {{"THV_SECRET_a", "variable"}};
  secret_access access(b.options());
  CHECK(access.provider() == "environment");
  CHECK(access.get("a", "g").value() == "variable");
  CHECK(access.get("b", "g").error().code == errc::not_found);
  CHECK(access.get("b", "g").error().hint == "set the environment variable THV_SECRET_b");
  CHECK(access.stored("a", "g").error().code == errc::not_found);
}

TEST_CASE("a vault's own values come first, then the environment's", "[cli][secrets]") {
  bench b;
  b.make_with_passphrase("p");
  b.variables = {{"THV_SECRET_a", "variable"}, {"TOOLHIVE_SECRET_c", "theirs"}};
  auto o = b.options();
  o.passphrase_file = b.file("passphrase", "p\n");
  secret_access access(std::move(o));
  CHECK(access.provider() == "encrypted");
  CHECK(access.get("a", "").value() == "stored");
  CHECK(access.get("a", "team").value() == "of the team");
  CHECK(access.get("c", "team").value() == "theirs");
  auto const missing = access.get("none", "team");
  CHECK(missing.error().code == errc::not_found);
  CHECK(missing.error().hint ==
        "thv-engine secret set none --group team, or set the environment variable "
        "THV_SECRET_none");
  CHECK(access.get("a=b", "").error().code == errc::invalid_argument);

  // What another process sets meanwhile is seen.
  REQUIRE(b.vault().set(*b.key, "", "a", "changed"));
  CHECK(access.get("a", "").value() == "changed");
}

TEST_CASE("the environment alone is asked where it was chosen", "[cli][secrets]") {
  bench b;
  b.make_with_passphrase("p");
  b.variables = {{"THV_SECRET_a", "variable"}};
  auto o = b.options();
  o.provider = "environment";
  o.may_ask = true;
  secret_access access(std::move(o));
  CHECK(access.get("a", "team").value() == "variable");
  CHECK(b.questions == 0);
}

TEST_CASE("a passphrase is asked for once, by whatever thread comes first", "[cli][secrets]") {
  bench b;
  b.make_with_passphrase("right");
  b.answers = {"wrong", "right"};
  auto o = b.options();
  o.may_ask = true;
  int given = 0;
  o.give_holder = [&](secret_key const& key) { given += key == *b.key ? 1 : 100; };
  secret_access access(std::move(o));
  CHECK_FALSE(access.key_in_hand());
  std::atomic<int> good = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i)
    threads.emplace_back([&] {
      if (access.get("a", "").value_or("") == "stored") ++good;
    });
  for (auto& t : threads) t.join();
  CHECK(good == 8);
  CHECK(b.questions == 2);
  CHECK(given == 1);
  CHECK(access.key_in_hand().value() == *b.key);
}

TEST_CASE("three wrong passphrases are enough, and a question is not repeated", "[cli][secrets]") {
  bench b;
  b.make_with_passphrase("right");
  b.answers = {"wrong", "Right", "right "};
  auto o = b.options();
  o.may_ask = true;
  secret_access access(std::move(o));
  auto const refused = access.get("a", "");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == errc::unauthenticated);
  CHECK(refused.error().message == "wrong passphrase");
  CHECK(access.get("a", "").error() == refused.error());
  CHECK(b.questions == 3);
}

TEST_CASE("with nobody to ask the secrets are locked, and variables still count",
          "[cli][secrets]") {
  bench b;
  b.make_with_passphrase("p");
  b.variables = {{"THV_SECRET_c", "variable"}};
  secret_access access(b.options());
  auto const locked = access.get("a", "");
  REQUIRE_FALSE(locked);
  CHECK(locked.error().code == errc::unavailable);
  CHECK(locked.error().message == "the secrets are locked: their passphrase is not known");
  CHECK(locked.error().hint.find("thv-engine secret unlock") == 0);
  CHECK(access.get("c", "").value() == "variable");
  CHECK(b.questions == 0);
}

TEST_CASE("the holder is asked before anybody else, and believed only if its key fits",
          "[cli][secrets]") {
  bench b;
  b.make_with_passphrase("p");
  auto o = b.options();
  o.may_ask = true;
  std::optional<secret_key> held = secret_key::random();
  o.ask_holder = [&]() -> std::optional<secret_key> {
    if (!held) return std::nullopt;
    return held->clone();
  };
  SECTION("it has the key") {
    held = b.key->clone();
    secret_access access(std::move(o));
    CHECK(access.get("a", "").value() == "stored");
    CHECK(b.questions == 0);
  }
  SECTION("it has another key") {
    b.answers = {"p"};
    secret_access access(std::move(o));
    CHECK(access.get("a", "").value() == "stored");
    CHECK(b.questions == 1);
  }
  SECTION("what it drops is gone once it is forgotten here too") {
    held = b.key->clone();
    o.may_ask = false;
    secret_access access(std::move(o));
    CHECK(access.get("a", "").value() == "stored");
    held.reset();
    CHECK(access.get("a", "").value() == "stored");
    access.forget();
    CHECK_FALSE(access.key_in_hand());
    CHECK(access.get("a", "").error().code == errc::unavailable);
    held = b.key->clone();
    CHECK(access.get("a", "").value() == "stored");
  }
}

TEST_CASE("a key file is found where the vault says, or where the user says", "[cli][secrets]") {
  bench b;
  auto const path = b.folder / "keys" / "one";
  auto made = make_key_file(path).value();
  b.make(new_vault_header(key_source::key_file, {}, path.string()), std::move(made));
  CHECK(secret_access(b.options()).get("a", "").value() == "stored");

  fs::rename(path, b.folder / "moved");
  auto const gone = secret_access(b.options()).get("a", "");
  CHECK(gone.error().code == errc::unavailable);
  CHECK(gone.error().where == path.string());
  auto o = b.options();
  o.key_file = b.folder / "moved";
  CHECK(secret_access(std::move(o)).get("a", "").value() == "stored");

  auto other = b.options();
  other.key_file = b.folder / "other";
  REQUIRE(make_key_file(other.key_file));
  auto const wrong = secret_access(std::move(other)).get("a", "");
  CHECK(wrong.error().message == "the key file does not fit this vault");
}

TEST_CASE("a file's passphrase that was wrong is not derived again until something changes",
          "[cli][secrets]") {
  bench b;
  b.make_with_passphrase("right");
  int derived = 0;
  auto o = b.options();
  o.passphrase_file = b.file("passphrase", "wrong");
  o.key_from_passphrase = [&](std::string_view text, vault_header const& header) {
    ++derived;
    return key_from_passphrase(text, header);
  };
  secret_access access(std::move(o));
  auto const try_again = [&] {
    access.forget();  // as after the seconds that a failure is kept
    return access.get("a", "");
  };
  for (int i = 0; i < 3; ++i) {
    auto const refused = try_again();
    CHECK(refused.error().code == errc::unauthenticated);
    CHECK(refused.error().message == "wrong passphrase");
  }
  CHECK(derived == 1);

  SECTION("another passphrase") {
    b.file("passphrase", "also wrong");
    CHECK_FALSE(try_again());
    CHECK_FALSE(try_again());
    CHECK(derived == 2);
    b.file("passphrase", "right");
    CHECK(try_again().value() == "stored");
    CHECK(derived == 3);
  }
  SECTION("another vault") {
    auto const header = new_vault_header(key_source::passphrase, fast);
    auto const key = key_from_passphrase("wrong", header).value();
    REQUIRE(b.vault().change_key(*b.key, header, key));
    CHECK(try_again().value() == "stored");
    CHECK(derived == 2);
  }
  SECTION("another value in the vault is no reason") {
    REQUIRE(b.vault().set(*b.key, "", "b", "new"));
    CHECK_FALSE(try_again());
    CHECK(derived == 1);
  }
}

TEST_CASE("a key that can be had without a question is had so", "[cli][secrets]") {
  bench b;
  b.make_with_passphrase("p");
  auto o = b.options();
  o.may_ask = true;
  b.answers = {"p"};
  secret_access access(std::move(o));
  CHECK(access.key_without_asking().error().code == errc::unavailable);
  CHECK(b.questions == 0);
  // It does not keep the user from being asked later.
  CHECK(access.get("a", "").value() == "stored");
  CHECK(b.questions == 1);
  CHECK(access.key_without_asking().value() == *b.key);

  auto with_file = b.options();
  with_file.passphrase_file = b.file("passphrase", "p");
  CHECK(secret_access(std::move(with_file)).key_without_asking().value() == *b.key);
}

TEST_CASE("a vault on a disk that is not there is waited for, not replaced by the environment",
          "[cli][secrets]") {
  bench b;
  b.variables = {{"THV_SECRET_b", "variable"}};
  fs::create_symlink("disk/vault", b.folder / "secrets");
  secret_access access(b.options());
  CHECK(access.provider() == "encrypted");
  CHECK(access.stored("b", "").error().code == errc::unavailable);
  CHECK(access.get("a", "").error().code == errc::unavailable);
  CHECK(access.get("b", "").value() == "variable");
}

TEST_CASE("a damaged vault is an error also where a variable is set", "[cli][secrets]") {
  bench b;
  b.make_with_passphrase("p");
  b.variables = {{"THV_SECRET_a", "variable"}};
  auto o = b.options();
  o.passphrase_file = b.file("passphrase", "p");
  fs::resize_file(o.vault, 100);
  secret_access access(std::move(o));
  CHECK(access.get("a", "").error().code == errc::corrupt);
}

TEST_CASE("a vault without a session bus needs its keyring", "[cli][secrets]") {
  bench b;
  b.make(new_vault_header(key_source::keyring), secret_key::random());
  secret_access access(b.options());
  CHECK(access.get("a", "").error().message == "there is no keyring: no D-Bus session");
}

TEST_CASE("a passphrase is read without the newline at its end", "[cli][secrets]") {
  bench b;
  CHECK(thv::cli::read_passphrase(b.file("p", "a b \n")).value() == "a b ");
  CHECK(thv::cli::read_passphrase(b.file("p", "a\n\n")).value() == "a\n");
  CHECK(thv::cli::read_passphrase(b.file("p", "a\r\n")).value() == "a");
  CHECK(thv::cli::read_passphrase(b.file("p", "\n")).error().message == "the passphrase is empty");
  CHECK(thv::cli::read_passphrase((b.folder / "no").string()).error().code == errc::not_found);
  auto const open = b.file("p", "a");
  ::chmod(open.c_str(), 0644);
  CHECK(thv::cli::read_passphrase(open).error().code == errc::permission_denied);
}
