// SPDX-License-Identifier: Apache-2.0
#include "vault_contents.hpp"

#include <sodium.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <tuple>

#include <boost/json/monotonic_resource.hpp>
#include <boost/json/parser.hpp>
#include <boost/json/serializer.hpp>
#include <boost/json/value.hpp>

#include <thv/model/utf8.hpp>

namespace thv::secrets {

namespace json = boost::json;

namespace {

/// A document that lives in locked memory as a whole, the parser's notes included.
struct locked_document {
  explicit locked_document(std::size_t expected_bytes)
      : pool(expected_bytes, json::make_shared_resource<locked_resource>()) {}

  json::storage_ptr storage() { return json::storage_ptr(&pool); }

  json::monotonic_resource pool;
};

error damaged(std::string const& origin, std::string what) {
  return fail(errc::corrupt, "the vault's contents are not what they should be: " + what,
              "was it written by another program? Restore the file from a backup", origin);
}

std::string_view view(json::string const& text) {
  return {text.data(), text.size()};
}

std::optional<std::string_view> text_at(json::object const& o, std::string_view key) {
  auto const* const value = o.if_contains(key);
  auto const* const text = value == nullptr ? nullptr : value->if_string();
  if (text == nullptr) return std::nullopt;
  return view(*text);
}

/// Appends the bytes that a secret's object stands for at `into`; how many, or nullopt.
std::optional<std::size_t> copy_value(json::object const& o, unsigned char* into,
                                      std::size_t room) {
  if (auto const text = text_at(o, "value")) {
    if (text->size() > room) return std::nullopt;
    std::memcpy(into, text->data(), text->size());
    return text->size();
  }
  auto const encoded = text_at(o, "base64");
  std::size_t size = 0;
  if (!encoded || ::sodium_base642bin(into, room, encoded->data(), encoded->size(), nullptr, &size,
                                      nullptr, sodium_base64_VARIANT_ORIGINAL) != 0)
    return std::nullopt;
  return size;
}

/// Writes the document, once to count and once to keep.
locked_buffer serialized(json::value const& document) {
  locked_buffer piece(16 * 1024);
  std::size_t total = 0;
  json::serializer writer;
  auto* const scratch = reinterpret_cast<char*>(piece.data());
  for (writer.reset(&document); !writer.done();) total += writer.read(scratch, piece.size()).size();
  locked_buffer text(total);
  std::size_t at = 0;
  for (writer.reset(&document); !writer.done();)
    at += writer.read(reinterpret_cast<char*>(text.data()) + at, total - at).size();
  return text;
}

}  // namespace

result<vault_contents> vault_contents::parse(locked_buffer text, std::string const& origin) {
  locked_document document(text.size() * 3 + 4096);
  json::parser parser(document.storage());
  parser.reset(document.storage());
  json::error_code problem;
  parser.write(text.text().data(), text.size(), problem);
  if (problem) return damaged(origin, problem.message());
  auto const root = parser.release();
  auto const* const secrets = root.is_object() ? root.get_object().if_contains("secrets") : nullptr;
  if (secrets == nullptr || !secrets->is_array()) return damaged(origin, "no list of secrets");

  vault_contents contents;
  // No value is longer than its JSON.
  auto const values = std::make_shared<locked_buffer>(text.size());
  std::size_t used = 0;
  for (auto const& item : secrets->get_array()) {
    auto const* const o = item.if_object();
    auto const group = o ? text_at(*o, "group") : std::nullopt;
    auto const name = o ? text_at(*o, "name") : std::nullopt;
    auto const* const time = o ? o->if_contains("updated_at") : nullptr;
    if (!group || !name || time == nullptr || !time->is_int64())
      return damaged(origin, "a secret lacks a group, a name or a time");
    auto const size = copy_value(*o, values->data() + used, values->size() - used);
    if (!size) return damaged(origin, "a secret lacks its value");
    std::string_view const value(values->text().substr(used, *size));
    used += *size;
    auto const place = contents.lower_bound(*group, *name);
    if (place != contents.entries_.end() && place->about.group == *group &&
        place->about.name == *name)
      return damaged(origin, "a secret stands there twice");
    contents.entries_.insert(place,
                             {{std::string(*group), std::string(*name), time->get_int64()}, value});
  }
  contents.values_ = values;
  return contents;
}

std::vector<vault_contents::entry>::iterator vault_contents::lower_bound(std::string_view group,
                                                                         std::string_view name) {
  return std::lower_bound(entries_.begin(), entries_.end(), std::tie(group, name),
                          [](entry const& e, auto const& wanted) {
                            return std::tuple<std::string_view, std::string_view>(
                                       e.about.group, e.about.name) < wanted;
                          });
}

void vault_contents::set(std::string_view group, std::string_view name, std::string_view value,
                         std::int64_t updated_at) {
  entry const made{{std::string(group), std::string(name), updated_at}, value};
  auto const place = lower_bound(group, name);
  if (place != entries_.end() && place->about.group == group && place->about.name == name)
    *place = made;
  else
    entries_.insert(place, made);
}

bool vault_contents::erase(std::string_view group, std::string_view name) {
  auto const place = lower_bound(group, name);
  if (place == entries_.end() || place->about.group != group || place->about.name != name)
    return false;
  entries_.erase(place);
  return true;
}

std::vector<std::string> vault_contents::erase_group(std::string_view group) {
  std::vector<std::string> names;
  for (auto const& e : entries_)
    if (e.about.group == group) names.push_back(e.about.name);
  std::erase_if(entries_, [&](entry const& e) { return e.about.group == group; });
  return names;
}

locked_buffer vault_contents::text() const {
  std::size_t expected = 4096;
  for (auto const& e : entries_) expected += 3 * e.value.size() + e.about.name.size() + 512;
  locked_document document(expected);
  json::array secrets(document.storage());
  secrets.reserve(entries_.size());
  for (auto const& [about, value] : entries_) {
    json::object o(document.storage());
    o["group"] = about.group;
    o["name"] = about.name;
    if (is_utf8(value)) {
      o["value"] = json::string_view(value.data(), value.size());
    } else {
      locked_buffer encoded(
          sodium_base64_ENCODED_LEN(value.size(), sodium_base64_VARIANT_ORIGINAL));
      ::sodium_bin2base64(reinterpret_cast<char*>(encoded.data()), encoded.size(),
                          reinterpret_cast<unsigned char const*>(value.data()), value.size(),
                          sodium_base64_VARIANT_ORIGINAL);
      o["base64"] = json::string_view(encoded.text().data(), encoded.size() - 1);
    }
    o["updated_at"] = about.updated_at;
    secrets.push_back(std::move(o));
  }
  json::object root(document.storage());
  root["secrets"] = std::move(secrets);
  return serialized(json::value(std::move(root)));
}

open_vault vault_contents::hand_out() && {
  open_vault vault;
  for (auto& e : entries_) {
    vault.summaries_.push_back(std::move(e.about));
    vault.values_.push_back(e.value);
  }
  vault.memory_ = std::move(values_);
  return vault;
}

}  // namespace thv::secrets
