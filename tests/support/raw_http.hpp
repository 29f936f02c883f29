#pragma once
#include <asio/awaitable.hpp>
#include <asio/connect.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/read.hpp>
#include <asio/read_until.hpp>
#include <asio/redirect_error.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/write.hpp>

#include <cstddef>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// HTTP by hand on a socket, so that a test sees what a server sends and not what a client makes of it.
namespace corun::test {

struct http_request {
    explicit http_request(std::string endpoint) : url(std::move(endpoint)) {}

    std::string url;  ///< `http://address:port/path`
    std::string method = "GET";
    std::vector<std::pair<std::string, std::string>> headers;
    std::string body;

    [[nodiscard]] asio::ip::tcp::endpoint server() const {
        const auto slash = url.find('/', 7), colon = url.find(':', 7);
        return {asio::ip::make_address(url.substr(7, colon - 7)),
                static_cast<std::uint16_t>(std::stoul(url.substr(colon + 1, slash - colon - 1)))};
    }
    [[nodiscard]] std::string bytes() const {
        const auto slash = url.find('/', 7);
        std::string text = method + " " + url.substr(slash) + " HTTP/1.1\r\nHost: " + url.substr(7, slash - 7) + "\r\n";
        for (const auto& [name, value] : headers) text += name + ": " + value + "\r\n";
        if (!body.empty() || method == "POST") text += "Content-Length: " + std::to_string(body.size()) + "\r\n";
        return text + "Connection: close\r\n\r\n" + body;
    }
};

struct raw_response {
    raw_response() = default;

    int status = 0;
    std::string head, body;
    bool complete = false;  ///< All bytes of a Content-Length, or the last chunk, have come.
    bool reset = false;     ///< The connection ended by RST.

    [[nodiscard]] std::string header(std::string name) const {
        const auto at = head.find("\r\n" + name + ": ");
        if (at == std::string::npos) return {};
        const auto begin = at + name.size() + 4;
        return head.substr(begin, head.find("\r\n", begin) - begin);
    }
};

/// Takes apart what a server sent until the connection ended.
inline raw_response parse_response(const std::string& bytes) {
    raw_response response;
    const auto end = bytes.find("\r\n\r\n");
    if (end == std::string::npos) return response;
    response.head = bytes.substr(0, end + 2);
    response.status = std::stoi(response.head.substr(9, 3));
    std::string_view rest = std::string_view(bytes).substr(end + 4);
    if (const std::string length = response.header("Content-Length"); !length.empty()) {
        response.body = rest;
        response.complete = rest.size() == std::stoul(length);
        return response;
    }
    while (true) {
        const auto line = rest.find("\r\n");
        if (line == std::string_view::npos) return response;
        const std::size_t size = std::stoul(std::string(rest.substr(0, line)), nullptr, 16);
        rest.remove_prefix(line + 2);
        if (size == 0) {
            response.complete = rest == "\r\n";
            return response;
        }
        response.body += rest.substr(0, size);
        if (rest.size() < size + 2) return response;
        rest.remove_prefix(size + 2);
    }
}

/// A connection with its request sent. (A pointer, as what co_spawn gives must have a default.)
inline asio::awaitable<std::unique_ptr<asio::ip::tcp::socket>> send_raw(http_request request) {
    const auto executor = co_await asio::this_coro::executor;
    auto socket = std::make_unique<asio::ip::tcp::socket>(executor);
    co_await socket->async_connect(request.server(), asio::use_awaitable);
    const std::string bytes = request.bytes();
    co_await asio::async_write(*socket, asio::buffer(bytes), asio::use_awaitable);
    co_return socket;
}

/// Reads until the connection ends; `bytes` have been read before.
inline asio::awaitable<raw_response> read_rest(asio::ip::tcp::socket& socket, std::string bytes = {}) {
    asio::ip::tcp::socket& from = socket;
    std::error_code ended;
    co_await asio::async_read(from, asio::dynamic_buffer(bytes), asio::redirect_error(asio::use_awaitable, ended));
    raw_response response = parse_response(bytes);
    response.reset = ended == asio::error::connection_reset;
    co_return response;
}

/// Sends a request and reads until the connection ends.
inline asio::awaitable<raw_response> exchange_raw(http_request request) {
    const auto socket = co_await send_raw(std::move(request));
    raw_response response = co_await read_rest(*socket);
    co_return response;
}

}  // namespace corun::test
