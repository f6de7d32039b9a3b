// SPDX-License-Identifier: Apache-2.0
#include "trim.hpp"

#include <link.h>
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>

namespace thv::gateway {

namespace {

int drop_unchanged(dl_phdr_info* object, std::size_t, void*) {
  auto const page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  for (int i = 0; i < object->dlpi_phnum; ++i) {
    auto const& part = object->dlpi_phdr[i];
    // Never written to, so it stands unchanged in the file: code and constants.
    if (part.p_type != PT_LOAD || (part.p_flags & PF_W)) continue;
    auto const begin = (object->dlpi_addr + part.p_vaddr) / page * page;
    auto const end = object->dlpi_addr + part.p_vaddr + part.p_memsz;
    if (object->dlpi_name && object->dlpi_addr != 0)
      ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
  }
  return 0;
}

}  // namespace

void trim_memory() {
  ::malloc_trim(0);
  ::dl_iterate_phdr(drop_unchanged, nullptr);
}

}  // namespace thv::gateway
