// The calls of a response: listing the tools of MCP servers, approvals, and rounds of calls.
#include "emulator/http/api_error.hpp"
#include "emulator/model.hpp"
#include "emulator/responses/response_execution.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

namespace corun::emulator {
namespace {

/// How a call that the service itself runs is shown: type and id of its item, and its events.
struct call_form {
    const char *type, *item_type, *prefix;
    std::vector<const char*> events;
};
const call_form& form_of(const std::string& type) {
    static const call_form forms[] = {
        {"web_search", "web_search_call", "ws_", {"in_progress", "searching", "completed"}},
        {"web_search_preview", "web_search_call", "ws_", {"in_progress", "searching", "completed"}},
        {"file_search", "file_search_call", "fs_", {"in_progress", "searching", "completed"}},
        {"code_interpreter", "code_interpreter_call", "ci_", {"in_progress", "interpreting", "completed"}},
        {"image_generation", "image_generation_call", "ig_", {"in_progress", "generating", "completed"}},
    };
    static const call_form other{"", "", "call_", {}};
    for (const auto& form : forms)
        if (type == form.type) return form;
    return other;
}

json search_result(const json& scripted) {
    json result;
    result["file_id"] = get(scripted, "file_id");
    result["filename"] = get(scripted, scripted.contains("filename") ? "filename" : "file_name");
    result["score"] = get(scripted, "score");
    std::string text = get_string(scripted, "text");
    for (const auto& block : get(scripted, "content")) text += get_string(block, "text");
    result["text"] = std::move(text);
    return result;
}

/// Details of a call as its item shows them. Scripts may spell them as runs do.
json details_of(const std::string& type, json scripted, bool with_results) {
    json details = json::object();
    if (type == "code_interpreter") {
        details["code"] = get(scripted, scripted.contains("code") ? "code" : "input");
        details["container_id"] =
            get(scripted, "container_id").is_null() ? json("cntr_emulated") : scripted["container_id"];
        details["outputs"] = get(scripted, "outputs");
    } else if (type == "file_search") {
        details["queries"] = get(scripted, "queries").is_array() ? scripted["queries"] : json::array();
        details["results"] = nullptr;
        if (with_results && get(scripted, "results").is_array()) {
            details["results"] = json::array();
            for (const auto& result : scripted["results"]) details["results"].push_back(search_result(result));
        }
    } else if (type.starts_with("web_search")) {
        details["action"] = get(scripted, "action");
        if (details["action"].is_null()) {
            details["action"]["type"] = "search";
            details["action"]["queries"] = json::array();
            details["action"]["queries"].push_back(get(scripted, "query").is_null() ? json("") : scripted["query"]);
            details["action"]["query"] = get(scripted, "query").is_null() ? json("") : scripted["query"];
        }
    } else {
        scripted.erase("partial_images");
        details.update(scripted);
    }
    return details;
}

/// The item of such a call when it begins, with what its details fill in later.
json begun_call(const std::string& type, const call_form& form, const json& details, std::string id) {
    json item;
    item["id"] = std::move(id);
    item["type"] = *form.type ? form.item_type : type + "_call";
    item["status"] = "in_progress";
    if (type.starts_with("web_search")) item["action"]["type"] = get(details["action"], "type");
    if (type == "file_search") item["queries"] = json::array();
    if (type == "file_search") item["results"] = nullptr;
    if (type == "image_generation") item["result"] = nullptr;
    if (type == "code_interpreter") {
        item["code"] = "";
        item["container_id"] = details["container_id"];
        item["outputs"] = nullptr;
    }
    return item;
}

/// A text in the pieces that stream it.
std::vector<std::string> pieces_of(const std::string& text) {
    const auto [begin, rest] = halves_of(text);
    std::vector<std::string> pieces;
    for (const auto& piece : {begin, rest})
        if (!piece.empty()) pieces.push_back(piece);
    return pieces;
}

/// The tools of a server as items list them. Those that are not allowed are not listed.
json listed_tools(response_server& server, const json& tools) {
    server.tools = json::array();
    for (const auto& tool : tools) {
        json listed;
        listed["annotations"]["read_only"] = get(get(tool, "annotations"), "readOnlyHint") == true;
        listed["description"] = get(tool, "description");
        listed["input_schema"] = get(tool, "inputSchema");
        listed["name"] = get(tool, "name");
        server.tools.push_back(std::move(listed));
        if (!server.tool(get_string(tool, "name"))) server.tools.erase(server.tools.size() - 1);
    }
    return server.tools;
}

run_failure listing_failure_of(const std::string& message, mcp_failure naming) {
    const bool is_named = naming == mcp_failure::named;
    run_failure failure(is_named ? "http_error" : "server_error", is_named ? message : went_wrong);
    failure.type = is_named ? "external_connector_error" : "server_error";
    failure.status = is_named ? 424 : 500;
    if (is_named) failure.param = "tools";
    return failure;
}

recorded_mcp_request record_of(const response& response, const mcp_binding& server, std::string call_id) {
    recorded_mcp_request record;
    record.run_id = response.id;
    record.server_label = server.label;
    record.tool_call_id = std::move(call_id);
    record.headers = server.headers;
    return record;
}

json place_of(const json& id, std::size_t index) {
    json place;
    place["item_id"] = id;
    place["output_index"] = index;
    return place;
}

}  // namespace

asio::awaitable<void> response_execution::list_tools(response_server& server) {
    json item;
    item["id"] = environment_->make_id("mcpl_");
    item["type"] = "mcp_list_tools";
    item["server_label"] = server.label;
    item["tools"] = json::array();
    const std::size_t index = co_await add_item(std::move(item));
    co_await events_.emit_of_item("response.mcp_list_tools.in_progress", index);
    mcp_result result;
    const bool is_reachable = server.connection.empty();
    if (is_reachable) {
        auto target = environment_->mcp_target(server.url, record_of(response_, server, {}));
        auto listing = environment_->mcp.list_tools(result, std::move(target));
        co_await meanwhile(std::move(listing));
    } else {
        result.problem.emplace(0, "There is no connection '" + server.connection + "'.");
    }
    if (!result.problem) {
        response_.object["output"][index]["tools"] = listed_tools(server, result.tools);
        co_await events_.emit_of_item("response.mcp_list_tools.completed", index);
        co_await finish_item(index);
        co_return;
    }
    server.tools = json::array();
    const std::string message =
        "Error retrieving tool list from MCP server: '" + server.label + "'. " + result.problem->description();
    response_.object["output"][index]["error"] = message;
    co_await events_.emit_of_item("response.mcp_list_tools.failed", index);
    co_await finish_item(index);
    if (environment_->options.listing_failure == listing_failure::fails_response)
        throw listing_failure_of(message, environment_->options.mcp_failure);
}

asio::awaitable<void> response_execution::use_approvals() {
    if (!response_.approvals.empty()) response_.outputs.clear();
    const auto approvals = response_.approvals;
    for (const auto& call : approvals) {
        if (!call.approved) {
            response_.add_output("The call of " + call.name + " was denied.");
            continue;
        }
        const auto server = std::find_if(response_.servers.begin(), response_.servers.end(),
                                         [&](const auto& known) { return known.label == call.label; });
        co_await call_server(*server, call.name, call.arguments, call.approval);
    }
}

asio::awaitable<void> response_execution::call_function(step scripted) {
    json schema;
    bool is_custom = false;
    for (const auto& tool : response_.object["tools"])
        if (get(tool, "name") == scripted.name()) {
            schema = get(tool, "parameters");
            is_custom = get(tool, "type") == "custom";
        }
    std::string arguments = scripted.text();
    if (arguments.empty())
        arguments = is_custom ? response_.user_message : text_of(arguments_for(schema, response_.user_message));
    const std::string name = is_custom ? "input" : "arguments";
    const std::string events = is_custom ? "response.custom_tool_call_input." : "response.function_call_arguments.";
    json item;
    item["id"] = environment_->make_id(is_custom ? "ctc_" : "fc_");
    item["type"] = is_custom ? "custom_tool_call" : "function_call";
    item["status"] = "in_progress";
    item[name] = "";
    item["call_id"] = environment_->make_id("call_");
    item["name"] = scripted.name();
    const json id = item["id"];
    const std::size_t index = co_await add_item(std::move(item));
    co_await events_.emit_deltas(events + "delta", place_of(id, index), pieces_of(arguments));
    json done;
    done[name] = arguments;
    co_await events_.emit_of_item(events + "done", index, std::move(done));
    response_.object["output"][index][name] = std::move(arguments);
    co_await finish_item(index);
}

/// Returns true when the call waits for an approval.
asio::awaitable<bool> response_execution::call_mcp(step scripted) {
    const std::string name = scripted.name();
    const auto server =
        std::find_if(response_.servers.begin(), response_.servers.end(), [&](const response_server& one) {
            return (scripted.label().empty() || one.label == scripted.label()) && one.tool(name);
        });
    if (server == response_.servers.end())
        throw run_failure("server_error", "No MCP server of this response has a tool '" + name + "'.");
    std::string arguments = scripted.text();
    if (arguments.empty())
        arguments = text_of(arguments_for(get(*server->tool(name), "input_schema"), response_.user_message));
    const bool asks = server->asks_for_approval(name);
    if (!asks) {
        co_await call_server(*server, name, std::move(arguments), nullptr);
        co_return false;
    }
    json item;
    item["id"] = environment_->make_id("mcpr_");
    item["type"] = "mcp_approval_request";
    item["arguments"] = std::move(arguments);
    item["name"] = name;
    item["server_label"] = server->label;
    co_await show_item(std::move(item));
    co_return true;
}

asio::awaitable<void> response_execution::call_server(response_server& server, std::string name, std::string arguments,
                                                      json approval) {
    json item;
    item["id"] = environment_->make_id("mcp_");
    item["type"] = "mcp_call";
    item["approval_request_id"] = std::move(approval);
    item["arguments"] = "";
    item["error"] = nullptr;
    item["name"] = name;
    item["output"] = nullptr;
    item["server_label"] = server.label;
    const std::string id = get_string(item, "id");
    const std::size_t index = co_await add_item(std::move(item));
    co_await events_.emit_of_item("response.mcp_call.in_progress", index);
    std::vector<std::string> pieces{arguments};  // In one piece, as observed.
    co_await events_.emit_deltas("response.mcp_call_arguments.delta", place_of(id, index), std::move(pieces));
    json done;
    done["arguments"] = arguments;
    co_await events_.emit_of_item("response.mcp_call_arguments.done", index, std::move(done));
    response_.object["output"][index]["arguments"] = arguments;

    mcp_result result;
    auto target = environment_->mcp_target(server.url, record_of(response_, server, id));
    auto calling = environment_->mcp.call_tool(result, std::move(target), name, std::move(arguments));
    co_await meanwhile(std::move(calling));
    const bool has_failed = result.problem || result.output.is_error;
    const std::string text =
        result.problem ? "Error calling tool '" + name + "'. " + result.problem->description() : result.output.text;
    response_.object["output"][index][has_failed ? "error" : "output"] = text;
    response_.add_output(text);
    co_await events_.emit_of_item(has_failed ? "response.mcp_call.failed" : "response.mcp_call.completed", index);
    co_await finish_item(index);
}

asio::awaitable<void> response_execution::call_tool(step scripted) {
    const std::string type = scripted.name();
    const call_form& form = form_of(type);
    const json call = json::parse(scripted.text());
    const json details = details_of(type, call, response_.options.with_results);
    json item = begun_call(type, form, details, environment_->make_id(form.prefix));
    const json id = item["id"];
    const std::string events = "response." + get_string(item, "type") + ".";
    const std::size_t index = co_await add_item(std::move(item));
    for (const char* name : form.events) {
        // Code is written before it runs, and images are shown while they are made.
        if (type == "code_interpreter" && name == std::string_view("interpreting")) {
            auto pieces = pieces_of(get_string(details, "code"));
            co_await events_.emit_deltas("response.code_interpreter_call_code.delta", place_of(id, index),
                                         std::move(pieces));
            json code;
            code["code"] = details["code"];
            co_await events_.emit_of_item("response.code_interpreter_call_code.done", index, std::move(code));
        }
        if (type == "image_generation" && name == std::string_view("completed")) {
            std::size_t number = 0;
            for (const auto& image : get(call, "partial_images")) {
                json partial;
                partial["partial_image_b64"] = image;
                partial["partial_image_index"] = number++;
                co_await events_.emit_of_item("response.image_generation_call.partial_image", index,
                                              std::move(partial));
            }
        }
        co_await events_.emit_of_item(events + name, index);
    }
    response_.object["output"][index].update(details);
    response_.add_output(get(call, "output").is_string() ? get_string(call, "output") : text_of(call));
    co_await finish_item(index);
}

}  // namespace corun::emulator
