// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include <thv/error.hpp>

namespace thv::secrets {

// The functions of libsecret and of GLib, which it stands on, that we call. Neither is linked and
// their headers are not needed: programs that use no keyring do not pay for loading them. The
// declarations are those of the libraries' documentation; their ABI is stable.

struct g_error {
  std::uint32_t domain;
  int code;
  char* message;
};
struct g_list {
  void* data;
  g_list* next;
  g_list* previous;
};

struct secret_library {
  void* (*schema_new)(char const* name, int flags, ...) = nullptr;
  void* (*attributes_build)(void const* schema, ...) = nullptr;
  void* (*service_get)(int flags, void* cancellable, g_error** error) = nullptr;
  g_list* (*service_search)(void* service, void const* schema, void* attributes, int flags,
                            void* cancellable, g_error** error) = nullptr;
  void* (*collection_for_alias)(void* service, char const* alias, int flags, void* cancellable,
                                g_error** error) = nullptr;
  int (*unlock)(void* service, g_list* objects, void* cancellable, g_list** unlocked,
                g_error** error) = nullptr;
  int (*collection_get_locked)(void* collection) = nullptr;
  int (*item_get_locked)(void* item) = nullptr;
  char* (*lookup)(void const* schema, void* cancellable, g_error** error, ...) = nullptr;
  int (*store)(void const* schema, char const* collection, char const* label, char const* secret,
               void* cancellable, g_error** error, ...) = nullptr;
  int (*clear)(void const* schema, void* cancellable, g_error** error, ...) = nullptr;
  void (*free_secret)(char* secret) = nullptr;
  void (*disconnect)() = nullptr;

  void* (*cancellable_new)() = nullptr;
  void (*cancellable_cancel)(void* cancellable) = nullptr;
  void (*object_unref)(void* object) = nullptr;
  void (*hash_table_unref)(void* table) = nullptr;
  void (*list_free)(g_list* list) = nullptr;
  void (*error_free)(g_error* error) = nullptr;
};

/// Loads the library on the first call and keeps it. errc::unavailable. [thread-safe]
[[nodiscard]] result<secret_library> const& load_libsecret();

}  // namespace thv::secrets
