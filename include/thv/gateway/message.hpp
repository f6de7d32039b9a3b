// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

/// JSON-RPC messages looked at without building values: where the parts are that a gateway has to
/// change. One pass validates the whole text (Boost.JSON's parser) and finds them.
namespace thv::gateway {

enum class message_kind : std::uint8_t { request, notification, response, error_response };

/// What is wrong with a text that is no message.
enum class message_fault : std::uint8_t {
  none,
  syntax,  ///< no JSON, or nested deeper than 512
  batch,   ///< an array: batches are not served
  range,   ///< a number that no double holds (RFC 8259, section 6, lets a reader set a limit): it
           ///< could not be written again for a server of the other era
  duplicate,  ///< `id`, `method` or another key that routes stands twice
  invalid,    ///< JSON, but no JSON-RPC 2.0 message as MCP has them
};

/// One message. Views point into the text that was scanned, or into the scanner, and live until
/// either is gone. "raw": as JSON text, with the quotes of a string.
struct message {
  message_kind kind = message_kind::notification;
  std::string_view text;            ///< the whole message
  std::string_view id;              ///< raw; empty: none, or null
  std::string_view method;          ///< as it reads, unescaped
  std::string_view name;            ///< params.name, unescaped
  std::string_view uri;             ///< params.uri, unescaped
  std::string_view task;            ///< params.taskId, unescaped
  std::string_view level;           ///< params.level, unescaped
  std::string_view progress_token;  ///< raw; params._meta.progressToken, or params.progressToken
  std::string_view request_id;      ///< raw; params.requestId
  std::string_view
      subscription_id;           ///< raw; params._meta["io.modelcontextprotocol/subscriptionId"]
  std::string_view revision;     ///< params._meta["io.modelcontextprotocol/protocolVersion"]
  std::string_view result_type;  ///< result.resultType, unescaped
  bool has_params = false;
  bool has_capabilities = false;  ///< params._meta has `clientCapabilities`, an object
  bool reserved_meta = false;     ///< params._meta or result._meta has keys of the protocol's own
};

/// Finds the parts of messages. Keeps its memory from one message to the next. Not thread-safe.
class message_scanner {
 public:
  message_scanner();
  ~message_scanner();
  message_scanner(message_scanner const&) = delete;
  message_scanner& operator=(message_scanner const&) = delete;

  /// Looks at a whole message. A text with escaped keys is written anew first; `message::text` is
  /// then the scanner's. `found` is unchanged on a fault, but for `message_fault::range` and
  /// `message_fault::invalid`, where what it has of an id, a method and the other parts is told.
  /// Total: any bytes are taken.
  [[nodiscard]] message_fault scan(std::string_view text, message& found);

 private:
  struct state;
  std::unique_ptr<state> state_;
};

/// What the `Mcp-Name` field of a request says (MCP 2026-07-28, "Transports"; the tasks extension):
/// the tool, prompt, resource or task that it is for; null data where there is none.
[[nodiscard]] std::string_view routing_name(message const& m);

/// A part of a text and what is to stand there instead.
struct replacement {
  std::string_view part;  ///< inside the text; null data: none
  std::string_view with;
};

/// Appends `text` to `out` with up to two parts replaced, in whatever order they stand.
void append_with(std::string& out, std::string_view text, replacement first,
                 replacement second = {});

/// Makes a text fit for one line: line ends, which JSON has only between tokens, become spaces.
void make_one_line(char* begin, char* end);

}  // namespace thv::gateway
