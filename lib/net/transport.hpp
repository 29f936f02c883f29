#pragma once
#include "redact/redact.hpp"
#include "text/ascii.hpp"
#include <corun/error.hpp>
#include <corun/headers.hpp>
#include <corun/secret.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

/// The interface of HTTP. Implemented by curl/, and by scripted transports in tests.
namespace corun::net {

/// The body of a request that is too large to be held in memory: read as the connection takes it.
class body_source {
public:
    virtual ~body_source() = default;
    /// The number of bytes in all. Does not change.
    [[nodiscard]] virtual std::uint64_t size() const noexcept = 0;
    /// Copies the next bytes to `to` and returns their number: at least one, at most `room`. Not called after `size()`
    /// bytes. If it throws `corun::error`, the transfer ends with that error.
    virtual std::size_t read(char* to, std::size_t room) = 0;
};

/// What an observer needs to know of a request. It has no effect on how the request is sent.
struct request_context {
    request_context() = default;

    detail::redactor secrets;        ///< Must not be shown of the request and its response; headers apart.
    std::string tag;                 ///< `run_options::tag`
    std::string rpc_method;          ///< JSON-RPC
    int attempt = 1;                 ///< 2 if the request is sent for the second time, and so on.
    bool response_is_token = false;  ///< The body of the response is itself a secret.
};

struct request {
    request() = default;

    std::string method = "GET";
    std::string url;
    corun::headers headers;
    secret body;  ///< Sent with POST.
    /// Sent with POST instead of `body`; read once, from its beginning to its end.
    std::unique_ptr<body_source> source;
    /// The response is a stream, read as fast as its consumer takes it. It gets a connection of its own, so that
    /// pausing it holds back only its sender.
    bool streams = false;
    /// The stream is too large to be buffered while it is paused, so it gets a connection of its own even if the
    /// transport lets streams share connections.
    bool unshared = false;
    /// Sending the request twice has the same effect as sending it once (RFC 9110, 9.2.2). A POST is taken not to be
    /// idempotent without it, and goes out on a connection that the server is not about to close as idle.
    bool idempotent = false;
    /// A POST that is not idempotent may go out on a connection that was in use a moment ago, which its server is not
    /// about to close as idle either.
    bool follows_another = false;
    std::chrono::milliseconds connect_timeout{0};  ///< 0: none.
    request_context context;
};

/// Status line and header fields of a response. Names are compared case-insensitively.
struct response_head {
    response_head() = default;

    int status = 0;
    std::vector<std::pair<std::string, std::string>> fields;

    [[nodiscard]] std::string_view field(std::string_view name) const noexcept {
        for (const auto& [key, value] : fields)
            if (equal_ignoring_case(key, name)) return value;
        return {};
    }
    /// The media type in `Content-Type`, without parameters.
    [[nodiscard]] std::string_view media_type() const noexcept { return ascii::media_type(field("content-type")); }
};

/// Receives one response. Called on the transport's executor, never from inside `start`, `pause`,
/// `resume` or `cancel`, and never after `on_done` or after the transfer was destroyed.
///
/// A sink may call `pause` and `resume` from a callback, but must not start, cancel or destroy a transfer there: the
/// transport is not reentrant.
class sink {
public:
    /// The head of the final response, not of 1xx responses. Called before `on_bytes`.
    virtual void on_head(response_head head) noexcept = 0;
    /// Bytes of the body, valid during the call.
    virtual void on_bytes(std::string_view bytes) noexcept = 0;
    /// The number of bytes that have been read from the request's source so far.
    virtual void on_sent(std::uint64_t /*bytes*/) noexcept {}
    /// The transfer has ended; called exactly once. No code if the response is complete. `detail` is a sentence, safe
    /// to log.
    virtual void on_done(std::error_code code, std::string detail) noexcept = 0;

protected:
    ~sink() = default;
};

/// A request in progress. Destroying it cancels the request: the sink is not called again.
class transfer {
public:
    virtual ~transfer() = default;
    /// Stops reading; bytes that have already been received may still be delivered. Idempotent.
    virtual void pause() noexcept = 0;
    virtual void resume() noexcept = 0;
};

class transport {
public:
    virtual ~transport() = default;
    /// Starts a request. `receiver` must outlive the transfer. Failures are reported by `on_done`; this throws only
    /// `std::bad_alloc`.
    virtual std::unique_ptr<transfer> start(net::request request, sink& receiver) = 0;
};

}  // namespace corun::net
