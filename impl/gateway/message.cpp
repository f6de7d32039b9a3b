// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <utility>

#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <thv/gateway/message.hpp>

namespace thv::gateway {

namespace {

constexpr std::size_t max_depth = 512;
constexpr std::string_view reserved = "io.modelcontextprotocol/";

enum class place : std::uint8_t { other, top, params, result, params_meta, result_meta };

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/// The end of the string that begins at `at` (its opening quote); `end` if it never closes.
char const* string_end(char const* at, char const* end) {
  for (char const* p = at + 1; p < end;) {
    p = static_cast<char const*>(std::memchr(p, '"', static_cast<std::size_t>(end - p)));
    if (!p) return end;
    std::size_t slashes = 0;
    while (p[-1 - static_cast<std::ptrdiff_t>(slashes)] == '\\') ++slashes;
    if (slashes % 2 == 0) return p + 1;
    ++p;
  }
  return end;
}

/// The raw value after a key that ends at `key_end` (its closing quote): a string, a number or a
/// word. Of objects and arrays only the opening bracket.
std::string_view value_after(char const* key_end, char const* end) {
  char const* p = key_end + 1;
  while (p < end && (is_space(*p) || *p == ':')) ++p;
  if (p >= end) return {};
  if (*p == '"') return {p, static_cast<std::size_t>(string_end(p, end) - p)};
  if (*p == '{' || *p == '[') return {p, 1};
  char const* last = p;
  while (last < end && !is_space(*last) && *last != ',' && *last != '}' && *last != ']') ++last;
  return {p, static_cast<std::size_t>(last - p)};
}

bool is_string(std::string_view raw) {
  return raw.size() >= 2 && raw.front() == '"';
}
bool is_number(std::string_view raw) {
  return !raw.empty() && (raw.front() == '-' || (raw.front() >= '0' && raw.front() <= '9'));
}

/// Follows the parser through the text and remembers where things are.
class handler {
 public:
  static constexpr std::size_t max_object_size = std::size_t(-1);
  static constexpr std::size_t max_array_size = std::size_t(-1);
  static constexpr std::size_t max_key_size = std::size_t(-1);
  static constexpr std::size_t max_string_size = std::size_t(-1);

  using error_code = boost::json::error_code;
  using string_view = boost::json::string_view;

  void start(std::string_view text) {
    text_ = text;
    found = {};
    found.text = text;
    depth_ = 0;
    parts_.clear();
    open_.fill(place::other);
    next_ = place::top;
    seen_ = 0;
    has_error = has_result = is_array = odd = twice = null_id = bad = too_large = false;
    version_seen = false;
    notified_token = {};
  }

  bool on_document_begin(error_code&) { return true; }
  bool on_document_end(error_code&) { return true; }
  bool on_object_begin(error_code&) {
    enter();
    return true;
  }
  bool on_object_end(std::size_t, error_code&) { return leave(); }
  bool on_array_begin(error_code&) {
    if (depth_ == 0) is_array = true;
    next_ = place::other;
    enter();
    return true;
  }
  bool on_array_end(std::size_t, error_code&) { return leave(); }
  bool on_key_part(string_view part, std::size_t, error_code&) {
    parts_.append(part.data(), part.size());
    return true;
  }
  bool on_key(string_view last, std::size_t, error_code&) {
    next_ = place::other;
    std::string_view key(last.data(), last.size());
    if (!parts_.empty()) {
      parts_.append(key);
      key = parts_;
    }
    if (depth_ > 0 && depth_ <= open_.size()) take_key(key, open_[depth_ - 1]);
    parts_.clear();
    return true;
  }
  bool on_string_part(string_view, std::size_t, error_code&) { return true; }
  bool on_string(string_view, std::size_t, error_code&) { return true; }
  bool on_number_part(string_view, error_code&) { return true; }
  bool on_int64(std::int64_t, string_view, error_code&) { return true; }
  bool on_uint64(std::uint64_t, string_view, error_code&) { return true; }
  bool on_double(double number, string_view, error_code&) {
    if (!std::isfinite(number)) too_large = true;  // 0e2003 is no number to the parser
    return true;
  }
  bool on_bool(bool, error_code&) { return true; }
  bool on_null(error_code&) { return true; }
  bool on_comment_part(string_view, error_code&) { return true; }
  bool on_comment(string_view, error_code&) { return true; }

  message found;
  bool has_error = false;
  bool has_result = false;
  bool is_array = false;
  bool odd = false;        ///< a key of interest is escaped: the text has to be written anew
  bool twice = false;      ///< a key of interest stands twice
  bool null_id = false;    ///< `"id": null`
  bool bad = false;        ///< a key of interest has a value of the wrong type
  bool too_large = false;  ///< a number is beyond every double
  bool version_seen = false;
  std::string_view notified_token;  ///< params.progressToken
  std::array<std::string, 7> unescaped;

