// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <thv/model/names.hpp>
#include <thv/registry/fetch.hpp>

#include "cache.hpp"
#include "transfer.hpp"

namespace thv::registry {

namespace {

/// What an answer other than 200 and 304 means.
error status_error(long status) {
  if (status == 401 || status == 407)
    return fail(errc::unauthenticated, fmt::format("it answers {}", status),
                "it wants credentials: https://USER:TOKEN@host/…");
  if (status == 403) return fail(errc::permission_denied, "it answers 403");
  if (status == 404 || status == 410)
    return fail(errc::not_found, fmt::format("it answers {}", status));
  bool const away = status == 429 || status >= 500;
  return fail(away ? errc::unavailable : errc::engine, fmt::format("it answers {}", status));
}

error with_url(error e, std::string_view shown) {
  e.message = fmt::format("registry URL {} cannot be read: {}", shown, e.message);
  return e;
}

result<fetched> take_fresh(transfer_answer answer, url_cache const& cache,
                           fetch_options const& options) {
  if (options.check) THV_CHECK(options.check(answer.body));
  fetched f;
  if (auto kept = cache.write(answer.etag, answer.body); !kept)
    f.notice = "the registry's copy was not kept: " + kept.error().message;
  f.body = std::move(answer.body);
  return f;
}

/// Whether a parameter of a query may hold a credential, by its name.
bool is_sensitive(std::string_view parameter) {
  auto const name = thv::detail::to_lower(parameter.substr(0, parameter.find('=')));
  for (auto const* const word : {"token", "key", "secret", "pass", "sig", "auth", "credential"})
    if (name.find(word) != std::string::npos) return true;
  return false;
}

std::string without_sensitive_query(std::string_view query) {
  std::string out;
  while (!query.empty()) {
    auto const parameter = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(parameter.size() + 1, query.size()));
    out += out.empty() ? "" : "&";
    if (is_sensitive(parameter))
      out.append(parameter.substr(0, parameter.find('='))).append("=…");
    else
      out += parameter;
  }
  return out;
}

}  // namespace

bool is_url(std::string_view source) {
  auto const scheme = thv::detail::to_lower(source.substr(0, 8));
  return scheme.starts_with("http://") || scheme == "https://";
}

std::string without_credentials(std::string_view url) {
  auto const scheme = url.find("://");
  if (scheme == url.npos) return std::string(url);
  auto const start = scheme + 3;
  auto const path = std::min(url.find_first_of("/?#", start), url.size());
  auto const at = url.substr(start, path - start).rfind('@');
  std::string out(url.substr(0, start));
  out += url.substr(at == url.npos ? start : start + at + 1);
  auto const fragment = out.find('#');
  if (fragment != out.npos) out.resize(fragment);
  auto const query = out.find('?');
  if (query == out.npos) return out;
  return out.substr(0, query + 1) +
         without_sensitive_query(std::string_view(out).substr(query + 1));
}

result<fetched> fetch(std::string const& url, fetch_options const& options) {
  auto const shown = without_credentials(url);
  if (!is_url(url))
    return fail(errc::invalid_argument, fmt::format("'{}' is no http:// or https:// URL", shown));
  url_cache const cache(options.cache_directory, url);
  auto copy = cache.read();
  auto answer = transfer({.url = url,
                          .etag = copy ? copy->etag : std::string(),
                          .timeout = options.timeout,
                          .stop = options.stop,
                          .max_bytes = options.max_bytes});
  if (answer && answer->status == 200) return take_fresh(*std::move(answer), cache, options);
  if (answer && answer->status == 304 && copy) {
    cache.touch();
    return fetched{std::move(copy->body), false, {}};
  }
  auto problem = answer ? status_error(answer->status) : std::move(answer).error();
  bool const away = problem.code == errc::unavailable || problem.code == errc::timeout;
  if (!away || !copy) return with_url(std::move(problem), shown);
  auto const age = describe_age(std::chrono::system_clock::now() - copy->confirmed);
  return fetched{std::move(copy->body), true,
                 fmt::format("registry URL {} is not reachable ({}); using the copy of {}", shown,
                             problem.message, age)};
}

}  // namespace thv::registry
