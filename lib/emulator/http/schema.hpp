#pragma once
#include "emulator/json.hpp"

#include <functional>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

/// Validation of request bodies. A check throws `api_error` with the service's own message.
namespace corun::emulator::schema {

/// Validates a value; `path` is its name in messages, such as `tools[0].type`.
using check = std::function<void(const json& value, const std::string& path)>;

struct member {
    member(std::string key, check value_check, bool is_required = false)
        : name(std::move(key)), value(std::move(value_check)), required(is_required) {}

    std::string name;
    check value;
    bool required;
};
inline member required(std::string name, check value) {
    return {std::move(name), std::move(value), true};
}

check any();
check string(std::size_t max_length = 0);
check boolean();
check integer(std::int64_t min, std::int64_t max);
check number(double min, double max);
check one_of(std::vector<std::string> values);
check array(check item, std::size_t max_items = 0);
/// An object with any keys.
check map(check value);
/// The service's metadata: 16 pairs of strings.
check metadata();
check nullable(check inner);
/// A string that passes `text`, or anything else that passes `other`.
check string_or(check text, check other);
/// HTTP headers for an MCP server. Rejects line breaks, which would inject headers or requests.
check headers();
/// An object with these members and no other.
check object(std::vector<member> members);
/// The same, with a required string `type` as well.
check typed_object(std::vector<member> members);
/// An object whose member `type` selects the check.
check by_type(std::vector<std::pair<std::string, check>> types);

}  // namespace corun::emulator::schema
