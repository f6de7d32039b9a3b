// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include <thv/config/environment.hpp>
#include <thv/secrets/provider.hpp>

namespace thv::secrets {

/// Secrets from environment variables: the secret NAME is the value of THV_SECRET_NAME, else of
/// TOOLHIVE_SECRET_NAME (the name exactly as written in the flag).
class environment_provider final : public provider {
 public:
  explicit environment_provider(config::environment variables = config::process_environment())
      : variables_(std::move(variables)) {}

  [[nodiscard]] std::string_view name() const noexcept override { return "environment"; }
  /// errc::not_found with the variable to set; errc::invalid_argument for a name that no variable
  /// can have (empty, or with `=` or a zero byte).
  [[nodiscard]] result<std::string> get(std::string const& name) override;

 private:
  config::environment variables_;
};

}  // namespace thv::secrets
