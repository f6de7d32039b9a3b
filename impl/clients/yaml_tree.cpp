// SPDX-License-Identifier: Apache-2.0
// The only file that includes yaml-cpp.
#include "yaml_tree.hpp"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <charconv>
#include <istream>
#include <map>
#include <streambuf>

#include "lines.hpp"

namespace thv::clients {
namespace {

namespace json = boost::json;

constexpr std::size_t deepest = 100;

struct too_deep {
  std::size_t at;
};

// Reads a text that lies in memory, without a copy.
class text_buffer : public std::streambuf {
 public:
  explicit text_buffer(std::string_view text) {
    auto* const begin = const_cast<char*>(text.data());
    setg(begin, begin, begin + text.size());
  }
};

// Builds the tree of the first document from the parser's events.
class builder : public YAML::EventHandler {
 public:
  builder(yaml_tree& d, std::size_t first) : document_(d), first_(first) {}

  void OnDocumentStart(YAML::Mark const& mark) override {
    ++document_.documents;
    last_document_ = place_of(mark);
  }
  void OnDocumentEnd() override {}

  // Comes before the node.
  void OnAnchor(YAML::Mark const&, std::string const& name) override { anchor_ = name; }

  void OnNull(YAML::Mark const& mark, YAML::anchor_t anchor) override {
    add(yaml_node::type::null, mark, anchor);
  }

  void OnAlias(YAML::Mark const& mark, YAML::anchor_t anchor) override {
    auto& node = add(yaml_node::type::alias, mark, 0);
    auto const found = anchors_.find(anchor);
    if (found == anchors_.end()) return;
    node.target = found->second;
    node.anchor = found->second->anchor;
    found->second->aliased = true;
  }

  void OnScalar(YAML::Mark const& mark, std::string const& tag, YAML::anchor_t anchor,
                std::string const& value) override {
    auto& node = add(yaml_node::type::scalar, mark, anchor);
    node.tag = tag;
    node.value = value;
  }

  void OnSequenceStart(YAML::Mark const& mark, std::string const& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value style) override {
    open(add(yaml_node::type::sequence, mark, anchor), tag, style);
  }

  void OnMapStart(YAML::Mark const& mark, std::string const& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value style) override {
    open(add(yaml_node::type::map, mark, anchor), tag, style);
  }

  void OnSequenceEnd() override { close(); }
  void OnMapEnd() override { close(); }

  [[nodiscard]] std::size_t last_document() const { return last_document_; }

 private:
  [[nodiscard]] std::size_t place_of(YAML::Mark const& mark) const {
    return first_ + static_cast<std::size_t>(std::max(mark.pos, 0));
  }

  yaml_node& add(yaml_node::type what, YAML::Mark const& mark, YAML::anchor_t anchor) {
    auto& node = document_.nodes.emplace_back();
    node.what = what;
    node.begin = place_of(mark);
    if (anchor != 0) {
      anchors_[anchor] = &node;
      node.anchor = anchor_;
    }
    if (!open_.empty())
      open_.back()->children.push_back(&node);
    else if (document_.documents == 1 && document_.root == nullptr)
      document_.root = &node;
    return node;
  }

  void open(yaml_node& node, std::string const& tag, YAML::EmitterStyle::value style) {
    if (open_.size() == deepest) throw too_deep{node.begin};
    node.tag = tag;
    node.flow = style == YAML::EmitterStyle::Flow;
    open_.push_back(&node);
  }

  void close() { open_.pop_back(); }

