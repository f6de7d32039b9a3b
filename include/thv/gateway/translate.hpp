// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

/// Messages of the revisions up to 2025-11-25 ("legacy", with sessions) as those of 2026-07-28
/// ("stateless"), and back: pure functions over JSON. Sources: MCP 2026-07-28 "Versioning",
/// "Multi Round-Trip Requests", "Subscriptions", and its changelog.
namespace thv::gateway {

inline constexpr std::string_view newest_legacy = "2025-11-25";

/// Is this one of the revisions with sessions that are served?
[[nodiscard]] bool is_legacy_revision(std::string_view revision);

/// What a client of a stateless member says about itself with each request. JSON texts; empty:
/// `{}`, or left out.
struct envelope {
  std::string info;
  std::string capabilities;
  std::string log_level;  ///< a level's name; empty: no log messages are wanted
};

/// A request of a session's client for a stateless member. `text` is the client's message; id and
/// progress token (left out when empty) are JSON. Reserved `_meta` keys of the client's are
/// dropped.
[[nodiscard]] std::string stateless_request(std::string_view text, std::string_view id,
                                            std::string_view token, envelope const& from);

/// The same once more, with the answers to what the member asked for: `responses` is the JSON of an
/// object, `state` the member's `requestState` (empty: it gave none).
[[nodiscard]] std::string stateless_retry(std::string_view text, std::string_view id,
                                          std::string_view token, envelope const& from,
                                          std::string_view responses, std::string_view state);

/// A request of a stateless client for a member with sessions: without what only the new era has.
[[nodiscard]] std::string legacy_request(std::string_view text, std::string_view id,
                                         std::string_view token);

/// An answer (result or error) of a legacy member for a stateless client that asked `method`.
/// `server_info`: JSON, or empty.
[[nodiscard]] std::string stateless_answer(std::string_view text, std::string_view id,
                                           std::string_view method, std::string_view server_info);

/// An answer of a stateless member for a session's client that asked `method`.
[[nodiscard]] std::string legacy_answer(std::string_view text, std::string_view id,
                                        std::string_view method);

/// The result of `initialize` for a client that asked for `revision`, from a member's own result of
/// `initialize` or of `server/discover`. `shared`: several clients share the member's session, so
/// what only one could use (tasks) is not offered.
[[nodiscard]] std::string initialize_result(std::string_view known, std::string_view revision,
                                            bool shared);

/// The result of `server/discover` from a member's own result of either.
[[nodiscard]] std::string discover_result(std::string_view known);

/// `serverInfo` in a member's result of either, as JSON; empty if it gave none.
[[nodiscard]] std::string server_info(std::string_view known);

/// A request without the `_meta` keys that are the protocol's own business of each hop.
[[nodiscard]] std::string without_reserved_meta(std::string_view text);

/// A notification with the id of the subscription it is sent for.
[[nodiscard]] std::string tagged_notification(std::string_view method, std::string_view uri,
                                              std::string_view subscription);

/// A member of an object by its path; nullptr if it is not there.
[[nodiscard]] boost::json::value const* member_at(boost::json::value const& in,
                                                  std::initializer_list<std::string_view> path);

/// JSON, or null if the text is none.
[[nodiscard]] boost::json::value parsed(std::string_view text);

}  // namespace thv::gateway
