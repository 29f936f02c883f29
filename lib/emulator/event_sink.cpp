#include "emulator/event_sink.hpp"

#include <asio/co_spawn.hpp>
#include <asio/error.hpp>
#include <asio/this_coro.hpp>

#include <algorithm>
#include <exception>
#include <system_error>
#include <utility>

namespace corun::emulator {
namespace {

/// About a socket's buffer, so that many events share the cost of one write.
constexpr std::size_t flush_at = 16 * 1024;

}  // namespace

bool event_sink::put(const std::string& event, const std::string& data) {
    if (!exchange_ || end_ != stream_faults::end::none) return false;
    std::string frame;
    frame.reserve(event.size() + data.size() + 16);
    frame.append("event: ").append(event).append("\ndata: ").append(data).append("\n\n");
    return put_frame(event, std::move(frame));
}

bool event_sink::put_frame(const std::string& event, std::string frame) {
    if (!exchange_ || end_ != stream_faults::end::none) return false;
    end_ = faults_.pass(event, std::move(frame), buffer_);
    return buffer_.size() >= flush_at || end_ != stream_faults::end::none;
}

asio::awaitable<void> event_sink::flush() {
    const auto exchange = exchange_;
    if (!exchange) co_return;
    const std::string bytes = std::exchange(buffer_, {});
    const std::size_t piece = faults_.piece();
    std::size_t sent = 0;
    bool disconnected = false;
    try {
        while (sent < bytes.size()) {
            // A cancelled write still sends its piece, but none may begin after that.
            const auto state = co_await asio::this_coro::cancellation_state;
            if (state.cancelled() != asio::cancellation_type::none)
                throw std::system_error(asio::error::operation_aborted);
            std::string chunk = bytes.substr(sent, piece);
            sent += chunk.size();
            co_await exchange->write(std::move(chunk));
        }
    } catch (const std::system_error& problem) {
        if (problem.code() == asio::error::operation_aborted) {
            buffer_.insert(0, bytes, sent);
            throw;
        }
        disconnected = true;
    }
    using end = stream_faults::end;
    if (end_ == end::cut || end_ == end::reset) exchange->abort(end_ == end::reset);
    if (end_ == end::stall && !disconnected)  // held open until the client disconnects
        asio::co_spawn(*context_, exchange->closed(), [exchange](std::exception_ptr) {});
    if (disconnected || end_ != end::none) exchange_.reset();
}

asio::awaitable<void> event_sink::finish() {
    const auto exchange = exchange_;
    co_await flush();
    if (exchange_) exchange->finish();
    exchange_.reset();
}

}  // namespace corun::emulator
