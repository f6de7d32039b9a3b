// SPDX-License-Identifier: Apache-2.0
#include <functional>
#include <tuple>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <toml++/toml.h>

#include <thv/config/config.hpp>
#include <thv/config/duration.hpp>
#include <thv/config/values.hpp>
#include <thv/registry/suggest.hpp>

namespace thv::config {
namespace {

using read_function = std::function<result<void>(toml::node const&)>;

struct field {
  std::string name;
  read_function read;
};

/// The word for a node's type in messages.
std::string_view type_of(toml::node const& node) {
  switch (node.type()) {
    case toml::node_type::table:
      return "a table";
    case toml::node_type::array:
      return "an array";
    case toml::node_type::string:
      return "a string";
    case toml::node_type::integer:
      return "a whole number";
    case toml::node_type::floating_point:
      return "a floating-point number";
    case toml::node_type::boolean:
      return "a boolean";
    default:
      return "a date or time";
  }
}

/// Reads one document: every function knows the file, so that errors have a place.
class reader {
 public:
  explicit reader(std::string const& origin) : origin_(origin) {}

  result<configuration> document(toml::table const& root) {
    configuration c;
    THV_CHECK(fields(root, "the document",
                     {{"default_runtime", [&](auto const& n) { return default_runtime(n, c); }},
                      {"runtimes", [&](auto const& n) { return runtimes(n, c); }},
                      {"registry", [&](auto const& n) { return registry(n, c); }},
                      {"group_defaults", [&](auto const& n) { return group_defaults(n, c); }},
                      {"groups", [&](auto const& n) { return groups(n, c); }},
                      {"deploy", [&](auto const& n) { return deploy(n, c); }},
                      {"gateway", [&](auto const& n) { return gateway(n, c.gateway); }},
                      {"secrets", [&](auto const& n) { return secrets(n, c.secrets); }}}));
    return c;
  }

  [[nodiscard]] std::string place(toml::source_position const& p) const {
    return fmt::format("{}:{}:{}", origin_, p.line, p.column);
  }

 private:
  [[nodiscard]] error wrong(toml::node const& node, std::string message,
                            std::string hint = {}) const {
    return fail(errc::invalid_argument, std::move(message), std::move(hint),
                place(node.source().begin));
  }

  [[nodiscard]] error wrong_type(toml::node const& node, std::string_view name,
                                 std::string_view expected) const {
    return wrong(node, fmt::format("'{}' is {}; expected {}", name, type_of(node), expected));
  }

  /// An error of a value that has no place of its own, put where the value stands.
  [[nodiscard]] error placed(toml::node const& node, std::string_view name, error e) const {
    e.message = fmt::format("'{}': {}", name, e.message);
    e.where = place(node.source().begin);
    return e;
  }

  result<void> fields(toml::table const& table, std::string_view title,
                      std::vector<field> const& known) const {
    for (auto&& [key, node] : table) {
      auto const name = key.str();
      auto const found =
          std::find_if(known.begin(), known.end(), [&](field const& f) { return f.name == name; });
      if (found == known.end()) return unknown_key(key, title, known);
      THV_CHECK(found->read(node));
    }
    return {};
  }

  [[nodiscard]] error unknown_key(toml::key const& key, std::string_view title,
                                  std::vector<field> const& known) const {
    std::vector<std::string> names;
    for (auto const& f : known) names.push_back(f.name);
    auto message = fmt::format("unknown key '{}' in {}", key.str(), title);
    if (auto const guess = registry::nearest(key.str(), names))
      message += fmt::format("; did you mean '{}'?", *guess);
    return fail(errc::invalid_argument, std::move(message),
                fmt::format("known keys: {}", fmt::join(names, ", ")), place(key.source().begin));
  }

  /// The table at `node`, its keys read by `known`.
  result<void> table_of(toml::node const& node, std::string const& name,
                        std::vector<field> const& known) const {
    if (!node.is_table()) return wrong_type(node, name, "a table");
    return fields(*node.as_table(), "[" + name + "]", known);
  }

  /// Calls `read(key, node)` for each table in the table at `node`.
  result<void> tables_of(
      toml::node const& node, std::string const& name,
      std::function<result<void>(toml::key const&, toml::table const&)> const& read) const {
    if (!node.is_table()) return wrong_type(node, name, "a table of tables");
    for (auto&& [key, child] : *node.as_table()) {
      auto const full = fmt::format("{}.{}", name, key.str());
      if (!child.is_table()) return wrong_type(child, full, "a table");
      THV_CHECK(read(key, *child.as_table()));
    }
    return {};
  }

