// SPDX-License-Identifier: Apache-2.0
#include "transfer.hpp"

#include <array>
#include <cstdlib>
#include <memory>
#include <string_view>
#include <thv/model/names.hpp>
#include <thv/version.hpp>

#include "curl_library.hpp"

namespace thv::registry {

namespace {

struct receiver {
  transfer_request const& request;
  transfer_answer answer;
  bool too_large = false;
};

std::size_t on_body(char* data, std::size_t size, std::size_t count, void* user) {
  auto& r = *static_cast<receiver*>(user);
  auto const bytes = size * count;
  if (r.answer.body.size() + bytes > r.request.max_bytes) {
    r.too_large = true;
    return 0;
  }
  r.answer.body.append(data, bytes);
  return bytes;
}

/// Every redirect starts with a new status line: what the one before said does not count.
std::size_t on_header(char* data, std::size_t size, std::size_t count, void* user) {
  auto& r = *static_cast<receiver*>(user);
  std::string_view line(data, size * count);
  if (line.starts_with("HTTP/")) {
    r.answer.etag.clear();
    r.answer.body.clear();
  }
  constexpr std::string_view name = "etag:";
  if (line.size() > name.size() && thv::detail::to_lower(line.substr(0, name.size())) == name) {
    line.remove_prefix(name.size());
    while (!line.empty() && thv::detail::is_space(line.front())) line.remove_prefix(1);
    while (!line.empty() && thv::detail::is_space(line.back())) line.remove_suffix(1);
    r.answer.etag = line;
  }
  return size * count;
}

int on_progress(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<receiver*>(user)->request.stop.stop_requested() ? 1 : 0;
}

error transfer_error(curl_library const& curl, CURLcode code, receiver const& r,
                     char const* detail) {
  std::string const words = *detail != '\0' ? detail : curl.easy_strerror(code);
  if (r.too_large)
    return fail(errc::invalid_argument,
                "the answer is larger than " + std::to_string(r.request.max_bytes) + " bytes");
  switch (code) {
    case CURLE_ABORTED_BY_CALLBACK:
      return fail(errc::cancelled, "cancelled");
    case CURLE_OPERATION_TIMEDOUT:
      return fail(errc::timeout,
                  "no answer within " + std::to_string(r.request.timeout.count()) + " ms");
    case CURLE_UNSUPPORTED_PROTOCOL:
      return fail(errc::engine, "it redirects to an address that is not https");
    case CURLE_TOO_MANY_REDIRECTS:
      return fail(errc::engine, "too many redirects");
    case CURLE_URL_MALFORMAT:
      return fail(errc::invalid_argument, "not a valid URL");
    case CURLE_PEER_FAILED_VERIFICATION:
      return fail(errc::unavailable, "its certificate is not trusted: " + words,
                  "SSL_CERT_FILE names the authorities to trust");
    default:
      return fail(errc::unavailable, words);
  }
}

/// False: this libcurl cannot be kept from following a redirect to an unsafe address.
bool set_limits(curl_library const& curl, CURL* handle, transfer_request const& request) {
  auto const agent = "thv-engine/" + std::string(version());
  bool const https = request.url.starts_with("https://");
  curl.easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  curl.easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 1L);
  curl.easy_setopt(handle, CURLOPT_MAXREDIRS, 10L);
  curl.easy_setopt(handle, CURLOPT_TIMEOUT_MS, static_cast<long>(request.timeout.count()));
  curl.easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(request.timeout.count()));
  curl.easy_setopt(handle, CURLOPT_ACCEPT_ENCODING, "");
  curl.easy_setopt(handle, CURLOPT_USERAGENT, agent.c_str());
  for (auto const* const name : {"SSL_CERT_FILE", "CURL_CA_BUNDLE"})
    if (auto const* file = std::getenv(name); file != nullptr && *file != '\0') {
      curl.easy_setopt(handle, CURLOPT_CAINFO, file);
      break;
    }
  if (auto const* directory = std::getenv("SSL_CERT_DIR");
      directory != nullptr && *directory != '\0')
    curl.easy_setopt(handle, CURLOPT_CAPATH, directory);
  return curl.easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
         curl.easy_setopt(handle, CURLOPT_REDIR_PROTOCOLS_STR, https ? "https" : "http,https") ==
             CURLE_OK;
}

}  // namespace

result<transfer_answer> transfer(transfer_request const& request) {
  auto const& library = load_curl();
  if (!library) return library.error();
  auto const& curl = *library;
  std::unique_ptr<CURL, decltype(curl.easy_cleanup)> const handle(curl.easy_init(),
                                                                  curl.easy_cleanup);
  if (handle == nullptr) return fail(errc::internal, "libcurl gave no handle");

  receiver r{request, {}};
  std::array<char, CURL_ERROR_SIZE> detail{};
  if (!set_limits(curl, handle.get(), request))
    return fail(errc::unsupported, "libcurl is older than 7.85", "update it");
  curl.easy_setopt(handle.get(), CURLOPT_URL, request.url.c_str());
  curl.easy_setopt(handle.get(), CURLOPT_ERRORBUFFER, detail.data());
  curl.easy_setopt(handle.get(), CURLOPT_WRITEFUNCTION, &on_body);
  curl.easy_setopt(handle.get(), CURLOPT_WRITEDATA, &r);
  curl.easy_setopt(handle.get(), CURLOPT_HEADERFUNCTION, &on_header);
  curl.easy_setopt(handle.get(), CURLOPT_HEADERDATA, &r);
  curl.easy_setopt(handle.get(), CURLOPT_NOPROGRESS, 0L);
  curl.easy_setopt(handle.get(), CURLOPT_XFERINFOFUNCTION, &on_progress);
  curl.easy_setopt(handle.get(), CURLOPT_XFERINFODATA, &r);
  std::unique_ptr<curl_slist, decltype(curl.slist_free_all)> const headers(
      request.etag.empty() ? nullptr
                           : curl.slist_append(nullptr, ("If-None-Match: " + request.etag).c_str()),
      curl.slist_free_all);
  if (headers) curl.easy_setopt(handle.get(), CURLOPT_HTTPHEADER, headers.get());

  auto const code = curl.easy_perform(handle.get());
  if (code != CURLE_OK) return transfer_error(curl, code, r, detail.data());
  curl.easy_getinfo(handle.get(), CURLINFO_RESPONSE_CODE, &r.answer.status);
  return std::move(r.answer);
}

}  // namespace thv::registry
