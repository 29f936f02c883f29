// Agents and threads.
#include "protocol/readers.hpp"
#include "protocol/threads/codec.hpp"
#include "protocol/threads/objects.hpp"

#include <utility>

namespace corun::codec::threads {
namespace {

using json::by;
using json::decode_object;
using json::each_element;
using json::each_member;
using json::into;
using json::member;

/// Tool names as `["a"]` or as `{"tool_names":["a"]}`.
std::vector<std::string> read_tool_names(json::value source) {
    const auto members = json::object_if(source);
    if (!members) return read_strings(source);
    std::vector<std::string> names;
    each_member(*members, [&names](std::string_view key, json::value member) {
        if (key == "tool_names") names = read_strings(member);
    });
    return names;
}

struct tool_fields {
    std::string type, server_label, server_url, name, description, parameters;
    std::optional<bool> strict;
    std::vector<std::string> allowed_tools;
};
constexpr member<tool_fields> function_members[] = {
    {"name", into<&tool_fields::name>},
    {"description", into<&tool_fields::description>},
    {"parameters", by<read_raw, &tool_fields::parameters>},
    {"strict", [](json::value source, tool_fields& out) { json::read(source, out.strict); }},
};
constexpr member<tool_fields> azure_function_members[] = {
    {"function", [](json::value source, tool_fields& out) { read_members_if(source, function_members, out); }},
};
constexpr member<tool_fields> tool_members[] = {
    {"type", into<&tool_fields::type>},
    {"server_label", into<&tool_fields::server_label>},
    {"server_url", into<&tool_fields::server_url>},
    {"allowed_tools", [](json::value source, tool_fields& out) { out.allowed_tools = read_tool_names(source); }},
    {"function", [](json::value source, tool_fields& out) { read_members_if(source, function_members, out); }},
    {"openapi", [](json::value source, tool_fields& out) { read_members_if(source, function_members, out); }},
    {"connected_agent", [](json::value source, tool_fields& out) { read_members_if(source, function_members, out); }},
    {"azure_function",
     [](json::value source, tool_fields& out) { read_members_if(source, azure_function_members, out); }},
};

tool read_tool(json::object source) {
    const std::string_view text = json::raw(source);
    tool_fields of;
    read_members(source, tool_members, of);
    if (of.type == "mcp")
        return mcp_tool(std::move(of.server_label), std::move(of.server_url), std::move(of.allowed_tools));
    if (of.type == "function") {
        function_tool read(std::move(of.name), std::move(of.description), std::move(of.parameters));
        read.strict = of.strict;
        return read;
    }
    return json_tool(std::move(of.type), std::string(text), std::move(of.name));
}

void read_tools(json::value source, std::vector<tool>& out) {
    out.clear();
    const auto elements = json::array_in(source, "tools");
    if (!elements) return;
    each_element(*elements, [&out](json::value element) {
        if (const auto members = json::object_in(element, "tools[]")) out.push_back(read_tool(*members));
    });
}

/// A form that this version does not know is no approval setting at all.
std::optional<mcp_approval> read_approval(json::value source) {
    const std::string_view text = json::token(source);
    if (text == R"("always")") return mcp_approval::always();
    if (text == R"("never")") return mcp_approval::never();
    const auto members = json::object_if(source);
    if (!members) return std::nullopt;
    std::vector<std::string> always, never;
    bool known = false;
    each_member(*members, [&](std::string_view key, json::value member) {
        if (key != "always" && key != "never") return;
        known = true;
        (key == "always" ? always : never) = read_tool_names(member);
    });
    if (!known) return std::nullopt;
    return mcp_approval::by_tool(std::move(always), std::move(never));
}

mcp_tool_resource read_mcp_resource(json::object source) {
    mcp_tool_resource resource{std::string()};
    each_member(source, [&resource](std::string_view key, json::value member) {
        if (key == "server_label") {
            json::read(member, resource.server_label);
        } else if (key == "require_approval") {
            resource.require_approval = read_approval(member);
        } else if (key == "headers") {
            read_headers(member, resource.headers);
        }
    });
    return resource;
}

void read_tool_resources(json::value source, tool_resources& out) {
    out = {};
    const auto members = json::object_in(source, "tool_resources");
    if (!members) return;
    each_member(*members, [&out](std::string_view key, json::value member) {
        if (json::is_null(member)) return;
        if (key != "mcp") {
            out.other[std::string(key)] = json::raw(member);
            return;
        }
        out.mcp.clear();
        const auto elements = json::array_in(member, "tool_resources.mcp");
        if (!elements) return;
        each_element(*elements, [&out](json::value element) {
            if (const auto resource = json::object_in(element, "tool_resources.mcp[]"))
                out.mcp.push_back(read_mcp_resource(*resource));
        });
    });
}

void read_response_format(json::value source, std::optional<response_format>& out) {
    out.reset();
    if (!json::is_null(source)) out = response_format::from_json(std::string(json::raw(source)));
}

constexpr member<agent_definition> agent_members[] = {
    {"model", into<&agent_definition::model>},
    {"name", into<&agent_definition::name>},
    {"description", into<&agent_definition::description>},
    {"instructions", into<&agent_definition::instructions>},
    {"tools", by<read_tools, &agent_definition::tools>},
    {"tool_resources", by<read_tool_resources, &agent_definition::tool_resources>},
    {"temperature", into<&agent_definition::temperature>},
    {"top_p", into<&agent_definition::top_p>},
    {"response_format", by<read_response_format, &agent_definition::response_format>},
    {"metadata", into<&agent_definition::metadata>},
    {"created_at", into<&agent_definition::created_at>},
};

constexpr member<thread_definition> thread_members[] = {
    {"tool_resources", by<read_tool_resources, &thread_definition::tool_resources>},
    {"metadata", into<&thread_definition::metadata>},
    {"created_at", into<&thread_definition::created_at>},
};

}  // namespace

void read(json::object source, agent_definition& out) {
    read_identified(source, agent_members, out);
}
void read(json::object source, thread_definition& out) {
    read_identified(source, thread_members, out);
}

agent_definition decode_agent(std::string_view text) {
    return decode_object("agent", text, agent_members);
}
thread_definition decode_thread(std::string_view text) {
    return decode_object("thread", text, thread_members);
}

}  // namespace corun::codec::threads
