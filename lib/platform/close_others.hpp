#pragma once
#include <fcntl.h>
#include <spawn.h>
#include <unistd.h>

namespace corun::detail {

/// Any POSIX system: closes the descriptors above standard error that are open now. One that another thread opens in
/// the meantime is inherited.
inline int close_open_ones(::posix_spawn_file_actions_t& actions) {
    constexpr long most = 65'536;
    const long limit = ::sysconf(_SC_OPEN_MAX);
    for (int fd = STDERR_FILENO + 1; fd < (limit < 0 || limit > most ? most : limit); ++fd) {
        const int flags = ::fcntl(fd, F_GETFD);
        if (flags < 0 || (flags & FD_CLOEXEC)) continue;
        if (const int code = ::posix_spawn_file_actions_addclose(&actions, fd)) return code;
    }
    return 0;
}

/// Lets a program that is spawned inherit no descriptor above standard error: it would get Asio's sockets. Returns an
/// error number, or 0.
inline int close_others(::posix_spawn_file_actions_t& actions) {
#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 34) && !defined(CORUN_POLL)
    return ::posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
#else
    return close_open_ones(actions);
#endif
}

}  // namespace corun::detail
