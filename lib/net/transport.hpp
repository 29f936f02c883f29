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

/// HTTP as the rest of the library sees it. One real implementation (curl/), and scripted ones in tests.
namespace corun::net {

/// The body of a request that is too large to be held in memory: pulled as the connection takes it.
class body_source {
public:
    virtual ~body_source() = default;
    /// How many bytes it gives in all. Does not change.
    [[nodiscard]] virtual std::uint64_t size() const noexcept = 0;
    /// Puts the next bytes at `to`, and returns how many: at least one, at most `room`. Not called
    /// after `size()` bytes. Throws `corun::error`, with which the transfer then ends.
    virtual std::size_t read(char* to, std::size_t room) = 0;
};

/// What an observer needs to know of a request. It has no effect on how the request is sent.
struct request_context {
    request_context() = default;

    detail::redactor secrets;        ///< Must not be shown of the request and its response; headers apart.
    int attempt = 1;                 ///< 2 if the request is sent for the second time, and so on.
    bool response_is_token = false;  ///< The body of the response is itself a secret.
};

struct request {
    request() = default;

    std::string method = "GET";
    std::string url;
    corun::headers headers;
    secret body;  ///< Sent with POST.
    /// Sent with POST instead of `body`: once, from its beginning to its end.
    std::unique_ptr<body_source> source;
    /// The response is a stream, read as fast as its consumer takes it: it needs a connection of its
    /// own, so that pausing it holds back its sender and nobody else.
    bool streams = false;
    /// The stream is too large to be kept while it is paused, so that its connection is its own also where the
    /// transport lets streams share them.
    bool unshared = false;
    std::chrono::milliseconds connect_timeout{0};  ///< 0: none.
    request_context context;
};

/// Status line and header fields of a response. Names compare without regard to case.
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
/// A sink may call `pause` and `resume` from a callback, but must not start, cancel or destroy a
/// transfer there: the transport is in the middle of its work.
class sink {
public:
    /// The final response's head (not those of 1xx responses). Before any byte.
    virtual void on_head(response_head head) noexcept = 0;
    /// Body bytes, valid during the call.
    virtual void on_bytes(std::string_view bytes) noexcept = 0;
    /// So many bytes of the request's body have been taken from its source by now.
    virtual void on_sent(std::uint64_t /*bytes*/) noexcept {}
    /// The transfer is over, exactly once: no code when the response is complete. `detail` is a
    /// sentence, safe to log.
    virtual void on_done(std::error_code code, std::string detail) noexcept = 0;

protected:
    ~sink() = default;
};

/// A request under way. Destroying it cancels it: the sink is not called again.
class transfer {
public:
    virtual ~transfer() = default;
    /// Stops reading: bytes already received may still be handed over. Idempotent.
    virtual void pause() noexcept = 0;
    virtual void resume() noexcept = 0;
};

class transport {
public:
    virtual ~transport() = default;
    /// Starts a request. `receiver` must outlive the transfer. Failures come by `on_done`; only
    /// `std::bad_alloc` is thrown.
    virtual std::unique_ptr<transfer> start(net::request request, sink& receiver) = 0;
};

}  // namespace corun::net
