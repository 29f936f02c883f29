// The items that answer calls: one form for each type of call.
#include "json/document.hpp"
#include "protocol/responses/item_types.hpp"
#include "protocol/responses/objects.hpp"
#include "protocol/responses/requests.hpp"
#include "text/escape.hpp"

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>
#include <variant>

namespace corun::codec::responses {
namespace {

/// A call that an output answers.
struct answered_call_item {
    std::string type = "function_call";
    body item;  ///< As received; null if it is not known.
};

/// One output, while it is written.
struct answer {
    const std::string& id;
    const call_output& output;
    const answered_call_item& call;
    body& item;

    [[noreturn]] void refuse_form(std::string_view wanted) const {
        refuse("submission::output of " + detail::quote(id),
               "answers a " + call.type + ", whose output must be " + std::string(wanted));
    }
    template <class T>
    [[nodiscard]] const T* as() const noexcept {
        return std::get_if<T>(&output.value());
    }
    /// A text that is the JSON of `item[key]` already.
    [[nodiscard]] std::optional<body> as_json() const {
        const auto* source = as<std::string>();
        if (source == nullptr) return std::nullopt;
        return json::parse_document<body>(*source);
    }
};

const body* member_of(const body& object, const char* key) {
    if (!object.is_object()) return nullptr;
    const auto found = object.find(key);
    return found == object.end() ? nullptr : &*found;
}

bool is_string(const body* value) {
    return value != nullptr && value->is_string();
}

body to_json(const std::vector<content_block>& content) {
    body list = body::array();
    for (const content_block& block : content) list.push_back(to_content(block, true));
    return list;
}

void write_text(const answer& into) {
    const auto* const source = into.as<std::string>();
    if (source == nullptr) into.refuse_form("a text");
    into.item["output"] = text(*source);
}

void write_text_or_content(const answer& into) {
    if (const auto* const content = into.as<std::vector<content_block>>())
        into.item["output"] = to_json(*content);
    else if (const auto* const source = into.as<std::string>())
        into.item["output"] = text(*source);
    else
        into.refuse_form("a text, or a list of content_block");
}

body to_json(const command_result& result) {
    body object = body::object();
    object["stdout"] = text(result.standard_output);
    object["stderr"] = text(result.standard_error);
    object["outcome"]["type"] = result.exit_code ? "exit" : "timeout";
    if (result.exit_code) object["outcome"]["exit_code"] = *result.exit_code;
    return object;
}

bool is_shell_output(const body& value) {
    return value.is_array() && std::all_of(value.begin(), value.end(), [](const body& each) {
               const body* const outcome = member_of(each, "outcome");
               return is_string(member_of(each, "stdout")) && is_string(member_of(each, "stderr")) &&
                      outcome != nullptr && outcome->is_object();
           });
}

void write_shell_output(const answer& into) {
    // The service checks that the output keeps to the limit of its call.
    if (const body* const action = member_of(into.call.item, "action"))
        if (const body* const limit = member_of(*action, "max_output_length"); limit != nullptr && limit->is_number())
            into.item["max_output_length"] = *limit;
    if (const auto* const output = into.as<shell_output>()) {
        body list = body::array();
        for (const command_result& each : output->results) list.push_back(to_json(each));
        into.item["output"] = std::move(list);
        set_if(into.item, "max_output_length", output->max_output_length);
        return;
    }
    auto parsed = into.as_json();
    if (!parsed || !is_shell_output(*parsed))
        into.refuse_form(R"(a shell_output, or a JSON array of {"stdout", "stderr", "outcome"})");
    into.item["output"] = std::move(*parsed);
}

void write_patch_result(const answer& into) {
    const auto* const result = into.as<patch_result>();
    const auto* const source = into.as<std::string>();
    if (result == nullptr && source == nullptr) into.refuse_form("a patch_result, or a text");
    into.item["status"] = result != nullptr && result->has_failed ? "failed" : "completed";
    set_unless_empty(into.item, "output", result != nullptr ? result->text : *source);
}

body to_json(const safety_check& check) {
    body object = body::object();
    object["id"] = text(check.id);
    set_unless_empty(object, "code", check.code);
    set_unless_empty(object, "message", check.message);
    return object;
}

void write_screenshot(const answer& into) {
    const auto* const screenshot = into.as<computer_screenshot>();
    if (screenshot == nullptr) {
        auto parsed = into.as_json();
        if (!parsed || !is_string(member_of(*parsed, "type")))
            into.refuse_form(R"(a computer_screenshot, or its JSON object with "type")");
        into.item["output"] = std::move(*parsed);
        return;
    }
    if (screenshot->image_url.empty() == screenshot->file_id.empty())
        refuse("computer_screenshot", "must have an image_url or a file_id");
    body& output = into.item["output"];
    output["type"] = "computer_screenshot";
    set_unless_empty(output, "image_url", screenshot->image_url);
    set_unless_empty(output, "file_id", screenshot->file_id);
    for (const safety_check& each : screenshot->acknowledged_safety_checks)
        into.item["acknowledged_safety_checks"].push_back(to_json(each));
}

void write_found_tools(const answer& into) {
    body tools = body::array();
    if (const auto* const found = into.as<std::vector<prompt_tool>>()) {
        for (const prompt_tool& each : *found) tools.push_back(responses::to_json(each));
    } else {
        auto parsed = into.as_json();
        const auto is_tool = [](const body& each) { return is_string(member_of(each, "type")); };
        if (!parsed || !parsed->is_array() || !std::all_of(parsed->begin(), parsed->end(), is_tool))
            into.refuse_form("a list of prompt_tool, or the JSON array of the tools found");
        tools = std::move(*parsed);
    }
    into.item["execution"] = "client";
    into.item["tools"] = std::move(tools);
}

/// A call that this version does not know.
void write_any(const answer& into) {
    write_text_or_content(into);
    if (auto parsed = into.as_json(); parsed && parsed->is_structured()) into.item["output"] = std::move(*parsed);
}

struct answer_form {
    std::string_view call;  ///< The type of the call.
    void (*write)(const answer& into);
    const char* id = "call_id";  ///< The member with the call's id.
};
constexpr answer_form answer_forms[] = {
    {"function_call", write_text_or_content}, {"custom_tool_call", write_text_or_content},
    {"local_shell_call", write_text, "id"},   {"shell_call", write_shell_output},
    {"apply_patch_call", write_patch_result}, {"computer_call", write_screenshot},
    {"tool_search_call", write_found_tools},
};

answer_form form_of(std::string_view call) noexcept {
    for (const answer_form& each : answer_forms)
        if (each.call == call) return each;
    return {call, write_any};
}

body to_answer(const tool_output& output, const answered_call_item& call) {
    if (!is_call(call.type))
        refuse("submission::output of " + detail::quote(output.tool_call_id),
               "answers an item of type " + call.type + ", which accepts no output");
    const answer_form form = form_of(call.type);
    body item = body::object();
    item["type"] = text(answer_type_of(call.type));
    set(item, form.id, text(output.tool_call_id));
    form.write(answer{output.tool_call_id, output.output, call, item});
    // By it, the service finds the program that waits for the output.
    if (const body* const caller = member_of(call.item, "caller"); caller != nullptr && caller->is_object())
        item["caller"] = *caller;
    return item;
}

/// The calls of an action, as received.
class answered_calls {
public:
    explicit answered_calls(const required_action& action)
        : action_(action), items_(json::parse_document<body>(action.raw)) {}

