#pragma once
#include "json/members.hpp"
#include <corun/headers.hpp>
#include <corun/resources.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

/// Readers of values that both protocols have.
namespace corun::codec {

/// The text of any value but null.
void read_raw(json::value source, std::string& out);
/// A number, or 0.
void read_count(json::value source, std::int64_t& out);
/// A member that numbers a part: an integer from 0 to 2^31 - 1. Null leaves `out` as it is.
void read_index(json::value source, std::int32_t& out);
void read_optional_index(json::value source, std::optional<std::int32_t>& out);
/// The elements that are strings.
std::vector<std::string> read_strings(json::value source);
/// The members that are strings.
void read_headers(json::value source, headers& out);

inline constexpr json::member<last_error> last_error_members[] = {
    {"code", json::into<&last_error::code>},
    {"message", json::into<&last_error::message>},
};
/// With the delay that the message of a rate limit asks for.
void read_last_error(json::value source, std::optional<last_error>& out);
void read_usage(json::value source, std::optional<usage>& out);
void read_run_status(json::value source, thread_run& out);
/// The reason of an incomplete run or message.
void read_incomplete_details(json::value source, std::string& reason);
/// The tools that an MCP server lists: an array, or an object with a member for each name.
void read_listed_tools(json::value source, std::vector<mcp_tool_info>& out);

}  // namespace corun::codec
