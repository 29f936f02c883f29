#pragma once
#include <asio/any_io_executor.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <system_error>
#include <utility>
#include <vector>

namespace corun::detail {

/// Linux: the sockets sit in one epoll set, and Asio waits for that one descriptor. A socket that is read again and
/// again costs no `epoll_ctl` a read, as it would as an Asio descriptor.
class epoll_set {
public:
    explicit epoll_set(const asio::any_io_executor& executor) : descriptor_(executor) {
        const int fd = ::epoll_create1(EPOLL_CLOEXEC);
        if (fd < 0) throw std::system_error(errno, std::generic_category(), "epoll_create1");
        std::error_code code;
        descriptor_.assign(fd, code);
        if (!code) return;
        ::close(fd);
        throw std::system_error(code, "epoll_create1");
    }

    void watch(int socket, short events, bool known) {
        const int set = descriptor_.native_handle();
        epoll_event wanted{};
        wanted.data.fd = socket;
        if (events & POLLIN) wanted.events |= EPOLLIN;
        if (events & POLLOUT) wanted.events |= EPOLLOUT;
        if (::epoll_ctl(set, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, socket, &wanted) != 0) {
            // If the descriptor was closed and its number reused, the two sets disagree on whether it is known.
            ::epoll_ctl(set, known ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, socket, &wanted);
        }
    }

    void remove(int socket) {
        // A socket that is closed has left the set.
        ::epoll_ctl(descriptor_.native_handle(), EPOLL_CTL_DEL, socket, nullptr);
    }

    template <class Handler>
    void async_wait(Handler handler) {
        descriptor_.async_wait(asio::posix::stream_descriptor::wait_read,
                               [handler = std::move(handler)](std::error_code) mutable { handler(); });
    }

    void find_ready(std::vector<::pollfd>& ready) {
        std::array<epoll_event, 128> found;
        const int count = ::epoll_wait(descriptor_.native_handle(), found.data(), static_cast<int>(found.size()), 0);
        ready.clear();
        for (int i = 0; i < count; ++i) {
            const epoll_event& event = found[static_cast<std::size_t>(i)];
            ::pollfd socket{event.data.fd, 0, 0};
            if (event.events & EPOLLIN) socket.revents |= POLLIN;
            if (event.events & EPOLLOUT) socket.revents |= POLLOUT;
            if (event.events & (EPOLLERR | EPOLLHUP)) socket.revents |= POLLERR;
            ready.push_back(socket);
        }
    }

    void cancel() {
        std::error_code ignored;
        descriptor_.cancel(ignored);
    }

private:
    asio::posix::stream_descriptor descriptor_;  ///< Of the set.
};

}  // namespace corun::detail