 private:
  enum bit : std::uint32_t {
    b_version = 1,
    b_id = 2,
    b_method = 4,
    b_params = 8,
    b_result = 16,
    b_error = 32,
    b_name = 64,
    b_uri = 128,
    b_token = 256,
    b_request = 512,
    b_meta = 1024,
    b_meta_token = 2048,
    b_subscription = 4096,
    b_revision = 8192,
    b_type = 16384,
    b_level = 32768,
    b_result_meta = 65536,
    b_task = 131072,
  };

  void enter() {
    if (depth_ < open_.size()) open_[depth_] = next_;
    ++depth_;
    next_ = place::other;
  }
  bool leave() {
    --depth_;
    next_ = place::other;
    return true;
  }

  bool once(bit which) {
    if (seen_ & which) twice = true;
    seen_ |= which;
    return true;
  }

  static bool routes(std::string_view key) {
    static constexpr std::array<std::string_view, 16> keys{
        "jsonrpc", "id",    "method", "params",        "result",    "error",  "_meta",      "name",
        "uri",     "level", "taskId", "progressToken", "requestId", "cursor", "resultType", "data"};
    return key.starts_with(reserved) || std::find(keys.begin(), keys.end(), key) != keys.end();
  }

  void take_key(std::string_view key, place here) {
    if (here == place::other) return;
    bool const inside =
        key.data() >= text_.data() && key.data() + key.size() < text_.data() + text_.size();
    // An escaped key is counted, so that it is seen to stand twice; where its value is, only the
    // text written anew can tell.
    if (!inside) {
      if (!routes(key)) return;
      odd = true;
    }
    auto const raw = [&] {
      return inside ? value_after(key.data() + key.size(), text_.data() + text_.size())
                    : std::string_view("\"\"");
    };
    switch (here) {
      case place::top:
        return take_top(key, raw);
      case place::params:
        return take_params(key, raw);
      case place::result:
        return take_result(key, raw);
      case place::params_meta:
        return take_meta(key, raw);
      case place::result_meta:
        if (!key.starts_with(reserved)) return;
        found.reserved_meta = true;
        if (key.substr(reserved.size()) == "subscriptionId" && once(b_subscription))
          found.subscription_id = token(raw());
        return;
      case place::other:
        return;
    }
  }

  template <class Raw>
  void take_top(std::string_view key, Raw const& raw) {
    if (key == "id" && once(b_id)) {
      auto const value = raw();
      if (is_string(value) || is_number(value))
        found.id = value;
      else if (value == "null")
        null_id = true;
      else
        bad = true;
    } else if (key == "method" && once(b_method)) {
      text_of(raw(), found.method, 0);
    } else if (key == "params" && once(b_params)) {
      auto const value = raw();
      found.has_params = value != "null";
      if (found.has_params && !value.starts_with('{') && value != "\"\"") bad = true;
      next_ = place::params;
    } else if (key == "result" && once(b_result)) {
      has_result = true;
      next_ = place::result;
    } else if (key == "error" && once(b_error)) {
      has_error = true;
      if (!raw().starts_with('{')) bad = true;
    } else if (key == "jsonrpc" && once(b_version)) {
      version_seen = raw() == "\"2.0\"";
    }
  }

  template <class Raw>
  void take_params(std::string_view key, Raw const& raw) {
    if (key == "_meta" && once(b_meta)) {
      next_ = place::params_meta;
    } else if (key == "name" && once(b_name)) {
      optional_text_of(raw(), found.name, 1);
    } else if (key == "uri" && once(b_uri)) {
      optional_text_of(raw(), found.uri, 2);
    } else if (key == "taskId" && once(b_task)) {
      optional_text_of(raw(), found.task, 6);
    } else if (key == "level" && once(b_level)) {
      optional_text_of(raw(), found.level, 3);
    } else if (key == "progressToken" && once(b_token)) {
      notified_token = token(raw());
    } else if (key == "requestId" && once(b_request)) {
      found.request_id = token(raw());
    }
  }

  template <class Raw>
  void take_result(std::string_view key, Raw const& raw) {
    if (key == "resultType" && once(b_type)) optional_text_of(raw(), found.result_type, 4);
    if (key == "_meta" && once(b_result_meta)) next_ = place::result_meta;
  }

  template <class Raw>
  void take_meta(std::string_view key, Raw const& raw) {
    if (key == "progressToken" && once(b_meta_token)) {
      found.progress_token = token(raw());
      if (found.progress_token.empty()) bad = true;
    } else if (key.starts_with(reserved)) {
      found.reserved_meta = true;
      auto const rest = key.substr(reserved.size());
      if (rest == "subscriptionId" && once(b_subscription)) found.subscription_id = token(raw());
      if (rest == "clientCapabilities") found.has_capabilities = raw().starts_with('{');
      if (rest == "protocolVersion" && once(b_revision)) optional_text_of(raw(), found.revision, 5);
    }
  }

