#pragma once
#include "net/transport.hpp"
#include "stream/state.hpp"
#include <corun/error.hpp>
#include <corun/sse/parser.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>

namespace corun::detail {

/// An event of the run arrived, from a response or from polling: queues it for the caller, and decides what the run
/// does next. Does not wait.
/// `shaped`: what is known of `data`.
void receive_event(stream_state& stream, std::string_view name, std::string_view data,
                   const codec::shaped_text& shaped = {});

/// The response has no more to say: what it has told of the run's end without a reason is how the run ended.
void receive_unreported_end(stream_state& stream) noexcept;

/// Receives one response of the run: head, bytes, events. Belongs to its stream.
///
/// Called on the transport's executor. The transfer is never destroyed in one of these calls.
class response_reader final : public net::sink {
public:
    explicit response_reader(stream_state& stream);

    /// Sends the request.
    void start(net::request request);
    /// Drops the transfer, and what of the response has not been received.
    void close() noexcept { transfer_.reset(); }
    /// Pauses or resumes reading; true when it has resumed.
    bool pause(bool paused) noexcept;

    /// The response is an event stream.
    [[nodiscard]] bool accepted() const noexcept { return kind_ == kind::events; }
    /// The response is something else, and has been received as far as an error needs it.
    [[nodiscard]] bool refused() const noexcept { return kind_ == kind::refusal && (over_ || refusal_is_complete_); }
    /// Nothing will come any more.
    [[nodiscard]] bool over() const noexcept { return over_ || refusal_is_complete_; }
    /// A transfer is under way.
    [[nodiscard]] bool open() const noexcept { return transfer_ && !over_; }

    [[nodiscard]] const net::response_head& head() const noexcept { return head_; }
    [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }
    /// Why there is no event stream.
    [[nodiscard]] error failure() const;

private:
    enum class kind { none, events, refusal };

    void on_head(net::response_head head) noexcept override;
    void on_bytes(std::string_view bytes) noexcept override;
    void on_done(std::error_code code, std::string detail) noexcept override;

    void accept();
    void receive_events(std::string_view bytes);
    void receive_unterminated_event();
    void receive_refusal(std::string_view bytes);

    stream_state& stream_;
    sse::parser parser_;
    net::response_head head_;
    kind kind_ = kind::none;
    std::string refusal_;  ///< The body of a response that is no event stream.
    std::error_code failure_;
    std::string detail_;  ///< Of the failure; redacted.
    std::uint64_t bytes_ = 0;
    bool refusal_is_complete_ = false;
    bool over_ = false;
    bool paused_ = false;
    std::unique_ptr<net::transfer> transfer_;
};

}  // namespace corun::detail
