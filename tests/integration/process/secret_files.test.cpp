// SPDX-License-Identifier: Apache-2.0
#include <signal.h>
#include <sys/stat.h>

#include <common/secret_files.hpp>
#include <process/posix.hpp>

#include "support.hpp"

using namespace process_test;

namespace {

std::string const secret_value = "s3cr3t-value-in-a-file";

/// Where the files of a house's members lie.
std::string memory_of(house const& h) {
  return "/dev/shm/thv-engine-" + std::to_string(::geteuid()) + "/" + h.store;
}

plugin::workload_spec with_file(plugin::workload_spec spec, std::string const& value) {
  spec.environment["PLAIN"] = "1";
  spec.secret_names = {"key,target=KEY_FILE,as=file"};
  spec.secret_files = {{"KEY_FILE", value}};
  return spec;
}

std::map<std::string, std::string> environment_of(std::string const& id) {
  auto const entries = process::marked_processes(id);
  if (entries.empty()) FAIL("no process of " << id);
  return process::leader_of(entries).environment;
}

std::string value_of(std::string const& id) {
  return must(process::read_file(environment_of(id).at("KEY_FILE")));
}

bool anywhere_below(std::string const& folder, std::string const& text) {
  for (auto const& entry : fs::recursive_directory_iterator(folder))
    if (entry.is_regular_file() &&
        must(process::read_file(entry.path().string())).find(text) != std::string::npos)
      return true;
  return false;
}

/// Ends the member as a crash does: nobody has asked for it.
void crash(house const& h, plugin::instance const& member) {
  ::kill(static_cast<pid_t>(member.pid), SIGKILL);
  REQUIRE(eventually(
      [&] { return must(h.runtime->inspect({}, member.id)).state == workload_state::stopped; }));
}

}  // namespace

TEST_CASE("a secret as a file is in memory alone, and its path in the variable",
          "[process][integration]") {
  house h;
  CHECK(must(h.runtime->identify({})).secret_files);
  auto const member = must(h.runtime->deploy(within(10s), with_file(h.tiny("tiny"), secret_value)));
  auto const path = environment_of(member.id).at("KEY_FILE");
  CHECK(path == memory_of(h) + "/process/" + member.id + "/KEY_FILE");
  CHECK(value_of(member.id) == secret_value);
  struct stat found {};
  REQUIRE(::stat(path.c_str(), &found) == 0);
  CHECK((found.st_mode & 07777) == 0400);
  CHECK(member.secret_names == std::vector<std::string>{"key,target=KEY_FILE,as=file"});

  for (auto const* file : {"environ", "cmdline"}) {
    auto const text = must(process::read_file("/proc/" + std::to_string(member.pid) + "/" + file));
    CHECK(text.find(secret_value) == std::string::npos);
  }
  CHECK_FALSE(anywhere_below(h.root(), secret_value));

  SECTION("it is gone when the member is stopped, and there when it is started") {
    must(h.runtime->stop(within(5s), member.id));
    CHECK_FALSE(fs::exists(memory_of(h)));
    must(h.runtime->start(within(5s), member.id));
    CHECK(value_of(member.id) == secret_value);
  }
  SECTION("it is gone when the member is removed") {
    must(h.runtime->remove(within(5s), member.id));
    CHECK_FALSE(fs::exists(memory_of(h)));
  }
}

TEST_CASE("a member reads its secret from the file", "[process][integration]") {
  house h;
  auto const member = must(h.runtime->deploy(
      within(10s),
      with_file(h.shell("reader", "cat \"$KEY_FILE\" >&2; exec sleep 60"), secret_value)));
  std::string log;
  CHECK(eventually([&] {
    log.clear();
    must(h.runtime->logs({}, member.id, {}, [&](std::string_view piece) {
      log += piece;
      return true;
    }));
    return log == secret_value;
  }));
}

