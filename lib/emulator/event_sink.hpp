#pragma once
#include "emulator/faults.hpp"
#include "server/http_server.hpp"

#include <asio/awaitable.hpp>
#include <asio/io_context.hpp>

#include <memory>
#include <string>
#include <vector>

namespace corun::emulator {

/// The destination of a run's events: an SSE response, or nothing.
class event_sink {
public:
    event_sink() = default;
    event_sink(asio::io_context& context, std::shared_ptr<http::exchange> exchange, std::vector<fault> faults)
        : context_(&context), exchange_(std::move(exchange)), faults_(std::move(faults)) {}

    [[nodiscard]] bool is_open() const noexcept { return exchange_ != nullptr; }
    /// Adds an event. True when `flush` is due.
    bool put(const std::string& event, const std::string& data);
    /// Adds a frame unchanged.
    bool put_frame(const std::string& event, std::string frame);
    /// Completes when the socket has accepted everything. A client that has disconnected is not an error: the run
    /// continues without it. Throws when cancelled; the bytes that the socket has not accepted are kept.
    asio::awaitable<void> flush();
    asio::awaitable<void> finish();

private:
    asio::io_context* context_ = nullptr;
    std::shared_ptr<http::exchange> exchange_;
    stream_faults faults_;
    std::string buffer_;
    stream_faults::end end_ = stream_faults::end::none;
};

}  // namespace corun::emulator
