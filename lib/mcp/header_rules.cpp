#include "mcp/header_rules.hpp"

#include "json/document.hpp"
#include "text/ascii.hpp"
#include "text/base64.hpp"
#include "text/escape.hpp"
#include <corun/error.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <utility>

namespace corun::mcp {
namespace {

using document = nlohmann::ordered_json;

constexpr std::string_view annotation = "x-mcp-header";
constexpr std::string_view encoded_begin = "=?base64?", encoded_end = "?=";
/// The largest integer that every JSON library keeps.
constexpr std::int64_t largest_integer = (std::int64_t{1} << 53) - 1;

constexpr std::array reserved{
    "Accept",  "Connection", "Content-Encoding",  "Content-Length", "Content-Type",
    "Expect",  "Host",       "Keep-Alive",        "Last-Event-ID",  "TE",
    "Trailer", "Upgrade",    "Transfer-Encoding",
};
constexpr std::string_view reserved_prefix = "Mcp-";

bool is_plain(std::string_view value) noexcept {
    const bool visible = std::all_of(value.begin(), value.end(), [](char c) { return c >= 0x20 && c <= 0x7e; });
    const bool bare = !value.empty() && value.front() != ' ' && value.back() != ' ';
    return visible && bare && !value.starts_with(encoded_begin);
}

/// The keywords of a JSON schema whose value is a schema, an array of schemas, or an object of them.
constexpr std::array one_schema{
    "items",         "additionalItems",  "additionalProperties", "contains", "else", "if", "not", "then",
    "propertyNames", "unevaluatedItems", "unevaluatedProperties"};
constexpr std::array array_of_schemas{"allOf", "anyOf", "oneOf", "prefixItems", "items"};
constexpr std::array object_of_schemas{"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"};

template <std::size_t Size>
bool is_one_of(std::string_view name, const std::array<const char*, Size>& names) noexcept {
    return std::find(names.begin(), names.end(), name) != names.end();
}

/// Finds the annotations of a schema.
class annotation_finder {
public:
    /// `reachable`: every step from the root has been into `properties`.
    void read(const document& schema, bool reachable) {
        if (!schema.is_object() || !found.problem.empty()) return;
        if (const auto name = schema.find(annotation); name != schema.end()) add(schema, *name, reachable);
        for (const auto& [key, value] : schema.items()) {
            if (value.is_object() && is_one_of(key, object_of_schemas)) {
                for (const auto& [member, sub] : value.items()) {
                    path_.push_back(member);
                    read(sub, reachable && key == "properties");
                    path_.pop_back();
                }
            } else if (value.is_object() && is_one_of(key, one_schema)) {
                read(value, false);
            } else if (value.is_array() && is_one_of(key, array_of_schemas)) {
                for (const document& sub : value) read(sub, false);
            }
        }
    }

    header_parameters found;

private:
    void add(const document& schema, const document& name, bool reachable) {
        if (!name.is_string() || !is_header_name(name.get_ref<const std::string&>()))
            return refuse("is not the name of a header field");
        if (!reachable || path_.empty()) return refuse("is not at a property that every call can have");
        if (!has_plain_type(schema)) return refuse("is not at a string, an integer or a boolean");
        header_parameter one;
        one.path = path_;
        one.name = "Mcp-Param-" + name.get<std::string>();
        for (const header_parameter& other : found.list)
            if (equal_ignoring_case(other.name, one.name)) return refuse("is there twice with the same name");
        found.list.push_back(std::move(one));
    }

    static bool has_plain_type(const document& schema) {
        const auto type = schema.find("type");
        const auto is_plain_type = [](const document& value) {
            return value == "string" || value == "integer" || value == "boolean";
        };
        return type != schema.end() && is_plain_type(*type);
    }

    void refuse(std::string_view why) {
        found.problem = std::string(annotation) + " in its input schema " + std::string(why);
    }

    std::vector<std::string> path_;
};

/// What the field of a value contains; nothing if it has no field.
std::optional<std::string> header_value(const document& value) {
    if (value.is_string()) return encoded_header_value(value.get_ref<const std::string&>());
    if (value.is_boolean()) return value.get<bool>() ? "true" : "false";
    if (!value.is_number()) return std::nullopt;
    if (value.is_number_unsigned() && value.get<std::uint64_t>() > std::uint64_t{largest_integer}) return std::nullopt;
    std::int64_t integer = 0;
    if (value.is_number_float()) {
        const double number = value.get<double>();
        if (std::trunc(number) != number || std::abs(number) > static_cast<double>(largest_integer))
            return std::nullopt;
        integer = static_cast<std::int64_t>(number);
    } else {
        integer = value.get<std::int64_t>();
    }
    if (integer < -largest_integer || integer > largest_integer) return std::nullopt;
    return std::to_string(integer);
}

}  // namespace

void check_headers(const headers& fields, std::string_view origin) {
    for (const header& field : fields) {
        const std::string_view name = field.name;
        const std::string where = "the header " + detail::quote(name) + " for the MCP server " + std::string(origin);
        if (!is_header_name(name)) throw error(errc::invalid_header, where + " has a name that is not a token");
        if (!is_header_value(field.value.reveal()))
            throw error(errc::invalid_header,
                        where + " has a value with control characters, or with blanks at its ends");
        const bool is_reserved = equal_ignoring_case(name.substr(0, reserved_prefix.size()), reserved_prefix) ||
                                 std::any_of(reserved.begin(), reserved.end(),
                                             [name](const char* each) { return equal_ignoring_case(name, each); });
        if (is_reserved) throw error(errc::invalid_header, where + " is set by the protocol; remove it");
    }
}

std::string encoded_header_value(std::string_view value) {
    if (is_plain(value)) return std::string(value);
    return std::string(encoded_begin) + base64::encode(value) + std::string(encoded_end);
}

header_parameters header_parameters_of(std::string_view input_schema) {
    annotation_finder finder;
    // Most schemas have none.
    if (input_schema.find(annotation) == input_schema.npos && input_schema.find('\\') == input_schema.npos)
        return std::move(finder.found);
    const document schema = codec::json::parse_document<document>(input_schema);
    finder.read(schema, true);
    return std::move(finder.found);
}

void add_parameters(headers& fields, const std::vector<header_parameter>& parameters, std::string_view arguments) {
    if (parameters.empty()) return;
    const document values = codec::json::parse_document<document>(arguments);
    for (const header_parameter& each : parameters) {
        const document* value = &values;
        for (const std::string& name : each.path) {
            const auto member = value->is_object() ? value->find(name) : value->end();
            value = member == value->end() ? nullptr : &*member;
            if (value == nullptr) break;
        }
        if (value == nullptr) continue;
        if (const auto text = header_value(*value)) fields.set(each.name, secret(*text));
    }
}

}  // namespace corun::mcp
