// SPDX-License-Identifier: Apache-2.0
#include <sqlite3.h>
#include <sys/stat.h>

#include <catch2/generators/catch_generators.hpp>
#include <chrono>
#include <fstream>
#include <iterator>

#include "stores.hpp"

using namespace thv;
using namespace thv::test;
using store::sqlite_store;
namespace fs = std::filesystem;

namespace {

sqlite_store open_store(fs::path const& directory, bool read_only = false) {
  return ok(sqlite_store::open({.state_directory = directory, .read_only = read_only}));
}

// A store with a group `kept`, closed again. Returns its id.
std::string make_store(fs::path const& directory) {
  auto s = open_store(directory);
  ok(s.create_group(a_group("kept")));
  ok(s.apply(putting({a_workload("w", "kept")})));
  return s.id();
}

std::string read(fs::path const& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void write(fs::path const& path, std::string const& text) {
  std::ofstream(path, std::ios::binary) << text;
}

void sql(fs::path const& database, char const* statements) {
  sqlite3* handle = nullptr;
  REQUIRE(sqlite3_open(database.c_str(), &handle) == SQLITE_OK);
  CHECK(sqlite3_exec(handle, statements, nullptr, nullptr, nullptr) == SQLITE_OK);
  sqlite3_close(handle);
}

unsigned mode(fs::path const& path) {
  struct stat found {};
  REQUIRE(::stat(path.c_str(), &found) == 0);
  return found.st_mode & 0777u;
}

std::vector<fs::path> set_aside_files(fs::path const& directory) {
  std::vector<fs::path> found;
  for (auto const& entry : fs::directory_iterator(directory))
    if (entry.path().filename().string().starts_with("state.db.corrupt-"))
      found.push_back(entry.path());
  return found;
}

}  // namespace

TEST_CASE("nobody else can read the files of a store", "[store]") {
  temporary_directory d;
  auto const directory = d.path / "a" / "b";
  auto const before = ::umask(0);
  auto s = open_store(directory);
  ok(s.create_group(a_group("g")));
  auto const lock = ok(s.lock_group({}, "g"));
  ::umask(before);
  CHECK(mode(directory) == 0700);
  CHECK(mode(directory / "locks") == 0700);
  for (auto const* file : {"state.db", "state.db-wal", "identity", "locks/g"}) {
    CAPTURE(file);
    CHECK(mode(directory / file) == 0600);
  }
}

TEST_CASE("a store is the same when it is opened again", "[store]") {
  temporary_directory d;
  auto const id = make_store(d.path);
  auto s = open_store(d.path);
  CHECK(s.id() == id);
  CHECK_FALSE(s.needs_rebuild());
  CHECK(ok(s.workload("w"))->group == "kept");
  CHECK(s.state_directory() == d.path);
}

TEST_CASE("a moved store object goes on", "[store]") {
  temporary_directory d;
  auto first = open_store(d.path);
  auto second = std::move(first);
  ok(second.create_group(a_group("g")));
  temporary_directory elsewhere;
  auto third = open_store(elsewhere.path);
  third = std::move(second);
  CHECK(ok(third.group("g")));
}

TEST_CASE("who only reads creates and changes nothing", "[store]") {
  temporary_directory d;
  auto const directory = d.path / "none";
  auto empty = open_store(directory, true);
  CHECK(group_names(empty) == std::vector<std::string>{"default"});
  CHECK_FALSE(empty.needs_rebuild());
  CHECK(empty.id().size() == 32);
  CHECK_FALSE(fs::exists(directory));
  CHECK(failed(empty.create_group(a_group("g"))).code == errc::unsupported);
  CHECK(failed(empty.lock_group({}, "g")).code == errc::unsupported);
  CHECK(failed(empty.begin(an_operation("default"), {}, {})).code == errc::unsupported);

  auto const id = make_store(directory);
  auto reading = open_store(directory, true);
  CHECK(reading.id() == id);
  CHECK(ok(reading.workloads()).size() == 1);
  CHECK(failed(reading.apply({})).code == errc::unsupported);
  CHECK(failed(reading.rebuilt()).code == errc::unsupported);

  auto writing = open_store(directory);
  ok(writing.create_group(a_group("seen")));
  CHECK(ok(reading.group("seen")));
}

TEST_CASE("a lost database is made anew for the same store until it is rebuilt", "[store]") {
  temporary_directory d;
  auto const id = make_store(d.path);
  auto const hash = open_store(d.path).keyed_hash("x");
  SECTION("the file is gone") {
    fs::remove(d.path / "state.db");
  }
  SECTION("the file is gone, its companions are not") {
    auto const holding = open_store(d.path);
    fs::remove(d.path / "state.db");
  }
  SECTION("the file is empty") {
    write(d.path / "state.db", "");
  }

  {
    auto reading = open_store(d.path, true);
    CHECK(reading.needs_rebuild());
    CHECK(group_names(reading) == std::vector<std::string>{"default"});
  }
  {
    auto s = open_store(d.path);
    CHECK(s.needs_rebuild());
    CHECK(s.id() == id);
    CHECK(s.keyed_hash("x") == hash);
    CHECK(ok(s.workloads()).empty());
  }
  auto s = open_store(d.path);
  CHECK(s.needs_rebuild());  // still: nobody has rebuilt it
  CHECK(open_store(d.path, true).needs_rebuild());
  ok(s.rebuilt());
  CHECK_FALSE(s.needs_rebuild());
  CHECK_FALSE(open_store(d.path).needs_rebuild());
}

TEST_CASE("a lost identity keeps the id and gets a new key", "[store]") {
  temporary_directory d;
  auto const id = make_store(d.path);
  auto const hash = open_store(d.path).keyed_hash("x");
  fs::remove(d.path / "identity");
  auto s = open_store(d.path);
  CHECK(s.id() == id);
  CHECK(s.keyed_hash("x") != hash);
  CHECK_FALSE(s.needs_rebuild());
  CHECK(ok(s.workload("w")));
}

TEST_CASE("a damaged identity is refused with its path", "[store]") {
  temporary_directory d;
  make_store(d.path);
  auto const whole = read(d.path / "identity");
  auto broken = whole;
  SECTION("empty") {
    broken.clear();
  }
  SECTION("cut") {
    broken.resize(broken.size() / 2);
  }
  SECTION("another digit") {
    broken[5] = 'x';
  }
  SECTION("more") {
    broken += "\n";
  }
  write(d.path / "identity", broken);
  auto const e = failed(sqlite_store::open({.state_directory = d.path}));
  CHECK(e.code == errc::corrupt);
  CHECK(e.message.starts_with((d.path / "identity").string() + " is damaged"));
  CHECK_FALSE(e.hint.empty());
  CHECK(failed(sqlite_store::open({.state_directory = d.path, .read_only = true})) == e);
  CHECK(read(d.path / "identity") == broken);
}

TEST_CASE("the files of two stores are not mixed", "[store]") {
  temporary_directory one, two;
  make_store(one.path);
  make_store(two.path);
  fs::copy_file(two.path / "identity", one.path / "identity", fs::copy_options::overwrite_existing);
  auto const e = failed(sqlite_store::open({.state_directory = one.path}));
  CHECK(e.code == errc::conflict);
  CHECK(e.message.find("belongs to the store") != std::string::npos);
}

TEST_CASE("a damaged database is told, set aside whole, and a new one begins", "[store]") {
  temporary_directory d;
  auto const id = make_store(d.path);
  auto const database = d.path / "state.db";
  auto bytes = read(database);
  SECTION("it is text") {
    bytes = "this is not a database, it is text of some length\n";
  }
  SECTION("its header is overwritten") {
    bytes.replace(0, 200, 200, '\0');
  }
  SECTION("it was cut") {
    bytes.resize(bytes.size() / 2);
  }
  SECTION("its tables are overwritten") {
    bytes.replace(4096, bytes.size() - 4096, bytes.size() - 4096, 'z');
  }
  fs::remove(d.path / "state.db-wal");
  write(database, bytes);

  // Damage shows at the latest when the damaged part is read.
  for (bool const read_only : {true, false}) {
    auto opened = sqlite_store::open({.state_directory = d.path, .read_only = read_only});
    auto const e = opened ? failed(opened->workloads()) : opened.error();
    CAPTURE(to_string(e));
    CHECK(e.code == errc::corrupt);
    CHECK(e.message.starts_with(database.string() + " is damaged"));
    CHECK_FALSE(e.hint.empty());
  }
  CHECK(read(database) == bytes);

  auto const where = ok(sqlite_store::set_aside(d.path));
  REQUIRE(where);
  CHECK(read(*where) == bytes);
  CHECK_FALSE(fs::exists(database));
  CHECK_FALSE(fs::exists(d.path / "state.db-wal"));

  auto s = open_store(d.path);
  CHECK(s.id() == id);
  CHECK(s.needs_rebuild());
  CHECK(ok(s.workloads()).empty());
  ok(s.create_group(a_group("again")));
}

TEST_CASE("a row that cannot be read is damage too", "[store]") {
  temporary_directory d;
  make_store(d.path);
  auto const* const spoil = GENERATE(values<char const*>(
      {"UPDATE workloads SET config = '{\"name\":'", "UPDATE workloads SET config = '[]'",
       "UPDATE workloads SET tools = '{}'", "UPDATE workloads SET secret_fingerprints = '[1]'",
       "UPDATE workloads SET phase = 9"}));
  CAPTURE(spoil);
  sql(d.path / "state.db", spoil);
  {
    auto s = open_store(d.path);
    auto const e = failed(s.workloads());
    CHECK(e.code == errc::corrupt);
    CHECK(e.where.starts_with((d.path / "state.db").string() + ": workload 'w': "));
  }
  CHECK(ok(sqlite_store::set_aside(d.path)));
}

TEST_CASE("damage that showed late is told by the next one that opens to write", "[store]") {
  temporary_directory d;
  make_store(d.path);
  sql(d.path / "state.db", "UPDATE workloads SET config = '{'");
  {
    auto reading = open_store(d.path, true);
    CHECK_FALSE(reading.workloads());
  }
  CHECK(open_store(d.path).id().size() == 32);  // who only reads leaves no trace
  {
    auto s = open_store(d.path);
    CHECK(failed(s.workload("w")).code == errc::corrupt);
  }
  auto const e = failed(sqlite_store::open({.state_directory = d.path}));
  CHECK(e.code == errc::corrupt);
  CHECK(ok(sqlite_store::set_aside(d.path)));
  CHECK(open_store(d.path).needs_rebuild());
}

TEST_CASE("damage that somebody has mended is forgotten", "[store]") {
  temporary_directory d;
  make_store(d.path);
  sql(d.path / "state.db", "UPDATE workloads SET tools = '{'");
  {
    auto s = open_store(d.path);
    CHECK_FALSE(s.workloads());
  }
  sql(d.path / "state.db", "UPDATE workloads SET tools = ''");
  auto s = open_store(d.path);
  CHECK(ok(s.workloads()).size() == 1);
  CHECK_FALSE(fs::exists(d.path / "state.db.damaged"));
}

TEST_CASE("a sound or missing database is not set aside", "[store]") {
  temporary_directory d;
  make_store(d.path);
  CHECK_FALSE(ok(sqlite_store::set_aside(d.path)));
  CHECK(ok(open_store(d.path).workload("w")));
  fs::remove(d.path / "state.db");
  CHECK_FALSE(ok(sqlite_store::set_aside(d.path)));
}

TEST_CASE("damage a second time is set aside beside the first", "[store]") {
  temporary_directory d;
  for (int i = 0; i < 3; ++i) {
    open_store(d.path);
    fs::remove(d.path / "state.db-wal");
    write(d.path / "state.db", "garbage garbage garbage garbage garbage garbage");
    CHECK(ok(sqlite_store::set_aside(d.path)));
  }
  std::size_t databases = 0;
  for (auto const& file : set_aside_files(d.path))
    if (read(file).starts_with("garbage")) ++databases;
  CHECK(databases == 3);
}

TEST_CASE("the database of a newer version or another program is refused", "[store]") {
  temporary_directory d;
  make_store(d.path);
  for (bool const read_only : {false, true}) {
    sql(d.path / "state.db", "PRAGMA user_version = 99");
    auto e = failed(sqlite_store::open({.state_directory = d.path, .read_only = read_only}));
    CHECK(e.code == errc::unsupported);
    CHECK(e.message == (d.path / "state.db").string() +
                           " was written by a newer thv-engine (schema version 99, this one "
                           "knows up to 2)");
    CHECK(e.hint.starts_with("upgrade this thv-engine"));

    fs::remove(d.path / "other.db");
    sql(d.path / "other.db", "CREATE TABLE theirs (x); PRAGMA user_version = 1");
    fs::create_directories(d.path / "other");
    fs::copy_file(d.path / "other.db", d.path / "other" / "state.db",
                  fs::copy_options::overwrite_existing);
    e = failed(sqlite_store::open({.state_directory = d.path / "other", .read_only = read_only}));
    CHECK(e.message ==
          (d.path / "other" / "state.db").string() + " is the database of another program");
    sql(d.path / "state.db", "PRAGMA user_version = 2");
  }
}

TEST_CASE("the database of an older version is brought up to date and loses nothing", "[store]") {
  temporary_directory d;
  make_store(d.path);
  sql(d.path / "state.db", "DROP TABLE catalogues; PRAGMA user_version = 1");
  auto s = open_store(d.path);
  CHECK(ok(s.workload("w")));
  CHECK(ok(s.catalogues()).empty());
  ok(s.put_catalogue("w", {"key", "2025-11-25", "{}", {}}));
  CHECK(ok(s.catalogues()).at("w").session_key == "key");
}

TEST_CASE("a state folder that cannot be is refused with its path", "[store]") {
  temporary_directory d;
  write(d.path / "file", "x");
  auto const e = failed(sqlite_store::open({.state_directory = d.path / "file" / "state"}));
  CHECK(e.code == errc::io);
  CHECK(e.message.find((d.path / "file").string()) != std::string::npos);
  CHECK(failed(sqlite_store::open({.state_directory = ""})).code == errc::invalid_argument);
}

TEST_CASE("a database kept busy is given up with a clear error", "[store]") {
  temporary_directory d;
  auto s = ok(sqlite_store::open(
      {.state_directory = d.path, .busy_timeout = std::chrono::milliseconds(200)}));
  sqlite3* other = nullptr;
  REQUIRE(sqlite3_open((d.path / "state.db").c_str(), &other) == SQLITE_OK);
  REQUIRE(sqlite3_exec(other, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr) == SQLITE_OK);
  auto const e = failed(s.create_group(a_group("g")));
  CHECK(e.code == errc::timeout);
  CHECK(e.message == (d.path / "state.db").string() + " was kept busy by another process");
  CHECK(ok(s.groups()).size() == 1);  // reading goes on
  sqlite3_exec(other, "ROLLBACK", nullptr, nullptr, nullptr);
  sqlite3_close(other);
  ok(s.create_group(a_group("g")));
}
