// SPDX-License-Identifier: Apache-2.0
#include <remote/driver.hpp>

#include <chrono>
#include <random>

#include <fmt/format.h>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

namespace thv::remote {

namespace {

std::int64_t now_milliseconds() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

std::string new_id(std::string const& name) {
  std::random_device source;
  return fmt::format("{}-{:08x}{:08x}", name, source(), source());
}

/// The user's URL can hold a secret in its query: errors name its workload instead.
result<void> check_url(plugin::workload_spec const& spec) {
  auto const bad = [&](std::string_view why) {
    return fail(errc::invalid_argument, fmt::format("the URL of '{}' {}", spec.name, why),
                "write it as https://host[:port]/path");
  };
  auto const parsed = boost::urls::parse_uri(spec.source.package);
  if (!parsed) return bad("is no URL: " + parsed.error().message());
  if (parsed->scheme() != "http" && parsed->scheme() != "https")
    return bad("is neither http nor https");
  if (parsed->encoded_host().empty()) return bad("names no host");
  if (parsed->has_userinfo())
    return fail(errc::invalid_argument, fmt::format("the URL of '{}' has credentials", spec.name),
                "give them as a header from a secret");
  return {};
}

result<void> check(plugin::workload_spec const& spec) {
  if (spec.source.kind != source_kind::url)
    return fail(errc::unsupported,
                fmt::format("'{}' is made from the {} '{}', which is no server that runs elsewhere",
                            spec.name, to_string(spec.source.kind), spec.source.text),
                "the remote runtime takes http and https URLs");
  if (spec.transport == thv::transport::stdio)
    return fail(errc::invalid_argument,
                fmt::format("'{}' is a remote server and cannot speak stdio", spec.name),
                "its transport is streamable-http or sse");
  if (!spec.secret_files.empty())
    return fail(
        errc::unsupported,
        fmt::format("'{}' is a remote server and cannot be given secrets as files", spec.name),
        "give them as headers");
  return check_url(spec);
}

record record_of(plugin::workload_spec const& spec) {
  record r;
  r.id = new_id(spec.name);
  r.name = spec.name;
  r.group = spec.group;
  r.store = spec.store;
  r.config_hash = spec.config_hash;
  r.url = spec.source.package;
  r.transport = spec.transport;
  r.labels = spec.labels;
  r.secret_names = spec.secret_names;
  r.created_at = r.started_at = now_milliseconds();
  r.starts = 1;
  return r;
}

}  // namespace

result<std::unique_ptr<driver>> driver::create(plugin::host_context const& host) {
  if (!host.settings.empty())
    return fail(errc::invalid_argument,
                fmt::format("unknown key '{}'", host.settings.begin()->first),
                "a remote runtime has no settings", "[runtimes." + host.runtime_name + "]");
  return std::unique_ptr<driver>(new driver(host));
}

driver::driver(plugin::host_context const& host)
    : records_(host.state_directory), store_(host.store) {}

result<plugin::fingerprint> driver::identify(plugin::call const&) {
  plugin::fingerprint f;
  f.engine = "remote servers";
  f.runs = {source_kind::url};
  return f;
}

result<plugin::instance> driver::deploy(plugin::call const& c, plugin::workload_spec const& spec) {
  THV_CHECK(check(spec));
  THV_TRY(auto const lock, records_.lock(c));
  THV_CHECK(refuse_held_name(spec));
  auto const made = record_of(spec);
  THV_CHECK(records_.save(made));
  if (auto taken = take_name(made); !taken) {
    (void)records_.erase(made.id);
    return std::move(taken).error();
  }
  std::lock_guard const guard(mutex_);
  headers_[made.id] = spec.headers;
  return to_instance(made);
}

result<void> driver::refuse_held_name(plugin::workload_spec const& spec) const {
  THV_TRY(auto const ids, records_.ids());
  for (auto const& id : ids) {
    auto const other = records_.load(id);
    if (!other || other->name != spec.name || !other->displaced_by.empty()) continue;
    if (id == spec.replaces) continue;
    return fail(errc::conflict,
                fmt::format("the name '{}' is held by a remote server of {}", spec.name,
                            other->store == spec.store ? "this store" : "another store"),
                "remove that one first or choose another name");
  }
  return {};
}

result<void> driver::take_name(record const& winner) const {
  THV_TRY(auto const ids, records_.ids());
  for (auto const& id : ids) {
    auto other = records_.load(id);
    if (!other || id == winner.id || other->name != winner.name || !other->displaced_by.empty())
      continue;
    other->displaced_by = winner.id;
    other->stopped = true;
    THV_CHECK(records_.save(*other));
  }
  return {};
}

result<plugin::instance> driver::start(plugin::call const& c, std::string const& id) {
  THV_TRY(auto const lock, records_.lock(c));
  THV_TRY(auto r, records_.load(id));
  if (!r.stopped && r.displaced_by.empty()) return to_instance(r);
  THV_CHECK(take_name(r));
  r.stopped = false;
  r.displaced_by.clear();
  r.started_at = now_milliseconds();
  ++r.starts;
  THV_CHECK(records_.save(r));
  return to_instance(r);
}

result<void> driver::stop(plugin::call const& c, std::string const& id) {
  THV_TRY(auto const lock, records_.lock(c));
  auto r = records_.load(id);
  if (!r && r.error().code == errc::not_found) return {};
  if (!r) return std::move(r).error();
  if (r->stopped) return {};
  r->stopped = true;
  return records_.save(*r);
}

result<void> driver::remove(plugin::call const& c, std::string const& id) {
  THV_TRY(auto const lock, records_.lock(c));
  THV_CHECK(records_.erase(id));
  std::lock_guard const guard(mutex_);
  headers_.erase(id);
  return {};
}

result<plugin::instance> driver::inspect(plugin::call const&, std::string const& id) {
  THV_TRY(auto const r, records_.load(id));
  return to_instance(r);
}

result<std::vector<plugin::instance>> driver::list(plugin::call const&) {
  THV_TRY(auto const ids, records_.ids());
  std::vector<plugin::instance> all;
  for (auto const& id : ids) {
    auto const r = records_.load(id);
    if (r)
      all.push_back(to_instance(*r));
    else if (r.error().code != errc::not_found)
      all.push_back(unreadable(id, r.error()));
  }
  return all;
}

plugin::instance driver::unreadable(std::string const& id, error const& why) const {
  plugin::instance i;
  i.id = id;
  i.workload = id.substr(0, id.rfind('-'));
  i.store = store_;
  i.state = workload_state::error;
  i.message = to_string(why);
  i.transport = thv::transport::streamable_http;
  return i;
}

result<plugin::endpoint> driver::where(plugin::call const&, std::string const& id) {
  THV_TRY(auto const r, records_.load(id));
  if (r.stopped) return fail(errc::conflict, fmt::format("'{}' is stopped", r.name));
  plugin::endpoint e;
  e.url = r.url;
  e.use_proxy_environment = true;
  std::lock_guard const guard(mutex_);
  if (auto const known = headers_.find(id); known != headers_.end()) e.headers = known->second;
  return e;
}

}  // namespace thv::remote
