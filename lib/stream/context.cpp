#include "stream/context.hpp"

#include "async/task.hpp"
#include "stream/client_servers.hpp"

#include <utility>

namespace corun::detail {
namespace {

/// A provider is called by a coroutine that owns it: what its own coroutine captured then lives as
/// long as that does, also when nobody waits for it any more.
asio::awaitable<mcp_headers> headers_of(mcp_header_provider provider, mcp_header_request request) {
    mcp_headers headers = co_await provider(std::move(request));
    co_return headers;
}

}  // namespace

stream_options options_of(const run_context& run) noexcept {
    stream_options options;
    const run_options& own = *run.options;
    const client_options& common = run.api->options;
    options.connect_timeout = own.connect_timeout.value_or(common.connect_timeout);
    options.idle_timeout = own.idle_timeout.value_or(common.idle_timeout);
    options.event_timeout = own.event_timeout.value_or(common.event_timeout);
    options.total_timeout = own.total_timeout.value_or(common.total_timeout);
    options.retry = own.retry.value_or(common.retry);
    options.reattach = own.reattach.value_or(common.reattach);
    options.strict_events = own.strict_events.value_or(common.strict_events);
    return options;
}

asio::awaitable<mcp_headers> ask_for_headers(std::shared_ptr<run_context> run, mcp_header_request request) {
    std::optional<mcp_headers> headers;
    const std::chrono::milliseconds limit = run->options->mcp_header_timeout;
    std::exception_ptr failure;
    try {
        auto asking = task<mcp_headers>::start(run->api->executor, headers_of(run->provider, std::move(request)));
        headers = co_await task<mcp_headers>::outcome_within(std::move(asking), run->api->clock, limit);
    } catch (...) {
        failure = std::current_exception();
    }
    const auto state = co_await asio::this_coro::cancellation_state;
    if (state.cancelled() != asio::cancellation_type::none) throw std::system_error(asio::error::operation_aborted);
    if (failure) throw error(errc::mcp_headers_failed, message_of(failure));
    if (!headers)
        throw error(errc::mcp_headers_timeout, "it took longer than " + std::to_string(limit.count()) + " ms");
    if (run->client) run->client->take(*headers);
    co_return std::move(*headers);
}

}  // namespace corun::detail
