// SPDX-License-Identifier: Apache-2.0
#include "locked_buffer.hpp"

#include <sodium.h>

#include <new>
#include <stdexcept>

namespace thv::secrets {

namespace {

/// sodium_malloc puts the end of a block at a page's end: whole multiples of a power of two begin
/// at one.
void* locked_block(std::size_t size, std::size_t alignment) {
  start_sodium();
  if (size > (std::size_t(1) << 40) || alignment > 4096) throw std::bad_alloc();
  auto const rounded = (size + alignment - 1) / alignment * alignment;
  auto* const block = ::sodium_malloc(rounded == 0 ? alignment : rounded);
  if (block == nullptr) throw std::bad_alloc();
  return block;
}

}  // namespace

void start_sodium() {
  static int const state = ::sodium_init();
  if (state < 0) throw std::runtime_error("libsodium cannot start");
}

locked_buffer::locked_buffer(std::size_t size)
    : bytes_(static_cast<unsigned char*>(locked_block(size, 16))), size_(size) {}

void locked_buffer::release::operator()(unsigned char* bytes) const noexcept {
  ::sodium_free(bytes);
}

void* locked_resource::do_allocate(std::size_t bytes, std::size_t alignment) {
  return locked_block(bytes, alignment);
}

void locked_resource::do_deallocate(void* block, std::size_t, std::size_t) {
  ::sodium_free(block);
}

}  // namespace thv::secrets
