#pragma once
#include "test_ca.hpp"

#include <asio/awaitable.hpp>
#include <asio/buffer.hpp>
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/read_until.hpp>
#include <asio/redirect_error.hpp>
#include <asio/ssl/context.hpp>
#include <asio/ssl/stream.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/write.hpp>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <utility>

namespace corun::test {

/// An HTTPS server on a free port of this machine, on the test's own io_context, that answers one
/// request a connection.
class tls_server {
public:
    /// `response` is what every request gets; `configure` may ask more of the peers.
    tls_server(asio::io_context& io, const ca::identity& identity, std::string response,
               const std::function<void(asio::ssl::context&)>& configure = {},
               const asio::ip::address& address = asio::ip::address_v4::loopback())
        : acceptor_(io, {address, 0}), shared_(std::make_shared<shared>()) {
        shared_->response = std::move(response);
        shared_->context.use_certificate(asio::buffer(identity.certificate), asio::ssl::context::pem);
        shared_->context.use_private_key(asio::buffer(identity.key), asio::ssl::context::pem);
        if (configure) configure(shared_->context);
        accept();
    }

    [[nodiscard]] std::uint16_t port() const { return acceptor_.local_endpoint().port(); }
    [[nodiscard]] std::string url(const std::string& host) const {
        return "https://" + host + ":" + std::to_string(port());
    }
    /// What all peers have said, deciphered.
    [[nodiscard]] const std::string& received() const { return shared_->received; }
    /// How many connections are over, in whatever way.
    [[nodiscard]] int ended() const { return shared_->ended; }

private:
    using stream = asio::ssl::stream<asio::ip::tcp::socket>;
    /// What the connections need, for as long as one of them lives.
    struct shared {
        asio::ssl::context context{asio::ssl::context::tls_server};
        std::string response, received;
        int ended = 0;
    };

    static asio::awaitable<void> serve(std::shared_ptr<stream> peer, std::shared_ptr<shared> common) {
        std::error_code code;
        co_await peer->async_handshake(stream::server, asio::redirect_error(asio::use_awaitable, code));
        if (!code) {
            std::string head;
            co_await asio::async_read_until(*peer, asio::dynamic_buffer(head), "\r\n\r\n",
                                            asio::redirect_error(asio::use_awaitable, code));
            common->received += head;
        }
        if (!code)
            co_await asio::async_write(*peer, asio::buffer(common->response),
                                       asio::redirect_error(asio::use_awaitable, code));
        peer->lowest_layer().close(code);
        ++common->ended;
    }

    void accept() {
        acceptor_.async_accept([this, common = shared_](std::error_code code, asio::ip::tcp::socket socket) {
            if (code) return;
            auto peer = std::make_shared<stream>(std::move(socket), common->context);
            asio::co_spawn(acceptor_.get_executor(), serve(std::move(peer), common), [](std::exception_ptr failure) {
                if (failure) std::rethrow_exception(failure);
            });
            accept();
        });
    }

    asio::ip::tcp::acceptor acceptor_;
    std::shared_ptr<shared> shared_;
};

}  // namespace corun::test
