#pragma once
#include <corun/export.hpp>

/// Includes Asio's `awaitable`. A file that uses another Asio than the library, or other flags, does not compile or
/// link.

// A missing include ends the compilation after one line that says what to do.
#if !defined(ASIO_STANDALONE)
#error "compile with `pkg-config --cflags corun`: -DASIO_STANDALONE -DASIO_DISABLE_STD_ALIGNED_ALLOC"
#include <see-the-error-above>
#endif

#include <asio/awaitable.hpp>
#include <asio/version.hpp>

#if defined(ASIO_HAS_STD_ALIGNED_ALLOC) || defined(ASIO_HAS_BOOST_ALIGN)
#error "compile with `pkg-config --cflags corun`, as the library was: -DASIO_DISABLE_STD_ALIGNED_ALLOC"
#include <see-the-error-above>
#elif !defined(ASIO_HAS_CO_AWAIT)
#error "clang with Asio before 1.24: compile with -DASIO_HAS_CO_AWAIT=1 -DASIO_HAS_STD_COROUTINE=1"
#include <see-the-error-above>
#endif

namespace corun::detail {

/// The library defines `in_library` only for the version of Asio that it was built with.
template <int Version>
struct CORUN_API asio_version {
    static const char in_library;
};
template <>
const char asio_version<ASIO_VERSION>::in_library;

/// Makes every object file refer to it.
[[gnu::used]] static const char* const needed_asio = &asio_version<ASIO_VERSION>::in_library;

}  // namespace corun::detail
