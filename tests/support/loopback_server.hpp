#pragma once
#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/read.hpp>
#include <asio/read_until.hpp>
#include <asio/redirect_error.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/write.hpp>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace corun::test {

/// A request as a raw server saw it.
struct raw_request {
    raw_request() = default;

    std::string head, body;

    [[nodiscard]] std::string field(std::string_view name) const {
        const auto same = [](char a, char b) {
            return std::tolower(static_cast<unsigned char>(a)) == std::tolower(static_cast<unsigned char>(b));
        };
        const std::string wanted = "\n" + std::string(name) + ":";
        const auto at = std::search(head.begin(), head.end(), wanted.begin(), wanted.end(), same);
        if (at == head.end()) return {};
        std::string_view rest(&*at + wanted.size(), static_cast<std::size_t>(head.end() - at) - wanted.size());
        rest = rest.substr(0, rest.find('\r'));
        while (rest.starts_with(' ')) rest.remove_prefix(1);
        return std::string(rest);
    }
    [[nodiscard]] std::string target() const {
        const auto begin = head.find(' ') + 1;
        return head.substr(begin, head.find(' ', begin) - begin);
    }
};

/// One accepted connection: the test decides every byte.
class raw_connection {
public:
    explicit raw_connection(asio::ip::tcp::socket socket) : socket_(std::move(socket)) {}

    /// The next request; an empty head when the peer has closed.
    asio::awaitable<raw_request> read() {
        raw_request request = co_await read_head();
        std::error_code code;
        std::size_t length = 0;
        const std::string text = request.field("content-length");
        std::from_chars(text.data(), text.data() + text.size(), length);
        if (buffer_.size() < length) {
            co_await asio::async_read(socket_, asio::dynamic_buffer(buffer_),
                                      asio::transfer_exactly(length - buffer_.size()),
                                      asio::redirect_error(asio::use_awaitable, code));
        }
        request.body = buffer_.substr(0, length);
        buffer_.erase(0, length);
        co_return request;
    }

    /// The head of the next request alone.
    asio::awaitable<raw_request> read_head() {
        raw_request request;
        std::error_code code;
        const std::size_t size = co_await asio::async_read_until(socket_, asio::dynamic_buffer(buffer_), "\r\n\r\n",
                                                                 asio::redirect_error(asio::use_awaitable, code));
        if (code) co_return request;
        request.head = buffer_.substr(0, size);
        buffer_.erase(0, size);
        co_return request;
    }

    /// Some of what comes after it, 64 KiB at most; nothing when the peer is gone.
    asio::awaitable<std::string> read_some() {
        std::string bytes = std::exchange(buffer_, {});
        if (!bytes.empty()) co_return bytes;
        bytes.resize(64 << 10);
        std::error_code code;
        bytes.resize(
            co_await socket_.async_read_some(asio::buffer(bytes), asio::redirect_error(asio::use_awaitable, code)));
        co_return bytes;
    }

    /// False when the peer is gone.
    asio::awaitable<bool> write(std::string bytes) {
        std::error_code code;
        co_await asio::async_write(socket_, asio::buffer(bytes), asio::redirect_error(asio::use_awaitable, code));
        co_return !code;
    }

    /// One HTTP chunk.
    asio::awaitable<bool> write_chunk(std::string bytes) {
        char size[20];
        const auto [end, code] = std::to_chars(size, size + sizeof size, bytes.size(), 16);
        (void)code;
        std::string framed(size, end);
        framed.append("\r\n").append(bytes).append("\r\n");
        co_return co_await write(std::move(framed));
    }

    /// Completes when the peer closes or sends anything.
    asio::awaitable<void> wait_for_peer() {
        std::error_code code;
        co_await socket_.async_wait(asio::ip::tcp::socket::wait_read, asio::redirect_error(asio::use_awaitable, code));
    }

    void close() {
        std::error_code ignored;
        socket_.shutdown(asio::ip::tcp::socket::shutdown_both, ignored);
        socket_.close(ignored);
    }
    /// Closes with RST instead of FIN.
    void reset() {
        std::error_code ignored;
        socket_.set_option(asio::socket_base::linger(true, 0), ignored);
        socket_.close(ignored);
    }

private:
    asio::ip::tcp::socket socket_;
    std::string buffer_;
};

/// A TCP server on a free port of 127.0.0.1, on the test's own io_context, that hands every
/// connection to a coroutine of the test.
class loopback_server {
public:
    using handler = std::function<asio::awaitable<void>(std::shared_ptr<raw_connection>)>;

    loopback_server(asio::io_context& io, handler serve)
        : acceptor_(io, {asio::ip::address_v4::loopback(), 0}), serve_(std::move(serve)) {
        accept();
    }
    ~loopback_server() { stop(); }

    void stop() {
        std::error_code ignored;
        acceptor_.close(ignored);
        *open_ = false;
    }

    [[nodiscard]] std::string url() const {
        return "http://127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port());
    }
    [[nodiscard]] std::size_t connections() const { return connections_; }

private:
    void accept() {
        acceptor_.async_accept([this, open = open_](std::error_code code, asio::ip::tcp::socket socket) {
            if (code || !*open) return;
            ++connections_;
            // Two small writes must not wait for each other: tests in virtual time would take that for silence.
            std::error_code ignored;
            socket.set_option(asio::ip::tcp::no_delay(true), ignored);
            auto connection = std::make_shared<raw_connection>(std::move(socket));
            asio::co_spawn(acceptor_.get_executor(), serve_(connection), [connection](std::exception_ptr failure) {
                if (failure) std::rethrow_exception(failure);
            });
            accept();
        });
    }

    asio::ip::tcp::acceptor acceptor_;
    handler serve_;
    std::size_t connections_ = 0;
    std::shared_ptr<bool> open_ = std::make_shared<bool>(true);
};

inline std::string response_head(int status, std::string_view type, std::string_view more = {}) {
    return "HTTP/1.1 " + std::to_string(status) + " Status\r\nContent-Type: " + std::string(type) + "\r\n" +
           std::string(more);
}

inline std::string whole_response(int status, std::string_view type, std::string_view body,
                                  std::string_view more = {}) {
    return response_head(status, type, more) + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
           std::string(body);
}

}  // namespace corun::test