    [[nodiscard]] answered_call_item find(const std::string& id) const {
        answered_call_item call;
        for (const mcp_approval_request& each : action_.mcp_approvals)
            if (each.id == id) call.type = "mcp_approval_request";
        for (const other_call& each : action_.other_calls)
            if (each.id == id) call.type = each.type;
        if (!items_.is_array()) return call;
        for (const body& each : items_)
            if (is(member_of(each, "call_id"), id) || is(member_of(each, "id"), id)) call.item = each;
        return call;
    }

    /// Whether `id` is that of a call that takes an output, not an approval.
    [[nodiscard]] bool takes_output(const std::string& id) const {
        const auto has_id = [&id](const auto& each) { return each.id == id; };
        return std::any_of(action_.function_calls.begin(), action_.function_calls.end(), has_id) ||
               std::any_of(action_.other_calls.begin(), action_.other_calls.end(), has_id);
    }

private:
    static bool is(const body* value, const std::string& id) {
        return is_string(value) && value->get_ref<const wiped_string&>() == std::string_view(id);
    }

    const required_action& action_;
    body items_;
};

body to_answer(const tool_approval& approval) {
    if (!approval.headers.empty())
        refuse("submission::approve",
               "cannot have headers in the Responses protocol; they are sent with the request's tools");
    body item = body::object();
    item["type"] = "mcp_approval_response";
    item["approval_request_id"] = text(approval.tool_call_id);
    item["approve"] = approval.approve;
    set_unless_empty(item, "reason", approval.reason);
    return item;
}

}  // namespace

void add_answers(body& input, const submission& answers, const required_action& action) {
    if (answers.empty()) return;
    const answered_calls calls(action);
    for (const tool_output& output : answers.outputs())
        input.push_back(to_answer(output, calls.find(output.tool_call_id)));
    for (const tool_approval& approval : answers.approvals()) {
        if (calls.takes_output(approval.tool_call_id))
            refuse("submission::approve and deny of " + detail::quote(approval.tool_call_id),
                   "refer to a call that needs an output");
        input.push_back(to_answer(approval));
    }
}

}  // namespace corun::codec::responses

namespace corun {

std::vector<safety_check> pending_safety_checks(const other_call& call) {
    using namespace codec::responses;
    using codec::body;
    std::vector<safety_check> checks;
    if (call.type != "computer_call") return checks;
    const auto item = codec::json::parse_document<body>(call.raw);
    const body* const pending = member_of(item, "pending_safety_checks");
    if (pending == nullptr || !pending->is_array()) return checks;
    const auto text_in = [](const body& object, const char* key) {
        const body* const value = member_of(object, key);
        return is_string(value) ? std::string(std::string_view(value->get_ref<const codec::wiped_string&>()))
                                : std::string();
    };
    for (const body& each : *pending)
        checks.emplace_back(text_in(each, "id"), text_in(each, "code"), text_in(each, "message"));
    return checks;
}

}  // namespace corun