TEST_CASE("who does not know the values starts a member only while its files are there",
          "[process][integration]") {
  house h;
  auto const member = must(h.runtime->deploy(within(10s), with_file(h.tiny("tiny"), secret_value)));
  auto const other = h.make();
  auto const refused = [&] {
    auto const started = other->start(within(5s), member.id);
    REQUIRE_FALSE(started);
    CHECK(started.error().code == errc::unsupported);
    CHECK(started.error().message.find("has secrets, whose values are kept on no disk") !=
          std::string::npos);
    CHECK(started.error().hint.find("deploy it again") != std::string::npos);
  };
  SECTION("after a crash they are") {
    crash(h, member);
    must(other->start(within(5s), member.id));
    CHECK(value_of(member.id) == secret_value);
    CHECK(environment_of(member.id).at("PLAIN") == "1");
  }
  SECTION("after a stop they are not") {
    must(h.runtime->stop(within(5s), member.id));
    refused();
  }
  SECTION("who stopped it knows them, as restart needs") {
    must(other->stop(within(5s), member.id));
    CHECK_FALSE(fs::exists(memory_of(h)));
    must(other->start(within(5s), member.id));
    CHECK(value_of(member.id) == secret_value);
  }
  SECTION("after the machine was restarted they are not") {
    crash(h, member);
    fs::remove_all(memory_of(h));
    refused();
  }
}

TEST_CASE("beside a secret that is a variable, the files do not suffice",
          "[process][integration]") {
  house h;
  auto spec = with_file(h.tiny("tiny"), secret_value);
  spec.environment["TOKEN"] = "another-secret";
  spec.secret_names.push_back("token,target=TOKEN");
  auto const member = must(h.runtime->deploy(within(10s), spec));
  crash(h, member);
  auto const other = h.make();
  auto const started = other->start(within(5s), member.id);
  REQUIRE_FALSE(started);
  CHECK(started.error().code == errc::unsupported);
}

TEST_CASE("a replaced member comes back with the file it had", "[process][integration]") {
  house h;
  auto const old = must(h.runtime->deploy(within(10s), with_file(h.tiny("tiny"), secret_value)));
  auto const other = h.make();
  SECTION("when who replaced it takes that back") {
    auto spec = with_file(h.tiny("tiny"), "rotated");
    spec.replaces = old.id;
    auto const fresh = must(other->deploy(within(10s), spec));
    CHECK(value_of(fresh.id) == "rotated");
    must(other->remove(within(5s), fresh.id));
    CHECK_FALSE(fs::exists(memory_of(h)));
    must(other->start(within(5s), old.id));
    CHECK(value_of(old.id) == secret_value);
  }
  SECTION("when its replacement cannot run") {
    auto spec = with_file(h.tiny("tiny"), "rotated");
    spec.secret_files["NO FILE/NAME"] = "x";
    spec.replaces = old.id;
    CHECK_FALSE(other->deploy(within(10s), spec));
    CHECK(h.list().size() == 1);
    CHECK(value_of(old.id) == secret_value);
  }
}

TEST_CASE("a deploy that fails leaves no file", "[process][integration]") {
  house h;
  auto spec = with_file(h.tiny("tiny"), secret_value);
  auto const path = h.root() + "/broken";
  REQUIRE(process::write_file(path, "#!/no/such/interpreter\n"));
  fs::permissions(path, fs::perms::owner_all);
  spec.source = parse_source("file://" + path);
  CHECK_FALSE(h.runtime->deploy(within(10s), spec));
  CHECK(h.list().empty());
  CHECK_FALSE(fs::exists(memory_of(h)));
}

TEST_CASE("files that a killed command left are removed", "[process][integration]") {
  house h;
  common::secret_files const files(h.store, "process");
  auto const leave = [&](std::string const& id) {
    must(files.write(id, {{"KEY", secret_value}}, common::secret_files::readers::owner));
  };
  leave("gone-0123456789");
  SECTION("by the next deploy, which leaves those of others") {
    auto const a = must(h.runtime->deploy(within(10s), with_file(h.tiny("a"), "value-a")));
    auto const b = must(h.runtime->deploy(within(10s), h.tiny("b")));
    CHECK_FALSE(fs::exists(memory_of(h) + "/process/gone-0123456789"));
    CHECK(value_of(a.id) == "value-a");
    must(h.runtime->remove(within(5s), a.id));
    must(h.runtime->remove(within(5s), b.id));
  }
  SECTION("by removing an instance that there is no more") {
    must(h.runtime->remove(within(5s), "gone-0123456789"));
  }
  CHECK_FALSE(fs::exists(memory_of(h)));
}
