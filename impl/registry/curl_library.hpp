// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <curl/curl.h>

#include <thv/error.hpp>

namespace thv::registry {

/// The functions of libcurl that we call. The types are those of its header; the library itself is
/// not linked, so that programs that fetch nothing do not pay for loading it.
struct curl_library {
  decltype(&::curl_global_init) global_init = nullptr;
  decltype(&::curl_easy_init) easy_init = nullptr;
  decltype(&::curl_easy_setopt) easy_setopt = nullptr;
  decltype(&::curl_easy_perform) easy_perform = nullptr;
  decltype(&::curl_easy_getinfo) easy_getinfo = nullptr;
  decltype(&::curl_easy_strerror) easy_strerror = nullptr;
  decltype(&::curl_easy_cleanup) easy_cleanup = nullptr;
  decltype(&::curl_slist_append) slist_append = nullptr;
  decltype(&::curl_slist_free_all) slist_free_all = nullptr;
};

/// Loads the library on the first call and keeps it. [thread-safe]
[[nodiscard]] result<curl_library> const& load_curl();

}  // namespace thv::registry
