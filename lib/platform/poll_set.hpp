#pragma once
#include <asio/any_io_executor.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/post.hpp>
#include <fcntl.h>
#include <poll.h>

#include <cerrno>
#include <functional>
#include <map>
#include <memory>
#include <system_error>
#include <utility>
#include <vector>

namespace corun::detail {

/// Any POSIX system: Asio waits for each socket, and `poll` says which of them are ready.
class poll_set {
public:
    explicit poll_set(const asio::any_io_executor& executor)
        : executor_(executor), waiter_(std::make_shared<waiter>()) {}
    ~poll_set() {
        waiter_->handler = nullptr;
        for (const auto& [socket, known] : sockets_) known->close();
    }
    poll_set(const poll_set&) = delete;
    poll_set& operator=(const poll_set&) = delete;

    void watch(int socket, short events, bool known) {
        // A socket that was closed without a word left its entry to the next one of its number.
        if (!known) remove(socket);
        std::shared_ptr<entry>& watched = sockets_[socket];
        if (!watched) watched = std::make_shared<entry>(executor_, socket);
        watched->events = events;
        if (waiter_->handler) wait_for(watched);
    }

    void remove(int socket) {
        const auto found = sockets_.find(socket);
        if (found == sockets_.end()) return;
        found->second->close();
        sockets_.erase(found);
    }

    template <class Handler>
    void async_wait(Handler handler) {
        waiter_->handler = std::move(handler);
        for (const auto& [socket, known] : sockets_) wait_for(known);
    }

    void find_ready(std::vector<::pollfd>& ready) {
        ready.clear();
        for (const auto& [socket, known] : sockets_) ready.push_back({known->copy.native_handle(), known->events, 0});
        if (::poll(ready.data(), static_cast<::nfds_t>(ready.size()), 0) <= 0) return ready.clear();
        auto each = ready.begin();
        for (const auto& [socket, known] : sockets_) (each++)->fd = socket;
        std::erase_if(ready, [](const ::pollfd& polled) { return polled.revents == 0; });
    }

    void cancel() {
        std::error_code ignored;
        for (const auto& [socket, known] : sockets_) known->copy.cancel(ignored);
        // Without sockets, no wait is pending that could end.
        if (waiter_->handler) asio::post(executor_, std::exchange(waiter_->handler, nullptr));
    }

private:
    using descriptor = asio::posix::stream_descriptor;

    struct entry {
        /// A copy of the descriptor: the library closes its own whenever it likes.
        entry(const asio::any_io_executor& executor, int socket)
            : copy(executor, checked(::fcntl(socket, F_DUPFD_CLOEXEC, 0))) {}

        static int checked(int fd) {
            if (fd < 0) throw std::system_error(errno, std::generic_category(), "fcntl");
            return fd;
        }

        /// Ends the waits, which own the entry.
        void close() {
            std::error_code ignored;
            copy.close(ignored);
        }

        descriptor copy;
        short events = 0;
        bool waits_to_read = false, waits_to_write = false;
    };

    struct waiter {
        std::function<void()> handler;
    };

    void wait_for(const std::shared_ptr<entry>& known) {
        if ((known->events & POLLIN) && !std::exchange(known->waits_to_read, true))
            wait_for(known, descriptor::wait_read, known->waits_to_read);
        if ((known->events & POLLOUT) && !std::exchange(known->waits_to_write, true))
            wait_for(known, descriptor::wait_write, known->waits_to_write);
    }

    void wait_for(const std::shared_ptr<entry>& known, descriptor::wait_type type, bool& waits) {
        known->copy.async_wait(type, [known, &waits, waiter = waiter_](std::error_code) {
            waits = false;
            if (const auto handler = std::exchange(waiter->handler, nullptr)) handler();
        });
    }

    asio::any_io_executor executor_;
    std::shared_ptr<waiter> waiter_;
    std::map<int, std::shared_ptr<entry>> sockets_;
};

}  // namespace corun::detail
