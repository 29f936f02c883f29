#include "protocol/synthetic_events.hpp"

#include <corun/error.hpp>

#include <nlohmann/json.hpp>

namespace corun::codec {

std::string encode_reattached(const reattached& body) {
    nlohmann::ordered_json object;
    object["run_id"] = body.run_id;
    object["thread_id"] = body.thread_id;
    object["cause"]["category"] = body.cause.category().name();
    object["cause"]["value"] = body.cause.value();
    object["cause"]["message"] = body.cause.message();
    return object.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

reattached decode_reattached(std::string_view data) {
    const auto object = nlohmann::json::parse(data);
    const auto& cause = object.at("cause");
    reattached body;
    body.run_id = object.at("run_id").get<std::string>();
    body.thread_id = object.at("thread_id").get<std::string>();
    const bool is_ours = cause.at("category").get<std::string>() == category().name();
    body.cause.assign(cause.at("value").get<int>(), is_ours ? category() : std::generic_category());
    return body;
}

}  // namespace corun::codec
