#include "protocol/responses/event_names.hpp"

#include "json/find.hpp"
#include "protocol/error_body.hpp"
#include "protocol/heartbeat.hpp"
#include "protocol/responses/event_reader.hpp"
#include "protocol/synthetic_events.hpp"

namespace corun::codec::responses {
namespace {

constexpr known_event delta(std::string_view name, text_kind text) {
    return {.name = name, .read = &event_reader::read_delta, .member = "delta", .text = text};
}
constexpr known_event whole(std::string_view name, text_kind text, std::string_view member) {
    return {.name = name, .read = &event_reader::read_whole, .member = member, .text = text};
}
constexpr known_event call_delta(std::string_view name, std::string_view call_type) {
    return {.name = name,
            .read = &event_reader::read_delta,
            .member = "delta",
            .call_type = call_type,
            .text = text_kind::arguments};
}
constexpr known_event call_whole(std::string_view name, std::string_view call_type, std::string_view member) {
    return {.name = name,
            .read = &event_reader::read_whole,
            .member = member,
            .call_type = call_type,
            .text = text_kind::arguments};
}
/// The work on an item.
constexpr known_event step(std::string_view name, std::string_view item_type, std::string_view status = "in_progress") {
    return {.name = name, .read = &event_reader::read_step_in_progress, .item_type = item_type, .status = status};
}
constexpr known_event audio(std::string_view name) {
    return {.name = name, .read = &event_reader::read_audio_delta, .member = "delta"};
}
constexpr known_event audio_end(std::string_view name) {
    return {.name = name, .read = &event_reader::read_audio_done};
}

constexpr known_event run_end(std::string_view name, std::string_view status) {
    return {.name = name,
            .read = &event_reader::read_run_end,
            .status = status,
            .classify = status == "completed" ? classify_completed : classify_incomplete};
}

/// The frequent ones first: the table is searched in order.
constexpr known_event known_events[] = {
    delta("response.output_text.delta", text_kind::text),
    call_delta("response.function_call_arguments.delta", "function"),
    delta("response.reasoning_text.delta", text_kind::reasoning),
    delta("response.reasoning_summary_text.delta", text_kind::summary),
    call_delta("response.mcp_call_arguments.delta", "mcp"),
    call_delta("response.custom_tool_call_input.delta", "custom_tool"),
    call_delta("response.code_interpreter_call_code.delta", "code_interpreter"),
    delta("response.refusal.delta", text_kind::refusal),
    {.name = "response.output_item.added",
     .read = &event_reader::read_item_added,
     .observe = &pending_calls::announce_item},
    {.name = "response.output_item.done", .read = &event_reader::read_item_done, .observe = &pending_calls::add_item},
    {.name = "response.content_part.added", .read = &event_reader::read_part_added},
    {.name = "response.content_part.done", .read = &event_reader::read_part_done},
    {.name = "response.reasoning_summary_part.done", .read = &event_reader::read_part_done},
    {.name = "response.reasoning_part.done", .read = &event_reader::read_part_done},
    whole("response.output_text.done", text_kind::text, "text"),
    {.name = "response.output_text.annotation.added", .read = &event_reader::read_annotation},
    {.name = "response.output_text_annotation.added", .read = &event_reader::read_annotation},
    whole("response.refusal.done", text_kind::refusal, "refusal"),
    whole("response.reasoning_text.done", text_kind::reasoning, "text"),
    whole("response.reasoning_summary_text.done", text_kind::summary, "text"),
    call_whole("response.function_call_arguments.done", "function", "arguments"),
    call_whole("response.mcp_call_arguments.done", "mcp", "arguments"),
    call_whole("response.custom_tool_call_input.done", "custom_tool", "input"),
    call_whole("response.code_interpreter_call_code.done", "code_interpreter", "code"),
    {.name = "response.image_generation_call.partial_image",
     .read = &event_reader::read_image_partial,
     .member = "partial_image_b64"},
    step("response.mcp_list_tools.in_progress", "mcp_list_tools"),
    step("response.mcp_list_tools.completed", "mcp_list_tools", "completed"),
    step("response.mcp_list_tools.failed", "mcp_list_tools", "failed"),
    step("response.mcp_call.in_progress", "mcp_call"),
    step("response.mcp_call.completed", "mcp_call", "completed"),
    step("response.mcp_call.failed", "mcp_call", "failed"),
    step("response.code_interpreter_call.in_progress", "code_interpreter_call"),
    step("response.code_interpreter_call.interpreting", "code_interpreter_call"),
    step("response.code_interpreter_call.completed", "code_interpreter_call", "completed"),
    step("response.file_search_call.in_progress", "file_search_call"),
    step("response.file_search_call.searching", "file_search_call"),
    step("response.file_search_call.completed", "file_search_call", "completed"),
    step("response.web_search_call.in_progress", "web_search_call"),
    step("response.web_search_call.searching", "web_search_call"),
    step("response.web_search_call.completed", "web_search_call", "completed"),
    step("response.image_generation_call.in_progress", "image_generation_call"),
    step("response.image_generation_call.generating", "image_generation_call"),
    step("response.image_generation_call.completed", "image_generation_call", "completed"),
    step("response.compaction.compacting", "compaction"),
    step("response.reasoning_summary_part.added", "reasoning"),
    step("response.reasoning_part.added", "reasoning"),
    // A command may be there at once.
    {.name = "response.shell_call_command.added",
     .read = &event_reader::read_command_added,
     .member = "command",
     .call_type = "shell",
     .text = text_kind::arguments,
     .item_type = "shell_call",
     .status = "in_progress"},
    call_delta("response.shell_call_command.delta", "shell"),
    call_whole("response.shell_call_command.done", "shell", "command"),
    {.name = "response.shell_call_output_content.delta", .read = &event_reader::read_shell_output_delta},
    {.name = "response.shell_call_output_content.done", .read = &event_reader::read_shell_output_done},
    audio("response.audio.delta"),
    audio_end("response.audio.done"),
    delta("response.audio.transcript.delta", text_kind::transcript),
    whole("response.audio.transcript.done", text_kind::transcript, "transcript"),
    {.name = "response.created", .read = &event_reader::read_run_created, .observe = &pending_calls::begin},
    {.name = "response.queued", .read = &event_reader::read_run_status, .classify = classify_status},
    {.name = "response.in_progress", .read = &event_reader::read_run_status, .classify = classify_status},
    run_end("response.completed", "completed"),
    {.name = "response.failed",
     .read = &event_reader::read_run_failed,
     .classify = classify_failed,
     .observe = &pending_calls::add_failed},
    run_end("response.incomplete", "incomplete"),
    {.name = "response.oauth_consent_requested",
     .read = &event_reader::read_consent,
     .member = "consent_link",
     .observe = &pending_calls::add_consent},
    {.name = "response.cancelled", .read = &event_reader::read_run_cancelled, .meaning = event_class::last},
    // Open Responses.
    delta("response.reasoning.delta", text_kind::reasoning),
    whole("response.reasoning.done", text_kind::reasoning, "text"),
    // Once named so by some services, or in the Realtime protocol.
    audio("response.output_audio.delta"),
    audio_end("response.output_audio.done"),
    delta("response.output_audio_transcript.delta", text_kind::transcript),
    whole("response.output_audio_transcript.done", text_kind::transcript, "transcript"),
    call_delta("response.code_interpreter_call.code.delta", "code_interpreter"),
    call_whole("response.code_interpreter_call.code.done", "code_interpreter", "code"),
    call_delta("response.mcp_call.arguments.delta", "mcp"),
    call_whole("response.mcp_call.arguments.done", "mcp", "arguments"),
    run_end("response.done", "completed"),
    {.name = "response.canceled", .read = &event_reader::read_run_cancelled, .meaning = event_class::last},
    {.name = "error",
     .read = &event_reader::read_error,
     .classify = classify_error,
     .observe = &pending_calls::add_error},
    {.name = reattached_name, .read = &event_reader::read_own<events::reattached>},
    {.name = function_called_name, .read = &event_reader::read_own<events::function_called>},
    {.name = approval_decided_name, .read = &event_reader::read_own<events::approval_decided>},
    {.name = mcp_tools_listed_name, .read = &event_reader::read_own<events::mcp_tools_listed>},
    {.name = mcp_call_name, .read = &event_reader::read_own<events::mcp_call>},
};
constexpr const known_event& text_event = known_events[0];
constexpr known_event unknown_event{};

const known_event& find_event(std::string_view name) noexcept {
    for (const known_event& known : known_events)
        if (known.name == name) return known;
    return unknown_event;
}

/// Whether the data begins with its type, and that is the event's name: nearly always.
bool begins_with_type(std::string_view data, std::string_view name) noexcept {
    constexpr std::string_view key = R"({"type":")";
    if (!data.starts_with(key) || data.size() <= key.size() + name.size()) return false;
    data.remove_prefix(key.size());
    return data.starts_with(name) && data[name.size()] == '"';
}

/// The event that ends a response as the one in `data` has ended.
const known_event& find_end(std::string_view data) noexcept {
    const auto response = json::find_member(data, "response");
    const auto status = response ? json::plain_string(json::find_member(*response, "status")) : std::nullopt;
    if (!status) return unknown_event;
    for (const known_event& known : known_events)
        if (ends_run(known) && known.name.ends_with(*status) && is_terminal(parse_run_state(*status))) return known;
    return unknown_event;
}

}  // namespace

