#pragma once
#if defined(CORUN_POLL)
#include "platform/poll_set.hpp"
#else
#include "platform/epoll_set.hpp"
#endif

namespace corun::detail {

/// The sockets of a library that tells for which events it waits, level-triggered. Events are those of `<poll.h>`:
/// `POLLIN`, `POLLOUT`, `POLLERR`, `POLLHUP`.
///
/// An implementation has these members:
///
///     explicit socket_set(const asio::any_io_executor&);      throws std::system_error
///     void watch(int socket, short events, bool known);       adds a socket, or changes its events
///     void remove(int socket);                                the socket may be closed already
///     template <class Handler> void async_wait(Handler);      calls it once sockets may be ready, or after cancel();
///                                                             it must not keep the set alive
///     void find_ready(std::vector<::pollfd>& ready);          sets `fd` and `revents` of each
///     void cancel();
#if defined(CORUN_POLL)
using socket_set = poll_set;
#else
using socket_set = epoll_set;
#endif

}  // namespace corun::detail
