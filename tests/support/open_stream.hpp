#pragma once
#include "client/handle_access.hpp"

#include <asio/awaitable.hpp>

#include <memory>
#include <utility>

namespace corun {

/// Sends `request`, which begins a run.
inline asio::awaitable<event_stream> open_stream(std::shared_ptr<detail::run_context> run,
                                                 std::unique_ptr<detail::run_protocol> protocol,
                                                 detail::prepared_run request) {
    detail::stream_owner stream =
        co_await detail::run_stream::open(std::move(run), std::move(protocol), std::move(request));
    co_return detail::handle_access::make_stream(std::move(stream));
}

}  // namespace corun
