// SPDX-License-Identifier: Apache-2.0
#include <thv/clients/ledger.hpp>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>

#include <fmt/format.h>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <thv/json/reader.hpp>

#include "../store/file.hpp"
#include "../store/lock.hpp"
#include "client_file_io.hpp"

namespace thv::clients {

namespace json = boost::json;

namespace {

/// Of the form of the file. One with a higher number is not touched.
constexpr std::int64_t version = 1;

/// A text, or the bytes of what is none: users' files may hold anything.
json::value to_json(std::string const& bytes) {
  json::error_code problem;
  (void)json::parse(json::serialize(json::string(bytes)), problem);
  bool const nul = bytes.find('\0') != std::string::npos;
  if (!problem && !nul) return json::string(bytes);
  std::string hex;
  for (unsigned char const byte : bytes) hex += fmt::format("{:02x}", byte);
  return json::object{{"hex", hex}};
}

result<void> read_bytes(thv::json::reader const& r, std::string& into) {
  auto const hex = r.find("hex");
  if (!hex) return r.get(into);
  std::string digits;
  THV_CHECK(hex->get(digits));
  auto const value = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  if (digits.size() % 2 != 0 || digits.find_first_not_of("0123456789abcdef") != digits.npos)
    return hex->fail("no bytes in hexadecimal");
  into.clear();
  for (std::size_t i = 0; i < digits.size(); i += 2)
    into += static_cast<char>(value(digits[i]) * 16 + value(digits[i + 1]));
  return {};
}

json::object to_json(std::map<std::string, std::string> const& texts) {
  json::object out;
  for (auto const& [key, text] : texts) out[key] = to_json(text);
  return out;
}

result<void> read_texts(thv::json::reader const& r, std::map<std::string, std::string>& into) {
  THV_CHECK(r.expect_object());
  for (auto const& member : r.value().get_object()) {
    auto const one = r.child(member.key(), member.value());
    THV_CHECK(read_bytes(one, into[std::string(member.key())]));
  }
  return {};
}

json::object to_json(client_record const& r) {
  json::array groups;
  for (auto const& group : r.groups) groups.push_back(json::value(group));
  json::object entries;
  for (auto const& [name, e] : r.entries)
    entries[name] = {{"workload", e.workload},
                     {"url", e.url},
                     {"fingerprint", e.fingerprint},
                     {"earlier", e.earlier},
                     {"theirs", e.theirs}};
  json::array folders;
  for (auto const& folder : r.made_folders) folders.push_back(to_json(folder));
  return {{"groups", std::move(groups)},
          {"file", to_json(r.file)},
          {"made_file", r.made_file},
          {"made_folders", std::move(folders)},
          {"backed_up", r.backed_up},
          {"kept", to_json(r.kept)},
          {"taken_out", to_json(r.taken_out)},
          {"entries", std::move(entries)},
          {"notes",
           {{"entries", to_json(r.notes.entries)}, {"container", to_json(r.notes.container)}}}};
}

result<void> read_entries(thv::json::reader const& r, client_record& into) {
  auto const entries = r.find("entries");
  if (!entries) return {};
  THV_CHECK(entries->expect_object());
  for (auto const& member : entries->value().get_object()) {
    auto const one = entries->child(member.key(), member.value());
    auto& e = into.entries[std::string(member.key())];
    THV_CHECK(one.expect_object());
    THV_CHECK(one.read("workload", e.workload));
    THV_CHECK(one.read("url", e.url));
    THV_CHECK(one.read("fingerprint", e.fingerprint));
    THV_CHECK(one.read("earlier", e.earlier));
    THV_CHECK(one.read("theirs", e.theirs));
  }
  return {};
}

result<void> read_folders(thv::json::reader const& r, std::vector<std::string>& into) {
  auto const folders = r.find("made_folders");
  if (!folders) return {};
  if (!folders->value().is_array()) return folders->fail("no array");
  for (std::size_t i = 0; i < folders->value().get_array().size(); ++i) {
    auto const one = folders->element(i);
    THV_CHECK(read_bytes(one, into.emplace_back()));
  }
  return {};
}

result<client_record> read_client(thv::json::reader const& r) {
  client_record c;
  THV_CHECK(r.expect_object());
  std::vector<std::string> groups;
  THV_CHECK(r.read("groups", groups));
  c.groups.insert(groups.begin(), groups.end());
  if (auto const file = r.find("file")) THV_CHECK(read_bytes(*file, c.file));
  THV_CHECK(r.read("made_file", c.made_file));
  THV_CHECK(read_folders(r, c.made_folders));
  THV_CHECK(r.read("backed_up", c.backed_up));
  if (auto const kept = r.find("kept")) THV_CHECK(read_texts(*kept, c.kept));
  if (auto const out = r.find("taken_out")) THV_CHECK(read_texts(*out, c.taken_out));
  THV_CHECK(read_entries(r, c));
  if (auto const notes = r.find("notes")) {
    if (auto const entries = notes->find("entries"))
      THV_CHECK(read_texts(*entries, c.notes.entries));
    if (auto const container = notes->find("container"))
      THV_CHECK(read_bytes(*container, c.notes.container));
  }
  return c;
}

result<records> read_records(std::string const& text, std::string const& path) {
  json::error_code problem;
  auto const value = json::parse(text, problem);
  if (problem) return fail(errc::corrupt, "no JSON: " + problem.message(), {}, path);
  thv::json::reader const r(value, path);
  THV_CHECK(r.expect_object());
  std::int64_t found = 0;
  THV_CHECK(r.read("version", found));
  if (found > version)
    return fail(errc::unsupported, "was written by a newer thv-engine", "upgrade this thv-engine",
                path);
  records all;
  auto const clients = r.find("clients");
  if (!clients) return all;
  THV_CHECK(clients->expect_object());
  for (auto const& member : clients->value().get_object()) {
    auto const one = clients->child(member.key(), member.value());
    THV_TRY(all[std::string(member.key())], read_client(one));
  }
  return all;
}

}  // namespace

result<records> ledger::load() const {
  THV_TRY(auto const found, file_io::read(path_));
  if (!found) return records{};
  auto all = read_records(found->text, path_.string());
  if (!all && all.error().code != errc::unsupported) {
    all.error().code = errc::corrupt;
    all.error().hint =
        "move the file away; entries that stand in clients' files as they should be are found "
        "again by 'thv-engine client register --force'";
  }
  return all;
}

result<void> ledger::save(records const& all) const {
  json::object clients;
  for (auto const& [name, record] : all)
    if (!record.empty()) clients[name] = to_json(record);
  json::object const body{{"version", version}, {"clients", std::move(clients)}};
  return store::detail::write_private_file(path_, json::serialize(body) + "\n");
}

result<std::shared_ptr<void>> ledger::lock(plugin::call const& c) const {
  using namespace std::chrono_literals;
  THV_CHECK(store::detail::make_private_directory(path_.parent_path()));
  auto held = std::make_shared<store::detail::descriptor>(
      ::open(lock_path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!*held) return store::detail::file_error("cannot open", lock_path_, errno);
  for (auto pause = std::chrono::milliseconds(1);; pause = std::min(pause * 2, 20ms * 1)) {
    if (::flock(held->get(), LOCK_EX | LOCK_NB) == 0) return std::shared_ptr<void>(held);
    if (errno != EWOULDBLOCK && errno != EINTR)
      return store::detail::file_error("cannot lock", lock_path_, errno);
    if (c.stop.stop_requested()) return fail(errc::cancelled, "interrupted");
    if (std::chrono::steady_clock::now() >= c.deadline)
      return fail(errc::timeout, "another command works on the clients' files", "try again");
    store::detail::sleep(c, pause);
  }
}

}  // namespace thv::clients
