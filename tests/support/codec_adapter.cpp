// Reads an SSE stream on standard input, decodes it and prints one JSON object a line for each
// event: {"name":...,"type":"text_delta",...}. To look at recordings from outside. `--responses`
// decodes the Responses protocol instead of threads; `--general` reads all events with the JSON parser; `--strict`
// refuses malformed data.
#include "protocol/responses/codec.hpp"
#include "protocol/threads/codec.hpp"
#include <corun/event.hpp>
#include <corun/sse/parser.hpp>

#include <nlohmann/json.hpp>

#include <iostream>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace {

using json = nlohmann::ordered_json;

struct printer {
    json& out;

    void operator()(const corun::events::unknown&) const { out["type"] = "unknown"; }
    void operator()(const corun::events::text_delta& e) const {
        out["type"] = "text_delta";
        out["message_id"] = e.message_id;
        out["content_index"] = e.content_index;
        out["text"] = e.text;
    }
    void operator()(const corun::events::tool_call_delta& e) const {
        out["type"] = "tool_call_delta";
        out["step_id"] = e.step_id;
        out["index"] = e.index;
        out["id"] = e.id;
        out["call_type"] = e.type;
        out["call_name"] = e.name;
        out["server_label"] = e.server_label;
        out["arguments"] = e.arguments;
        out["output"] = e.output;
        if (!e.error_output.empty()) out["error_output"] = e.error_output;
        if (!e.file_id.empty()) out["file_id"] = e.file_id;
    }
    void operator()(const corun::events::refusal_delta& e) const {
        out["type"] = "refusal_delta";
        out["message_id"] = e.message_id;
        out["content_index"] = e.content_index;
        out["text"] = e.text;
    }
    void operator()(const corun::events::reasoning_delta& e) const {
        out["type"] = "reasoning_delta";
        out["item_id"] = e.item_id;
        out["summary"] = e.summary;
        out["text"] = e.text;
    }
    void operator()(const corun::events::audio_delta& e) const {
        out["type"] = "audio_delta";
        out["message_id"] = e.message_id;
        out["content_index"] = e.content_index;
        out["base64"] = e.base64;
        out["transcript"] = e.transcript;
    }
    void operator()(const corun::events::part_completed& e) const {
        out["type"] = "part_completed";
        out["item_id"] = e.item_id;
        out["part"] = e.type;
        out["index"] = e.index;
    }
    void operator()(const corun::events::oauth_consent_requested& e) const {
        out["type"] = "oauth_consent_requested";
        out["item_id"] = e.item_id;
        out["server_label"] = e.server_label;
        out["link"] = e.link;
    }
    void operator()(const corun::events::annotation& e) const {
        out["type"] = "annotation";
        out["message_id"] = e.message_id;
        out["content_index"] = e.content_index;
        out["index"] = e.index;
        out["annotation_type"] = e.value.type;
        out["text"] = e.value.text;
        if (e.value.start_index) out["start_index"] = *e.value.start_index;
        if (e.value.end_index) out["end_index"] = *e.value.end_index;
        out["file_id"] = e.value.file_id;
        out["url"] = e.value.url;
    }
    void operator()(const corun::events::image_delta& e) const {
        out["type"] = "image_delta";
        out["message_id"] = e.message_id;
        out["content_index"] = e.content_index;
        out["file_id"] = e.file_id;
    }
    void operator()(const corun::events::image_partial& e) const {
        out["type"] = "image_partial";
        out["item_id"] = e.item_id;
        out["index"] = e.index;
        out["base64"] = e.base64;
    }
    void operator()(const corun::events::thread_created& e) const {
        out["type"] = "thread_created";
        out["thread_id"] = e.thread_id;
    }
    void operator()(const corun::events::run_created& e) const {
        out["type"] = "run_created";
        out["run_id"] = e.run_id;
        out["thread_id"] = e.thread_id;
        out["agent_id"] = e.agent_id;
    }
    void operator()(const corun::events::run_status& e) const {
        out["type"] = "run_status";
        out["run_id"] = e.run_id;
        out["status"] = e.status_text;
    }
    void operator()(const corun::events::message_created& e) const { message("message_created", e.message); }
    void operator()(const corun::events::message_in_progress& e) const { message("message_in_progress", e.message); }
    void operator()(const corun::events::message_completed& e) const { message("message_completed", e.message); }
    void operator()(const corun::events::step_created& e) const { step("step_created", e.step); }
    void operator()(const corun::events::step_in_progress& e) const { step("step_in_progress", e.step); }
    void operator()(const corun::events::step_completed& e) const { step("step_completed", e.step); }
    void operator()(const corun::events::mcp_tools_listed& e) const {
        out["type"] = "mcp_tools_listed";
        out["step_id"] = e.step_id;
        out["server_label"] = e.list.server_label;
        json& names = out["tools"] = json::array();
        for (const corun::mcp_tool_info& tool : e.list.tools) names.push_back(tool.name);
    }
    void operator()(const corun::events::mcp_call& e) const {
        out["type"] = "mcp_call";
        out["step_id"] = e.step_id;
        call(out, e.call);
    }
    void operator()(const corun::events::action_required& e) const {
        out["type"] = "action_required";
        out["run_id"] = e.run_id;
        out["action_type"] = e.action.type;
        json& calls = out["function_calls"] = json::array();
        for (const corun::function_call& c : e.action.function_calls)
            calls.push_back({{"id", c.id}, {"name", c.name}, {"arguments", c.arguments}});
        json& approvals = out["mcp_approvals"] = json::array();
        for (const corun::mcp_approval_request& c : e.action.mcp_approvals)
            approvals.push_back(
                {{"id", c.id}, {"name", c.name}, {"server_label", c.server_label}, {"arguments", c.arguments}});
    }
    void operator()(const corun::events::run_completed& e) const { run("run_completed", e.run); }
    void operator()(const corun::events::run_failed& e) const { run("run_failed", e.run); }
    void operator()(const corun::events::run_incomplete& e) const { run("run_incomplete", e.run); }
    void operator()(const corun::events::run_cancelled& e) const { run("run_cancelled", e.run); }
    void operator()(const corun::events::run_expired& e) const { run("run_expired", e.run); }
    void operator()(const corun::events::run_restarted& e) const { run("run_restarted", e.run); }
    void operator()(const corun::events::reattached& e) const {
        out["type"] = "reattached";
        out["run_id"] = e.run_id;
    }
    void operator()(const corun::events::function_called& e) const {
        out["type"] = "function_called";
        out["call_id"] = e.call_id;
    }
    void operator()(const corun::events::approval_decided& e) const {
        out["type"] = "approval_decided";
        out["call_id"] = e.call_id;
    }
    void operator()(const corun::events::stream_error& e) const {
        out["type"] = "stream_error";
        out["code"] = e.code;
        out["error_type"] = e.type;
        out["message"] = e.message;
        out["param"] = e.param;
    }

