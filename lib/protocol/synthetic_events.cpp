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

}  // namespace corun::codec
