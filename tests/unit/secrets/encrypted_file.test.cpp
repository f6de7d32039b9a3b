// SPDX-License-Identifier: Apache-2.0
#include <thv/secrets/encrypted_file.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <set>
#include <thread>

#include "temporary.hpp"

using thv::errc;
using namespace thv::secrets;
using secrets_test::folder;

namespace {

constexpr auto fast = passphrase_cost{1, 1024};

struct made_vault {
  folder where;
  secret_key key = secret_key::random();
  encrypted_file file{where.path() / "secrets", [] { return std::int64_t(1700000000123); }};

  made_vault() {
    REQUIRE(file.create(new_vault_header(key_source::key_file, {}, "/keys/one"), key));
  }
};

}  // namespace

TEST_CASE("a value is handed out again, whatever bytes it has", "[secrets]") {
  made_vault v;
  std::string every;
  for (int i = 0; i < 256; ++i) every += static_cast<char>(i);
  for (std::string const& value :
       {std::string("plain"), std::string("a\0b", 3), std::string("line\nline\r\n"),
        std::string("größe 秘密 \xF0\x9F\x94\x91"), std::string("\xff\xfe"), every,
        std::string("\"\\\x1f\x7f"), std::string("\xed\xa0\x80"), std::string(300'000, 'x')}) {
    REQUIRE(v.file.set(v.key, "", "name", value));
    CHECK(v.file.get(v.key, "any", "name").value() == value);
  }
}

TEST_CASE("a group's own value wins over the one for all", "[secrets]") {
  made_vault v;
  REQUIRE(v.file.set(v.key, "", "token", "for all"));
  REQUIRE(v.file.set(v.key, "team", "token", "of the team"));
  REQUIRE(v.file.set(v.key, "team", "own", "team's alone"));
  CHECK(v.file.get(v.key, "team", "token").value() == "of the team");
  CHECK(v.file.get(v.key, "other", "token").value() == "for all");
  CHECK(v.file.get(v.key, "", "token").value() == "for all");
  CHECK(v.file.get(v.key, "other", "own").error().code == errc::not_found);
  auto const opened = v.file.open(v.key);
  REQUIRE(opened);
  CHECK(opened->list() == std::vector<secret_summary>{{"", "token", 1700000000123},
                                                      {"team", "own", 1700000000123},
                                                      {"team", "token", 1700000000123}});
  CHECK(opened->exactly("other", "token") == std::nullopt);

  REQUIRE(v.file.erase(v.key, "team", "token"));
  CHECK(v.file.get(v.key, "team", "token").value() == "for all");
  auto const again = v.file.erase(v.key, "team", "token");
  REQUIRE_FALSE(again);
  CHECK(again.error().code == errc::not_found);
  CHECK(again.error().message == "secret not found: token (group 'team')");
}

TEST_CASE("what is not there yet, and what is there already, are told", "[secrets]") {
  folder where;
  encrypted_file const file(where.path() / "below" / "secrets");
  auto const key = secret_key::random();
  CHECK_FALSE(file.exists());
  CHECK(file.header().error().code == errc::not_found);
  CHECK(file.get(key, "", "a").error().hint == "make one: thv-engine secret setup");
  CHECK(file.set(key, "", "a", "b").error().code == errc::not_found);
  CHECK_FALSE(std::filesystem::exists(where.path() / "below"));
  REQUIRE(file.create(new_vault_header(key_source::keyring), key));
  CHECK(file.create(new_vault_header(key_source::keyring), key).error().code ==
        errc::already_exists);
  CHECK(file.open(key)->list().empty());
}

TEST_CASE("bad names and empty values are refused before anything is read", "[secrets]") {
  made_vault v;
  for (std::string const& name :
       {std::string(), std::string("a=b"), std::string("a,b"), std::string("a\nb"),
        std::string("a\0b", 3), std::string("\x7f"), std::string("\xff"), std::string(257, 'n')}) {
    CHECK(v.file.set(v.key, "", name, "v").error().code == errc::invalid_argument);
    if (!name.empty())
      CHECK(v.file.set(v.key, name, "n", "v").error().code == errc::invalid_argument);
  }
  CHECK(v.file.set(v.key, "", std::string(256, 'n'), "v"));
  CHECK(v.file.set(v.key, "", "größe/with space.and-dots", "v"));
  CHECK(v.file.set(v.key, "", "n", "").error().message == "secret value cannot be empty");
}

TEST_CASE("nothing of a value or name stands in the file", "[secrets]") {
  made_vault v;
  REQUIRE(v.file.set(v.key, "hidden-group", "hidden-name", "hidden-value-hidden-value"));
  auto const text = v.where.read("secrets");
  CHECK(text.find("hidden") == std::string::npos);
  CHECK(text.find(v.key.to_text()) == std::string::npos);
}

TEST_CASE("each write has a new nonce and mode 0600", "[secrets]") {
  made_vault v;
  std::set<std::array<unsigned char, 24>> nonces;
  for (int i = 0; i < 20; ++i) {
    REQUIRE(v.file.set(v.key, "", "same", "same"));
    nonces.insert(v.file.header()->nonce);
  }
  CHECK(nonces.size() == 20);
  struct stat found {};
  REQUIRE(::stat(v.file.path().c_str(), &found) == 0);
  CHECK((found.st_mode & 07777) == 0600);
}

TEST_CASE("every flipped bit is found, and the file is left as it is", "[secrets]") {
  made_vault v;
  REQUIRE(v.file.set(v.key, "g", "name", "value"));
  auto const whole = v.where.read("secrets");
  for (std::size_t i = 0; i < whole.size(); ++i)
    for (int bit = 0; bit < 8; ++bit) {
      auto damaged = whole;
      damaged[i] = static_cast<char>(damaged[i] ^ (1 << bit));
      v.where.write("secrets", damaged);
      auto const opened = v.file.open(v.key);
      if (opened || opened.error().code != errc::corrupt) {
        CAPTURE(i, bit);
        FAIL("the flip was not found, or called something else than damage");
      }
      auto const& e = opened.error();
      if (e.where != v.file.path().string() || e.hint.empty() || e.message.empty())
        FAIL("no place or no hint at byte " << i);
      if (bit != 3) continue;
      if (v.file.set(v.key, "", "more", "x")) FAIL("a damaged file was written to");
      if (v.where.read("secrets") != damaged) FAIL("a damaged file was changed");
    }
  v.where.write("secrets", whole);
  CHECK(v.file.get(v.key, "g", "name").value() == "value");
}

TEST_CASE("every truncation is found, and so are bytes behind the end", "[secrets]") {
  made_vault v;
  REQUIRE(v.file.set(v.key, "g", "name", "value"));
  auto const whole = v.where.read("secrets");
  for (std::size_t size = 0; size < whole.size(); ++size) {
    v.where.write("secrets", whole.substr(0, size));
    auto const opened = v.file.open(v.key);
    CAPTURE(size);
    REQUIRE_FALSE(opened);
    REQUIRE(opened.error().code == errc::corrupt);
    REQUIRE(
        (opened.error().message.find("truncated") != std::string::npos || size == 0 || size < 8));
    REQUIRE_FALSE(v.file.set(v.key, "", "more", "x"));
    REQUIRE(v.where.read("secrets") == whole.substr(0, size));
  }
  v.where.write("secrets", whole + "x");
  CHECK(v.file.open(v.key).error().message == "the vault is damaged: 1 bytes follow its end");
}

TEST_CASE("a wrong passphrase is told from a damaged file", "[secrets]") {
  folder where;
  encrypted_file const file(where.path() / "secrets");
  auto header = new_vault_header(key_source::passphrase, fast);
  auto const right = key_from_passphrase("right", header);
  auto const wrong = key_from_passphrase("wrong", header);
  REQUIRE((right && wrong));
  REQUIRE(file.create(header, *right));
  REQUIRE(file.set(*right, "", "a", "b"));
  auto const before = where.read("secrets");
  CHECK(file.open(*wrong).error().message == "wrong passphrase");
  CHECK(file.open(*wrong).error().code == errc::unauthenticated);
  CHECK(file.set(*wrong, "", "a", "c").error().code == errc::unauthenticated);
  CHECK(file.erase(*wrong, "", "a").error().code == errc::unauthenticated);
  CHECK(where.read("secrets") == before);
  // The header alone gives the key again.
  auto const read = file.header();
  REQUIRE(read);
  CHECK(file.get(key_from_passphrase("right", *read).value(), "", "a").value() == "b");
  CHECK(read->fits(*right));
  CHECK_FALSE(read->fits(*wrong));
}

TEST_CASE("the key can be changed to one from another source", "[secrets]") {
  made_vault v;
  REQUIRE(v.file.set(v.key, "g", "n", "value"));
  auto const header = new_vault_header(key_source::passphrase, fast);
  auto const next = key_from_passphrase("a passphrase", header).value();
  CHECK(v.file.change_key(next, header, next).error().code == errc::unauthenticated);
  REQUIRE(v.file.change_key(v.key, header, next));
  CHECK(v.file.header()->source == key_source::passphrase);
  CHECK(v.file.header()->key_location.empty());
  CHECK(v.file.get(next, "g", "n").value() == "value");
  CHECK(v.file.get(v.key, "g", "n").error().code == errc::unauthenticated);
}

TEST_CASE("a vault that others can read is refused with the chmod to run", "[secrets]") {
  made_vault v;
  auto const mode = GENERATE(0640, 0604, 0620, 0666);
  REQUIRE(::chmod(v.file.path().c_str(), static_cast<mode_t>(mode)) == 0);
  auto const opened = v.file.open(v.key);
  REQUIRE_FALSE(opened);
  CHECK(opened.error().code == errc::permission_denied);
  CHECK(opened.error().hint == "chmod 600 '" + v.file.path().string() + "'");
  CHECK(v.file.set(v.key, "", "a", "b").error().code == errc::permission_denied);
}

TEST_CASE("a folder, a pipe and a file that is too large are no vaults", "[secrets]") {
  made_vault v;
  std::filesystem::remove(v.file.path());
  SECTION("a folder") {
    std::filesystem::create_directory(v.file.path());
    CHECK(v.file.open(v.key).error().code == errc::invalid_argument);
  }
  SECTION("a pipe") {
    REQUIRE(::mkfifo(v.file.path().c_str(), 0600) == 0);
    CHECK(v.file.open(v.key).error().message == "the vault is no regular file");
  }
  SECTION("too large") {
    v.where.write("secrets", "THVVAULT");
    REQUIRE(::truncate(v.file.path().c_str(), (32 << 20) + 1) == 0);
    CHECK(v.file.open(v.key).error().message == "the vault is larger than 32 MiB");
  }
}

TEST_CASE("a vault does not grow beyond its limit", "[secrets]") {
  made_vault v;
  REQUIRE(v.file.set(v.key, "", "small", "kept"));
  auto const before = v.where.read("secrets");
  auto const refused = v.file.set(v.key, "", "large", std::string(33 << 20, 'x'));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message == "the vault would become larger than 32 MiB");
  CHECK(v.where.read("secrets") == before);
  REQUIRE(v.file.set(v.key, "", "large", std::string(31 << 20, 'x')));
  CHECK(v.file.get(v.key, "", "large")->size() == 31 << 20);
}

TEST_CASE("a full disk loses nothing", "[secrets]") {
  made_vault v;
  REQUIRE(v.file.set(v.key, "", "a", "kept"));
  // The kernel refuses to write beyond the limit, as a full disk does.
  auto const child = ::fork();
  if (child == 0) {
    ::signal(SIGXFSZ, SIG_IGN);
    rlimit const limit{1000, 1000};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    auto const done = v.file.set(v.key, "", "b", std::string(5000, 'x'));
    ::_exit(!done && done.error().code == errc::io ? 0 : 1);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(status == 0);
  CHECK(v.file.get(v.key, "", "a").value() == "kept");
  CHECK(v.file.get(v.key, "", "b").error().code == errc::not_found);
  CHECK(v.where.names() == std::set<std::string>{"secrets", "secrets.lock"});
}

TEST_CASE("a killed writer loses nothing, and what it left is removed", "[secrets]") {
  made_vault v;
  REQUIRE(v.file.set(v.key, "", "first", "kept"));
  for (int round = 0; round < 15; ++round) {
    auto const child = ::fork();
    if (child == 0) {
      for (int i = 0;; ++i)
        (void)v.file.set(v.key, "", "n" + std::to_string(i % 50), std::string(20'000, 'x'));
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(3 + round));
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    auto const opened = v.file.open(v.key);
    REQUIRE(opened);
    REQUIRE(opened->find("", "first") == "kept");
    for (auto const& s : opened->list())
      if (s.name != "first") REQUIRE(opened->find("", s.name)->size() == 20'000);
  }
  v.where.write("secrets.99999.new", "half");
  v.where.write("secrets.mine.new", "not ours");
  REQUIRE(v.file.set(v.key, "", "last", "value"));
  CHECK(v.where.names() == std::set<std::string>{"secrets", "secrets.lock", "secrets.mine.new"});
}

TEST_CASE("writers at once do not lose each other's secrets", "[secrets]") {
  made_vault v;
  std::vector<pid_t> children;
  for (int p = 0; p < 4; ++p) {
    auto const child = ::fork();
    if (child == 0) {
      std::atomic<int> failures = 0;
      std::vector<std::thread> threads;
      for (int t = 0; t < 3; ++t)
        threads.emplace_back([&, t] {
          for (int i = 0; i < 8; ++i)
            if (!v.file.set(v.key, "p" + std::to_string(p),
                            std::to_string(t) + "-" + std::to_string(i), "v"))
              ++failures;
        });
      for (auto& t : threads) t.join();
      ::_exit(failures == 0 ? 0 : 1);
    }
    children.push_back(child);
  }
  for (auto const child : children) {
    int status = -1;
    ::waitpid(child, &status, 0);
    CHECK(status == 0);
  }
  CHECK(v.file.open(v.key)->list().size() == 4 * 3 * 8);
}

TEST_CASE("a link to a vault stays a link", "[secrets]") {
  made_vault v;
  std::filesystem::create_symlink("secrets", v.where.path() / "link");
  encrypted_file const linked(v.where.path() / "link");
  REQUIRE(linked.set(v.key, "", "a", "b"));
  CHECK(std::filesystem::is_symlink(v.where.path() / "link"));
  CHECK(v.file.get(v.key, "", "a").value() == "b");
}

TEST_CASE("a link that leads to nothing is not taken for no vault", "[secrets]") {
  folder where;
  auto const link = where.path() / "secrets";
  auto const target = where.path() / "disk" / "vault";
  std::filesystem::create_symlink("disk/vault", link);
  encrypted_file const file(link);
  CHECK_FALSE(file.exists());
  CHECK(file.is_expected());
  auto const e = file.header().error();
  CHECK(e.code == errc::unavailable);
  CHECK(e.where == link.string());
  CHECK(e.message == "the link to the vault leads to " + target.string() + ", where nothing is");
  CHECK_FALSE(e.hint.empty());
  auto const key = secret_key::random();
  CHECK(file.set(key, "", "a", "b").error().code == errc::unavailable);
  CHECK_FALSE(std::filesystem::exists(where.path() / "disk"));
  REQUIRE(file.create(new_vault_header(key_source::key_file, {}, "/keys/one"), key));
  CHECK(std::filesystem::is_regular_file(target));
  CHECK(std::filesystem::is_symlink(link));
  CHECK_FALSE(encrypted_file(where.path() / "none").is_expected());
}

TEST_CASE("links in a circle are told", "[secrets]") {
  folder where;
  std::filesystem::create_symlink("two", where.path() / "one");
  std::filesystem::create_symlink("one", where.path() / "two");
  encrypted_file const file(where.path() / "one");
  CHECK(file.is_expected());
  auto const e = file.header().error();
  CHECK(e.code == errc::io);
  CHECK(e.hint == "its links lead in a circle: make one that leads to a file");
}

TEST_CASE("a vault that cannot be reached is not taken for none", "[secrets]") {
  made_vault v;
  auto const is_told = [&] {
    auto const e = v.file.header().error();
    return v.file.exists() && e.code == errc::permission_denied && !e.hint.empty() &&
           e.where == v.file.path().string();
  };
  REQUIRE(::chmod(v.where.path().c_str(), ::geteuid() == 0 ? 0700 : 0) == 0);
  auto const child = ::fork();
  if (child == 0) {
    if (::geteuid() == 0 && ::setresuid(65534, 65534, 65534) != 0) ::_exit(2);
    ::_exit(is_told() ? 0 : 1);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(::chmod(v.where.path().c_str(), 0700) == 0);
  CHECK(status == 0);
}

TEST_CASE("what is in the vault's place is told and kept", "[secrets]") {
  made_vault v;
  SECTION("a folder in the place of the lock") {
    std::filesystem::remove(v.where.path() / "secrets.lock");
    std::filesystem::create_directory(v.where.path() / "secrets.lock");
    auto const e = v.file.set(v.key, "", "a", "b").error();
    CHECK(e.code == errc::io);
    CHECK(e.hint == "move away what is there, then repeat the command");
    CHECK(v.file.open(v.key)->list().empty());
  }
  SECTION("a vault of another user, which only root could write to") {
    if (::geteuid() == 0) {
      REQUIRE(::chown(v.file.path().c_str(), 65534, 65534) == 0);
      std::filesystem::remove(v.where.path() / "secrets.lock");
      auto const before = v.where.read("secrets");
      auto const e = v.file.set(v.key, "", "a", "b").error();
      CHECK(e.code == errc::permission_denied);
      CHECK(e.message == "the vault belongs to another user (uid 65534)");
      auto const other = new_vault_header(key_source::key_file, {}, "/keys/two");
      CHECK(v.file.change_key(v.key, other, secret_key::random()).error().code ==
            errc::permission_denied);
      CHECK(v.where.read("secrets") == before);
      CHECK(v.where.names() == std::set<std::string>{"secrets"});
      CHECK(v.file.open(v.key));
    }
  }
}

TEST_CASE("all secrets of one group are erased at once, and no others", "[secrets]") {
  made_vault v;
  for (auto const* group : {"", "team", "teams"})
    for (auto const* name : {"a", "b"}) REQUIRE(v.file.set(v.key, group, name, "value"));
  CHECK(v.file.erase_group(v.key, "team").value() == std::vector<std::string>{"a", "b"});
  CHECK(v.file.erase_group(v.key, "team").value().empty());
  CHECK(v.file.open(v.key)->list().size() == 4);
  CHECK(v.file.erase_group(v.key, "").error().code == errc::invalid_argument);
  CHECK(v.file.open(v.key)->list().size() == 4);
  CHECK(v.file.erase_group(secret_key::random(), "teams").error().code == errc::unauthenticated);
}

TEST_CASE("a folder that cannot be written is told", "[secrets]") {
  folder where;
  where.write("file", "x");
  encrypted_file const file(where.path() / "file" / "secrets");
  auto const made = file.create(new_vault_header(key_source::keyring), secret_key::random());
  REQUIRE_FALSE(made);
  CHECK(made.error().code == errc::io);
}
