#include "emulator/responses/response_context.hpp"

#include "emulator/http/api_error.hpp"
#include "emulator/model.hpp"

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>

namespace corun::emulator {
namespace {

std::string text_of_content(const json& content) {
    if (content.is_string()) return content.get<std::string>();
    std::string text;
    for (const auto& part : content) text += get_string(part, "text");
    return text;
}

/// Whether a step of this kind makes such an item.
bool makes(step::kind kind, const json& item) {
    using enum step::kind;
    const std::string type = get_string(item, "type");
    if (type == "message") return kind == reply || kind == message || kind == refusal;
    if (is_function_call(item)) return kind == call_function;
    if (type == "mcp_approval_request" || type == "mcp_call") return kind == call_mcp;
    if (type == "reasoning") return kind == reasoning;
    if (type.ends_with("_call")) return kind == call_tool;
    return kind == activity || kind == require_action;
}
bool made_by_model(const json& item) {
    const std::string type = get_string(item, "type");
    if (type == "message") return get(item, "role") == "assistant";
    return type != "mcp_list_tools" && type != "compaction" && type != "mcp_approval_response" &&
           !type.ends_with("_output") && !(type == "mcp_call" && !get(item, "approval_request_id").is_null());
}

/// What the model sees of a response.
model_view view_of(const response& response) {
    model_view view;
    view.message = response.user_message;
    const json& choice = get(response.object, "tool_choice");
    view.tools_allowed = choice != "none";
    view.reply_schema = get(get(get(response.object, "text"), "format"), "schema");
    for (const auto& tool : get(response.object, "tools"))
        if (get(tool, "type") == "function" || get(tool, "type") == "custom")
            view.functions.push_back(get_string(tool, "name"));
    if (get(choice, "type") == "function" || get(choice, "type") == "custom")
        view.chosen_function = get_string(choice, "name");
    else if (choice == "required" && !view.functions.empty())
        view.chosen_function = view.functions.front();
    for (const auto& server : response.servers) {
        auto& tools = view.servers.emplace_back(server.label, std::vector<std::string>{}).second;
        for (const auto& tool : server.tools)
            if (const std::string name = get_string(tool, "name"); server.tool(name)) tools.push_back(name);
    }
    return view;
}

/// The calls, approval requests and answers among the items so far.
struct open_items {
    void add(const json& item) {
        if (is_function_call(item)) calls.push_back(get_string(item, "call_id"));
        if (is_function_output(item)) answered.push_back(get_string(item, "call_id"));
        if (get(item, "type") == "mcp_approval_request") requests.push_back(item);
        if (get(item, "type") == "mcp_approval_response") answered.push_back(get_string(item, "approval_request_id"));
    }
    [[nodiscard]] static bool contains(const std::vector<std::string>& ids, const std::string& id) {
        return std::find(ids.begin(), ids.end(), id) != ids.end();
    }

