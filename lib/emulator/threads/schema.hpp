#pragma once
#include "emulator/json.hpp"

#include <functional>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

/// What request bodies may hold. A check throws `refusal` in the service's words.
namespace corun::emulator::schema {

/// Looks at a value; `path` is its name in messages, such as `tools[0].type`.
using check = std::function<void(const json& value, const std::string& path)>;

struct member {
    member(std::string key, check what, bool is_required = false)
        : name(std::move(key)), test(std::move(what)), required(is_required) {}

    std::string name;
    check test;
    bool required;
};
inline member required(std::string name, check test) {
    return {std::move(name), std::move(test), true};
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
/// HTTP headers for an MCP server. A line break in one would be a header, or a request, more.
check headers();
/// An object with these members and no other.
check object(std::vector<member> members);
/// An object whose member `type` chooses the check.
check by_type(std::vector<std::pair<std::string, check>> types);

/// The bodies of the service. `mcp`: the api-version knows MCP.
struct bodies {
    explicit bodies(bool mcp);

    check create_agent, update_agent;
    check create_thread, update_thread;
    check create_message;
    check create_run, create_thread_and_run;
    check submit;
    check metadata_only;
};

}  // namespace corun::emulator::schema
