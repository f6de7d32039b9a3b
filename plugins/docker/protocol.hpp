// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <thv/net/http.hpp>
#include <thv/plugin/runtime.hpp>

/// The Docker Engine API as pure functions: requests as values, replies as text to be parsed.
/// https://docs.docker.com/engine/api/ ; nothing here touches a socket.
namespace thv::docker {

/// The newest version of the API that we speak, and the oldest.
inline constexpr char newest_api[] = "1.44";
inline constexpr char oldest_api[] = "1.40";

/// How a workload's port is published.
struct port_plan {
  std::uint16_t container_port = 0;  ///< 0 for stdio
  std::string publish_on;            ///< IP address; empty with the host's network
};

/// Where a container finds its secrets that are files, each called as its variable.
inline constexpr char secret_folder[] = "/run/secrets";

/// A container's name, labels and body, as `POST /containers/create` wants them. `nonce` marks the
/// container of one deploy; `secret_paths` are the files on this machine with the values of
/// `spec.secret_files`, by variable. errc::invalid_argument for what cannot be said to the engine.
[[nodiscard]] result<std::string> container_body(
    plugin::workload_spec const& spec, port_plan const& ports, std::string const& nonce,
    std::map<std::string, std::string> const& secret_paths = {});

/// `api` of the following is a path prefix like "/v1.41".
[[nodiscard]] net::request create_container(std::string const& api, std::string const& name,
                                            std::string body);
[[nodiscard]] net::request container_action(std::string const& api, std::string const& id,
                                            std::string const& action_and_query);
[[nodiscard]] net::request inspect_container(std::string const& api, std::string const& id);
[[nodiscard]] net::request remove_container(std::string const& api, std::string const& id);
[[nodiscard]] net::request list_containers(std::string const& api);
[[nodiscard]] net::request inspect_image(std::string const& api, std::string const& image);
[[nodiscard]] net::request pull_image(std::string const& api, std::string const& image);
[[nodiscard]] net::request container_logs(std::string const& api, std::string const& id,
                                          std::string const& query);
[[nodiscard]] net::request watch_events(std::string const& api);
[[nodiscard]] net::request attach_container(std::string const& api, std::string const& id);

/// Percent-encodes everything but unreserved characters.
[[nodiscard]] std::string encode(std::string_view text);

/// An image reference split into what `/images/create` wants: `tag` holds the tag, or the digest.
struct image_reference {
  std::string name;
  std::string tag;
  bool has_digest = false;

  /// Must it be pulled even if it is there already? (tag `latest` or none)
  [[nodiscard]] bool moves() const { return !has_digest && (tag.empty() || tag == "latest"); }
};
[[nodiscard]] image_reference parse_image(std::string_view text);

/// The words of a daemon that refuses: `{"message": …}` or the text itself.
[[nodiscard]] std::string parse_message(std::string_view body);

struct engine_version {
  std::string engine;   ///< "Docker" or "Podman"
  std::string version;  ///< "20.10.24"
  std::string api;
  std::string oldest_api;
};
[[nodiscard]] result<engine_version> parse_version(std::string_view body);

/// The version to speak with an engine, like "1.41". errc::unsupported when there is none.
[[nodiscard]] result<std::string> negotiate(engine_version const& engine);

/// A container as `GET /containers/ID/json` tells.
struct container {
  plugin::instance instance;
  std::string name;
  std::string nonce;
  bool running = false;  ///< also while it restarts
  std::string host_ip;   ///< address its port is published on
  bool host_network = false;
};

/// `now` is milliseconds since 1970; a container that restarted shortly before is in error.
[[nodiscard]] result<container> parse_container(std::string_view body, std::int64_t now);

/// The id of a container that was made just now.
[[nodiscard]] result<std::string> parse_created(std::string_view body);

/// Ids from `GET /containers/json`.
[[nodiscard]] result<std::vector<std::string>> parse_ids(std::string_view body);

/// The marks of deploys (`thv.deploy`) on containers, from `GET /containers/json`.
[[nodiscard]] result<std::set<std::string>> parse_nonces(std::string_view body);

/// TCP ports that an image exposes, from `GET /images/NAME/json`.
[[nodiscard]] result<std::vector<std::uint16_t>> parse_exposed_ports(std::string_view body);

/// An event line, if it is one that `watch` tells.
[[nodiscard]] std::optional<plugin::event> parse_event(std::string_view line);

/// Milliseconds since 1970 of an RFC 3339 time in UTC; 0 for the engine's "never" and for what is
/// none.
[[nodiscard]] std::int64_t parse_time(std::string_view text);

/// Folds the lines of a pull into words for people.
class pull_progress {
 public:
  explicit pull_progress(std::string image) : image_(std::move(image)) {}

  /// Takes a line; returns the words if they changed.
  std::optional<std::string> feed(std::string_view line);

  /// The words of the engine if the pull failed in the middle.
  [[nodiscard]] std::string const& failure() const { return failure_; }

 private:
  struct layer {
    std::uint64_t current = 0;
    std::uint64_t total = 0;
    bool extracting = false;
  };
  std::string image_;
  std::string failure_;
  std::string last_;
  std::map<std::string, layer> layers_;
};

}  // namespace thv::docker