    std::vector<std::string> calls, answered;
    std::vector<json> requests;
};

/// The call that an approval is for. Throws `api_error` when it is for none, or for one that cannot be made.
approved_call approved_by(const json& item, const open_items& open, const std::vector<response_server>& servers) {
    const std::string id = get_string(item, "approval_request_id");
    const auto request = std::find_if(open.requests.begin(), open.requests.end(),
                                      [&](const json& asked) { return get(asked, "id") == id; });
    if (request == open.requests.end())
        throw bad_request("No approval request found for approval response with id '" + id + "'.", "input");
    if (open_items::contains(open.answered, id))
        throw bad_request("The approval request with id '" + id + "' has been answered before.", "input");
    const std::string label = get_string(*request, "server_label");
    if (std::none_of(servers.begin(), servers.end(), [&](const auto& server) { return server.label == label; }))
        throw bad_request(
            "No MCP server with label '" + label + "' is among the tools of the request that approves its call.",
            "tools");
    return {id, *request, get(item, "approve") == true};
}

/// The outputs of the latest round of calls.
void read_outputs(response& response) {
    json last_type;
    for (const auto& item : response.recent) {
        const json& type = get(item, "type");
        if (is_function_call(item)) response.outputs.clear();
        if (is_function_output(item) || type == "mcp_call") {
            // Outputs that follow each other are of one round.
            if (type != last_type) response.outputs.clear();
            const bool has_failed = type == "mcp_call" && get(item, "output").is_null();
            response.add_output(text_of_content(get(item, has_failed ? "error" : "output")));
        }
        last_type = type;
    }
}

/// Removes what the latest compaction stands for: all before it but the user's messages.
void forget_compacted(std::vector<json>& context) {
    const auto is_compaction = [](const json& item) { return get(item, "type") == "compaction"; };
    const auto latest = std::find_if(context.rbegin(), context.rend(), is_compaction);
    if (latest == context.rend()) return;
    const auto end = std::prev(latest.base());
    context.erase(std::remove_if(context.begin(), end, [](const json& item) { return !is_user_message(item); }), end);
}

}  // namespace

std::vector<json> context_of(const response& response) {
    std::vector<json> context;
    if (response.conversation)
        for (const auto& [place, item] : response.conversation->items.items()) context.push_back(item->object);
    std::vector<const emulator::response*> chain;
    for (const emulator::response* one = response.previous.get(); one; one = one->previous.get()) chain.push_back(one);
    for (auto one = chain.rbegin(); one != chain.rend(); ++one) {
        context.insert(context.end(), (*one)->inherited.begin(), (*one)->inherited.end());
        for (const auto& [place, item] : (*one)->input.items()) context.push_back(item->object);
        for (const auto& item : (*one)->object["output"]) context.push_back(item);
    }
    forget_compacted(context);
    return context;
}

void check_input(response& response, const std::vector<json>& context) {
    open_items open;
    for (const auto& item : context) open.add(item);
    for (const auto& [place, added] : response.input.items()) {
        const json& item = added->object;
        if (is_function_output(item) && !open_items::contains(open.calls, get_string(item, "call_id")))
            throw bad_request(
                std::string("No tool call found for ") +
                    (get(item, "type") == "function_call_output" ? "function call output" : "custom tool call output") +
                    " with call_id " + get_string(item, "call_id") + ".",
                "input");
        if (get(item, "type") == "mcp_approval_response")
            response.approvals.push_back(approved_by(item, open, response.servers));
        open.add(item);
    }
    for (const auto& id : open.calls)
        if (!open_items::contains(open.answered, id))
            throw bad_request("No tool output found for function call " + id + ".", "input");
}

void read_context(response& response, std::vector<json> context, bool lists_tools_each_time) {
    for (const auto& [place, item] : response.input.items()) context.push_back(item->object);
    const auto recent = std::find_if(context.rbegin(), context.rend(), is_user_message).base();
    if (recent != context.begin()) response.user_message = text_of_content(get(*std::prev(recent), "content"));
    response.recent.assign(recent, context.end());
    response.input_tokens = words(get_string(response.object, "instructions"));
    for (const auto& item : context) {
        response.input_tokens += words(text_of_content(get(item, "content")));
        const bool lists_tools = get(item, "type") == "mcp_list_tools" && get(item, "error").is_null();
        if (!lists_tools || lists_tools_each_time) continue;
        for (auto& server : response.servers)
            if (server.label == get_string(item, "server_label")) {
                server.is_listed = true;
                server.tools = get(item, "tools");
            }
    }
    read_outputs(response);
}

void make_plan(response& response, const std::vector<script>& scripts) {
    response.plan = plan_for(scripts, view_of(response));
    // The model continues after what it did since the message: each of those items stands for a step.
    for (const auto& item : response.recent) {
        if (!made_by_model(item)) continue;
        const auto done = std::find_if(response.plan.begin(), response.plan.end(),
                                       [&](const step& scripted) { return makes(scripted.type(), item); });
        if (done != response.plan.end()) response.plan.erase(response.plan.begin(), std::next(done));
    }
}

}  // namespace corun::emulator
