// SPDX-License-Identifier: Apache-2.0
#include "curl_library.hpp"

#include <dlfcn.h>

#include <string>

namespace thv::registry {

namespace {

template <class Function>
bool resolve(void* handle, char const* name, Function& into) {
  into = reinterpret_cast<Function>(::dlsym(handle, name));
  return into != nullptr;
}

bool resolve_all(void* handle, curl_library& curl) {
  return resolve(handle, "curl_global_init", curl.global_init) &&
         resolve(handle, "curl_easy_init", curl.easy_init) &&
         resolve(handle, "curl_easy_setopt", curl.easy_setopt) &&
         resolve(handle, "curl_easy_perform", curl.easy_perform) &&
         resolve(handle, "curl_easy_getinfo", curl.easy_getinfo) &&
         resolve(handle, "curl_easy_strerror", curl.easy_strerror) &&
         resolve(handle, "curl_easy_cleanup", curl.easy_cleanup) &&
         resolve(handle, "curl_slist_append", curl.slist_append) &&
         resolve(handle, "curl_slist_free_all", curl.slist_free_all);
}

result<curl_library> open_library() {
  std::string reason;
  for (auto const* const name : {"libcurl.so.4", "libcurl-gnutls.so.4"}) {
    void* const handle = ::dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (handle == nullptr) {
      char const* const text = ::dlerror();
      if (reason.empty() && text != nullptr) reason = text;
      continue;
    }
    curl_library curl;
    if (resolve_all(handle, curl) && curl.global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK) return curl;
    reason = std::string(name) + " lacks functions that are needed";
    ::dlclose(handle);
  }
  return fail(errc::unsupported, "libcurl cannot be loaded (" + reason + ")",
              "install it (Debian: libcurl4), or use a registry file");
}

}  // namespace

result<curl_library> const& load_curl() {
  static result<curl_library> const library = open_library();
  return library;
}

}  // namespace thv::registry
