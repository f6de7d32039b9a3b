// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include <thv/error.hpp>

// On the standard library only: runtimes read references too.

namespace thv {

/// How a secret's value reaches a workload: as the value of a variable, or as a file in memory
/// whose path the variable holds.
enum class secret_delivery { environment, file };

/// A secret by its name, what its value goes to, and how.
struct secret_reference {
  std::string name;
  std::string target;  ///< environment variable, or header of a remote server
  secret_delivery as = secret_delivery::environment;

  friend bool operator==(secret_reference const&, secret_reference const&) = default;
};

/// `NAME,target=KEY` (ToolHive's form; reference §1.3), and `,as=file` after it for a file.
[[nodiscard]] inline std::string to_string(secret_reference const& reference) {
  return reference.name + ",target=" + reference.target +
         (reference.as == secret_delivery::file ? ",as=file" : "");
}

/// May a file in a workload be called so? Letters, digits, `_`, `-` and `.`, not first a `.`; up to
/// 128 characters.
[[nodiscard]] inline bool is_secret_file_name(std::string_view name) {
  auto const fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.';
  };
  return !name.empty() && name.size() <= 128 && name.front() != '.' &&
         std::all_of(name.begin(), name.end(), fits);
}

namespace detail {

/// Takes the options that stand after the target, of which there is one: `,as=env|file`.
[[nodiscard]] inline result<void> take_secret_options(secret_reference& reference,
                                                      std::string_view text) {
  auto const comma = reference.target.find(',');
  if (comma == std::string::npos) return {};
  auto const option = reference.target.substr(comma + 1);
  reference.target.resize(comma);
  if (option == "as=file") {
    reference.as = secret_delivery::file;
  } else if (option != "as=env") {
    auto const known = option.starts_with("as=") && option.find(',') == std::string::npos;
    return fail(errc::invalid_argument,
                known ? "unknown way '" + option.substr(3) + "' to give a secret in '" +
                            std::string(text) + "'"
                      : "unknown option '" + option + "' in '" + std::string(text) + "'",
                "as=env gives its value as the variable, as=file as a file whose path the variable "
                "holds");
  }
  return {};
}

/// A file's name is the target.
[[nodiscard]] inline result<void> check_secret_target(secret_reference const& reference) {
  if (reference.as != secret_delivery::file || is_secret_file_name(reference.target)) return {};
  return fail(errc::invalid_argument,
              "'" + reference.target + "' cannot be the name of a file with a secret",
              "use letters, digits, '_', '-' and '.'");
}

}  // namespace detail

/// Splits `NAME,target=KEY[,as=env|file]`. errc::invalid_argument with what is wrong.
[[nodiscard]] inline result<secret_reference> parse_secret_reference(std::string_view text) {
  auto const comma = text.find(',');
  constexpr std::string_view key = ",target=";
  bool const formed = comma != 0 && comma != std::string_view::npos &&
                      text.substr(comma, key.size()) == key && text.size() > comma + key.size() &&
                      text[comma + key.size()] != ',';
  if (!formed)
    return fail(errc::invalid_argument, "invalid secret parameter format: " + std::string(text),
                "write it as NAME,target=ENVIRONMENT_VARIABLE, with ,as=file after it for a file");
  secret_reference reference{std::string(text.substr(0, comma)),
                             std::string(text.substr(comma + key.size()))};
  THV_CHECK(detail::take_secret_options(reference, text));
  THV_CHECK(detail::check_secret_target(reference));
  return reference;
}

}  // namespace thv
