#pragma once
#include <corun/event.hpp>

#include <nlohmann/json.hpp>

#include <string_view>

namespace corun {

/// The data of an event as nlohmann JSON; `is_discarded()` if it is not JSON, such as that of a
/// keep-alive. This header includes nlohmann/json.hpp.
[[nodiscard]] inline nlohmann::json to_json(const event& value) {
    return nlohmann::json::parse(value.raw(), nullptr, false);
}

/// A JSON text, such as `function_call::arguments`.
[[nodiscard]] inline nlohmann::json to_json(std::string_view text) {
    return nlohmann::json::parse(text, nullptr, false);
}

/// A value with its JSON in `raw`.
template <class T>
concept has_raw_json = requires(const T& value) {
    std::string_view(value.raw);
};

/// A value with its JSON in `json()`.
template <class T>
concept is_json_value = requires(const T& value) {
    std::string_view(value.json());
};

/// The JSON of an object as received: a run, a step, a tool call, a message, an agent's definition,
/// ... For example `to_json(run)["tools"]`.
template <has_raw_json Resource>
[[nodiscard]] nlohmann::json to_json(const Resource& value) {
    return to_json(std::string_view(value.raw));
}

/// The JSON of a `response_format` or `tool_choice`.
template <is_json_value Value>
[[nodiscard]] nlohmann::json to_json(const Value& value) {
    return to_json(std::string_view(value.json()));
}

}  // namespace corun