const known_event& find_event(std::string_view name, std::string_view data) noexcept {
    if (is_text_delta(data)) return text_event;
    if (name.starts_with(own_prefix)) return find_event(name);
    if (begins_with_type(data, name))
        if (const known_event& known = find_event(name); !known.name.empty()) return known;
    const std::string_view type = json::plain_string(json::find_member(data, "type")).value_or(std::string_view());
    if (!type.empty())
        if (const known_event& known = find_event(type); !known.name.empty()) return known;
    // SSE's own name says nothing.
    const bool has_name = !name.empty() && name != "message";
    if (has_name)
        if (const known_event& known = find_event(name); !known.name.empty()) return known;
    if (is_heartbeat(type) || is_heartbeat(name)) return unknown_event;
    if (!type.starts_with("response."))
        if (const known_event& end = find_end(data); !end.name.empty()) return end;
    // An error and nothing more is how some services end a stream.
    return !has_name && is_bare_error(data) ? find_event("error") : unknown_event;
}

std::string_view event_name(std::string_view name, std::string_view data) noexcept {
    if (const known_event& known = find_event(name, data); !known.name.empty()) return known.name;
    if (!name.empty() && name != "message") return name;
    return json::plain_string(json::find_member(data, "type")).value_or(std::string_view());
}

std::span<const known_event> all_known_events() noexcept {
    return known_events;
}

bool ends_run(const known_event& known) noexcept {
    return known.meaning == event_class::last || known.classify == classify_completed ||
           known.classify == classify_incomplete || known.classify == classify_failed;
}

bool is_text_event(const known_event& known) noexcept {
    return &known == &text_event;
}

}  // namespace corun::codec::responses
