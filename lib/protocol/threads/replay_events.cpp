// What readings of a run show, as the events of a stream would have said it.
#include "json/document.hpp"
#include "protocol/threads/codec.hpp"
#include <corun/error.hpp>

namespace corun::codec::threads {
namespace {

using body = nlohmann::ordered_json;

/// An object of a run, as the service gave it.
body parsed(std::string_view source) {
    body object = json::parse_document<body>(json::without_half_surrogates(source));
    if (!object.is_object())
        throw error(errc::bad_response, "an object of the run is not a JSON object, or is nested too deep");
    return object;
}

}  // namespace

std::string encode_message_delta(std::string_view message, std::int32_t index, std::string_view value,
                                 std::size_t annotations) {
    const body source = parsed(message);
    body part = body::object();
    part["index"] = index;
    part["type"] = "text";
    part["text"]["value"] = value;
    const body::json_pointer place("/content/" + std::to_string(index) + "/text/annotations");
    if (source.contains(place) && source[place].is_array()) {
        const body& all = source[place];
        for (std::size_t i = annotations; i < all.size(); ++i) {
            if (!all[i].is_object()) continue;
            body entry = body::object();
            entry["index"] = i;
            entry.update(all[i]);
            part["text"]["annotations"].push_back(std::move(entry));
        }
    }
    body object = body::object();
    object["id"] = source.value("id", "");
    object["object"] = "thread.message.delta";
    object["delta"]["content"].push_back(std::move(part));
    return object.dump();
}

std::string encode_call_delta(std::string_view step, std::int32_t index, std::string_view arguments, bool begins) {
    const body source = parsed(step);
    const body::json_pointer place("/step_details/tool_calls/" + std::to_string(index));
    if (!source.contains(place) || !source[place].is_object()) return {};
    const body& call = source[place];
    const std::string type = call.value("type", "");
    const bool nested = type == "function" || type == "code_interpreter";
    if (!nested && type != "mcp") return {};
    body part = body::object();
    part["index"] = index;
    if (begins && call.contains("id")) part["id"] = call["id"];
    part["type"] = type;
    body& fields = nested ? part[type] : part;
    const body::json_pointer named(nested ? "/" + type : "");
    if (begins && call.contains(named))
        for (const char* name : {"name", "server_label"})
            if (call[named].contains(name)) fields[name] = call[named][name];
    fields[type == "code_interpreter" ? "input" : "arguments"] = arguments;
    body object = body::object();
    object["id"] = source.value("id", "");
    object["object"] = "thread.run.step.delta";
    object["delta"]["step_details"]["type"] = "tool_calls";
    object["delta"]["step_details"]["tool_calls"].push_back(std::move(part));
    return object.dump();
}

std::string at_status(std::string_view source, std::string_view status) {
    body object = parsed(source);
    const auto current = object.find("status");
    if (current != object.end() && *current == status) return std::string(source);
    object["status"] = status;
    for (const char* later : {"completed_at", "failed_at", "cancelled_at", "expired_at", "incomplete_at", "last_error",
                              "usage", "required_action", "incomplete_details"})
        if (object.contains(later)) object[later] = nullptr;
    if (status == "queued" && object.contains("started_at")) object["started_at"] = nullptr;
    if (object.contains("content")) object["content"] = body::array();
    const auto details = object.find("step_details");
    if (details != object.end() && details->contains("tool_calls")) (*details)["tool_calls"] = body::array();
    return object.dump();
}

}  // namespace corun::codec::threads
