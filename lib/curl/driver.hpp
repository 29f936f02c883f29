#pragma once
#include <asio/any_io_executor.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/steady_timer.hpp>
#include <curl/curl.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace corun::curl {

/// A transfer as the driver sees it. Reached from its easy handle by `CURLOPT_PRIVATE`.
class driven_transfer {
public:
    /// libcurl is done with the transfer, which now has to leave: `driver::remove`.
    virtual void finished(CURLcode result) noexcept = 0;
    /// What `driver::resume_later` promised.
    virtual void resume_now() noexcept = 0;
    /// Bytes of the response body, gathered by `driver::gather`.
    virtual void deliver(std::string_view bytes) noexcept = 0;

    std::size_t position = 0;  ///< The driver's.

protected:
    ~driven_transfer() = default;
};

/// Runs a libcurl multi handle on an executor.
///
/// libcurl's sockets sit in one epoll set, and Asio waits for that one descriptor: a socket that is
/// read again and again costs no `epoll_ctl` a read, as it would as an Asio descriptor.
class driver : public std::enable_shared_from_this<driver> {
public:
    explicit driver(asio::any_io_executor executor);
    ~driver();
    driver(const driver&) = delete;
    driver& operator=(const driver&) = delete;

    [[nodiscard]] const asio::any_io_executor& executor() const noexcept { return executor_; }

    CURLMcode add(CURL* easy, driven_transfer& transfer);
    void remove(CURL* easy, driven_transfer& transfer) noexcept;

    /// Takes back what `resume_later` promised.
    void forget(driven_transfer& transfer) noexcept;

    /// Has `transfer.resume_now()` called from the executor: libcurl may hand over what it kept
    /// while paused before `curl_easy_pause` returns, which must not happen inside the caller's call.
    void resume_later(driven_transfer& transfer);

    /// Called with what libcurl writes. libcurl writes every HTTP chunk by itself, often one event;
    /// those of one network read are delivered together.
    void gather(driven_transfer& to, std::string_view bytes) noexcept;

private:
    static int on_socket(CURL* easy, curl_socket_t fd, int what, void* self, void* known) noexcept;
    static int on_timer(CURLM* multi, long timeout_ms, void* self) noexcept;

    void leave(driven_transfer& transfer) noexcept;
    void deliver_gathered() noexcept;
    void watch(curl_socket_t fd, int what, bool known);
    void wait_for_sockets();
    void sockets_ready();
    void wait_for_timer(long timeout_ms);
    void act(curl_socket_t fd, int flags) noexcept;
    void collect_finished() noexcept;
    void resume_all() noexcept;

    struct multi_deleter {
        void operator()(CURLM* multi) const noexcept { curl_multi_cleanup(multi); }
    };

    asio::any_io_executor executor_;
    std::unique_ptr<CURLM, multi_deleter> multi_;
    asio::posix::stream_descriptor sockets_;  ///< The epoll set.
    asio::steady_timer timer_;
    std::vector<driven_transfer*> active_;
    std::vector<driven_transfer*> to_resume_;
    driven_transfer* gathering_ = nullptr;
    std::string gathered_;
    bool waiting_ = false;
    bool resume_posted_ = false;
    bool closing_ = false;
    bool broken_ = false;
};

}  // namespace corun::curl
