#include "emulator/responses/response_execution.hpp"

#include "emulator/http/api_error.hpp"
#include "emulator/responses/response_context.hpp"

#include <chrono>
#include <utility>

namespace corun::emulator {
namespace {

constexpr const char* rate_limit_exceeded = "rate_limit_exceeded";

void reject(responder& responder, const run_failure& failure, std::chrono::seconds retry_after) {
    header_fields headers;
    if (failure.code == rate_limit_exceeded && retry_after.count() > 0)
        headers.emplace_back("Retry-After", std::to_string(retry_after.count()));
    responder.respond(failure.status, error_envelope(failure.what(), failure.type, failure.param, failure.code),
                      std::move(headers));
}

}  // namespace

response_execution::response_execution(std::shared_ptr<responses_engine> engine, std::shared_ptr<environment> shared,
                                       const std::shared_ptr<response>& response, event_sink sink,
                                       std::shared_ptr<responder> responder)
    : script_interpreter(std::move(shared), response, std::move(sink)),
      engine_(std::move(engine)),
      response_(*response),
      responder_(std::move(responder)),
      events_(*environment_, response_, sink_) {}

bool response_execution::waits_for_reader() const {
    return response_.options.background && !response_.options.streaming;
}

asio::awaitable<void> response_execution::perform() {
    co_await events_.emit_response("response.created");
    if (response_.options.background) {
        co_await events_.emit_response("response.queued");
        co_await enter_stage();
    }
    response_.object["status"] = "in_progress";
    co_await events_.emit_response("response.in_progress");
    if (response_.options.compact_threshold && response_.input_tokens > *response_.options.compact_threshold) {
        json item = compaction_item(*environment_);
        const std::size_t index = co_await add_item(std::move(item));
        co_await events_.emit_of_item("response.compaction.compacting", index);
        co_await finish_item(index);
    }
    for (auto& server : response_.servers)
        if (!server.is_listed) co_await list_tools(server);
    make_plan(response_, environment_->scripts);
    co_await use_approvals();
    co_await follow_plan();
}

asio::awaitable<void> response_execution::conclude(std::optional<run_failure> failure, bool was_interrupted) {
    const service_options& options = environment_->options;
    if (failure) {
        const bool is_streaming = response_.options.streaming;
        const bool is_throttled = failure->code == rate_limit_exceeded;
        const bool reports_after = is_throttled && options.rate_limits == rate_limits::error_after_failed;
        if (!(is_streaming && reports_after)) {
            response_.object["error"]["code"] = failure->code;
            response_.object["error"]["message"] = failure->what();
        }
        response_.end("failed", environment_->now());
        if (is_streaming && !failure->type.empty() && !is_throttled) co_await events_.emit_error(*failure);
        co_await events_.emit_response("response.failed");
        if (is_streaming && reports_after) co_await events_.emit_error(*failure);
    } else if (was_interrupted) {
        if (!response_.has_ended()) response_.end("cancelled", environment_->now());
        if (options.cancelled_event) co_await events_.emit_response("response.cancelled");
    }
    if (options.done_marker) co_await events_.emit_done();
    response_.log.end();
    const bool is_rejected = failure && failure->status != 200;
    if (!responder_) co_return;
    if (is_rejected) {
        engine_->discard(response_.id);
        reject(*responder_, *failure, options.retry_after);
    } else {
        responder_->respond(shown(response_, options.echo_headers));
    }
}

asio::awaitable<void> response_execution::complete() {
    co_await enter_stage();
    response_.end("completed", environment_->now());
    co_await events_.emit_response("response.completed");
}

asio::awaitable<void> response_execution::end_incomplete(std::string reason) {
    co_await enter_stage();
    const bool is_filtered = reason == "content_filter";
    response_.object["incomplete_details"]["reason"] = is_filtered ? "content_filter" : "max_output_tokens";
    response_.end("incomplete", environment_->now());
    co_await events_.emit_response("response.incomplete");
}

asio::awaitable<void> response_execution::hold() {
    auto for_ever = wait_for(environment_->context, std::chrono::hours(24 * 365));
    co_await meanwhile(std::move(for_ever));
}

asio::awaitable<bool> response_execution::require_action(std::string type, json details) {
    details["type"] = std::move(type);
    co_await show_item(std::move(details));
    response_.plan.clear();
    co_return true;
}

asio::awaitable<bool> response_execution::call_round(std::vector<step> round) {
    bool waits = false;
    response_.outputs.clear();
    for (const auto& scripted : round) {
        ++response_.output_tokens;
        if (scripted.type() == step::kind::call_function) {
            co_await call_function(scripted);
            waits = true;
        } else if (scripted.type() == step::kind::call_mcp) {
            const bool is_requested = co_await call_mcp(scripted);
            waits = waits || is_requested;
        } else {
            co_await call_tool(scripted);
        }
    }
    // The rest of the script is for the response to the request that answers.
    if (waits) response_.plan.clear();
    co_return true;
}

asio::awaitable<std::size_t> response_execution::add_item(json item) {
    co_await enter_stage();
    const std::size_t index = response_.object["output"].size();
    response_.object["output"].push_back(item);
    json data;
    data["output_index"] = index;
    data["item"] = std::move(item);
    co_await events_.emit("response.output_item.added", std::move(data));
    co_return index;
}

asio::awaitable<void> response_execution::finish_item(std::size_t index) {
    co_await enter_stage();
    json& item = response_.object["output"][index];
    if (get(item, "status") == "in_progress") item["status"] = "completed";
    json data;
    data["output_index"] = index;
    data["item"] = item;
    co_await events_.emit("response.output_item.done", std::move(data));
}

asio::awaitable<void> response_execution::show_item(json item) {
    json whole;
    whole["id"] = get(item, "id").is_string() ? item["id"] : json(environment_->make_id("item_"));
    whole["type"] = get(item, "type");
    whole.update(item);
    const std::size_t index = co_await add_item(std::move(whole));
    co_await finish_item(index);
}

}  // namespace corun::emulator
