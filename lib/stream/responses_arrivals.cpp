#include "stream/responses_arrivals.hpp"

#include "json/find.hpp"
#include "json/reader.hpp"
#include "protocol/error_body.hpp"
#include "protocol/heartbeat.hpp"
#include "run/event_queue.hpp"
#include "run/restart_policy.hpp"

#include <string>
#include <utility>
#include <vector>

namespace corun::detail {
namespace {

namespace wire = codec::responses;
namespace json = codec::json;

/// The run that failed, if one of the events says so.
const thread_run* failed_run_in(const event& first, const std::vector<event>& more) noexcept {
    const thread_run* found = nullptr;
    const auto look_at = [&found](const event& each) {
        if (const auto* failed = each.get_if<events::run_failed>()) found = &failed->run;
    };
    look_at(first);
    for (const event& each : more) look_at(each);
    return found;
}

/// The failed run in an event; its reason may be in another event than the failure.
std::optional<thread_run> find_failed_run(const wire::pending_calls& seen, std::string_view name,
                                          std::string_view data) {
    wire::decoder decoder;
    run::event_queue events;
    if (name == "error" && seen.failed()) events.push("response.failed", *seen.failed());
    if (name != "error" && !seen.reason().empty()) events.push("error", seen.reason());
    events.push(name, data);
    std::optional<thread_run> found;
    while (!events.empty()) {
        event first;
        std::vector<event> more;
        std::string problem;
        if (decoder.decode(events.pop(), first, more, problem)) break;
        if (const thread_run* failed = failed_run_in(first, more)) found = *failed;
    }
    return found;
}

bool has_effect(std::string_view name, std::string_view data) noexcept {
    for (const char* harmless :
         {"response.created", "response.queued", "response.in_progress", "response.failed", "error"})
        if (name == harmless) return false;
    if (codec::is_heartbeat(name) || name.starts_with("response.mcp_list_tools.")) return false;
    // Which tools a server has can be asked again.
    const auto item = json::find_member(data, "item");
    return !item || json::plain_string(json::find_member(*item, "type")) != "mcp_list_tools";
}

}  // namespace

bool server_calls::observe(std::string_view name, std::string_view data) noexcept {
    if (name == "response.created") *this = {};
    if (name == "response.mcp_list_tools.failed" && !tells_why_) has_rejected_token_ = true;
    const auto item = json::find_member(data, "item");
    const auto type = item ? json::plain_string(json::find_member(*item, "type")) : std::nullopt;
    const bool is_call = type == "mcp_call" || name.starts_with("response.mcp_call");
    if (!is_call && type != "mcp_list_tools") return true;
    if (name == "response.output_item.done") return ended(*item, is_call);
    if (name == "response.output_item.added" && is_call) ++under_way_;
    return !is_call || under_way_ == 0;
}

bool server_calls::ended(std::string_view item, bool is_call) noexcept {
    if (is_call && under_way_ > 0) --under_way_;
    const auto why = json::find_member(item, "error");
    if (!why || *why == "null") return is_call;
    tells_why_ = true;
    // A sentence, or an object whose code is that of HTTP.
    last_error reason;
    reason.message = *why;
    has_rejected_token_ = run::is_unauthorized(reason);
    return is_call && !has_rejected_token_;
}

bool arrived_events::is_counted(std::string_view name, std::string_view data) noexcept {
    if (std::exchange(tells_the_end_again_, false) || !data.starts_with('{')) return false;
    // A heartbeat may come without a number.
    return !codec::is_heartbeat(wire::event_name(name, data)) || wire::sequence_number_of(data);
}

event_facts arrived_events::inspect(std::string_view wire_name, std::string_view data) noexcept {
    event_facts facts;
    const std::string_view name = wire::event_name(wire_name, data);
    facts.is_text = name == "response.output_text.delta";
    facts.has_effect = servers_.observe(name, data) && has_effect(name, data);
    const json::lenient_scope lenient;
    try {
        if (name == "error" || name == "response.failed") {
            inspect_failure(name, data, facts);
        } else if (const auto response = json::find_member(data, "response")) {
            if (response->starts_with('{')) facts.run = wire::decode_response(*response, seen_);
        }
    } catch (...) {
        // Reported when the caller takes the event.
    }
    return facts;
}

void arrived_events::inspect_failure(std::string_view name, std::string_view data, event_facts& facts) const {
    facts.run = find_failed_run(seen_, name, data);
    if (!facts.run && seen_.has_failed_twice()) facts.run.emplace().status = run_state::failed;
    // A failed response tells its reason later.
    if (name == "error") facts.failure = codec::last_error_of(codec::decode_stream_error(data));
    facts.token_rejected = servers_.has_rejected_token();
    facts.calls_are_under_way = servers_.calls_are_under_way();
}

std::optional<polled_event> arrived_events::unreported_end() {
    if (!seen_.failed() || seen_.has_failed_twice()) return std::nullopt;
    tells_the_end_again_ = true;
    return polled_event("response.failed", *seen_.failed());
}

}  // namespace corun::detail
