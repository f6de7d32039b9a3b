// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include <thv/config/environment.hpp>
#include <thv/error.hpp>
#include <thv/store/records.hpp>

namespace thv::gateway {

/// What a gateway writes down when it serves, and what outlives it: the port is used again.
struct gateway_facts {
  std::string version;
  std::string program;  ///< which file it runs (`file_identity`)
  std::string store;    ///< which file its state is in: another one is there after damage
  store::process_identity process;
  std::string socket;  ///< of its control API
  std::string host;    ///< that it listens on
  std::uint16_t port = 0;
  std::uint16_t wanted_port = 0;  ///< that was configured

  friend bool operator==(gateway_facts const&, gateway_facts const&) = default;
};

/// The traces of the one gateway that a state directory has.
class control_files {
 public:
  explicit control_files(std::filesystem::path state_directory)
      : folder_(std::move(state_directory)) {}

  [[nodiscard]] std::filesystem::path log() const { return folder_ / "gateway.log"; }
  [[nodiscard]] std::filesystem::path lock_file() const { return folder_ / "gateway.lock"; }
  [[nodiscard]] std::filesystem::path database() const { return folder_ / "state.db"; }

  /// nullopt: none ever ran, or the file cannot be read.
  [[nodiscard]] std::optional<gateway_facts> read_facts() const;
  [[nodiscard]] result<void> write_facts(gateway_facts const& facts) const;

  /// The user stopped it: no command starts it but `gateway start`.
  [[nodiscard]] bool stopped_by_user() const;
  [[nodiscard]] result<void> mark_stopped(bool stopped) const;

  /// The lock that a gateway holds as long as it lives; nullptr while another one has it.
  [[nodiscard]] result<std::shared_ptr<void>> try_lock() const;
  /// Does some process hold it?
  [[nodiscard]] bool is_locked() const;

  /// Where the control socket is to be: below XDG_RUNTIME_DIR where there is one, else beside the
  /// state. Its folder is made. errc::invalid_argument when no path is short enough for a socket.
  [[nodiscard]] result<std::string> choose_socket(config::environment const& variables) const;

 private:
  std::filesystem::path folder_;
};

/// Device, inode and time of birth of a file; empty if there is none.
[[nodiscard]] std::string file_identity(std::filesystem::path const& path);

/// `http://127.0.0.1:4483` for what it listens on; loopback where that is every address.
[[nodiscard]] std::string base_url(std::string const& host, std::uint16_t port);

}  // namespace thv::gateway
