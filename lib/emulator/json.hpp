#pragma once
#include <nlohmann/json.hpp>

#include <string>
#include <utility>

namespace corun::emulator {

/// Objects keep the order in which their members were written, as the service does.
using json = nlohmann::ordered_json;

/// A member, or null.
inline const json& get(const json& object, const char* name) {
    static const json null;
    if (!object.is_object()) return null;
    const auto found = object.find(name);
    return found == object.end() ? null : *found;
}
/// A member, or `otherwise` where it is absent or null.
inline json or_default(const json& object, const char* name, json otherwise) {
    const json& value = get(object, name);
    return value.is_null() ? std::move(otherwise) : value;
}
inline std::string get_string(const json& object, const char* name) {
    const json& value = get(object, name);
    return value.is_string() ? value.get<std::string>() : std::string{};
}
/// JSON text of anything, also of strings that are not UTF-8.
inline std::string text_of(const json& value) {
    return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace corun::emulator
