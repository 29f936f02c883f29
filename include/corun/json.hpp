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

/// The same for the `raw` member of a resource, such as `thread_run::raw`.
[[nodiscard]] inline nlohmann::json to_json(std::string_view raw) {
    return nlohmann::json::parse(raw, nullptr, false);
}

}  // namespace corun
