#include "values/json_object.hpp"

#include <corun/error.hpp>

#include <utility>

namespace corun::detail {

void throw_invalid_argument(std::string_view subject, std::string_view problem) {
    throw error(errc::invalid_argument, std::string(subject) + " " + std::string(problem));
}

std::string dump(const document& value, std::string_view subject) {
    try {
        return value.dump();
    } catch (const document::type_error&) {
        // Not its message: it quotes the text.
        throw_invalid_argument(subject, "contains text that is not valid UTF-8");
    }
}

document parse_object(const std::string& text, std::string_view subject) {
    document parsed = document::parse(std::string_view(text), nullptr, false);
    if (!parsed.is_object()) throw_invalid_argument(subject, "must be a JSON object");
    return parsed;
}

document object_with(const char* key, document value) {
    document object = document::object();
    object[key] = std::move(value);
    return object;
}

document typed_object(const char* type, document body) {
    document object = object_with("type", type);
    object[type] = std::move(body);
    return object;
}

void set_unless_empty(document& object, const char* key, std::string value) {
    if (!value.empty()) object[key] = std::move(value);
}

}  // namespace corun::detail
