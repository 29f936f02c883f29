#include "stream/handler_calls.hpp"

#include "async/task.hpp"
#include "protocol/common.hpp"
#include "protocol/synthetic_events.hpp"
#include "text/escape.hpp"

#include <algorithm>
#include <chrono>
#include <exception>
#include <stdexcept>
#include <utility>
#include <variant>
#include <vector>

namespace corun::detail {
namespace {

/// When a handler was called, by both clocks.
struct beginning {
    explicit beginning(const stream_state& stream) : time(stream.now()), date(std::chrono::system_clock::now()) {}

    net::time_point time;
    std::chrono::system_clock::time_point date;
};

/// Whether it can be sent: all its texts are UTF-8.
bool is_text(const call_output& output) noexcept {
    const auto* content = std::get_if<std::vector<content_block>>(&output.value());
    if (content == nullptr) return codec::is_text(output.text());
    return std::all_of(content->begin(), content->end(), [](const content_block& block) {
        return codec::is_text(block.value) && codec::is_text(block.filename);
    });
}

}  // namespace

void deliver(stream_state& stream, std::string_view name, const std::string& data) {
    if (stream.abandoned() || stream.fsm.over()) return;
    stream.events.push(name, data);
    stream.fsm.backlog_changed(stream.events.bytes(), stream.now());
    stream.arrival.notify();
}

asio::awaitable<call_output> call_function(std::shared_ptr<stream_state> stream, function_handler handler,
                                           function_call call) {
    events::function_called done;
    done.call_id = call.id;
    done.name = call.name;
    done.arguments = call.arguments;
    const beginning began(*stream);
    call_output output;
    std::exception_ptr failure;
    try {
        if (!handler) throw std::runtime_error("there is no function " + quote(call.name));
        output = co_await handler(std::move(call));
    } catch (...) {
        failure = std::current_exception();
    }
    if (failure)
        done.error = message_of(failure);
    else if (!is_text(output))
        // It could not be sent, and the run would wait for it until it expires.
        done.error = "the output is not valid UTF-8";
    if (done.error) output = codec::encode_function_failure(*done.error);
    done.output = output.text();
    done.duration = stream->now() - began.time;
    deliver(*stream, codec::function_called_name, codec::encode(done));
    stream->observed.function_called(stream->api(), done, began.date, stream->secrets, stream->protocol->identity());
    co_return std::move(output);
}

asio::awaitable<approval_decision> ask_for_approval(std::shared_ptr<stream_state> stream, approval_handler handler,
                                                    mcp_approval_request request) {
    events::approval_decided done;
    done.call_id = request.id;
    done.name = request.name;
    done.arguments = request.arguments;
    done.server_label = request.server_label;
    const beginning began(*stream);
    approval_decision decision;
    std::exception_ptr failure;
    try {
        decision = co_await handler(std::move(request));
    } catch (...) {
        failure = std::current_exception();
    }
    if (failure) done.error = message_of(failure);
    done.approved = decision.approves();
    done.reason = decision.reason();
    done.duration = stream->now() - began.time;
    deliver(*stream, codec::approval_decided_name, codec::encode(done));
    stream->observed.approval_decided(stream->api(), done, began.date, stream->secrets, stream->protocol->identity());
    if (done.error) throw error(errc::handler_failed, "on_mcp_approval: " + *done.error);
    co_return decision;
}

}  // namespace corun::detail