  static std::string_view token(std::string_view raw) {
    return is_string(raw) || is_number(raw) ? raw : std::string_view();
  }

  void text_of(std::string_view raw, std::string_view& into, std::size_t slot) {
    if (!is_string(raw))
      bad = true;
    else
      optional_text_of(raw, into, slot);
  }

  void optional_text_of(std::string_view raw, std::string_view& into, std::size_t slot) {
    if (!is_string(raw)) return;
    into = raw.substr(1, raw.size() - 2);
    if (into.find('\\') == std::string_view::npos) return;
    boost::system::error_code ec;
    auto const value = boost::json::parse({raw.data(), raw.size()}, ec);
    if (ec || !value.is_string()) {
      into = {};
      return;  // the parser will say so too
    }
    unescaped[slot].assign(value.get_string().data(), value.get_string().size());
    into = unescaped[slot];
  }

  std::string_view text_;
  std::string parts_;  ///< of a key that comes in pieces
  std::size_t depth_ = 0;
  std::array<place, 4> open_{};
  place next_ = place::top;
  std::uint32_t seen_ = 0;
};

boost::json::parse_options options() {
  boost::json::parse_options o;
  o.max_depth = max_depth;
  return o;
}

}  // namespace

struct message_scanner::state {
  boost::json::basic_parser<handler> parser{options()};
  std::string rewritten;

  message_fault run(std::string_view text, message& into) {
    parser.reset();
    auto& h = parser.handler();
    h.start(text);
    boost::system::error_code ec;
    auto const used = parser.write_some(false, text.data(), text.size(), ec);
    if (ec || used != text.size() || !parser.done()) {
      // White space after the value is fine, anything else is not.
      auto const rest = text.substr(used);
      if (ec || !parser.done() || rest.find_first_not_of(" \t\r\n") != std::string_view::npos)
        return message_fault::syntax;
    }
    if (h.too_large) {
      if (!h.is_array && !h.twice && !h.odd && classify(h)) into = h.found;
      return message_fault::range;
    }
    if (h.is_array) return message_fault::batch;
    if (h.twice) return message_fault::duplicate;
    if (h.odd) {
      if (text.data() == rewritten.data()) return message_fault::invalid;
      return rewrite(text, into);
    }
    bool const fine = classify(h);
    into = h.found;
    if (!fine) return message_fault::invalid;
    return message_fault::none;
  }

  message_fault rewrite(std::string_view text, message& into) {
    boost::system::error_code ec;
    auto const value = boost::json::parse({text.data(), text.size()}, ec, {}, options());
    if (ec) return message_fault::syntax;
    rewritten = boost::json::serialize(value);
    return run(rewritten, into);
  }

  static bool classify(handler& h) {
    auto& m = h.found;
    if (h.bad || !h.version_seen) return false;
    // Methods become values of header fields.
    for (unsigned char const c : m.method)
      if (c < 0x21 || c > 0x7E) return false;
    bool const answer = h.has_result || h.has_error;
    if (!m.method.empty()) {
      if (answer || h.null_id) return false;
      m.kind = m.id.empty() ? message_kind::notification : message_kind::request;
      if (m.kind == message_kind::notification) m.progress_token = h.notified_token;
      return true;
    }
    if (h.has_result == h.has_error) return false;
    if (m.id.empty() && !(h.has_error && h.null_id)) return false;
    m.kind = h.has_error ? message_kind::error_response : message_kind::response;
    return true;
  }
};

message_scanner::message_scanner() : state_(std::make_unique<state>()) {}
message_scanner::~message_scanner() = default;

message_fault message_scanner::scan(std::string_view text, message& found) {
  return state_->run(text, found);
}

std::string_view routing_name(message const& m) {
  if (m.method == "tools/call" || m.method == "prompts/get") return m.name;
  if (m.method == "resources/read") return m.uri;
  if (m.method == "tasks/get" || m.method == "tasks/update" || m.method == "tasks/cancel")
    return m.task;
  return {};
}

void append_with(std::string& out, std::string_view text, replacement first, replacement second) {
  if (second.part.data() && (!first.part.data() || second.part.data() < first.part.data()))
    std::swap(first, second);
  char const* at = text.data();
  for (auto const& r : {first, second}) {
    if (!r.part.data()) continue;
    out.append(at, static_cast<std::size_t>(r.part.data() - at));
    out.append(r.with);
    at = r.part.data() + r.part.size();
  }
  out.append(at, static_cast<std::size_t>(text.data() + text.size() - at));
}

void make_one_line(char* begin, char* end) {
  auto const clear = [&](char what) {
    for (char* p = begin; p < end; ++p) {
      p = static_cast<char*>(std::memchr(p, what, static_cast<std::size_t>(end - p)));
      if (!p) return;
      *p = ' ';
    }
  };
  clear('\n');
  clear('\r');
}

}  // namespace thv::gateway
