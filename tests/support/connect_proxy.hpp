#pragma once
#include "loopback_server.hpp"

#include <string>
#include <utility>
#include <vector>

namespace corun::test {

/// An HTTP proxy on a free port of 127.0.0.1, for which every host is this machine. It keeps the heads
/// of what it was asked for; a request that is not for a tunnel it answers itself.
class connect_proxy {
public:
    /// With `credentials`, as the field `Proxy-Authorization` gives them, it refuses others.
    explicit connect_proxy(asio::io_context& io, std::string credentials = {})
        : shared_(std::make_shared<shared>()), server_(io, [common = shared_](std::shared_ptr<raw_connection> peer) {
              return serve(std::move(peer), common);
          }) {
        shared_->credentials = std::move(credentials);
    }

    /// `user` is empty or `name:password@`.
    [[nodiscard]] std::string url(const std::string& user = {}) const {
        return "http://" + user + server_.url().substr(std::string("http://").size());
    }
    [[nodiscard]] const std::vector<std::string>& heads() const noexcept { return shared_->heads; }

private:
    struct shared {
        std::string credentials;
        std::vector<std::string> heads;
    };
    using socket = asio::ip::tcp::socket;

    static asio::awaitable<void> serve(std::shared_ptr<raw_connection> peer, std::shared_ptr<shared> common) {
        const raw_request request = co_await peer->read_head();
        common->heads.push_back(request.head);
        if (!common->credentials.empty() && request.field("proxy-authorization") != common->credentials) {
            co_await peer->write(
                whole_response(407, "text/plain", "who are you?", "Proxy-Authenticate: Basic realm=\"test\"\r\n"));
            co_return;
        }
        if (!request.head.starts_with("CONNECT ")) {
            co_await peer->write(whole_response(200, "text/plain", "by proxy"));
            co_return;
        }
        auto target = std::make_shared<socket>(co_await asio::this_coro::executor);
        const std::string where = request.target();
        const auto port = static_cast<std::uint16_t>(std::stoi(where.substr(where.rfind(':') + 1)));
        const asio::ip::tcp::endpoint here(asio::ip::address_v4::loopback(), port);
        std::error_code code;
        co_await target->async_connect(here, asio::redirect_error(asio::use_awaitable, code));
        co_await peer->write("HTTP/1.1 200 Connection established\r\n\r\n");
        asio::co_spawn(target->get_executor(), back(target, peer), [](std::exception_ptr) {});
        while (true) {
            const std::string bytes = co_await peer->read_some();
            if (bytes.empty()) break;
            co_await asio::async_write(*target, asio::buffer(bytes), asio::redirect_error(asio::use_awaitable, code));
        }
        target->close(code);
    }

    static asio::awaitable<void> back(std::shared_ptr<socket> target, std::shared_ptr<raw_connection> peer) {
        std::string bytes(std::size_t{16} << 10, '\0');
        std::error_code code;
        while (true) {
            const std::size_t size =
                co_await target->async_read_some(asio::buffer(bytes), asio::redirect_error(asio::use_awaitable, code));
            if (code) break;
            co_await peer->write(bytes.substr(0, size));
        }
        peer->close();
    }

    std::shared_ptr<shared> shared_;
    loopback_server server_;
};

}  // namespace corun::test
