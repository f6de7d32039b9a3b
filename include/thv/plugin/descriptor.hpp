// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include <thv/error.hpp>
#include <thv/plugin/runtime.hpp>

namespace thv::plugin {

/// Version of this interface. The major must be equal on both sides, the plugin's minor at most the
/// host's.
inline constexpr std::uint32_t abi_major = 0;
inline constexpr std::uint32_t abi_minor = 2;

#define THV_PLUGIN_STRINGIZE2(x) #x
#define THV_PLUGIN_STRINGIZE(x) THV_PLUGIN_STRINGIZE2(x)
#if defined(_GLIBCXX_DEBUG)
#define THV_PLUGIN_STDLIB_MODE "debug"
#else
#define THV_PLUGIN_STDLIB_MODE "plain"
#endif
#if !defined(__has_feature)
#define THV_PLUGIN_HAS_FEATURE(x) 0
#else
#define THV_PLUGIN_HAS_FEATURE(x) __has_feature(x)
#endif
#if defined(__SANITIZE_ADDRESS__) || THV_PLUGIN_HAS_FEATURE(address_sanitizer)
#define THV_PLUGIN_SANITIZER "address"
#elif defined(__SANITIZE_THREAD__) || THV_PLUGIN_HAS_FEATURE(thread_sanitizer)
#define THV_PLUGIN_SANITIZER "thread"
#else
#define THV_PLUGIN_SANITIZER "none"
#endif

namespace detail {

/// A number that differs when a type that crosses the boundary has another size.
consteval std::uint64_t layout() {
  std::uint64_t hash = 14695981039346656037u;  // FNV-1a over the sizes
  for (std::size_t size :
       {sizeof(error), sizeof(result<void>), sizeof(call), sizeof(fingerprint), sizeof(instance),
        sizeof(stream), sizeof(endpoint), sizeof(log_options), sizeof(event), sizeof(host_context),
        sizeof(workload_spec), sizeof(runtime)})
    hash = (hash ^ size) * 1099511628211u;
  return hash;
}

/// The fixed part of the fingerprint, then the layout in 16 hexadecimal digits.
template <std::size_t N>
consteval std::array<char, N + 16> with_layout(char const (&text)[N]) {
  std::array<char, N + 16> all{};
  for (std::size_t i = 0; i + 1 < N; ++i) all[i] = text[i];
  for (std::size_t i = 0; i < 16; ++i)
    all[N - 1 + i] = "0123456789abcdef"[(layout() >> (60 - 4 * i)) & 15];
  return all;
}

inline constexpr auto fingerprint_text = with_layout(
    "gxx_abi=" THV_PLUGIN_STRINGIZE(__GXX_ABI_VERSION) " libstdc++=" THV_PLUGIN_STRINGIZE(
        _GLIBCXX_USE_CXX11_ABI) " mode=" THV_PLUGIN_STDLIB_MODE " sanitizer=" THV_PLUGIN_SANITIZER
                                " layout=");

}  // namespace detail

/// What must be the same on both sides for C++ types to cross: compiler ABI, standard library and
/// its mode, sanitizer, and the sizes of the types (headers of another day). The build type and the
/// version of Boost are not in it.
inline constexpr char const* build_fingerprint = detail::fingerprint_text.data();

/// The one symbol a plugin exports, `thv_plugin_descriptor`. Constant data, so that identity is
/// read before any code of the plugin runs. Members are only ever added at the end.
struct descriptor {
  std::size_t size;  ///< sizeof(descriptor) as the plugin knew it
  std::uint32_t abi_major;
  std::uint32_t abi_minor;
  char const* fingerprint;
  char const* name;     ///< short and unique: "docker"
  char const* version;  ///< of the plugin
  std::uint64_t capabilities;
  /// Makes a runtime from `host`, or returns nullptr and sets `*failure`. Nothing is thrown. The
  /// caller owns the runtime and destroys it before the library is closed.
  runtime* (*create)(host_context const& host, error* failure) noexcept;
};

inline constexpr char descriptor_symbol[] = "thv_plugin_descriptor";

}  // namespace thv::plugin
