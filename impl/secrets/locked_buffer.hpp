// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/json/memory_resource.hpp>
#include <cstddef>
#include <memory>
#include <string_view>

namespace thv::secrets {

/// Makes libsodium ready, once. Throws std::runtime_error where it has no random numbers.
void start_sodium();

/// Memory for plaintext: locked as far as allowed, left out of core dumps, overwritten at the end.
class locked_buffer {
 public:
  locked_buffer() = default;
  /// Throws std::bad_alloc.
  explicit locked_buffer(std::size_t size);

  [[nodiscard]] unsigned char* data() const { return bytes_.get(); }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::string_view text() const {
    return {reinterpret_cast<char const*>(data()), size_};
  }

 private:
  struct release {
    void operator()(unsigned char* bytes) const noexcept;
  };

  std::unique_ptr<unsigned char, release> bytes_;
  std::size_t size_ = 0;
};

/// The same for Boost.JSON, in few large blocks: put a monotonic_resource on it.
class locked_resource final : public boost::json::memory_resource {
 private:
  void* do_allocate(std::size_t bytes, std::size_t alignment) override;
  void do_deallocate(void* block, std::size_t bytes, std::size_t alignment) override;
  bool do_is_equal(boost::json::memory_resource const& other) const noexcept override {
    return this == &other;
  }
};

}  // namespace thv::secrets