  yaml_tree& document_;
  std::size_t first_;
  std::size_t last_document_ = 0;
  std::vector<yaml_node*> open_;
  std::map<YAML::anchor_t, yaml_node*> anchors_;
  std::string anchor_;
};

error wrong(std::string_view why, std::string where,
            std::string hint = "correct the file at that place, then repeat") {
  return fail(errc::invalid_argument, fmt::format("not valid YAML: {}", why), std::move(hint),
              std::move(where));
}

// The parser's words without what could quote the file, which may hold secrets.
std::string_view described(std::string_view words) {
  return words.substr(0, words.find_first_of(":'\""));
}

bool has_document_marker(std::string_view text) {
  for (auto at = byte_order_mark_size(text); at < text.size(); at = next_line(text, at)) {
    auto const line = text.substr(at, 3);
    if (line == "---" || line == "...") return true;
  }
  return false;
}

// A line that begins with `%` behind the first content: for the parser the document ends there
// without a word, and what follows is nothing. npos: there is none.
std::size_t stray_directive(std::string_view text) {
  bool content = false;
  for (auto at = byte_order_mark_size(text); at < text.size(); at = next_line(text, at)) {
    bool const directive = text[at] == '%';
    if (directive && content) return at;
    content = content || !(directive || is_blank_line(text, at) || is_comment_line(text, at));
  }
  return npos;
}

bool is_digits(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

template <class Number>
bool read_number(std::string_view text, Number& number) {
  if (text.starts_with('+')) text.remove_prefix(1);
  auto const [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  return code == std::errc() && end == text.data() + text.size();
}

json::value plain_value(std::string_view text) {
  if (text == "true" || text == "True" || text == "TRUE") return true;
  if (text == "false" || text == "False" || text == "FALSE") return false;
  auto const digits = text.substr(text.starts_with('+') || text.starts_with('-') ? 1 : 0);
  auto const number = !digits.empty() && (is_digits(digits.substr(0, 1)) || digits[0] == '.');
  std::int64_t whole = 0;
  if (is_digits(digits) && read_number(text, whole)) return whole;
  double floating = 0;
  if (number && !is_digits(digits) && read_number(text, floating)) return floating;
  return json::value(text);
}

}  // namespace

result<yaml_tree> parse_yaml(std::string_view text) {
  if (auto const at = stray_directive(text); at != npos)
    return wrong("no directive ('%' at the beginning of a line) is expected here", place(text, at),
                 "indent that line or put its text in quotes, then repeat");
  yaml_tree d;
  auto const first = byte_order_mark_size(text);
  text_buffer buffer(text);  // the parser's places do not count a byte order mark
  std::istream in(&buffer);
  builder events(d, first);
  try {
    YAML::Parser parser(in);
    // No further than to the second document: where it does not understand a text, the parser can
    // find empty documents in it without end.
    while (d.documents < 2 && parser.HandleNextDocument(events)) {
    }
  } catch (too_deep const& e) {
    return wrong(fmt::format("nested in more than {} levels", deepest),
                 place(text, std::min(e.at, text.size())));
  } catch (YAML::Exception const& e) {
    return wrong(described(e.msg), e.mark.is_null()
                                       ? std::string()
                                       : fmt::format("{}:{}", e.mark.line + 1, e.mark.column + 1));
  } catch (std::exception const&) {
    return wrong("it cannot be read", {});
  }
  if (d.documents > 1 && !has_document_marker(text))
    return wrong("nothing is expected here", place(text, events.last_document()));
  return d;
}

bool same(yaml_node const& a, yaml_node const& b) {
  if (a.what != b.what || a.value != b.value || a.tag != b.tag || a.anchor != b.anchor ||
      a.children.size() != b.children.size())
    return false;
  for (std::size_t i = 0; i < a.children.size(); ++i)
    if (!same(*a.children[i], *b.children[i])) return false;
  return true;
}

json::value yaml_value(yaml_node const& node) {
  switch (node.what) {
    case yaml_node::type::null:
      return nullptr;
    case yaml_node::type::scalar:
      return node.tag == "?" ? plain_value(node.value) : json::value(node.value);
    case yaml_node::type::alias:
      return node.target != nullptr && node.target->what == yaml_node::type::scalar
                 ? yaml_value(*node.target)
                 : json::value("*");
    case yaml_node::type::sequence: {
      json::array a;
      for (auto const* child : node.children) a.push_back(yaml_value(*child));
      return a;
    }
    case yaml_node::type::map:
      break;
  }
  json::object o;
  for (std::size_t i = 0; i + 1 < node.children.size(); i += 2)
    o[scalar_text(*node.children[i])] = yaml_value(*node.children[i + 1]);
  return o;
}

std::string_view scalar_text(yaml_node const& node) {
  if (node.what == yaml_node::type::scalar) return node.value;
  if (node.what == yaml_node::type::alias && node.target != nullptr &&
      node.target->what == yaml_node::type::scalar)
    return node.target->value;
  return {};
}

bool is_merge_key(yaml_node const& node) {
  return node.what == yaml_node::type::scalar && node.tag == "?" && node.value == "<<";
}

bool holds_alias(yaml_node const& node) {
  if (node.what == yaml_node::type::alias) return scalar_text(node).empty();
  return std::any_of(node.children.begin(), node.children.end(),
                     [](auto const* child) { return holds_alias(*child); });
}

bool holds_used_anchor(yaml_node const& node) {
  return node.aliased || std::any_of(node.children.begin(), node.children.end(),
                                     [](auto const* child) { return holds_used_anchor(*child); });
}

}  // namespace thv::clients
