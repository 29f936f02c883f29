#include "stream/handler_calls.hpp"

#include "async/task.hpp"
#include "protocol/common.hpp"
#include "protocol/synthetic_events.hpp"
#include "text/escape.hpp"

#include <chrono>
#include <exception>
#include <stdexcept>
#include <utility>

namespace corun::detail {
namespace {

/// When a handler was called, by both clocks.
struct beginning {
    explicit beginning(const stream_state& stream) : time(stream.now()), date(std::chrono::system_clock::now()) {}

    net::time_point time;
    std::chrono::system_clock::time_point date;
};

/// Nobody takes events of a stream that is over.
void deliver(stream_state& stream, std::string_view name, const std::string& data) {
    if (stream.abandoned() || stream.fsm.over()) return;
    stream.events.push(name, data);
    stream.fsm.backlog_changed(stream.events.bytes(), stream.now());
    stream.arrival.notify();
}

}  // namespace

asio::awaitable<std::string> call_function(std::shared_ptr<stream_state> stream, function_handler handler,
                                           function_call call) {
    events::function_called done;
    done.call_id = call.id;
    done.name = call.name;
    done.arguments = call.arguments;
    const beginning began(*stream);
    std::exception_ptr failure;
    try {
        if (!handler) throw std::runtime_error("there is no function " + quote(call.name));
        done.output = co_await handler(std::move(call));
    } catch (...) {
        failure = std::current_exception();
    }
    if (failure)
        done.error = message_of(failure);
    else if (!codec::is_text(done.output))
        // It could not be sent, and the run would wait for it until it expires.
        done.error = "the output is not valid UTF-8";
    if (done.error) done.output = codec::encode_function_failure(*done.error);
    done.duration = stream->now() - began.time;
    deliver(*stream, codec::function_called_name, codec::encode(done));
    stream->observed.function_called(stream->api(), done, began.date, stream->secrets, stream->protocol->identity());
    co_return std::move(done.output);
}

asio::awaitable<bool> ask_for_approval(std::shared_ptr<stream_state> stream, approval_handler handler,
                                       mcp_approval_request request) {
    events::approval_decided done;
    done.call_id = request.id;
    done.name = request.name;
    done.arguments = request.arguments;
    done.server_label = request.server_label;
    const beginning began(*stream);
    std::exception_ptr failure;
    try {
        done.approved = co_await handler(std::move(request));
    } catch (...) {
        failure = std::current_exception();
    }
    if (failure) done.error = message_of(failure);
    done.duration = stream->now() - began.time;
    deliver(*stream, codec::approval_decided_name, codec::encode(done));
    stream->observed.approval_decided(stream->api(), done, began.date, stream->secrets, stream->protocol->identity());
    if (done.error) throw error(errc::handler_failed, "on_mcp_approval: " + *done.error);
    co_return done.approved;
}

}  // namespace corun::detail
