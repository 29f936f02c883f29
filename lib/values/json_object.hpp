#pragma once
#include <nlohmann/json.hpp>

#include <string>
#include <string_view>

/// For the values that hold JSON text: building it, and rejecting what cannot be JSON.
namespace corun::detail {

using document = nlohmann::ordered_json;

/// Throws `errc::invalid_argument` with "`subject` `problem`".
[[noreturn]] void throw_invalid_argument(std::string_view subject, std::string_view problem);

/// Throws `errc::invalid_argument` if a text in `value` is not UTF-8.
std::string dump(const document& value, std::string_view subject);

/// Throws `errc::invalid_argument` if `text` is not a JSON object.
document parse_object(const std::string& text, std::string_view subject);

/// `{key:value}`.
document object_with(const char* key, document value);

/// `{"type":type,type:body}`.
document typed_object(const char* type, document body);

void set_unless_empty(document& object, const char* key, std::string value);

}  // namespace corun::detail
