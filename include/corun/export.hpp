#pragma once

// A missing include ends the compilation: one line says what to do, and no page of consequences follows it.
#if __cplusplus < 202002L
#error "corun needs C++20: compile with -std=c++20 or newer"
#include <see-the-error-above>
#elif !defined(__linux__)
#error "corun supports Linux only: its transport needs epoll"
#include <see-the-error-above>
#endif

/// Marks what the shared library exports; everything else is hidden.
#define CORUN_API __attribute__((visibility("default")))
