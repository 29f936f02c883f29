#pragma once
#include <string.h>

#include <cstddef>

namespace corun::detail {

/// Zeroes memory that held a secret, also where the compiler can see that nothing reads it any more.
inline void wipe_memory(void* memory, std::size_t bytes) noexcept {
    if (bytes != 0) ::explicit_bzero(memory, bytes);
}

}  // namespace corun::detail
