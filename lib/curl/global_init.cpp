#include "curl/global_init.hpp"

#include "platform/heap_block.hpp"
#include "text/wipe.hpp"

#include <curl/curl.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <new>

namespace corun::curl {
namespace {

void release(void* block) noexcept {
    detail::wipe_memory(block, detail::size_of_block(block));
    std::free(block);
}

void* resize(void* block, std::size_t size) noexcept {
    void* const resized = std::malloc(size);
    if (!resized || !block) return resized;
    std::memcpy(resized, block, std::min(size, detail::size_of_block(block)));
    release(block);
    return resized;
}

}  // namespace

void initialise_libcurl() {
    // Never cleaned up: other users of libcurl in the process may still need it.
    static std::once_flag once;
    std::call_once(once, [] {
        if (curl_global_init_mem(CURL_GLOBAL_DEFAULT, std::malloc, release, resize, ::strdup, std::calloc) != CURLE_OK)
            throw std::bad_alloc();
    });
}

}  // namespace corun::curl
