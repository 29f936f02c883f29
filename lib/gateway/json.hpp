#pragma once
#include <nlohmann/json.hpp>

#include <string>
#include <string_view>

namespace corun::gateway {

/// Objects keep the order in which their members were written.
using json = nlohmann::ordered_json;

/// JSON text of anything, also of strings that are not UTF-8.
inline std::string text_of(const json& value) {
    return value.dump(-1, ' ', false, json::error_handler_t::replace);
}
/// The member if it is a string, otherwise empty.
inline std::string string_member(const json& object, const char* name) {
    if (!object.is_object()) return {};
    const auto found = object.find(name);
    return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}
/// The member, or null.
inline const json& member(const json& object, const char* name) {
    static const json null;
    if (!object.is_object()) return null;
    const auto found = object.find(name);
    return found == object.end() ? null : *found;
}
/// The value that a text is the JSON of; otherwise the text itself, as a string.
inline json value_of(std::string_view text) {
    json parsed = json::parse(text, nullptr, false);
    return parsed.is_discarded() ? json(std::string(text)) : parsed;
}

}  // namespace corun::gateway
