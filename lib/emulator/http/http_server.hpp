#pragma once
#include <corun/headers.hpp>

#include <asio/awaitable.hpp>
#include <asio/io_context.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// The HTTP/1.1 server under the emulator: the only place that knows RESTinio.
namespace corun::emulator::http {

using fields = std::vector<std::pair<std::string, std::string>>;

/// The first field of this name, empty when there is none.
inline std::string_view find(const fields& list, std::string_view name) noexcept {
    for (const auto& [key, value] : list)
        if (equal_ignoring_case(key, name)) return value;
    return {};
}

/// A time, in seconds since 1970, as the field `Date` says it (RFC 9110, 5.6.7).
std::string date(std::int64_t time);

struct request {
    request() = default;

    std::string method;
    std::string target;  ///< As on the request line: path and query, still encoded.
    http::fields fields;
    std::string body;
};

/// One request and its response. Nothing of it throws because a client has gone, but `write`.
class exchange {
public:
    virtual ~exchange() = default;

    http::request request;

    /// Answers with a whole body.
    virtual void respond(int status, fields head, std::string body) = 0;
    /// Begins a chunked answer.
    virtual void begin(int status, fields head) = 0;
    /// Writes a chunk. Completes when the socket has taken it, which is the back-pressure of a
    /// client that does not read. Throws `std::system_error` when the connection is gone. Cancelled
    /// (terminal), it throws `operation_aborted`; the chunk is sent all the same, before any other.
    virtual asio::awaitable<void> write(std::string bytes) = 0;
    /// Ends a chunked answer.
    virtual void finish() = 0;
    /// Cuts the connection where it stands: no last chunk. `reset` sends RST, otherwise FIN.
    virtual void abort(bool reset) = 0;
    /// Completes when the connection is closed, by whichever side.
    virtual asio::awaitable<void> closed() = 0;
};

/// Runs on the io_context from construction to `stop`.
class server {
public:
    using handler = std::function<void(std::shared_ptr<exchange>)>;

    /// Listens; port 0 takes a free one. Throws `std::system_error` when it cannot.
    server(asio::io_context& context, const std::string& address, std::uint16_t port, handler on_request);
    ~server();

    [[nodiscard]] std::uint16_t port() const noexcept;
    /// Stops listening and closes every connection, idle or not.
    void stop();

private:
    struct impl;
    std::shared_ptr<impl> impl_;
};

}  // namespace corun::emulator::http
