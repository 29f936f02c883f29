#pragma once
#include <corun/headers.hpp>

#include <asio/awaitable.hpp>
#include <asio/io_context.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

/// The HTTP/1.1 server under the emulator and the gateway: the only user of RESTinio.
namespace corun::http {

using fields = std::vector<std::pair<std::string, std::string>>;

/// The first field of this name, empty when there is none.
inline std::string_view find(const fields& list, std::string_view name) noexcept {
    for (const auto& [key, value] : list)
        if (equal_ignoring_case(key, name)) return value;
    return {};
}

/// A time in seconds since 1970, as the field `Date` has it (RFC 9110, 5.6.7).
std::string date(std::int64_t time);

/// The reason phrase of a status: `Not Found`.
const char* reason(int status) noexcept;

struct request {
    request() = default;

    std::string method;
    std::string target;  ///< As on the request line: path and query, still encoded.
    http::fields fields;
    std::string body;
    bool is_http_1_0 = false;  ///< A client, or a proxy, that reads no chunked response.
};

/// One request and its response. Only `write` throws when the client has disconnected.
class exchange {
public:
    virtual ~exchange() = default;

    http::request request;

    /// Responds with a complete body.
    virtual void respond(int status, fields head, std::string body) = 0;
    /// Begins a chunked response.
    virtual void begin(int status, fields head) = 0;
    /// Writes a chunk. Completes when the socket has accepted it, so a client that does not read
    /// exerts back-pressure. Throws `std::system_error` when the connection is gone. When
    /// cancelled (terminal), it throws `operation_aborted`; the chunk is still sent, before any other.
    virtual asio::awaitable<void> write(std::string bytes) = 0;
    /// Writes a chunk for those that are no coroutines: calls `written` when the socket has accepted it or the
    /// connection is gone, possibly before this returns.
    virtual void start_write(std::string, std::function<void(std::error_code)> written) {
        written(std::make_error_code(std::errc::operation_not_supported));
    }
    /// Ends a chunked response.
    virtual void finish() = 0;
    /// Cuts the connection without a last chunk. `reset` sends RST, otherwise FIN.
    virtual void abort(bool reset) = 0;
    /// Completes when either side has closed the connection.
    virtual asio::awaitable<void> closed() = 0;
    [[nodiscard]] virtual bool is_closed() const noexcept { return false; }
    /// Called when either side closes the connection, unless it is closed already. Dropped when the server stops.
    virtual void on_close(std::function<void()>) {}
};

/// What a server accepts. A limit of 0 is none, and so is a time of 0.
struct server_limits {
    server_limits() = default;

    std::size_t max_head_bytes = 0;  ///< Of the target, and of each field. Longer ones close the connection.
    std::size_t max_body_bytes = 0;  ///< A larger one closes the connection.
    std::size_t max_connections = 0;
    /// How long a connection may take to send a request, or send none.
    std::chrono::milliseconds request_timeout{0};
};

/// Runs on the io_context from construction to `stop`.
class server {
public:
    using handler = std::function<void(std::shared_ptr<exchange>)>;

    /// Listens; port 0 chooses a free one. Throws `std::system_error`.
    server(asio::io_context& context, const std::string& address, std::uint16_t port, handler on_request,
           server_limits limits = {});
    ~server();

    [[nodiscard]] std::uint16_t port() const noexcept;
    /// Accepts no more connections. Those that exist are served.
    void stop_accepting();
    /// Stops listening and closes every connection, idle or not.
    void stop();

private:
    struct impl;
    std::shared_ptr<impl> impl_;
};

}  // namespace corun::http