  result<std::string> text(toml::node const& node, std::string_view name) const {
    if (!node.is_string()) return wrong_type(node, name, "a string");
    auto value = node.as_string()->get();
    if (value.empty()) return wrong(node, fmt::format("'{}' is empty", name));
    if (value.find('\0') != std::string::npos)
      return wrong(node, fmt::format("'{}' holds a zero byte", name));
    return value;
  }

  result<void> texts(toml::node const& node, std::string_view name,
                     std::vector<std::string>& into) const {
    if (!node.is_array()) return wrong_type(node, name, "an array of strings");
    for (auto&& element : *node.as_array()) {
      THV_TRY(auto value, text(element, name));
      into.push_back(std::move(value));
    }
    return {};
  }

  result<bool> boolean(toml::node const& node, std::string_view name) const {
    if (!node.is_boolean()) return wrong_type(node, name, "true or false");
    return node.as_boolean()->get();
  }

  result<std::chrono::milliseconds> duration(toml::node const& node, std::string_view name) const {
    if (!node.is_string()) return wrong_type(node, name, "a duration in quotes, such as \"120s\"");
    auto value = parse_duration(node.as_string()->get());
    if (!value) return placed(node, name, std::move(value).error());
    return *value;
  }

  result<int> parallel(toml::node const& node, std::string_view name) const {
    if (!node.is_integer()) return wrong_type(node, name, "a whole number");
    auto value = check_parallel(node.as_integer()->get());
    if (!value) return placed(node, name, std::move(value).error());
    return *value;
  }

  result<void> default_runtime(toml::node const& node, configuration& c) const {
    THV_TRY(c.default_runtime, text(node, "default_runtime"));
    c.default_runtime_where = place(node.source().begin);
    return {};
  }

  result<void> runtimes(toml::node const& node, configuration& c) const {
    return tables_of(node, "runtimes", [&](toml::key const& key, toml::table const& table) {
      return runtime(key, table, c);
    });
  }

  result<void> runtime(toml::key const& key, toml::table const& table, configuration& c) const {
    std::string const name(key.str());
    runtime_table entry{name, {}, place(key.source().begin)};
    if (auto valid = check_runtime_name(name); !valid) {
      auto e = std::move(valid).error();
      e.where = entry.where;
      return e;
    }
    for (auto&& [setting, value] : table) {
      auto const full = fmt::format("runtimes.{}.{}", name, setting.str());
      if (setting.str() == "plugin") {
        THV_TRY(entry.plugin, text(value, full));
      } else {
        THV_TRY(entry.settings[std::string(setting.str())], scalar(value, full));
      }
    }
    c.runtimes.emplace(name, std::move(entry));
    return {};
  }

  /// A plugin's setting as text.
  result<std::string> scalar(toml::node const& node, std::string_view name) const {
    if (node.is_string()) return node.as_string()->get();
    if (node.is_integer()) return fmt::to_string(node.as_integer()->get());
    if (node.is_boolean()) return std::string(node.as_boolean()->get() ? "true" : "false");
    return wrong_type(node, name, "a string, a whole number or a boolean");
  }

  result<void> registry(toml::node const& node, configuration& c) const {
    return table_of(node, "registry", {{"sources", [&](auto const& n) {
                                          return texts(n, "registry.sources", c.registry_sources);
                                        }}});
  }

  result<void> group_defaults(toml::node const& node, configuration& c) const {
    return table_of(node, "group_defaults",
                    {{"auto_create", [&](auto const& n) {
                        return put(c.auto_create, boolean(n, "group_defaults.auto_create"));
                      }}});
  }

  result<void> groups(toml::node const& node, configuration& c) const {
    return tables_of(node, "groups", [&](toml::key const& key, toml::table const& table) {
      std::string const name(key.str());
      return group(table, "groups." + name, c.groups[name]);
    });
  }

