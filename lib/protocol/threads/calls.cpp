// Tool calls, and the actions that a run waits for.
#include "json/text.hpp"
#include "protocol/readers.hpp"
#include "protocol/threads/objects.hpp"

#include <algorithm>
#include <iterator>

namespace corun::codec::threads {
namespace {

using json::by;
using json::each_element;
using json::each_member;
using json::into;
using json::member;

json_piece raw_piece_of(json::value source) {
    if (const auto inside = json::string_inside(source)) return {*inside, inside->find('\\') != std::string_view::npos};
    return {json::raw(source), false};
}

std::optional<json_piece> piece_unless_null(json::value source) {
    if (json::is_null(source)) return std::nullopt;
    return raw_piece_of(source);
}

std::optional<json_piece> string_piece(json::value source) {
    if (!json::string_inside(source)) return std::nullopt;
    return raw_piece_of(source);
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
    {"index", by<read_index, &call_output::index>},
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
         std::int32_t index = -1;
         read_index(source, index);
         if (index >= 0) out.index = index;
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
            const bool is_typed = type == "function" || type == "mcp";
            if (is_typed && !fields.id) json::missing("tool_calls[].id");
            // Without an id, no handler can answer it.
            if (!is_typed || !fields.id) {
                other_call& added = out.other_calls.emplace_back();
                added.id = to_string(fields.id);
                added.type = type;
                added.raw = raw;
                return;
            }
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

void read_required_action(json::value source, std::optional<required_action>& out) {
    out.reset();
    auto members = json::object_in(source, "required_action");
    if (!members) return;
    out.emplace().raw = json::raw(*members);
    read_members(*members, action_members, *out);
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

}  // namespace corun::codec::threads
