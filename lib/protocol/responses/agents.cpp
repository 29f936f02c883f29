#include "protocol/readers.hpp"
#include "protocol/responses/codec.hpp"
#include "protocol/responses/objects.hpp"

#include <utility>

namespace corun::codec::responses {
namespace {

using json::by;
using json::each_element;
using json::each_member;
using json::into;
using json::member;

/// Appends a member that has no place of its own to the text of a JSON object.
void add_member(std::string& object, std::string_view key, std::string_view value) {
    if (value == "null") return;
    if (object.empty())
        object = "{";
    else
        object.back() = ',';
    object.append("\"").append(key).append("\":").append(value).append("}");
}

/// `["a"]` or `{"tool_names":["a"]}`; nothing for a filter that this version does not know.
std::optional<std::vector<std::string>> read_tool_names(json::value source) {
    const auto members = json::object_if(source);
    if (!members) return read_strings(source);
    std::optional<std::vector<std::string>> names = std::vector<std::string>();
    each_member(*members, [&names](std::string_view key, json::value member) {
        if (json::is_null(member)) return;
        if (key == "tool_names" && names)
            names = read_strings(member);
        else
            names.reset();
    });
    return names;
}

std::optional<mcp_approval> read_approval(json::object source) {
    std::optional<std::vector<std::string>> always = std::vector<std::string>(), never = always;
    each_member(source, [&](std::string_view key, json::value member) {
        if (json::is_null(member)) return;
        if (key == "always")
            always = read_tool_names(member);
        else if (key == "never")
            never = read_tool_names(member);
    });
    if (!always || !never || (always->empty() && never->empty())) return std::nullopt;
    return mcp_approval::by_tool(std::move(*always), std::move(*never));
}

void read_secret(json::value source, secret& out) {
    std::string text;
    json::read(source, text);
    out = secret(std::move(text));
}

prompt_mcp_tool read_mcp_tool(json::object source) {
    prompt_mcp_tool tool{std::string(), std::string()};
    each_member(source, [&tool](std::string_view key, json::value member) {
        if (key == "type") return;
        if (key == "server_label") return json::read(member, tool.server_label);
        if (key == "server_url") return json::read(member, tool.server_url);
        if (key == "project_connection_id") return json::read(member, tool.project_connection_id);
        if (key == "connector_id") return json::read(member, tool.connector_id);
        if (key == "tunnel_id") return json::read(member, tool.tunnel_id);
        if (key == "server_description") return json::read(member, tool.server_description);
        if (key == "defer_loading") return json::read(member, tool.defer_loading);
        if (key == "authorization") return read_secret(member, tool.authorization);
        if (key == "allowed_callers") {
            tool.allowed_callers = read_strings(member);
            return;
        }
        if (key == "headers") return read_headers(member, tool.headers);
        // What is more than a list or a word is kept as it is.
        if (key == "allowed_tools" && !json::token(member).starts_with('{')) {
            tool.allowed_tools = read_strings(member);
            return;
        }
        auto members = json::object_if(member);
        const std::string_view raw = members ? json::raw(*members) : json::raw(member);
        if (key == "require_approval") {
            tool.require_approval.reset();
            if (raw == R"("always")") tool.require_approval = mcp_approval::always();
            if (raw == R"("never")") tool.require_approval = mcp_approval::never();
            if (members) tool.require_approval = read_approval(*members);
            if (tool.require_approval) return;
        }
        add_member(tool.extra_json.text(), key, raw);
    });
    return tool;
}

constexpr member<function_tool> function_members[] = {
    {"name", into<&function_tool::name>},
    {"description", into<&function_tool::description>},
    {"parameters", by<read_raw, &function_tool::parameters>},
    {"strict", into<&function_tool::strict>},
    {"output_schema", by<read_raw, &function_tool::output_schema>},
    {"async", into<&function_tool::async>},
    {"defer_loading", into<&function_tool::defer_loading>},
    {"allowed_callers", [](json::value source, function_tool& out) { out.allowed_callers = read_strings(source); }},
};

prompt_tool read_tool(json::object source) {
    const std::string_view text = json::raw(source);
    std::string type, name;
    each_member(source, [&](std::string_view key, json::value member) {
        if (key == "type") json::read(member, type);
        if (key == "name") json::read(member, name);
    });
    json::checked(source.reset());
    if (type == "mcp") return read_mcp_tool(source);
    if (type == "function") {
        function_tool tool{std::string(), std::string(), std::string()};
        read_members(source, function_members, tool);
        return tool;
    }
    return json_tool(std::move(type), std::string(text), std::move(name));
}

void read_tools(json::value source, std::vector<prompt_tool>& out) {
    out.clear();
    const auto elements = json::array_in(source, "tools");
    if (!elements) return;
    each_element(*elements, [&out](json::value element) {
        if (const auto members = json::object_in(element, "tools[]")) out.push_back(read_tool(*members));
    });
}

constexpr member<structured_input> structured_input_members[] = {
    {"description", into<&structured_input::description>},
    {"default_value", by<read_raw, &structured_input::default_value>},
    {"schema", by<read_raw, &structured_input::schema>},
    {"required", [](json::value source, structured_input& out) { out.required = json::is_true(source); }},
};

void read_structured_inputs(json::value source, std::map<std::string, structured_input>& out) {
    out.clear();
    const auto members = json::object_if(source);
    if (!members) return;
    each_member(*members, [&out](std::string_view name, json::value member) {
        read_members_if(member, structured_input_members, out[std::string(name)]);
    });
}

void read_definition_member(std::string_view key, json::value source, prompt_agent_definition& out) {
    if (key == "kind") return json::read(source, out.kind);
    if (key == "model") return json::read(source, out.model);
    if (key == "instructions") return json::read(source, out.instructions);
    if (key == "tools") return read_tools(source, out.tools);
    if (key == "temperature") return json::read(source, out.temperature);
    if (key == "top_p") return json::read(source, out.top_p);
    if (key == "reasoning") return read_raw(source, out.reasoning.text());
    if (key == "structured_inputs") return read_structured_inputs(source, out.structured_inputs);
    if (key == "tool_choice") {
        if (!json::is_null(source)) out.tool_choice = tool_choice::from_json(std::string(json::raw(source)));
        return;
    }
    if (key == "text") {
        out.response_format.reset();
        auto members = json::object_if(source);
        if (!members) return;
        // Only the format has a member; with more, all of it is kept as it is.
        const std::string_view raw = json::raw(*members);
        bool other = false;
        each_member(*members, [&](std::string_view name, json::value member) {
            if (json::is_null(member)) return;
            if (name == "format")
                out.response_format = response_format::from_json(std::string(json::raw(member)));
            else
                other = true;
        });
        if (!other) return;
        out.response_format.reset();
        return add_member(out.extra_json.text(), key, raw);
    }
    add_member(out.extra_json.text(), key, json::raw(source));
}

void read_version_member(std::string_view key, json::value source, prompt_agent_definition& out) {
    if (key == "id") return json::read(source, out.id);
    if (key == "name") return json::read(source, out.name);
    if (key == "version") return json::read(source, out.version);
    if (key == "description") return json::read(source, out.description);
    if (key == "metadata") return json::read(source, out.metadata);
    if (key == "created_at") return json::read(source, out.created_at);
    if (key == "definition") {
        if (const auto members = json::object_in(source, key))
            each_member(*members, [&out](std::string_view name, json::value member) {
                read_definition_member(name, member, out);
            });
    }
}

}  // namespace

prompt_agent_definition decode_agent(std::string_view text) {
    return json::decode_body("agent", text, [text](json::object source) {
        prompt_agent_definition agent;
        each_member(source, [&agent](std::string_view key, json::value member) {
            if (key != "versions") return read_version_member(key, member, agent);
            const auto versions = json::object_if(member);
            if (!versions) return;
            each_member(*versions, [&agent](std::string_view name, json::value version) {
                if (name != "latest") return;
                if (const auto latest = json::object_if(version))
                    each_member(*latest, [&agent](std::string_view each, json::value part) {
                        if (each != "id") read_version_member(each, part, agent);
                    });
            });
        });
        if (agent.name.empty()) json::missing("name");
        agent.raw = text;
        return agent;
    });
}

}  // namespace corun::codec::responses
