// SPDX-License-Identifier: Apache-2.0
#include "secret_library.hpp"

#include <dlfcn.h>

#include <string>

namespace thv::secrets {

namespace {

/// Also finds the functions of GLib: it is among the libraries that libsecret itself has loaded.
template <class Function>
bool resolve(void* handle, char const* name, Function& into) {
  into = reinterpret_cast<Function>(::dlsym(handle, name));
  return into != nullptr;
}

bool resolve_all(void* handle, secret_library& to) {
  return resolve(handle, "secret_schema_new", to.schema_new) &&
         resolve(handle, "secret_attributes_build", to.attributes_build) &&
         resolve(handle, "secret_service_get_sync", to.service_get) &&
         resolve(handle, "secret_service_search_sync", to.service_search) &&
         resolve(handle, "secret_collection_for_alias_sync", to.collection_for_alias) &&
         resolve(handle, "secret_service_unlock_sync", to.unlock) &&
         resolve(handle, "secret_collection_get_locked", to.collection_get_locked) &&
         resolve(handle, "secret_item_get_locked", to.item_get_locked) &&
         resolve(handle, "secret_password_lookup_nonpageable_sync", to.lookup) &&
         resolve(handle, "secret_password_store_sync", to.store) &&
         resolve(handle, "secret_password_clear_sync", to.clear) &&
         resolve(handle, "secret_password_free", to.free_secret) &&
         resolve(handle, "secret_service_disconnect", to.disconnect) &&
         resolve(handle, "g_cancellable_new", to.cancellable_new) &&
         resolve(handle, "g_cancellable_cancel", to.cancellable_cancel) &&
         resolve(handle, "g_object_unref", to.object_unref) &&
         resolve(handle, "g_hash_table_unref", to.hash_table_unref) &&
         resolve(handle, "g_list_free", to.list_free) &&
         resolve(handle, "g_error_free", to.error_free);
}

result<secret_library> open_library() {
  constexpr auto* name = "libsecret-1.so.0";
  // GLib cannot be unloaded again.
  void* const handle = ::dlopen(name, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  std::string reason;
  if (handle == nullptr) {
    char const* const text = ::dlerror();
    reason = text == nullptr ? name : text;
  } else {
    secret_library library;
    if (resolve_all(handle, library)) return library;
    reason = std::string(name) + " lacks functions that are needed";
  }
  return fail(errc::unavailable, "the keyring needs libsecret, which cannot be loaded: " + reason,
              "install it (Debian: libsecret-1-0), or use a passphrase or a key file");
}

}  // namespace

result<secret_library> const& load_libsecret() {
  static result<secret_library> const library = open_library();
  return library;
}

}  // namespace thv::secrets
