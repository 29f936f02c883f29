#include "mcp/results.hpp"

#include "json/members.hpp"
#include "text/escape.hpp"

#include <utility>

namespace corun::mcp {
namespace {

namespace json = codec::json;
using json::by;
using json::into;
using json::member;

void read_object_text(json::value source, std::string& out) {
    out = json::raw(source);
    if (!out.starts_with('{')) out.clear();
}

void read_flag(json::value source, bool& out) {
    out = json::is_true(source);
}

// What a server says about itself.

void read_capabilities(json::value source, bool& out) {
    out = false;
    const auto members = json::object_if(source);
    if (!members) return;
    json::each_member(*members, [&out](std::string_view key, json::value value) {
        out = out || (key == "tools" && json::token(value).starts_with('{'));
    });
}

void read_versions(json::value source, std::optional<std::vector<std::string>>& out) {
    out.reset();
    if (json::token(source).starts_with('[')) read_strings(source, out.emplace());
}

constexpr member<server_description> description_members[] = {
    {"protocolVersion", into<&server_description::version>},
    {"supportedVersions", by<read_versions, &server_description::versions>},
    {"instructions", into<&server_description::instructions>},
    {"capabilities", by<read_capabilities, &server_description::has_tools>},
};

// Tools.

/// Members of a tool that decide whether it can be used.
struct tool_execution {
    std::string task_support;
};

constexpr member<tool_execution> execution_members[] = {
    {"taskSupport", into<&tool_execution::task_support>},
};

struct read_tool : tool {
    tool_execution execution;
    std::string annotation_title;
};

void read_title(json::value source, read_tool& out) {
    json::read(source, out.annotation_title);
}

constexpr member<read_tool> annotation_members[] = {
    {"title", read_title},
    {"readOnlyHint", into<&read_tool::read_only>},
    {"destructiveHint", into<&read_tool::destructive>},
    {"idempotentHint", into<&read_tool::idempotent>},
    {"openWorldHint", into<&read_tool::open_world>},
};

constexpr member<read_tool> tool_members[] = {
    {"name", into<&read_tool::name>},
    {"title", into<&read_tool::title>},
    {"description", into<&read_tool::description>},
    {"inputSchema", by<read_object_text, &read_tool::input_schema>},
    {"outputSchema", by<read_object_text, &read_tool::output_schema>},
    {"annotations", [](json::value source, read_tool& out) { json::read_members_if(source, annotation_members, out); }},
    {"execution",
     [](json::value source, read_tool& out) { json::read_members_if(source, execution_members, out.execution); }},
};

void read_one_tool(json::object source, tool_page& page) {
    read_tool one;
    one.raw = json::raw(source);
    json::read_members(source, tool_members, one);
    if (one.title.empty()) one.title = std::move(one.annotation_title);
    if (one.name.empty())
        page.problems.emplace_back("a tool without a name");
    else if (one.execution.task_support == "required")
        page.problems.push_back("the tool " + detail::quote(one.name) + " can only be called as a task");
    else
        page.tools.push_back(std::move(one));
}

void read_tools(json::value source, tool_page& page) {
    const auto elements = json::array_if(source);
    if (!elements) return;
    json::each_element(*elements, [&page](json::value element) {
        if (const auto object = json::object_if(element)) read_one_tool(*object, page);
    });
}

void read_cursor(json::value source, tool_page& page) {
    page.next_cursor.reset();
    if (json::string_inside(source)) json::read(source, page.next_cursor.emplace());
}

constexpr member<tool_page> page_members[] = {
    {"tools", read_tools},
    {"nextCursor", read_cursor},
    {"ttlMs", [](json::value source, tool_page& page) { json::read(source, page.ttl_ms); }},
};

// Results of calls.

void read_data(json::value source, content& out) {
    json::read(source, out.data);
}

constexpr member<content> resource_members[] = {
    {"uri", into<&content::uri>},
    {"mimeType", into<&content::mime_type>},
    {"text", into<&content::text>},
    {"blob", read_data},
};

constexpr member<content> content_members[] = {
    {"type", into<&content::type>},
    {"text", into<&content::text>},
    {"data", read_data},
    {"mimeType", into<&content::mime_type>},
    {"uri", into<&content::uri>},
    {"name", into<&content::name>},
    {"resource", [](json::value source, content& out) { json::read_members_if(source, resource_members, out); }},
};

void read_content(json::value source, std::vector<content>& out) {
    json::read_objects_if(source, out, [](json::object object, content& one) {
        one.raw = json::raw(object);
        json::read_members(object, content_members, one);
    });
}

constexpr member<input_request> input_members[] = {
    {"method", into<&input_request::method>},
};

void read_input_requests(json::value source, std::vector<input_request>& out) {
    out.clear();
    const auto members = json::object_if(source);
    if (!members) return;
    json::each_member(*members, [&out](std::string_view key, json::value value) {
        out.emplace_back().key = key;
        json::read_members_if(value, input_members, out.back());
    });
}

constexpr member<call_outcome> outcome_members[] = {
    {"resultType", into<&call_outcome::type>},
    {"content", [](json::value source, call_outcome& out) { read_content(source, out.result.content); }},
    {"structuredContent",
     [](json::value source, call_outcome& out) { read_raw(source, out.result.structured_content); }},
    {"isError", [](json::value source, call_outcome& out) { read_flag(source, out.result.is_error); }},
    {"requestState", by<read_raw, &call_outcome::request_state>},
    {"inputRequests", by<read_input_requests, &call_outcome::input_requests>},
};

template <class T, std::size_t Size>
T decode(std::string_view text, std::string_view subject, const member<T> (&members)[Size]) {
    T out;
    read_object(text, subject, [&](json::object source) { json::read_members(source, members, out); });
    return out;
}

}  // namespace

server_description decode_description(std::string_view result) {
    return decode<server_description>(result, "description of itself", description_members);
}

tool_page decode_tools(std::string_view result) {
    return decode<tool_page>(result, "list of tools", page_members);
}

call_outcome decode_outcome(std::string_view result) {
    auto outcome = decode<call_outcome>(result, "result of a tool", outcome_members);
    outcome.result.raw = result;
    return outcome;
}

tool_result failed_result(std::string text) {
    tool_result result;
    result.is_error = true;
    content& block = result.content.emplace_back();
    block.type = "text";
    block.text = std::move(text);
    return result;
}

}  // namespace corun::mcp