  result<void> group(toml::table const& table, std::string const& name, group_table& g) const {
    return fields(
        table, "[" + name + "]",
        {{"runtime", [&](auto const& n) { return put(g.runtime, text(n, name + ".runtime")); }},
         {"timeout", [&](auto const& n) { return put(g.timeout, duration(n, name + ".timeout")); }},
         {"parallel",
          [&](auto const& n) { return put(g.parallel, parallel(n, name + ".parallel")); }},
         {"autostart",
          [&](auto const& n) { return put(g.autostart, boolean(n, name + ".autostart")); }}});
  }

  result<void> gateway(toml::node const& node, gateway_table& g) const {
    g.where = place(node.source().begin);
    THV_CHECK(table_of(
        node, "gateway",
        {{"listen", [&](auto const& n) { return listen(n, g); }},
         {"token", [&](auto const& n) { return token(n, g); }},
         {"token_file", [&](auto const& n) { return token_file(n, g); }},
         {"log_format", [&](auto const& n) { return log_format(n, g); }},
         {"allowed_origins",
          [&](auto const& n) { return texts(n, "gateway.allowed_origins", g.allowed_origins); }},
         {"allowed_hosts",
          [&](auto const& n) { return texts(n, "gateway.allowed_hosts", g.allowed_hosts); }}}));
    if (!g.token.empty() && !g.token_file.empty())
      return wrong(node, "[gateway] has both 'token' and 'token_file'", "keep one of them");
    return {};
  }

  result<void> listen(toml::node const& node, gateway_table& g) const {
    THV_TRY(auto const value, text(node, "gateway.listen"));
    auto parsed = parse_listen(value);
    if (!parsed) return placed(node, "gateway.listen", std::move(parsed).error());
    std::tie(g.host, g.port) = *std::move(parsed);
    return {};
  }

  result<void> token(toml::node const& node, gateway_table& g) const {
    THV_TRY(g.token, text(node, "gateway.token"));
    if (auto fine = check_token(g.token); !fine)
      return placed(node, "gateway.token", std::move(fine).error());
    return {};
  }

  result<void> token_file(toml::node const& node, gateway_table& g) const {
    THV_TRY(g.token_file, text(node, "gateway.token_file"));
    if (g.token_file.front() != '/')
      return wrong(node, "'gateway.token_file' is no absolute path", "start it with '/'");
    return {};
  }

  result<void> log_format(toml::node const& node, gateway_table& g) const {
    THV_TRY(auto const value, text(node, "gateway.log_format"));
    if (value != "json" && value != "text")
      return wrong(node, fmt::format("'gateway.log_format' is '{}'; expected json or text", value));
    g.json_log = value == "json";
    return {};
  }

  result<void> secrets(toml::node const& node, secrets_table& t) const {
    return table_of(node, "secrets",
                    {{"provider", [&](auto const& n) { return secrets_provider(n, t); }},
                     {"key_file", [&](auto const& n) { return secrets_key_file(n, t); }}});
  }

  result<void> secrets_provider(toml::node const& node, secrets_table& t) const {
    THV_TRY(auto const name, text(node, "secrets.provider"));
    auto checked = check_secrets_provider(name);
    if (!checked) return placed(node, "secrets.provider", std::move(checked).error());
    t.provider = *std::move(checked);
    t.provider_where = place(node.source().begin);
    return {};
  }

  result<void> secrets_key_file(toml::node const& node, secrets_table& t) const {
    THV_TRY(t.key_file, text(node, "secrets.key_file"));
    if (t.key_file.front() != '/')
      return wrong(node, "'secrets.key_file' is no absolute path", "start it with '/'");
    return {};
  }

  result<void> deploy(toml::node const& node, configuration& c) const {
    return table_of(
        node, "deploy",
        {{"parallel",
          [&](auto const& n) { return put(c.deploy_parallel, parallel(n, "deploy.parallel")); }},
         {"timeout",
          [&](auto const& n) { return put(c.deploy_timeout, duration(n, "deploy.timeout")); }}});
  }

  template <class Target, class T>
  static result<void> put(Target& target, result<T> value) {
    if (!value) return std::move(value).error();
    target = *std::move(value);
    return {};
  }

  std::string const& origin_;
};

}  // namespace

result<configuration> parse(std::string_view text, std::string const& origin) {
  reader r(origin);
  try {
    return r.document(toml::parse(text, origin));
  } catch (toml::parse_error const& e) {
    return fail(errc::invalid_argument, std::string(e.description()), {},
                r.place(e.source().begin));
  }
}

}  // namespace thv::config
