#include "protocol/responses/objects.hpp"

#include "json/find.hpp"
#include "protocol/readers.hpp"
#include "protocol/responses/item_types.hpp"
#include "protocol/responses/pending.hpp"

#include <algorithm>
#include <utility>

namespace corun::codec::responses {
namespace {

using json::by;
using json::each_element;
using json::each_member;
using json::into;
using json::member;
using json::read_objects_if;

/// The text of any value but null; that of a string itself.
void read_text(json::value source, std::string& out) {
    out.clear();
    if (json::string_inside(source))
        json::read(source, out);
    else if (!json::is_null(source))
        out = json::raw(source);
}
void read_optional_text(json::value source, std::optional<std::string>& out) {
    out.reset();
    if (!json::is_null(source)) read_text(source, out.emplace());
}

void read_id_of(json::value source, std::string& out) {
    if (const auto members = json::object_if(source)) {
        out.clear();
        each_member(*members, [&out](std::string_view key, json::value member) {
            if (key == "id") json::read(member, out);
        });
    } else {
        json::read(source, out);
    }
}

/// `{"name":...}` or the name.
void read_name_of(json::value source, std::string& out) {
    if (const auto members = json::object_if(source)) {
        each_member(*members, [&out](std::string_view key, json::value member) {
            if (key == "name") json::read(member, out);
        });
    } else if (json::string_inside(source)) {
        json::read(source, out);
    }
}

constexpr member<text_annotation> annotation_members[] = {
    {"type", into<&text_annotation::type>},
    {"text", into<&text_annotation::text>},
    {"start_index", into<&text_annotation::start_index>},
    {"end_index", into<&text_annotation::end_index>},
    {"file_id", into<&text_annotation::file_id>},
    {"container_id", into<&text_annotation::container_id>},
    {"quote", into<&text_annotation::quote>},
    {"url", into<&text_annotation::url>},
    {"title", into<&text_annotation::title>},
    // The name of a file is the only title it has, and its index the only place.
    {"filename",
     [](json::value source, text_annotation& out) {
         if (out.title.empty()) json::read(source, out.title);
     }},
    {"index",
     [](json::value source, text_annotation& out) {
         if (!out.start_index) json::read(source, out.start_index);
     }},
};

/// A part of a message or of reasoning.
void read_content_type(json::value source, std::string& out) {
    json::read(source, out);
    if (out == "output_text" || out == "input_text") out = "text";
    if (out == "input_image") out = "image_url";
}
constexpr member<message_content> content_members[] = {
    {"type", by<read_content_type, &message_content::type>},
    {"text", by<read_text, &message_content::text>},
    {"refusal", by<read_text, &message_content::text>},
    {"transcript", by<read_text, &message_content::text>},
    {"annotations",
     [](json::value source, message_content& out) {
         read_objects_if(source, out.annotations,
                         [](json::object found, text_annotation& each) { responses::read(found, each); });
     }},
    {"file_id", into<&message_content::file_id>},
    {"image_url", into<&message_content::url>},
    {"detail", into<&message_content::detail>},
};

void read_content(json::value source, std::vector<message_content>& out) {
    if (json::string_inside(source)) {
        out.clear();
        message_content& only = out.emplace_back();
        only.type = "text";
        return json::read(source, only.text);
    }
    const auto elements = json::array_in(source, "content");
    out.clear();
    if (!elements) return;
    each_element(*elements, [&out](json::value element) {
        if (const auto found = json::object_in(element, "content[]"))
            read_members(*found, content_members, out.emplace_back());
    });
}
void read_summary(json::value source, std::vector<message_content>& out) {
    if (json::token(source).starts_with('[')) read_content(source, out);
}

/// An error in either form: an object, or a sentence.
void read_item_error(json::value source, std::optional<last_error>& out) {
    out.reset();
    if (auto members = json::object_if(source)) {
        const std::string_view raw = json::raw(*members);
        read_members(*members, last_error_members, out.emplace());
        if (out->message.empty()) out->message = raw;
    } else if (json::string_inside(source)) {
        json::read(source, out.emplace().message);
    }
}

/// A shell is the caller's, or in a container of the service's.
void read_environment(json::value source, std::string& execution) {
    const auto members = json::object_if(source);
    if (!members) return;
    std::string type;
    each_member(*members, [&type](std::string_view key, json::value member) {
        if (key == "type") json::read(member, type);
    });
    if (type.starts_with("container")) execution = "server";
}

constexpr member<code_interpreter_output> interpreter_output_members[] = {
    {"type", into<&code_interpreter_output::type>},
    {"logs", into<&code_interpreter_output::logs>},
    {"file_id", into<&code_interpreter_output::file_id>},
};
void read_interpreter_outputs(json::value source, tool_call& out) {
    read_objects_if(source, out.outputs, [](json::object found, code_interpreter_output& each) {
        read_members(found, interpreter_output_members, each);
    });
    for (const code_interpreter_output& each : out.outputs)
        if (each.type == "logs") out.output = out.output.value_or("") + each.logs;
}

/// An object; a word is the name of what is done.
void read_action(json::value source, item& out) {
    auto members = json::object_if(source);
    if (!members && json::string_inside(source)) return json::read(source, out.call.name);
    if (!members) return read_raw(source, out.call.arguments);
    out.call.arguments = json::raw(*members);
    each_member(*members, [&out](std::string_view key, json::value member) {
        if (key == "commands") out.call.commands = read_strings(member);
    });
}

/// `{"type":"program","caller_id":...}`; the model calls directly.
void read_caller(json::value source, item& out) {
    out.call.caller_id.clear();
    const auto members = json::object_if(source);
    if (!members) return;
    each_member(*members, [&out](std::string_view key, json::value member) {
        if (key == "caller_id") json::read(member, out.call.caller_id);
    });
}

void read_outcome(json::value source, command_result& out) {
    std::optional<std::int64_t> code;
    if (const auto members = json::object_if(source))
        each_member(*members, [&code](std::string_view key, json::value member) {
            if (key == "exit_code") json::read(member, code);
        });
    out.exit_code.reset();
    if (code && std::in_range<int>(*code)) out.exit_code = static_cast<int>(*code);
}
constexpr member<command_result> command_result_members[] = {
    {"stdout", into<&command_result::standard_output>},
    {"stderr", into<&command_result::standard_error>},
    {"outcome", read_outcome},
};
std::string text_of(const std::vector<command_result>& outputs) {
    std::string all;
    for (const command_result& each : outputs) all += each.standard_output + each.standard_error;
    return all;
}
/// A text, or any JSON. Only `read_item` knows whether it is a shell's.
void read_call_output(json::value source, item& out) {
    out.call.command_results.clear();
    auto elements = json::array_if(source);
    if (!elements) return read_optional_text(source, out.call.output);
    out.call.output = json::raw(*elements);
    out.call.command_results = read_command_results(*elements);
}

constexpr member<file_search_result> file_search_result_members[] = {
    {"file_id", into<&file_search_result::file_id>},     {"filename", into<&file_search_result::file_name>},
    {"file_name", into<&file_search_result::file_name>}, {"score", into<&file_search_result::score>},
    {"text", into<&file_search_result::content>},
};

/// A call's members, which each type of item names in its own way.
constexpr member<item> item_members[] = {
    {"id", [](json::value source, item& out) { json::read(source, out.id); }},
    {"type", into<&item::type>},
    {"status", into<&item::status>},
    {"role", into<&item::role>},
    {"phase", into<&item::phase>},
    {"call_id", into<&item::call_id>},
    {"name", [](json::value source, item& out) { json::read(source, out.call.name); }},
    {"server_label",
     [](json::value source, item& out) {
         json::read(source, out.call.server_label);
         out.tools.server_label = out.call.server_label;
     }},
    {"arguments", [](json::value source, item& out) { read_text(source, out.call.arguments); }},
    {"input", [](json::value source, item& out) { read_text(source, out.call.arguments); }},
    {"code", [](json::value source, item& out) { read_text(source, out.call.arguments); }},
    {"action", read_action},
    {"actions", [](json::value source, item& out) { read_raw(source, out.call.arguments); }},
    {"operation", [](json::value source, item& out) { read_raw(source, out.call.arguments); }},
    {"namespace", [](json::value source, item& out) { json::read(source, out.call.tool_namespace); }},
    {"caller", read_caller},
    {"async", [](json::value source, item& out) { out.call.async = json::is_true(source); }},
    {"queries", [](json::value source, item& out) { read_raw(source, out.call.arguments); }},
    {"output", read_call_output},
    {"result", [](json::value source, item& out) { read_optional_text(source, out.call.output); }},
    {"outputs", [](json::value source, item& out) { read_interpreter_outputs(source, out.call); }},
    {"results",
     [](json::value source, item& out) {
         read_objects_if(source, out.call.results, [](json::object found, file_search_result& each) {
             read_members(found, file_search_result_members, each);
         });
     }},
    {"content", by<read_content, &item::content>},
    {"summary", by<read_summary, &item::summary>},
    {"tools", [](json::value source, item& out) { read_listed_tools(source, out.tools.tools); }},
    {"approval_request_id", into<&item::approval_request_id>},
    {"consent_link", into<&item::link>},
    {"execution", into<&item::execution>},
    {"environment", by<read_environment, &item::execution>},
    {"error", by<read_item_error, &item::error>},
};

constexpr member<thread_run> run_members[] = {
    {"conversation", by<read_id_of, &thread_run::thread_id>},
    {"agent", by<read_name_of, &thread_run::agent_id>},
    {"agent_reference", by<read_name_of, &thread_run::agent_id>},
    {"status", read_run_status},
    {"model", into<&thread_run::model>},
    {"error", by<read_last_error, &thread_run::last_error>},
    {"usage", by<read_usage, &thread_run::usage>},
    {"incomplete_details", by<read_incomplete_details, &thread_run::incomplete_reason>},
    {"metadata", into<&thread_run::metadata>},
    {"created_at", into<&thread_run::created_at>},
    {"completed_at", into<&thread_run::completed_at>},
};

constexpr member<thread_definition> conversation_members[] = {
    {"metadata", into<&thread_definition::metadata>},
    {"created_at", into<&thread_definition::created_at>},
};

struct declared_tool {
    std::string type, name;
};
constexpr member<declared_tool> declared_tool_members[] = {
    {"type", into<&declared_tool::type>},
    {"name", into<&declared_tool::name>},
};
void read_custom_tools(json::value source, std::vector<std::string>& out) {
    std::vector<declared_tool> tools;
    read_objects_if(source, declared_tool_members, tools);
    out.clear();
    for (declared_tool& each : tools)
        if (each.type == "custom") out.push_back(std::move(each.name));
}

void read_output(json::value source, std::vector<item>& out) {
    out.clear();
    const auto elements = json::array_in(source, "output");
    if (!elements) return;
    each_element(*elements, [&out](json::value element) {
        const auto found = json::object_in(element, "output[]");
        if (!found) return;
        item& added = out.emplace_back(read_item(*found));
        set_ids(added, static_cast<std::int64_t>(out.size() - 1));
    });
}

}  // namespace

void read(json::object source, text_annotation& out) {
    read_members(source, annotation_members, out);
}

std::vector<command_result> read_command_results(json::array source) {
    std::vector<command_result> outputs;
    each_element(source, [&outputs](json::value element) {
        if (const auto found = json::object_if(element))
            read_members(*found, command_result_members, outputs.emplace_back());
    });
    return outputs;
}

std::string id_from_place(std::int64_t index) {
    return "item_" + std::to_string(index);
}

item read_item(json::object source) {
    item out;
    out.raw = json::raw(source);
    read_members(source, item_members, out);
    out.call.raw = out.raw;
    out.call.type = call_type_of(out.type);
    if (out.type == "shell_call_output")
        out.call.output = text_of(out.call.command_results);
    else
        out.call.command_results.clear();
    // The tools that were found are what the search returns.
    if (out.type == "tool_search_output")
        if (const auto found = json::find_member(out.raw, "tools")) out.call.output = *found;
    return out;
}

void set_ids(item& source, std::int64_t place) {
    if (source.id.empty()) source.id = id_from_place(place);
    source.tools.id = source.id;
    source.call.id = source.call_id.empty() ? source.id : source.call_id;
}

bool is_message(const item& source) noexcept {
    return source.type == "message";
}
bool is_output(const item& source) noexcept {
    return is_answer(source.type) && source.type != approval_response;
}
bool is_step(const item& source) noexcept {
    if (is_call(source.type)) return true;
    const bool is_asked_for = item_type_of(source.type).by != performer::service || source.type == approval_response;
    return !source.type.empty() && !is_message(source) && !is_output(source) && !is_asked_for;
}

response read_response_object(json::object source) {
    response out;
    bool has_id = false;
    each_member(source, [&](std::string_view key, json::value member) {
        if (key == "id") {
            has_id = true;
            json::read_id(member, key, out.run.id);
        } else if (key == "output") {
            read_output(member, out.output);
        } else if (key == "tools") {
            read_custom_tools(member, out.custom_tools);
        } else {
            read_member(key, member, run_members, out.run);
        }
    });
    if (!has_id) json::missing("id");
    return out;
}

thread_message message_of(const item& source) {
    thread_message message;
    message.id = source.id;
    message.role = source.role.empty() ? "assistant" : source.role;
    message.status = source.status;
    message.phase = source.phase;
    message.content = source.content;
    message.raw = source.raw;
    return message;
}

run_step step_of(const item& source) {
    run_step step;
    step.id = source.id;
    step.status = source.status;
    step.last_error = source.error;
    step.raw = source.raw;
    if (source.type == "mcp_list_tools") {
        step.type = "activities";
        step.mcp_tools.push_back(source.tools);
    } else if (is_call(source.type)) {
        step.type = "tool_calls";
        step.tool_calls.push_back(source.call);
    } else {
        step.type = source.type;
    }
    return step;
}

thread_run decode_response(std::string_view text) {
    return decode_response(text, pending_calls());
}

thread_run decode_response(std::string_view text, const pending_calls& seen) {
    return json::decode_body("response", text, [&](json::object source) {
        response read = read_response_object(source);
        set_action(read, seen.items());
        read.run.raw = text;
        return std::move(read.run);
    });
}

thread_definition decode_conversation(std::string_view text) {
    return json::decode_object("conversation", text, conversation_members);
}

std::optional<thread_message> decode_if_message(std::string_view text) {
    return json::decode_body("item", text, [](json::object source) {
        std::optional<thread_message> read_message;
        item read = read_item(source);
        set_ids(read, 0);
        if (is_message(read)) read_message = message_of(read);
        return read_message;
    });
}

thread_message decode_message(std::string_view text) {
    std::optional<thread_message> read = decode_if_message(text);
    if (!read) throw error(errc::bad_response, "the item is not a message");
    return std::move(*read);
}

}  // namespace corun::codec::responses