    void message(const char* type, const corun::thread_message& m) const {
        out["type"] = type;
        out["message_id"] = m.id;
        out["role"] = m.role;
        out["status"] = m.status;
        out["text"] = m.text();
    }
    void step(const char* type, const corun::run_step& s) const {
        out["type"] = type;
        out["step_id"] = s.id;
        out["step_type"] = s.type;
        out["status"] = s.status;
        json& calls = out["tool_calls"] = json::array();
        for (const corun::tool_call& c : s.tool_calls) call(calls.emplace_back(json::object()), c);
        if (s.last_error) out["last_error"] = {{"code", s.last_error->code}, {"message", s.last_error->message}};
    }
    static void call(json& target, const corun::tool_call& c) {
        target["id"] = c.id;
        target["call_type"] = c.type;
        target["call_name"] = c.name;
        target["server_label"] = c.server_label;
        target["arguments"] = c.arguments;
        target["output"] = c.output ? json(*c.output) : json(nullptr);
    }
    void run(const char* type, const corun::thread_run& r) const {
        out["type"] = type;
        out["run_id"] = r.id;
        out["status"] = r.status_text;
        if (r.last_error) out["last_error"] = {{"code", r.last_error->code}, {"message", r.last_error->message}};
        if (r.usage) out["total_tokens"] = r.usage->total_tokens;
    }
};

void print(const corun::event& value) {
    json line = json::object();
    line["name"] = value.name();
    value.visit(printer{line});
    if (value.continues()) line["continues"] = true;
    if (!value.problem().empty()) line["problem"] = value.problem();
    std::cout << line.dump(-1, ' ', false, json::error_handler_t::replace) << '\n';
}

/// Decodes and prints one event; false when its data is wrong.
template <class Decoder>
bool decode(Decoder& decoder, std::string_view name, std::string_view data) {
    const auto bytes = std::make_shared<std::string>();
    bytes->append(name).append(data).append(corun::codec::data_padding, '\0');
    corun::codec::raw_event wire;
    wire.name = std::string_view(*bytes).substr(0, name.size());
    wire.data = std::string_view(*bytes).substr(name.size(), data.size());
    wire.storage = bytes;

    corun::event first;
    std::vector<corun::event> more;
    std::string problem;
    if (const std::error_code code = decoder.decode(std::move(wire), first, more, problem)) {
        std::cout << json{{"name", name}, {"type", "bad_event"}, {"problem", problem}}.dump() << '\n';
        return false;
    }
    print(first);
    for (const corun::event& value : more) print(value);
    return true;
}

/// Decodes the stream on standard input.
template <class Decoder>
bool decode_all(bool fast_path, bool strict) {
    Decoder decoder;
    decoder.use_fast_path(fast_path);
    decoder.be_strict(strict);
    bool good = true;
    corun::sse::parser parser;
    std::string chunk(64 * 1024, '\0');
    while (std::cin) {
        std::cin.read(chunk.data(), static_cast<std::streamsize>(chunk.size()));
        parser.feed(std::string_view(chunk).substr(0, static_cast<std::size_t>(std::cin.gcount())));
        while (const corun::sse::event* arrived = parser.next())
            good = decode(decoder, arrived->type, arrived->data) && good;
    }
    if (const corun::sse::event* last = parser.finish()) good = decode(decoder, last->type, last->data) && good;
    return good;
}

}  // namespace

int main(int argc, char** argv) {
    std::ios::sync_with_stdio(false);
    bool fast_path = true, responses = false, strict = false;
    for (const std::string_view argument : std::vector<std::string_view>(argv + 1, argv + argc)) {
        fast_path = fast_path && argument != "--general";
        responses = responses || argument == "--responses";
        strict = strict || argument == "--strict";
    }
    const bool good = responses ? decode_all<corun::codec::responses::decoder>(fast_path, strict)
                                : decode_all<corun::codec::threads::decoder>(fast_path, strict);
    return good ? 0 : 1;
}
