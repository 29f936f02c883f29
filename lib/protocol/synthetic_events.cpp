#include "protocol/synthetic_events.hpp"

#include <corun/error.hpp>

#include <nlohmann/json.hpp>

namespace corun::codec {

std::string encode_reattached(const reattached& what) {
    nlohmann::ordered_json object;
    object["run_id"] = what.run_id;
    object["thread_id"] = what.thread_id;
    object["cause"]["category"] = what.cause.category().name();
    object["cause"]["value"] = what.cause.value();
    object["cause"]["message"] = what.cause.message();
    return object.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

reattached decode_reattached(std::string_view data) {
    const auto object = nlohmann::json::parse(data);
    const auto& cause = object.at("cause");
    reattached what;
    what.run_id = object.at("run_id").get<std::string>();
    what.thread_id = object.at("thread_id").get<std::string>();
    const bool ours = cause.at("category").get<std::string>() == category().name();
    what.cause.assign(cause.at("value").get<int>(), ours ? category() : std::generic_category());
    return what;
}

}  // namespace corun::codec
