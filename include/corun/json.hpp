#pragma once
#include <corun/event.hpp>

#include <nlohmann/json.hpp>

#include <string_view>

namespace corun {

/// The payload of an event as nlohmann JSON; discarded (`is_discarded()`) when it is not JSON, as
/// that of a keep-alive. Include this header only where you want nlohmann/json.hpp.
[[nodiscard]] inline nlohmann::json to_json(const event& value) {
    return nlohmann::json::parse(value.raw(), nullptr, false);
}

/// The same for a text, such as `function_call::arguments`.
[[nodiscard]] inline nlohmann::json to_json(std::string_view text) {
    return nlohmann::json::parse(text, nullptr, false);
}

/// The same for what keeps its JSON in `raw`: a run, a step, a tool call, a message, the definition
/// of an agent, ...: `to_json(run)["tools"]`.
template <class Resource>
requires requires(const Resource& value) {
    std::string_view(value.raw);
}
[[nodiscard]] nlohmann::json to_json(const Resource& value) {
    return to_json(std::string_view(value.raw));
}

/// The same for what is a JSON value to the service: a `response_format`, a `tool_choice`.
template <class Value>
requires requires(const Value& value) {
    std::string_view(value.json());
}
[[nodiscard]] nlohmann::json to_json(const Value& value) {
    return to_json(std::string_view(value.json()));
}

}  // namespace corun
