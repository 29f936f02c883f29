#pragma once
#include "emulator/faults.hpp"
#include "emulator/http/http_server.hpp"

#include <asio/awaitable.hpp>
#include <asio/io_context.hpp>

#include <memory>
#include <string>
#include <vector>

namespace corun::emulator {

/// Where the events of a run go: an SSE response, or nowhere.
class event_sink {
public:
    event_sink() = default;
    event_sink(asio::io_context& context, std::shared_ptr<http::exchange> exchange, std::vector<fault> faults)
        : context_(&context), exchange_(std::move(exchange)), faults_(std::move(faults)) {}

    [[nodiscard]] bool is_open() const noexcept { return exchange_ != nullptr; }
    /// Adds an event. True when `flush` is due.
    bool put(const std::string& event, const std::string& data);
    /// Adds a frame as it is.
    bool put_frame(const std::string& event, std::string frame);
    /// Completes when the socket has taken what was added. A client that has gone is no error:
    /// the run goes on without it. Cancelled, it throws; what the socket has not taken stays to be sent.
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
