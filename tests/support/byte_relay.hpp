#pragma once
#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/redirect_error.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/write.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace corun::test {

/// A relay of bytes, whatever they say, on a free port of 127.0.0.1, to a server there. It cuts the next connection
/// where it is told to.
class byte_relay {
public:
    enum class end { closed, reset };

    byte_relay(asio::io_context& io, std::uint16_t port)
        : acceptor_(io, {asio::ip::address_v4::loopback(), 0}), target_(asio::ip::address_v4::loopback(), port) {
        accept();
    }

    [[nodiscard]] std::uint16_t port() const { return acceptor_.local_endpoint().port(); }

    /// Ends the next connection when so many bytes have come from the server.
    void cut_next(std::size_t bytes, end how) {
        cut_ = bytes;
        how_ = how;
    }
    /// Takes that back, if no connection has been made since.
    void spare() { cut_.reset(); }
    /// How many bytes have come from the server over the latest connection.
    [[nodiscard]] std::size_t passed() const { return latest_ ? latest_->passed : 0; }

private:
    using socket = asio::ip::tcp::socket;

    struct link {
        explicit link(socket accepted) : client(std::move(accepted)), server(client.get_executor()) {}

        socket client, server;
        std::optional<std::size_t> cut;
        end how = end::closed;
        std::size_t passed = 0;

        void close(bool reset) {
            std::error_code ignored;
            if (reset) client.set_option(asio::socket_base::linger(true, 0), ignored);
            client.close(ignored);
            server.close(ignored);
        }
    };

    void accept() {
        acceptor_.async_accept([this](std::error_code code, socket accepted) {
            if (code) return;
            auto made = std::make_shared<link>(std::move(accepted));
            made->cut.swap(cut_);
            made->how = how_;
            latest_ = made;
            asio::co_spawn(acceptor_.get_executor(), to_server(std::move(made), target_), [](std::exception_ptr) {});
            accept();
        });
    }

    static asio::awaitable<void> to_server(std::shared_ptr<link> of, asio::ip::tcp::endpoint target) {
        std::error_code code;
        co_await of->server.async_connect(target, asio::redirect_error(asio::use_awaitable, code));
        if (!code) asio::co_spawn(of->server.get_executor(), to_client(of), [](std::exception_ptr) {});
        std::string block(std::size_t{16} << 10, '\0');
        while (!code) {
            const std::size_t size = co_await of->client.async_read_some(
                asio::buffer(block), asio::redirect_error(asio::use_awaitable, code));
            if (!code)
                co_await asio::async_write(of->server, asio::buffer(block, size),
                                           asio::redirect_error(asio::use_awaitable, code));
        }
        of->close(false);
    }

    static asio::awaitable<void> to_client(std::shared_ptr<link> of) {
        std::error_code code;
        std::string block(std::size_t{16} << 10, '\0');
        while (!code) {
            std::size_t size = co_await of->server.async_read_some(asio::buffer(block),
                                                                   asio::redirect_error(asio::use_awaitable, code));
            if (code) break;
            const bool is_last = of->cut && of->passed + size >= *of->cut;
            if (is_last) size = *of->cut - of->passed;
            of->passed += size;
            co_await asio::async_write(of->client, asio::buffer(block, size),
                                       asio::redirect_error(asio::use_awaitable, code));
            if (is_last) break;
        }
        of->close(of->cut && of->how == end::reset);
    }

    asio::ip::tcp::acceptor acceptor_;
    asio::ip::tcp::endpoint target_;
    std::optional<std::size_t> cut_;
    end how_ = end::closed;
    std::shared_ptr<link> latest_;
};

}  // namespace corun::test
