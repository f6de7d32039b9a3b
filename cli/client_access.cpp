// SPDX-License-Identifier: Apache-2.0
#include "client_access.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <boost/json/object.hpp>

#include "change.hpp"
#include "output.hpp"

namespace thv::cli {

using namespace std::chrono_literals;

namespace {

boost::json::array names_json(std::vector<std::string> const& names) {
  boost::json::array out;
  for (auto const& name : names) out.push_back(boost::json::value(name));
  return out;
}

}  // namespace

std::string changes_text(clients::client_outcome const& o) {
  auto text = fmt::format("{} ({}):", o.client, o.file.string());
  for (auto const& name : o.written) text += " +" + name;
  for (auto const& name : o.removed) text += " -" + name;
  return text;
}

namespace {

/// What stays as it is although we want it otherwise.
void say_left_alone(clients::client_outcome const& o) {
  std::vector<std::string> foreign;
  std::vector<std::string> changed;
  for (auto const& e : o.entries) {
    if (e.is == clients::standing::foreign) foreign.push_back(e.name);
    if (e.is == clients::standing::changed) changed.push_back(e.name);
  }
  auto const written = [&](std::string const& name) {
    return std::find(o.written.begin(), o.written.end(), name) != o.written.end();
  };
  std::erase_if(foreign, written);
  std::erase_if(changed, written);
  if (!foreign.empty())
    say_warning(
        fmt::format("{} has its own {} in {}, which stays; --force on 'client register' "
                    "overwrites it",
                    o.client, fmt::join(foreign, ", "), o.file.string()));
  if (!changed.empty())
    say_warning(fmt::format("somebody has changed {} of {} in {}, which stays as it is now",
                            fmt::join(changed, ", "), o.client, o.file.string()));
}

}  // namespace

result<clients::registrar> user_clients(session& s) {
  THV_TRY(auto const* where, s.paths());
  THV_TRY(auto home, config::home_directory());
  clients::registrar_options o;
  o.state_folder = where->state;
  o.home = std::move(home);
  auto const variables = config::process_environment();
  for (auto const name : clients::place_variables())
    if (auto value = variables(std::string(name))) o.moved.emplace(name, *std::move(value));
  o.fingerprint = [&s](std::string_view text) { return s.store().keyed_hash(text); };
  return clients::registrar(std::move(o));
}

result<clients::membership> membership_of(session& s) {
  clients::membership now;
  THV_TRY(now.groups, s.store().groups());
  THV_TRY(now.workloads, s.store().workloads());
  return now;
}

result<clients::gateway_address> address_of(session& s, std::string const& url) {
  THV_TRY(auto const* settings, s.configuration());
  clients::gateway_address address{url, {}};
  THV_TRY(address.token, gateway_token(settings->gateway));
  return address;
}

result<clients::gateway_address> address_as_known(session& s, std::string const& url) {
  THV_TRY(auto const* settings, s.configuration());
  clients::gateway_address address{url, {}};
  if (auto token = gateway_token(settings->gateway); token)
    address.token = *std::move(token);
  else
    address.token_failure = std::move(token).error();
  return address;
}

boost::json::object mcp_servers_json(std::vector<std::string> const& workloads,
                                     clients::gateway_address const& address) {
  boost::json::object servers;
  for (auto const& name : workloads) {
    boost::json::object one{{"url", fmt::format("{}/servers/{}/mcp", address.url, name)},
                            {"type", "streamable-http"}};
    if (!address.token.empty())
      one["headers"] = boost::json::object{{"Authorization", "Bearer " + address.token}};
    servers[name] = std::move(one);
  }
  return {{"mcpServers", std::move(servers)}};
}

result<std::vector<clients::client_outcome>> sync_clients(session& s, std::string const& url) {
  THV_TRY(auto const files, user_clients(s));
  if (!files.has_clients() || url.empty()) return std::vector<clients::client_outcome>();
  return files.sync(within(10s), situation_at(s, url));
}

clients::situation_source situation_at(session& s, std::string const& url) {
  return [&s, url]() -> result<clients::situation> {
    clients::situation seen;
    THV_TRY(seen.now, membership_of(s));
    THV_TRY(seen.gateway, address_as_known(s, url));
    return seen;
  };
}

std::vector<clients::client_outcome> settle_clients(session& s, gateway_view const& g) {
  auto done = sync_clients(s, g.url);
  if (!done) {
    say_warning("the clients' files: " + to_string(done.error()));
    return {};
  }
  say_outcomes(*done, true);
  return *std::move(done);
}

void say_outcomes(std::vector<clients::client_outcome> const& all, bool quiet) {
  for (auto const& o : all) {
    if (o.failure) {
      auto e = *o.failure;
      e.message = fmt::format("{}: {}", o.client, e.message);
      say_warning(to_string(e));
      if (!e.hint.empty()) say(fmt::format("Hint: {}\n", plain_line(e.hint)));
      continue;
    }
    if (!o.changed() && quiet) continue;
    if (o.changed()) say(fmt::format("Updated {}\n", changes_text(o)));
    say_left_alone(o);
  }
}

boost::json::array outcomes_json(std::vector<clients::client_outcome> const& all) {
  boost::json::array out;
  for (auto const& o : all) {
    boost::json::object one{{"client", o.client},
                            {"file", o.file.string()},
                            {"written", names_json(o.written)},
                            {"removed", names_json(o.removed)}};
    boost::json::array entries;
    for (auto const& e : o.entries)
      entries.push_back(boost::json::object{
          {"name", e.name}, {"workload", e.workload}, {"found", clients::to_string(e.is)}});
    one["entries"] = std::move(entries);
    if (o.failure) one["error"] = error_json(*o.failure);
    out.push_back(std::move(one));
  }
  return out;
}

}  // namespace thv::cli
