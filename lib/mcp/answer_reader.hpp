#pragma once
#include "http/call.hpp"
#include "mcp/rpc_message.hpp"
#include <corun/mcp/tool.hpp>
#include <corun/sse/parser.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace corun::mcp {

/// Reads the answer to one request out of the bodies of HTTP responses: a JSON document, or an event stream, which may
/// also have other messages, and be continued by another response. Pure.
class answer_reader {
public:
    struct events {
        events() = default;

        std::function<void(const message&)> on_request;    ///< A request of the server, which waits for an answer.
        std::function<void(const progress&)> on_progress;  ///< For this request.
    };

    /// `id` is that of the request, which is its progress token too.
    answer_reader(std::string id, std::size_t max_bytes, events handlers);

    /// The head of a response, with status 2xx. Throws `errc::unexpected_content_type`.
    void begin(std::string_view media_type);
    /// Part of its body. `last` when the answer is there. Throws `errc::response_too_large`, and `errc::bad_response`
    /// for a stream with too many requests.
    detail::body_part read(std::string_view part);
    /// The response is complete.
    void end();

    [[nodiscard]] const std::optional<message>& answer() const noexcept { return answer_; }
    [[nodiscard]] std::optional<message>& answer() noexcept { return answer_; }

    /// The event after which the stream can be continued; empty if it cannot.
    [[nodiscard]] const std::string& last_event_id() const noexcept { return last_event_id_; }
    [[nodiscard]] std::optional<std::chrono::milliseconds> retry_after() const noexcept { return retry_after_; }
    /// The number of messages read so far.
    [[nodiscard]] std::size_t messages() const noexcept { return messages_; }

private:
    enum class format { none, json, events };

    /// False if the text has no messages.
    bool take(std::string_view json);
    void take(message one);
    void take_progress(std::string_view params);

    std::string id_;
    std::size_t max_bytes_;
    events handlers_;
    format format_ = format::none;
    sse::parser parser_;
    std::string document_;
    std::string last_event_id_;
    std::optional<std::chrono::milliseconds> retry_after_;
    std::optional<message> answer_;
    std::size_t messages_ = 0, requests_ = 0;
};

}  // namespace corun::mcp
