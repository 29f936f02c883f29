#pragma once

/// Marks what the shared library exports; everything else is hidden.
#if !defined(__linux__)
#error "corun supports Linux only: its transport needs epoll"
#else
#define CORUN_API __attribute__((visibility("default")))
#endif
