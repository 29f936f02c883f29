#pragma once

/// Marks what the shared library exports; everything else is hidden.
#if defined(_WIN32)
#error "corun is built and tested on POSIX systems only"
#else
#define CORUN_API __attribute__((visibility("default")))
#endif
