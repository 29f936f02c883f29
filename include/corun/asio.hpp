#pragma once
#include <corun/export.hpp>

/// Includes Asio's `awaitable`, and checks that this file is compiled with the same Asio as the
/// library. Otherwise it is not compiled, or does not link.

// A missing include ends the compilation: one line says what to do, and no page of consequences follows it.
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

/// The library defines `in_library` for the version of Asio that it was built with, and for no other.
template <int Version>
struct CORUN_API asio_version {
    static const char in_library;
};
template <>
const char asio_version<ASIO_VERSION>::in_library;

/// Makes every object file need it.
[[gnu::used]] static const char* const needed_asio = &asio_version<ASIO_VERSION>::in_library;

}  // namespace corun::detail
