#include "codec/json_text.hpp"
#include "codec/threads.hpp"
#include "codec/threads_objects.hpp"
#include <corun/error.hpp>

#include <algorithm>
#include <array>
#include <limits>

namespace corun::codec::threads {
namespace {

using json::each_element;
using json::each_member;

/// Tool calls whose fields lie in a member named like their type. An MCP call is flat.
constexpr std::array<std::string_view, 13> nested_calls{
    "function",        "code_interpreter",     "file_search",       "openapi",        "bing_grounding",
    "azure_ai_search", "sharepoint_grounding", "fabric_dataagent",  "azure_function", "bing_custom_search",
    "connected_agent", "deep_research",        "browser_automation"};

[[noreturn]] void missing(std::string_view member) {
    throw json::shape_error("\"" + std::string(member) + "\" is missing");
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

/// The fields that a tool call may have at either of the two places.
void read_call_member(std::string_view key, json::value source, call_fields& out) {
    if (key == "name") {
        out.name = string_piece(source);
    } else if (key == "arguments" || key == "input") {
        out.arguments = piece_unless_null(source);
    } else if (key == "output") {
        out.outputs.clear();
        if (const auto piece = piece_unless_null(source)) out.outputs.push_back(*piece);
    } else if (key == "outputs") {
        const auto outputs = json::array_if(source);
        if (!outputs) return;
        out.outputs.clear();
        each_element(*outputs, [&out](json::value element) {
            const auto members = json::object_if(element);
            if (!members) return;
            each_member(*members, [&out](std::string_view name, json::value member) {
                if (name == "logs" && json::string_inside(member)) out.outputs.push_back(piece_of(member));
            });
        });
    }
}

void read(json::value source, std::optional<last_error>& out) {
    out.reset();
    const auto members = json::object_if(source);
    if (!members) return;
    each_member(*members, [&error = out.emplace()](std::string_view key, json::value member) {
        if (key == "code")
            json::read(member, error.code);
        else if (key == "message")
            json::read(member, error.message);
    });
}

std::int64_t read_count(json::value source) {
    std::optional<std::int64_t> count;
    json::read(source, count);
    return count.value_or(0);
}

void read(json::value source, std::optional<usage>& out) {
    out.reset();
    const auto members = json::object_if(source);
    if (!members) return;
    each_member(*members, [&used = out.emplace()](std::string_view key, json::value member) {
        if (key == "prompt_tokens")
            used.prompt_tokens = read_count(member);
        else if (key == "completion_tokens")
            used.completion_tokens = read_count(member);
        else if (key == "total_tokens")
            used.total_tokens = read_count(member);
        else if (key == "prompt_token_details" || key == "prompt_tokens_details") {
            const auto details = json::object_if(member);
            if (!details) return;
            each_member(*details, [&used](std::string_view name, json::value detail) {
                if (name == "cached_tokens") used.cached_tokens = read_count(detail);
            });
        }
    });
}

void read_incomplete_details(json::value source, std::string& reason) {
    reason.clear();
    const auto members = json::object_if(source);
    if (!members) return;
    each_member(*members, [&reason](std::string_view key, json::value member) {
        if (key == "reason") json::read(member, reason);
    });
}

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
            const auto call = json::object_in(element, "tool_calls");
            if (!call) return;
            const call_fields fields = read_call(*call);
            const std::string type = fields.type ? to_string(fields.type) : std::string(default_type);
            if (type != "function" && type != "mcp") return;
            if (!fields.id) missing("tool_calls[].id");
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

void read(json::value source, std::optional<required_action>& out) {
    out.reset();
    auto members = json::object_in(source, "required_action");
    if (!members) return;
    required_action& action = out.emplace();
    action.raw = json::raw(*members);
    each_member(*members, [&action](std::string_view key, json::value member) {
        if (key == "type")
            json::read(member, action.type);
        else if (key == "submit_tool_outputs")
            read_action_calls(member, key, "function", action);
        else if (key == "submit_tool_approval")
            read_action_calls(member, key, "mcp", action);
    });
}

void read_tool_calls(json::value source, std::vector<tool_call>& out) {
    out.clear();
    const auto elements = json::array_in(source, "tool_calls");
    if (!elements) return;
    each_element(*elements, [&out](json::value element) {
        auto members = json::object_in(element, "tool_calls[]");
        if (!members) return;
        tool_call& call = out.emplace_back();
        call.raw = json::raw(*members);
        const call_fields fields = read_call(*members);
        call.id = to_string(fields.id);
        call.type = to_string(fields.type);
        call.name = to_string(fields.name);
        call.server_label = to_string(fields.server_label);
        call.arguments = to_string(fields.arguments);
        for (const json_piece& piece : fields.outputs)
            append(call.output ? *call.output : call.output.emplace(), piece);
    });
}

/// `{"description":...,"parameters":{...}}`, or the same with its name inside.
void read_listed_tool(json::object source, mcp_tool_info& out) {
    each_member(source, [&out](std::string_view key, json::value member) {
        if (key == "name")
            json::read(member, out.name);
        else if (key == "description")
            json::read(member, out.description);
        else if ((key == "parameters" || key == "input_schema") && !json::is_null(member))
            out.parameters = json::raw(member);
    });
}

void read_listed_tools(json::value source, std::vector<mcp_tool_info>& out) {
    out.clear();
    if (const auto by_name = json::object_if(source)) {
        each_member(*by_name, [&out](std::string_view name, json::value member) {
            mcp_tool_info& tool = out.emplace_back();
            tool.name = name;
            if (const auto members = json::object_if(member)) read_listed_tool(*members, tool);
        });
    } else if (const auto elements = json::array_if(source)) {
        each_element(*elements, [&out](json::value element) {
            if (const auto members = json::object_if(element)) read_listed_tool(*members, out.emplace_back());
        });
    }
}

void read_activities(json::value source, std::vector<mcp_tool_list>& out) {
    out.clear();
    const auto elements = json::array_in(source, "activities");
    if (!elements) return;
    each_element(*elements, [&out](json::value element) {
        const auto members = json::object_in(element, "activities[]");
        if (!members) return;
        std::string type;
        mcp_tool_list list;
        each_member(*members, [&](std::string_view key, json::value member) {
            if (key == "type")
                json::read(member, type);
            else if (key == "id")
                json::read(member, list.id);
            else if (key == "server_label")
                json::read(member, list.server_label);
            else if (key == "tools")
                read_listed_tools(member, list.tools);
        });
        if (type == "mcp_list_tools") out.push_back(std::move(list));
    });
}

void read_step_details(json::value source, run_step& out) {
    const auto members = json::object_in(source, "step_details");
    if (!members) return;
    each_member(*members, [&out](std::string_view key, json::value member) {
        if (key == "type") {
            if (out.type.empty()) json::read(member, out.type);
        } else if (key == "message_creation") {
            const auto creation = json::object_if(member);
            if (!creation) return;
            each_member(*creation, [&out](std::string_view name, json::value id) {
                if (name == "message_id") json::read(id, out.message_id);
            });
        } else if (key == "tool_calls") {
            read_tool_calls(member, out.tool_calls);
        } else if (key == "activities") {
            read_activities(member, out.mcp_tools);
        }
    });
}

void read_text_content(json::value source, message_content& out) {
    out.text.clear();
    out.annotations.clear();
    if (json::string_inside(source)) return json::read(source, out.text);
    const auto members = json::object_in(source, "text");
    if (!members) return;
    each_member(*members, [&out](std::string_view key, json::value member) {
        if (key == "value") {
            json::read(member, out.text);
        } else if (key == "annotations") {
            out.annotations.clear();
            const auto elements = json::array_in(member, key);
            if (!elements) return;
            each_element(*elements, [&out](json::value element) {
                const auto annotation = json::object_in(element, "annotations[]");
                if (annotation) threads::read(*annotation, out.annotations.emplace_back());
            });
        }
    });
}

void read_content(json::value source, std::vector<message_content>& out) {
    out.clear();
    if (json::string_inside(source)) {
        message_content& only = out.emplace_back();
        only.type = "text";
        return json::read(source, only.text);
    }
    const auto elements = json::array_in(source, "content");
    if (!elements) return;
    each_element(*elements, [&out](json::value element) {
        const auto members = json::object_in(element, "content[]");
        if (!members) return;
        message_content& piece = out.emplace_back();
        each_member(*members, [&piece](std::string_view key, json::value member) {
            if (key == "type") {
                json::read(member, piece.type);
            } else if (key == "text") {
                read_text_content(member, piece);
            } else if (key == "refusal") {
                json::read(member, piece.text);
            } else if (key == "image_file") {
                const auto file = json::object_if(member);
                if (!file) return;
                each_member(*file, [&piece](std::string_view name, json::value id) {
                    if (name == "file_id") json::read(id, piece.file_id);
                });
            }
        });
    });
}

std::vector<std::string> read_strings(json::value source) {
    std::vector<std::string> texts;
    if (const auto elements = json::array_if(source))
        each_element(*elements, [&texts](json::value element) {
            if (json::string_inside(element)) json::read(element, texts.emplace_back());
        });
    return texts;
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

tool read_tool(json::object source) {
    const std::string_view text = json::raw(source);
    std::string type, label, url, name, description, parameters;
    std::vector<std::string> allowed;
    each_member(source, [&](std::string_view key, json::value member) {
        if (key == "type") {
            json::read(member, type);
        } else if (key == "server_label") {
            json::read(member, label);
        } else if (key == "server_url") {
            json::read(member, url);
        } else if (key == "allowed_tools") {
            allowed = read_tool_names(member);
        } else if (key == "function") {
            const auto function = json::object_if(member);
            if (!function) return;
            each_member(*function, [&](std::string_view part, json::value inner) {
                if (part == "name")
                    json::read(inner, name);
                else if (part == "description")
                    json::read(inner, description);
                else if (part == "parameters" && !json::is_null(inner))
                    parameters = json::raw(inner);
            });
        }
    });
    if (type == "mcp") return mcp_tool(std::move(label), std::move(url), std::move(allowed));
    if (type == "function") return function_tool(std::move(name), std::move(description), std::move(parameters));
    return json_tool(std::move(type), std::string(text));
}

void read(json::value source, std::vector<tool>& out) {
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
            resource.headers = {};
            const auto fields = json::object_if(member);
            if (!fields) return;
            each_member(*fields, [&resource](std::string_view name, json::value field) {
                if (!json::string_inside(field)) return;
                std::string text;
                json::read(field, text);
                resource.headers.add(header(std::string(name), secret(std::move(text))));
            });
        }
    });
    return resource;
}

void read(json::value source, tool_resources& out) {
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

/// Reads a response with `read`; a wrong shape becomes `errc::bad_response`.
template <class Read>
auto read_response(std::string_view what, std::string_view text, Read read_object) {
    // simdjson reads past the end, and a response body may end where its memory does.
    const simdjson::padded_string padded(text);
    json::reader reader;
    try {
        return read_object(reader.object(padded, simdjson::SIMDJSON_PADDING));
    } catch (const json::shape_error& problem) {
        throw error(errc::bad_response, "the service's " + std::string(what) + ": " + problem.what());
    }
}

template <class T>
T decode_object(std::string_view what, std::string_view text) {
    return read_response(what, text, [text](json::object source) {
        T result;
        threads::read(source, result);
        result.raw = text;
        return result;
    });
}

/// A string, or any other scalar as it is written.
void read_scalar(json::value source, std::string& out) {
    if (json::string_inside(source))
        json::read(source, out);
    else if (!json::is_null(source) && !json::object_if(source) && !json::array_if(source))
        out = json::token(source);
}

/// Members of an error, whichever object they are in.
void read_error(json::object source, error_body& out, int depth = 0) {
    constexpr int deepest = 3;
    each_member(source, [&out, depth](std::string_view key, json::value member) {
        if (key == "code" || (key == "statusCode" && out.code.empty())) {
            read_scalar(member, out.code);
        } else if (key == "message" || ((key == "detail" || key == "error_description") && out.message.empty())) {
            json::read(member, out.message);
        } else if (key == "type") {
            json::read(member, out.type);
        } else if (key == "param") {
            json::read(member, out.param);
        } else if (key == "request_id" || key == "requestId") {
            json::read(member, out.request_id);
        } else if (key == "error" && json::string_inside(member)) {
            json::read(member, out.code);
        } else if ((key == "error" || key == "additionalInfo") && depth < deepest) {
            if (const auto members = json::object_if(member)) read_error(*members, out, depth + 1);
        }
    });
}

}  // namespace

call_fields read_call(json::object source) {
    call_fields fields, nested;
    std::string_view nested_type;
    each_member(source, [&](std::string_view key, json::value member) {
        if (key == "id") {
            fields.id = string_piece(member);
        } else if (key == "type") {
            fields.type = string_piece(member);
        } else if (key == "index") {
            if (!json::is_null(member)) fields.index = read_index(member);
        } else if (key == "server_label") {
            fields.server_label = string_piece(member);
        } else if (const auto found = std::find(nested_calls.begin(), nested_calls.end(), key);
                   found != nested_calls.end()) {
            const auto members = json::object_if(member);
            if (!members) return;
            nested_type = *found;
            nested = {};
            each_member(*members,
                        [&nested](std::string_view name, json::value part) { read_call_member(name, part, nested); });
        } else {
            read_call_member(key, member, fields);
        }
    });
    if (!nested_type.empty() && (!fields.type || fields.type->text == nested_type)) {
        if (nested.name) fields.name = nested.name;
        if (nested.arguments) fields.arguments = nested.arguments;
        if (!nested.outputs.empty()) fields.outputs = std::move(nested.outputs);
    }
    return fields;
}

std::int32_t read_index(json::value source) {
    std::optional<std::int64_t> index;
    json::read(source, index);
    if (!index || *index < 0 || *index > std::numeric_limits<std::int32_t>::max()) json::expected("index", "an index");
    return static_cast<std::int32_t>(*index);
}

void read(json::object source, thread_run& out) {
    bool has_id = false;
    each_member(source, [&](std::string_view key, json::value member) {
        if (key == "id") {
            json::read_id(member, key, out.id);
            has_id = true;
        } else if (key == "thread_id") {
            json::read(member, out.thread_id);
        } else if (key == "assistant_id") {
            json::read(member, out.agent_id);
        } else if (key == "status") {
            json::read(member, out.status_text);
            out.status = parse_run_state(out.status_text);
        } else if (key == "model") {
            json::read(member, out.model);
        } else if (key == "required_action") {
            read(member, out.required_action);
        } else if (key == "last_error") {
            read(member, out.last_error);
        } else if (key == "usage") {
            read(member, out.usage);
        } else if (key == "incomplete_details") {
            read_incomplete_details(member, out.incomplete_reason);
        } else if (key == "metadata") {
            json::read(member, out.metadata);
        } else if (key == "created_at") {
            json::read(member, out.created_at);
        } else if (key == "started_at") {
            json::read(member, out.started_at);
        } else if (key == "expires_at") {
            json::read(member, out.expires_at);
        } else if (key == "completed_at") {
            json::read(member, out.completed_at);
        } else if (key == "failed_at") {
            json::read(member, out.failed_at);
        } else if (key == "cancelled_at") {
            json::read(member, out.cancelled_at);
        }
    });
    if (!has_id) missing("id");
}

void read(json::object source, run_step& out) {
    bool has_id = false;
    each_member(source, [&](std::string_view key, json::value member) {
        if (key == "id") {
            json::read_id(member, key, out.id);
            has_id = true;
        } else if (key == "run_id") {
            json::read(member, out.run_id);
        } else if (key == "thread_id") {
            json::read(member, out.thread_id);
        } else if (key == "assistant_id") {
            json::read(member, out.agent_id);
        } else if (key == "type") {
            json::read(member, out.type);
        } else if (key == "status") {
            json::read(member, out.status);
        } else if (key == "step_details") {
            read_step_details(member, out);
        } else if (key == "last_error") {
            read(member, out.last_error);
        } else if (key == "usage") {
            read(member, out.usage);
        } else if (key == "created_at") {
            json::read(member, out.created_at);
        } else if (key == "expires_at" || key == "expired_at") {
            // Streams say expires_at, responses expired_at; where both are, one is null.
            if (!json::is_null(member)) json::read(member, out.expires_at);
        } else if (key == "completed_at") {
            json::read(member, out.completed_at);
        } else if (key == "failed_at") {
            json::read(member, out.failed_at);
        } else if (key == "cancelled_at") {
            json::read(member, out.cancelled_at);
        }
    });
    if (!has_id) missing("id");
}

void read(json::object source, thread_message& out) {
    bool has_id = false;
    each_member(source, [&](std::string_view key, json::value member) {
        if (key == "id") {
            json::read_id(member, key, out.id);
            has_id = true;
        } else if (key == "thread_id") {
            json::read(member, out.thread_id);
        } else if (key == "run_id") {
            json::read(member, out.run_id);
        } else if (key == "assistant_id") {
            json::read(member, out.agent_id);
        } else if (key == "role") {
            json::read(member, out.role);
        } else if (key == "status") {
            json::read(member, out.status);
        } else if (key == "incomplete_details") {
            read_incomplete_details(member, out.incomplete_reason);
        } else if (key == "content") {
            read_content(member, out.content);
        } else if (key == "metadata") {
            json::read(member, out.metadata);
        } else if (key == "created_at") {
            json::read(member, out.created_at);
        } else if (key == "completed_at") {
            json::read(member, out.completed_at);
        }
    });
    if (!has_id) missing("id");
}

void read(json::object source, agent_definition& out) {
    bool has_id = false;
    each_member(source, [&](std::string_view key, json::value member) {
        if (key == "id") {
            json::read_id(member, key, out.id);
            has_id = true;
        } else if (key == "model") {
            json::read(member, out.model);
        } else if (key == "name") {
            json::read(member, out.name);
        } else if (key == "description") {
            json::read(member, out.description);
        } else if (key == "instructions") {
            json::read(member, out.instructions);
        } else if (key == "tools") {
            read(member, out.tools);
        } else if (key == "tool_resources") {
            read(member, out.tool_resources);
        } else if (key == "temperature") {
            json::read(member, out.temperature);
        } else if (key == "top_p") {
            json::read(member, out.top_p);
        } else if (key == "response_format") {
            out.response_format.clear();
            if (!json::is_null(member)) out.response_format = json::raw(member);
        } else if (key == "metadata") {
            json::read(member, out.metadata);
        } else if (key == "created_at") {
            json::read(member, out.created_at);
        }
    });
    if (!has_id) missing("id");
}

void read(json::object source, thread_definition& out) {
    bool has_id = false;
    each_member(source, [&](std::string_view key, json::value member) {
        if (key == "id") {
            json::read_id(member, key, out.id);
            has_id = true;
        } else if (key == "tool_resources") {
            read(member, out.tool_resources);
        } else if (key == "metadata") {
            json::read(member, out.metadata);
        } else if (key == "created_at") {
            json::read(member, out.created_at);
        }
    });
    if (!has_id) missing("id");
}

void read(json::object source, text_annotation& out) {
    each_member(source, [&out](std::string_view key, json::value member) {
        if (key == "type") {
            json::read(member, out.type);
        } else if (key == "text") {
            json::read(member, out.text);
        } else if (key == "start_index") {
            json::read(member, out.start_index);
        } else if (key == "end_index") {
            json::read(member, out.end_index);
        } else if (key == "url_citation" || key == "file_citation" || key == "file_path") {
            const auto cited = json::object_if(member);
            if (!cited) return;
            each_member(*cited, [&out](std::string_view name, json::value part) {
                if (name == "file_id")
                    json::read(part, out.file_id);
                else if (name == "quote")
                    json::read(part, out.quote);
                else if (name == "url")
                    json::read(part, out.url);
                else if (name == "title")
                    json::read(part, out.title);
            });
        }
    });
}

agent_definition decode_agent(std::string_view text) {
    return decode_object<agent_definition>("agent", text);
}
thread_definition decode_thread(std::string_view text) {
    return decode_object<thread_definition>("thread", text);
}
thread_message decode_message(std::string_view text) {
    return decode_object<thread_message>("message", text);
}
thread_run decode_run(std::string_view text) {
    return decode_object<thread_run>("run", text);
}
run_step decode_step(std::string_view text) {
    return decode_object<run_step>("run step", text);
}

page decode_page(std::string_view text) {
    return read_response("list", text, [](json::object source) {
        page result;
        std::string last_id;
        bool has_data = false, has_more = false;
        each_member(source, [&](std::string_view key, json::value member) {
            if (key == "data") {
                const auto elements = json::array_in(member, key);
                if (!elements) return;
                has_data = true;
                result.items.clear();
                each_element(*elements, [&result](json::value item) { result.items.emplace_back(json::raw(item)); });
            } else if (key == "last_id") {
                json::read(member, last_id);
            } else if (key == "has_more") {
                has_more = json::is_true(member);
            }
        });
        if (!has_data) missing("data");
        if (has_more && last_id.empty() && !result.items.empty()) {
            const simdjson::padded_string last(result.items.back());
            json::reader reader;
            each_member(reader.object(last, simdjson::SIMDJSON_PADDING),
                        [&last_id](std::string_view key, json::value id) {
                            if (key == "id") json::read(id, last_id);
                        });
        }
        if (has_more) result.next = std::move(last_id);
        return result;
    });
}

error_body decode_error(std::string_view body) noexcept {
    try {
        error_body result;
        const simdjson::padded_string padded(body);
        json::reader reader;
        read_error(reader.object(padded, simdjson::SIMDJSON_PADDING), result);
        // {"error":"..."} holds a code or a sentence: nothing tells which.
        if (result.message.empty()) result.message = result.code;
        return result;
    } catch (...) {
        return {};
    }
}

}  // namespace corun::codec::threads
