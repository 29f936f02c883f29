#pragma once

// A missing include ends the compilation after one line that says what to do.
#if __cplusplus < 202002L
#error "corun needs C++20: compile with -std=c++20 or newer"
#include <see-the-error-above>
#elif !defined(__linux__) && !defined(CORUN_OTHER_POSIX)
#error "corun is tested on Linux only: see docs/building.md to try another POSIX system"
#include <see-the-error-above>
#endif

/// Exports a symbol from the shared library; all others are hidden.
#define CORUN_API __attribute__((visibility("default")))
