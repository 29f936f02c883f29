#include "protocol/synthetic_events.hpp"

#include <corun/error.hpp>

#include <nlohmann/json.hpp>

namespace corun::codec {
namespace {

using document = nlohmann::ordered_json;

/// A handler's error can hold any bytes.
std::string dump(const document& object) {
    return object.dump(-1, ' ', false, document::error_handler_t::replace);
}

/// The members that both kinds of handlers' events have.
template <class Body>
document call_object(const Body& body) {
    document object;
    object["call_id"] = body.call_id;
    object["name"] = body.name;
    object["arguments"] = body.arguments;
    object["error"] = body.error ? document(*body.error) : document();
    object["duration_ns"] = body.duration.count();
    return object;
}

template <class Body>
Body call_of(const nlohmann::ordered_json& object) {
    Body body;
    body.call_id = object.at("call_id").get<std::string>();
    body.name = object.at("name").get<std::string>();
    body.arguments = object.at("arguments").get<std::string>();
    if (const auto& error = object.at("error"); !error.is_null()) body.error = error.get<std::string>();
    body.duration = std::chrono::nanoseconds(object.at("duration_ns").get<std::int64_t>());
    return body;
}

}  // namespace

std::string encode(const events::reattached& body) {
    document object;
    object["run_id"] = body.run_id;
    object["thread_id"] = body.thread_id;
    object["cause"]["category"] = body.cause.category().name();
    object["cause"]["value"] = body.cause.value();
    object["cause"]["message"] = body.cause.message();
    return dump(object);
}

std::string encode(const events::function_called& body) {
    document object = call_object(body);
    object["output"] = body.output;
    return dump(object);
}

std::string encode(const events::approval_decided& body) {
    document object = call_object(body);
    object["server_label"] = body.server_label;
    object["approved"] = body.approved;
    object["reason"] = body.reason;
    return dump(object);
}

std::string encode(const events::mcp_tools_listed& body) {
    document object;
    object["server_label"] = body.list.server_label;
    object["tools"] = document::array();
    for (const mcp_tool_info& each : body.list.tools)
        object["tools"].push_back(
            {{"name", each.name}, {"description", each.description}, {"parameters", each.parameters}});
    return dump(object);
}

std::string encode(const events::mcp_call& body) {
    document object;
    object["id"] = body.call.id;
    object["server_label"] = body.call.server_label;
    object["name"] = body.call.name;
    object["arguments"] = body.call.arguments;
    object["output"] = body.call.output ? document(*body.call.output) : document();
    object["error"] = body.error ? document(*body.error) : document();
    object["challenge"] = body.challenge;
    object["duration_ns"] = body.duration.count();
    return dump(object);
}

template <>
events::reattached decode_synthetic<events::reattached>(std::string_view data) {
    const auto object = nlohmann::ordered_json::parse(data);
    const auto& cause = object.at("cause");
    events::reattached body;
    body.run_id = object.at("run_id").get<std::string>();
    body.thread_id = object.at("thread_id").get<std::string>();
    const bool is_ours = cause.at("category").get<std::string>() == category().name();
    body.cause.assign(cause.at("value").get<int>(), is_ours ? category() : std::generic_category());
    return body;
}

template <>
events::function_called decode_synthetic<events::function_called>(std::string_view data) {
    const auto object = nlohmann::ordered_json::parse(data);
    auto body = call_of<events::function_called>(object);
    body.output = object.at("output").get<std::string>();
    return body;
}

template <>
events::approval_decided decode_synthetic<events::approval_decided>(std::string_view data) {
    const auto object = nlohmann::ordered_json::parse(data);
    auto body = call_of<events::approval_decided>(object);
    body.server_label = object.at("server_label").get<std::string>();
    body.approved = object.at("approved").get<bool>();
    body.reason = object.at("reason").get<std::string>();
    return body;
}

template <>
events::mcp_tools_listed decode_synthetic<events::mcp_tools_listed>(std::string_view data) {
    const auto object = nlohmann::json::parse(data);
    events::mcp_tools_listed body;
    body.list.server_label = object.at("server_label").get<std::string>();
    for (const auto& each : object.at("tools")) {
        mcp_tool_info& info = body.list.tools.emplace_back();
        info.name = each.at("name").get<std::string>();
        info.description = each.at("description").get<std::string>();
        info.parameters = each.at("parameters").get<std::string>();
    }
    return body;
}

template <>
events::mcp_call decode_synthetic<events::mcp_call>(std::string_view data) {
    const auto object = nlohmann::json::parse(data);
    const auto text = [&object](const char* name) {
        std::optional<std::string> value;
        if (const auto& member = object.at(name); !member.is_null()) value = member.get<std::string>();
        return value;
    };
    events::mcp_call body;
    body.call.type = "mcp";
    body.call.id = object.at("id").get<std::string>();
    body.call.server_label = object.at("server_label").get<std::string>();
    body.call.name = object.at("name").get<std::string>();
    body.call.arguments = object.at("arguments").get<std::string>();
    body.call.output = text("output");
    body.call.raw = data;
    body.error = text("error");
    body.challenge = object.at("challenge").get<std::string>();
    body.duration = std::chrono::nanoseconds(object.at("duration_ns").get<std::int64_t>());
    return body;
}

}  // namespace corun::codec
