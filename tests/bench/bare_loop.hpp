#pragma once
#include <curl/curl.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <functional>
#include <optional>
#include <string>

namespace corun::bench {

/// libcurl multi on an epoll set of its own: the least that a program with libcurl can do. What is compared with.
class bare_loop {
public:
    bare_loop() {
        curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, &bare_loop::on_socket);
        curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
        curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, &bare_loop::on_timer);
        curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
    }
    bare_loop(const bare_loop&) = delete;
    bare_loop& operator=(const bare_loop&) = delete;

    /// `receive` gets `user`. As corun does, each stream is a POST on a connection of its own.
    void start(const std::string& url, curl_write_callback receive, void* user) {
        CURL* const easy = curl_easy_init();
        curl_easy_setopt(easy, CURLOPT_URL, url.c_str());
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, "{}");
        curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
        curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
        curl_easy_setopt(easy, CURLOPT_PROXY, "");
        curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, receive);
        curl_easy_setopt(easy, CURLOPT_WRITEDATA, user);
        if (curl_multi_add_handle(multi_, easy) != CURLM_OK) std::exit(4);
        ++running_;
    }

    /// Until no stream is left, or `done` is true.
    void run(const std::function<bool()>& done) {
        epoll_event ready[256];
        while (running_ != 0 && !done()) {
            const int count = ::epoll_wait(set_, ready, 256, wait_ms());
            for (int i = 0; i < count; ++i) {
                const bool in = (ready[i].events & ~static_cast<unsigned>(EPOLLOUT)) != 0;
                const bool out = (ready[i].events & EPOLLOUT) != 0;
                act(ready[i].data.fd, (in ? CURL_CSELECT_IN : 0) | (out ? CURL_CSELECT_OUT : 0));
            }
            if (timer_ && std::chrono::steady_clock::now() >= *timer_) {
                timer_.reset();
                act(CURL_SOCKET_TIMEOUT, 0);
            }
        }
    }

private:
    void act(curl_socket_t fd, int events) {
        int running = 0;
        curl_multi_socket_action(multi_, fd, events, &running);
        running_ = running;
    }

    [[nodiscard]] int wait_ms() const {
        if (!timer_) return 100;
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(*timer_ - std::chrono::steady_clock::now());
        return static_cast<int>(std::max<std::chrono::milliseconds::rep>(left.count(), 0));
    }

    static int on_socket(CURL*, curl_socket_t fd, int events, void* self, void* known) {
        auto& loop = *static_cast<bare_loop*>(self);
        epoll_event wanted{};
        wanted.data.fd = fd;
        if ((events & CURL_POLL_IN) != 0) wanted.events |= EPOLLIN;
        if ((events & CURL_POLL_OUT) != 0) wanted.events |= EPOLLOUT;
        if (events == CURL_POLL_REMOVE) {
            ::epoll_ctl(loop.set_, EPOLL_CTL_DEL, fd, nullptr);
            return 0;
        }
        ::epoll_ctl(loop.set_, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &wanted);
        if (!known) curl_multi_assign(loop.multi_, fd, self);
        return 0;
    }

    static int on_timer(CURLM*, long ms, void* self) {
        auto& loop = *static_cast<bare_loop*>(self);
        loop.timer_.reset();
        if (ms >= 0) loop.timer_ = std::chrono::steady_clock::now() + std::chrono::milliseconds(ms);
        return 0;
    }

    CURLM* multi_ = curl_multi_init();
    int set_ = ::epoll_create1(0);
    int running_ = 0;
    std::optional<std::chrono::steady_clock::time_point> timer_;
};

}  // namespace corun::bench
