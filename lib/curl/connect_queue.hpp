#pragma once
#include <cstddef>
#include <functional>
#include <list>

namespace corun::curl {

/// The requests to one server that may share its connections and do not have one yet.
///
/// libcurl opens a connection for each request that finds no room on the open ones, even while other connections are
/// being opened: a burst of requests would open one for each. Therefore one request looks for a connection at a time,
/// and another one for each hundred that wait, up to four. The others wait until one of these has its connection.
class connect_queue {
public:
    /// The place of one request.
    class place {
    public:
        place() = default;
        ~place() { leave(); }
        place(const place&) = delete;
        place& operator=(const place&) = delete;

        /// True if the request may connect now. Otherwise calls `may_connect` when it may. Throws `std::bad_alloc`.
        bool enter(connect_queue& queue, std::function<void()> may_connect);
        [[nodiscard]] bool is_waiting() const noexcept { return static_cast<bool>(may_connect_); }

        /// The request has a connection, or needs none any more.
        void leave() noexcept;
        /// The request could not get a connection. No other one waits for the next attempt to fail.
        void fail() noexcept;

    private:
        friend class connect_queue;
        connect_queue* queue_ = nullptr;
        std::function<void()> may_connect_;  ///< Empty unless it waits.
        std::list<place*>::iterator position_;
    };

    /// Lets all requests connect that wait.
    void admit_all() noexcept;

private:
    void admit() noexcept;
    void admit_next() noexcept;

    std::size_t connecting_ = 0;
    std::list<place*> waiting_;
};

}  // namespace corun::curl
