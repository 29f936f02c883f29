#include "protocol/threads/objects.hpp"

#include "json/text.hpp"
#include "protocol/readers.hpp"
#include "protocol/threads/codec.hpp"
#include <corun/error.hpp>

#include <algorithm>
#include <iterator>

namespace corun::codec::threads {
namespace {

using json::by;
using json::decode_object;
using json::each_element;
using json::each_member;
using json::into;
using json::member;

/// The elements that are objects; null is none. Throws for anything else.
template <class T, class Read>
void read_objects(json::value source, std::string_view name, std::vector<T>& out, Read read_object) {
    out.clear();
    const auto elements = json::array_in(source, name);
    if (!elements) return;
    each_element(*elements, [&](json::value element) {
        if (auto members = json::object_in(element, std::string(name) + "[]"))
            read_object(*members, out.emplace_back());
    });
}

json_piece piece_of(json::value source) {
    if (const auto inside = json::string_inside(source)) return {*inside, inside->find('\\') != std::string_view::npos};
    return {json::raw(source), false};
}

std::optional<json_piece> piece_unless_null(json::value source) {
    if (json::is_null(source)) return std::nullopt;
    return piece_of(source);
}

std::optional<json_piece> string_piece(json::value source) {
    if (!json::string_inside(source)) return std::nullopt;
    return piece_of(source);
}

void append(std::string& out, const json_piece& piece) {
    if (piece.escaped)
        json::append_unescaped(out, piece.text);
    else
        out.append(piece.text);
}

std::string to_string(const std::optional<json_piece>& piece) {
    std::string text;
    if (piece) append(text, *piece);
    return text;
}

template <std::optional<json_piece> call_fields::*Member>
void string_into(json::value source, call_fields& out) {
    out.*Member = string_piece(source);
}
template <std::optional<json_piece> call_fields::*Member>
void piece_into(json::value source, call_fields& out) {
    out.*Member = piece_unless_null(source);
}

void read_image(json::value source, std::optional<json_piece>& file_id) {
    const auto image = json::object_if(source);
    if (!image) return;
    each_member(*image, [&file_id](std::string_view key, json::value member) {
        if (key == "file_id") file_id = string_piece(member);
    });
}

constexpr member<call_output> call_output_members[] = {
    {"index",
     [](json::value source, call_output& out) {
         if (!json::is_null(source)) out.index = read_index(source);
     }},
    {"type", [](json::value source, call_output& out) { out.type = string_piece(source); }},
    {"logs", [](json::value source, call_output& out) { out.logs = string_piece(source); }},
    {"image", by<read_image, &call_output::file_id>},
};

void read_call_outputs(json::value source, std::vector<call_output>& out) {
    const auto elements = json::array_if(source);
    if (!elements) return;
    out.clear();
    each_element(*elements, [&out](json::value element) {
        const auto members = json::object_if(element);
        if (!members) return;
        call_output& added = out.emplace_back();
        added.index = static_cast<std::int32_t>(out.size() - 1);
        read_members(*members, call_output_members, added);
    });
}

/// What a tool call may say at either of its two places.
constexpr member<call_fields> call_members[] = {
    {"name", string_into<&call_fields::name>},
    {"arguments", piece_into<&call_fields::arguments>},
    {"input", piece_into<&call_fields::arguments>},
    {"output", piece_into<&call_fields::output>},
    {"outputs", by<read_call_outputs, &call_fields::outputs>},
    {"assistant_id", string_into<&call_fields::agent_id>},
    {"thread_id", string_into<&call_fields::thread_id>},
    {"run_id", string_into<&call_fields::run_id>},
};

/// What it says beside its type.
constexpr member<call_fields> flat_call_members[] = {
    {"id", string_into<&call_fields::id>},
    {"type", string_into<&call_fields::type>},
    {"index",
     [](json::value source, call_fields& out) {
         if (!json::is_null(source)) out.index = read_index(source);
     }},
    {"server_label", string_into<&call_fields::server_label>},
};

/// The calls of `submit_tool_outputs` or `submit_tool_approval`. Each goes where its own type says;
/// the type of the action stands in for one that is missing.
void read_action_calls(json::value source, std::string_view member, std::string_view default_type,
                       required_action& out) {
    const auto action = json::object_in(source, member);
    if (!action) return;
    each_member(*action, [&](std::string_view key, json::value calls) {
        if (key != "tool_calls") return;
        const auto elements = json::array_in(calls, key);
        if (!elements) return;
        each_element(*elements, [&](json::value element) {
            auto call = json::object_in(element, "tool_calls");
            if (!call) return;
            const std::string_view raw = json::raw(*call);
            const call_fields fields = read_call(*call);
            const std::string type = fields.type ? to_string(fields.type) : std::string(default_type);
            if (type != "function" && type != "mcp") {
                other_call& added = out.other_calls.emplace_back();
                added.id = to_string(fields.id);
                added.type = type;
                added.raw = raw;
                return;
            }
            if (!fields.id) json::missing("tool_calls[].id");
            if (type == "function") {
                function_call& added = out.function_calls.emplace_back();
                added.id = to_string(fields.id);
                added.name = to_string(fields.name);
                added.arguments = to_string(fields.arguments);
            } else {
                mcp_approval_request& added = out.mcp_approvals.emplace_back();
                added.id = to_string(fields.id);
                added.name = to_string(fields.name);
                added.server_label = to_string(fields.server_label);
                added.arguments = to_string(fields.arguments);
            }
        });
    });
}

constexpr member<required_action> action_members[] = {
    {"type", into<&required_action::type>},
    {"submit_tool_outputs",
     [](json::value source, required_action& out) {
         read_action_calls(source, "submit_tool_outputs", "function", out);
     }},
    {"submit_tool_approval",
     [](json::value source, required_action& out) { read_action_calls(source, "submit_tool_approval", "mcp", out); }},
};

void read_required_action(json::value source, std::optional<required_action>& out) {
    out.reset();
    auto members = json::object_in(source, "required_action");
    if (!members) return;
    out.emplace().raw = json::raw(*members);
    read_members(*members, action_members, *out);
}

/// `[{"type":"text","text":"..."}]`, the texts one after the other.
void read_result_content(json::value source, std::string& out) {
    out.clear();
    const auto elements = json::array_if(source);
    if (!elements) return;
    each_element(*elements, [&out](json::value element) {
        const auto members = json::object_if(element);
        if (!members) return;
        each_member(*members, [&out](std::string_view key, json::value member) {
            if (key != "text") return;
            if (const auto text = string_piece(member)) append(out, *text);
        });
    });
}

constexpr member<file_search_result> file_search_result_members[] = {
    {"file_id", into<&file_search_result::file_id>},
    {"file_name", into<&file_search_result::file_name>},
    {"score", into<&file_search_result::score>},
    {"content", by<read_result_content, &file_search_result::content>},
};
constexpr member<browser_automation_step> browser_step_members[] = {
    {"last_step_result", into<&browser_automation_step::last_step_result>},
    {"current_state", into<&browser_automation_step::current_state>},
    {"next_step", into<&browser_automation_step::next_step>},
};

void read_file_search(json::object source, tool_call& out) {
    each_member(source, [&out](std::string_view key, json::value member) {
        if (key == "results") read_objects_if(member, file_search_result_members, out.results);
    });
}
void read_browser_automation(json::object source, tool_call& out) {
    each_member(source, [&out](std::string_view key, json::value member) {
        if (key == "steps") read_objects_if(member, browser_step_members, out.browser_steps);
    });
}
void read_properties(json::object source, tool_call& out) {
    each_member(source, [&out](std::string_view key, json::value member) {
        if (const auto text = piece_unless_null(member)) out.properties[std::string(key)] = to_string(text);
    });
}

/// A tool call whose fields lie in a member named like its type. (An MCP call is flat.)
struct nested_call {
    std::string_view type;
    /// Reads what has no place in `call_fields`.
    void (*read_rest)(json::object source, tool_call& out) = nullptr;
};
constexpr nested_call nested_calls[] = {
    {"function"},
    {"code_interpreter"},
    {"file_search", read_file_search},
    {"openapi", read_properties},
    {"bing_grounding", read_properties},
    {"bing_custom_search", read_properties},
    {"azure_ai_search", read_properties},
    {"sharepoint_grounding", read_properties},
    {"fabric_dataagent", read_properties},
    {"azure_function"},
    {"connected_agent"},
    {"deep_research"},
    {"browser_automation", read_browser_automation},
};

const nested_call* find_nested_call(std::string_view type) {
    const auto found = std::find_if(std::begin(nested_calls), std::end(nested_calls),
                                    [type](const nested_call& each) { return each.type == type; });
    return found == std::end(nested_calls) ? nullptr : found;
}

void read_tool_call(json::object source, tool_call& out) {
    out.raw = json::raw(source);
    const call_fields fields = read_call(source);
    out.id = to_string(fields.id);
    out.type = to_string(fields.type);
    out.name = to_string(fields.name);
    out.server_label = to_string(fields.server_label);
    out.arguments = to_string(fields.arguments);
    out.agent_id = to_string(fields.agent_id);
    out.thread_id = to_string(fields.thread_id);
    out.run_id = to_string(fields.run_id);
    if (fields.output) append(out.output.emplace(), *fields.output);
    for (const call_output& piece : fields.outputs) {
        code_interpreter_output& added = out.outputs.emplace_back();
        added.type = to_string(piece.type);
        added.logs = to_string(piece.logs);
        added.file_id = to_string(piece.file_id);
        if (piece.logs) out.output = out.output.value_or("") + added.logs;
    }
    const nested_call* const kind = find_nested_call(out.type);
    if (kind == nullptr || kind->read_rest == nullptr) return;
    json::checked(source.reset());
    each_member(source, [&](std::string_view key, json::value member) {
        if (key != kind->type) return;
        if (const auto rest = json::object_if(member)) kind->read_rest(*rest, out);
    });
}

void read_tool_calls(json::value source, std::vector<tool_call>& out) {
    read_objects(source, "tool_calls", out, read_tool_call);
}

struct activity {
    std::string type;
    mcp_tool_list list;
};
constexpr member<activity> activity_members[] = {
    {"type", into<&activity::type>},
    {"id", [](json::value source, activity& out) { json::read(source, out.list.id); }},
    {"server_label", [](json::value source, activity& out) { json::read(source, out.list.server_label); }},
    {"tools", [](json::value source, activity& out) { read_listed_tools(source, out.list.tools); }},
};

void read_activities(json::value source, std::vector<mcp_tool_list>& out) {
    std::vector<activity> activities;
    read_objects(source, "activities", activities,
                 [](json::object members, activity& each) { read_members(members, activity_members, each); });
    out.clear();
    for (activity& each : activities)
        if (each.type == "mcp_list_tools") out.push_back(std::move(each.list));
}

constexpr member<run_step> message_creation_members[] = {
    {"message_id", into<&run_step::message_id>},
};
constexpr member<run_step> step_details_members[] = {
    {"type",
     [](json::value source, run_step& out) {
         if (out.type.empty()) json::read(source, out.type);
     }},
    {"message_creation",
     [](json::value source, run_step& out) { read_members_if(source, message_creation_members, out); }},
    {"tool_calls", by<read_tool_calls, &run_step::tool_calls>},
    {"activities", by<read_activities, &run_step::mcp_tools>},
};

constexpr member<text_annotation> citation_members[] = {
    {"file_id", into<&text_annotation::file_id>},
    {"quote", into<&text_annotation::quote>},
    {"url", into<&text_annotation::url>},
    {"title", into<&text_annotation::title>},
};
void read_citation(json::value source, text_annotation& out) {
    read_members_if(source, citation_members, out);
}
constexpr member<text_annotation> annotation_members[] = {
    {"type", into<&text_annotation::type>},
    {"text", into<&text_annotation::text>},
    {"start_index", into<&text_annotation::start_index>},
    {"end_index", into<&text_annotation::end_index>},
    {"url_citation", read_citation},
    {"file_citation", read_citation},
    {"file_path", read_citation},
};

void read_annotations(json::value source, std::vector<text_annotation>& out) {
    read_objects(source, "annotations", out,
                 [](json::object members, text_annotation& each) { threads::read(members, each); });
}

constexpr member<message_content> text_members[] = {
    {"value", into<&message_content::text>},
    {"annotations", by<read_annotations, &message_content::annotations>},
};
constexpr member<message_content> image_members[] = {
    {"file_id", into<&message_content::file_id>},
    {"url", into<&message_content::url>},
    {"detail", into<&message_content::detail>},
};
void read_content_image(json::value source, message_content& out) {
    read_members_if(source, image_members, out);
}
constexpr member<message_content> content_members[] = {
    {"type", into<&message_content::type>},
    {"text",
     [](json::value source, message_content& out) {
         out.text.clear();
         out.annotations.clear();
         if (json::string_inside(source)) return json::read(source, out.text);
         if (const auto members = json::object_in(source, "text")) read_members(*members, text_members, out);
     }},
    {"refusal", into<&message_content::text>},
    {"image_file", read_content_image},
    {"image_url", read_content_image},
};

void read_content(json::value source, std::vector<message_content>& out) {
    if (json::string_inside(source)) {
        out.clear();
        message_content& only = out.emplace_back();
        only.type = "text";
        return json::read(source, only.text);
    }
    read_objects(source, "content", out,
                 [](json::object members, message_content& each) { read_members(members, content_members, each); });
}

struct typed_object {
    std::string type, uri;
};
constexpr member<typed_object> typed_object_members[] = {
    {"type", into<&typed_object::type>},
    {"uri", into<&typed_object::uri>},
};

struct attachment_fields {
    std::string file_id;
    std::optional<vector_store_data_source> source;
    std::vector<typed_object> tools;
};
constexpr member<attachment_fields> attachment_members[] = {
    {"file_id", into<&attachment_fields::file_id>},
    {"data_source",
     [](json::value source, attachment_fields& out) {
         out.source.reset();
         const auto members = json::object_if(source);
         if (!members) return;
         typed_object asset;
         read_members(*members, typed_object_members, asset);
         out.source.emplace(std::move(asset.uri), std::move(asset.type));
     }},
    {"tools",
     [](json::value source, attachment_fields& out) { read_objects_if(source, typed_object_members, out.tools); }},
};

void read_attachments(json::value source, std::vector<attachment>& out) {
    std::vector<attachment_fields> all;
    read_objects_if(source, attachment_members, all);
    out.clear();
    for (attachment_fields& each : all) {
        attachment& added = out.emplace_back(std::move(each.file_id), std::vector<std::string>());
        added.data_source = std::move(each.source);
        for (typed_object& tool : each.tools) added.tools.push_back(std::move(tool.type));
    }
}

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

constexpr member<thread_run> run_members[] = {
    {"thread_id", into<&thread_run::thread_id>},
    {"assistant_id", into<&thread_run::agent_id>},
    {"status",
     [](json::value source, thread_run& out) {
         json::read(source, out.status_text);
         out.status = parse_run_state(out.status_text);
     }},
    {"model", into<&thread_run::model>},
    {"required_action", by<read_required_action, &thread_run::required_action>},
    {"last_error", by<read_last_error, &thread_run::last_error>},
    {"usage", by<read_usage, &thread_run::usage>},
    {"incomplete_details", by<read_incomplete_details, &thread_run::incomplete_reason>},
    {"metadata", into<&thread_run::metadata>},
    {"created_at", into<&thread_run::created_at>},
    {"started_at", into<&thread_run::started_at>},
    {"expires_at", into<&thread_run::expires_at>},
    {"completed_at", into<&thread_run::completed_at>},
    {"failed_at", into<&thread_run::failed_at>},
    {"cancelled_at", into<&thread_run::cancelled_at>},
};

/// Streams say expires_at, responses expired_at; where both are, one is null.
void read_step_expiry(json::value source, run_step& out) {
    if (!json::is_null(source)) json::read(source, out.expires_at);
}

constexpr member<run_step> step_members[] = {
    {"run_id", into<&run_step::run_id>},
    {"thread_id", into<&run_step::thread_id>},
    {"assistant_id", into<&run_step::agent_id>},
    {"type", into<&run_step::type>},
    {"status", into<&run_step::status>},
    {"step_details",
     [](json::value source, run_step& out) {
         if (const auto details = json::object_in(source, "step_details"))
             read_members(*details, step_details_members, out);
     }},
    {"last_error", by<read_last_error, &run_step::last_error>},
    {"usage", by<read_usage, &run_step::usage>},
    {"created_at", into<&run_step::created_at>},
    {"expires_at", read_step_expiry},
    {"expired_at", read_step_expiry},
    {"completed_at", into<&run_step::completed_at>},
    {"failed_at", into<&run_step::failed_at>},
    {"cancelled_at", into<&run_step::cancelled_at>},
};

constexpr member<thread_message> message_members[] = {
    {"thread_id", into<&thread_message::thread_id>},
    {"run_id", into<&thread_message::run_id>},
    {"assistant_id", into<&thread_message::agent_id>},
    {"role", into<&thread_message::role>},
    {"status", into<&thread_message::status>},
    {"incomplete_details", by<read_incomplete_details, &thread_message::incomplete_reason>},
    {"content", by<read_content, &thread_message::content>},
    {"attachments", by<read_attachments, &thread_message::attachments>},
    {"metadata", into<&thread_message::metadata>},
    {"created_at", into<&thread_message::created_at>},
    {"completed_at", into<&thread_message::completed_at>},
};

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

call_fields read_call(json::object source) {
    call_fields fields, nested;
    std::string_view nested_type;
    each_member(source, [&](std::string_view key, json::value member) {
        if (const nested_call* const kind = find_nested_call(key)) {
            const auto members = json::object_if(member);
            if (!members) return;
            nested_type = kind->type;
            nested = {};
            read_members(*members, call_members, nested);
        } else {
            read_member(key, member, flat_call_members, fields);
            read_member(key, member, call_members, fields);
        }
    });
    if (nested_type.empty() || (fields.type && fields.type->text != nested_type)) return fields;
    const auto take = [](auto& target, auto& found) {
        if (found) target = found;
    };
    take(fields.name, nested.name);
    take(fields.arguments, nested.arguments);
    take(fields.output, nested.output);
    take(fields.agent_id, nested.agent_id);
    take(fields.thread_id, nested.thread_id);
    take(fields.run_id, nested.run_id);
    fields.outputs = std::move(nested.outputs);
    return fields;
}

void read(json::object source, thread_run& out) {
    read_identified(source, run_members, out);
}
void read(json::object source, run_step& out) {
    read_identified(source, step_members, out);
}
void read(json::object source, thread_message& out) {
    read_identified(source, message_members, out);
}
void read(json::object source, agent_definition& out) {
    read_identified(source, agent_members, out);
}
void read(json::object source, thread_definition& out) {
    read_identified(source, thread_members, out);
}
void read(json::object source, text_annotation& out) {
    read_members(source, annotation_members, out);
}

agent_definition decode_agent(std::string_view text) {
    return decode_object("agent", text, agent_members);
}
thread_definition decode_thread(std::string_view text) {
    return decode_object("thread", text, thread_members);
}
thread_message decode_message(std::string_view text) {
    return decode_object("message", text, message_members);
}
thread_run decode_run(std::string_view text) {
    return decode_object("run", text, run_members);
}
run_step decode_step(std::string_view text) {
    return decode_object("run step", text, step_members);
}

}  // namespace corun::codec::threads
