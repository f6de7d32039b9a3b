// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <string>
#include <string_view>

#include <thv/error.hpp>

namespace thv::secrets {

/// Where the values of secrets come from. `get` answers the value; errc::not_found with a hint how
/// to provide it. No error ever holds a value. Thread-safe.
template <class P>
concept secret_provider = requires(P& p, std::string const& name) {
  { p.name() } -> std::convertible_to<std::string_view>;
  { p.get(name) } -> std::same_as<result<std::string>>;
};

/// A provider chosen when the program runs.
class provider {
 public:
  provider() = default;
  provider(provider const&) = delete;
  provider& operator=(provider const&) = delete;
  virtual ~provider() = default;

  /// A word for messages: `environment`.
  [[nodiscard]] virtual std::string_view name() const noexcept = 0;
  [[nodiscard]] virtual result<std::string> get(std::string const& name) = 0;
};

static_assert(secret_provider<provider>);

}  // namespace thv::secrets
