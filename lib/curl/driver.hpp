#pragma once
#include "async/thread_guard.hpp"
#include "platform/socket_set.hpp"

#include <asio/any_io_executor.hpp>
#include <asio/steady_timer.hpp>
#include <curl/curl.h>
#include <poll.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace corun::curl {

/// The interface of a transfer to the driver, which finds it by `CURLOPT_PRIVATE` of its easy handle.
class driven_transfer {
public:
    /// libcurl has finished the transfer. It must call `driver::remove`.
    virtual void finished(CURLcode result) noexcept = 0;
    /// Called after `driver::resume_later`.
    virtual void resume_now() noexcept = 0;
    /// Bytes of the response body, gathered by `driver::gather`.
    virtual void deliver(std::string_view bytes) noexcept = 0;

    std::size_t position = 0;  ///< For the driver.

protected:
    ~driven_transfer() = default;
};

/// Runs a libcurl multi handle on an executor.
class driver : public std::enable_shared_from_this<driver> {
public:
    explicit driver(asio::any_io_executor executor);
    ~driver();
    driver(const driver&) = delete;
    driver& operator=(const driver&) = delete;

    /// For `CURLOPT_SHARE`: the TLS sessions of earlier connections, so that a new one to the same server is cheaper.
    [[nodiscard]] CURLSH* sessions() const noexcept { return sessions_.get(); }

    [[nodiscard]] const asio::any_io_executor& executor() const noexcept { return executor_; }

    CURLMcode add(CURL* easy, driven_transfer& transfer);
    void remove(CURL* easy, driven_transfer& transfer) noexcept;

    /// Revokes `resume_later`.
    void forget(driven_transfer& transfer) noexcept;

    /// Calls `transfer.resume_now()` from the executor. `curl_easy_pause` may deliver buffered bytes before it returns,
    /// which must not happen within the caller's call.
    void resume_later(driven_transfer& transfer);

    /// Delivers the bytes that libcurl writes. libcurl writes each HTTP chunk separately, often one event; the chunks
    /// of one network read are delivered together.
    void gather(driven_transfer& to, std::string_view bytes) noexcept;

private:
    static int on_socket(CURL* easy, curl_socket_t fd, int events, void* self, void* known) noexcept;
    static int on_timer(CURLM* multi, long timeout_ms, void* self) noexcept;

    void leave(driven_transfer& transfer) noexcept;
    void deliver_gathered() noexcept;
    void watch(curl_socket_t fd, int events, bool known);
    void wait_for_sockets();
    void sockets_ready();
    void act_on_next();
    void wait_for_timer(long timeout_ms);
    void act(curl_socket_t fd, int flags) noexcept;
    void collect_finished() noexcept;
    void resume_all() noexcept;

    struct multi_deleter {
        void operator()(CURLM* multi) const noexcept { curl_multi_cleanup(multi); }
    };

    struct share_deleter {
        void operator()(CURLSH* share) const noexcept { curl_share_cleanup(share); }
    };

    asio::any_io_executor executor_;
    detail::thread_guard guard_;
    std::unique_ptr<CURLSH, share_deleter> sessions_;
    std::unique_ptr<CURLM, multi_deleter> multi_;
    detail::socket_set sockets_;
    asio::steady_timer timer_;
    std::vector<::pollfd> ready_;  ///< The sockets that are to be acted on, the next one last.
    std::vector<driven_transfer*> active_;
    std::vector<driven_transfer*> to_resume_;
    driven_transfer* gathering_ = nullptr;
    std::string gathered_;
    bool waiting_ = false;  ///< For sockets, or for the turn of one that is ready.
    bool resume_posted_ = false;
    bool closing_ = false;
    bool broken_ = false;
};

}  // namespace corun::curl
