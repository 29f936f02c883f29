#pragma once
#if __has_include(<malloc.h>)
#include <malloc.h>
#elif __has_include(<malloc_np.h>)
#include <malloc_np.h>
#else
#include <malloc/malloc.h>
#endif

#include <cstddef>

namespace corun::detail {

/// The size of a block that `malloc` returned, or more if the allocator has rounded it up. 0 for null.
inline std::size_t size_of_block(void* block) noexcept {
#if __has_include(<malloc.h>) || __has_include(<malloc_np.h>)
    return ::malloc_usable_size(block);
#else
    return block ? ::malloc_size(block) : 0;
#endif
}

}  // namespace corun::detail
