#include "c/json_request.hpp"

#include "c/json_members.hpp"
#include <corun/error.hpp>
#include <corun/json.hpp>

#include <chrono>

namespace corun::c {
namespace {

headers headers_of(const nlohmann::json& value, const std::string& where) {
    if (!value.is_object()) json_members::fail(where, "an object");
    headers fields;
    for (const auto& field : value.items())
        fields.set(field.key(), secret(json_members::as<std::string>(field.value(), where + '.' + field.key())));
    return fields;
}

mcp_headers mcp_headers_of(const nlohmann::json& value, const std::string& where) {
    if (!value.is_object()) json_members::fail(where, "an object");
    mcp_headers servers;
    for (const auto& server : value.items())
        servers.set(server.key(), headers_of(server.value(), where + '.' + server.key()));
    return servers;
}

mcp_approval approval_of(const nlohmann::json& value, const std::string& where) {
    return named<mcp_approval>(json_members::as<std::string>(value, where), where,
                               {{"never", mcp_approval::never()}, {"always", mcp_approval::always()}});
}

void read_approvals(json_members& request, run_options& options) {
    const nlohmann::json* const approval = request.find("approval");
    if (!approval) return;
    if (!approval->is_object()) {
        options.default_approval = approval_of(*approval, request.path("approval"));
        return;
    }
    for (const auto& server : approval->items())
        options.require_approval.emplace(server.key(),
                                         approval_of(server.value(), request.path("approval") + '.' + server.key()));
}

function_tool function_of(const nlohmann::json& value, const std::string& where) {
    json_members members(value, where);
    (void)members.find("type");
    json_text parameters;
    if (const nlohmann::json* const schema = members.find("parameters")) parameters = *schema;
    function_tool tool(members.require("name"), members.get<std::string>("description").value_or(""), parameters);
    members.read("strict", tool.strict);
    members.done();
    return tool;
}

prompt_tool tool_of(const nlohmann::json& value, const std::string& where) {
    json_members members(value, where);
    const std::string type = members.require("type");
    if (type == "function") return function_of(value, where);
    if (type != "mcp") return json_tool(type, value, members.get<std::string>("name").value_or(""));
    std::vector<std::string> allowed;
    if (const nlohmann::json* const names = members.find("allowed_tools"))
        for (const nlohmann::json& name : *names)
            allowed.push_back(json_members::as<std::string>(name, members.path("allowed_tools")));
    prompt_mcp_tool tool(members.require("server_label"), members.require("server_url"), std::move(allowed));
    members.done();
    return tool;
}

prompt_agent_definition definition_of(const nlohmann::json& value, const std::string& where) {
    json_members members(value, where);
    prompt_agent_definition definition(members.require("model"));
    members.read("name", definition.name);
    members.read("instructions", definition.instructions);
    if (const nlohmann::json* const tools = members.find("tools")) {
        if (!tools->is_array()) json_members::fail(members.path("tools"), "an array");
        for (const nlohmann::json& tool : *tools) definition.tools.push_back(tool_of(tool, members.path("tools")));
    }
    members.done();
    return definition;
}

void read_options(json_members& request, run_options& options) {
    options.answers_by_hand = true;
    read_approvals(request, options);
    if (const auto caller = request.get<std::string>("mcp_caller"))
        options.default_mcp_caller = named<mcp_caller>(
            *caller, request.path("mcp_caller"),
            {{"service", mcp_caller::service}, {"client", mcp_caller::client}, {"automatic", mcp_caller::automatic}});
    request.read("mcp_principal", options.mcp_principal);
    if (const nlohmann::json* const functions = request.find("functions")) {
        if (!functions->is_array()) json_members::fail(request.path("functions"), "an array");
        for (const nlohmann::json& each : *functions)
            options.tools.push_back(function_of(each, request.path("functions")));
    }
    request.read("model", options.model);
    request.read("instructions", options.instructions);
    request.read("additional_instructions", options.additional_instructions);
    request.read("temperature", options.temperature);
    request.read("top_p", options.top_p);
    request.read("max_completion_tokens", options.max_completion_tokens);
    request.read("parallel_tool_calls", options.parallel_tool_calls);
    request.read("rate_limit_restarts", options.rate_limit_restarts);
    request.read("background", options.background);
    request.read("store", options.store);
    request.read("previous_response_id", options.previous_response_id);
    request.read("tag", options.tag);
    if (const auto name = request.get<std::string>("on_abandon"))
        options.on_abandon = named<abandoned_run>(*name, request.path("on_abandon"),
                                                  {{"cancelled_if_waiting", abandoned_run::cancelled_if_waiting},
                                                   {"goes_on", abandoned_run::goes_on},
                                                   {"cancelled", abandoned_run::cancelled}});
    if (const nlohmann::json* const extra = request.find("extra")) options.extra_json = *extra;
}

}  // namespace

client_request read_client(std::string_view json) {
    client_request result;
    client_options& options = result.options;
    const nlohmann::json value = parse(json, "options");
    json_members members(value, "options");
    if (const auto name = members.get<std::string>("protocol"))
        options.protocol = named<protocol>(*name, members.path("protocol"),
                                           {{"threads", protocol::threads}, {"responses", protocol::responses}});
    members.read("api_key", result.is_api_key);
    members.read("api_version", options.api_version);
    members.read("application_id", options.application_id);
    members.read("ca_file", options.ca_file);
    members.read("proxy", options.proxy);
    members.read("unix_socket", options.unix_socket);
    if (const nlohmann::json* const fields = members.find("request_headers"))
        options.request_headers = headers_of(*fields, members.path("request_headers"));
    const auto read_duration = [&members](const char* name, std::chrono::milliseconds& target) {
        if (const auto count = members.get<std::int64_t>(name)) target = std::chrono::milliseconds(*count);
    };
    read_duration("connect_timeout_ms", options.connect_timeout);
    read_duration("idle_timeout_ms", options.idle_timeout);
    read_duration("event_timeout_ms", options.event_timeout);
    read_duration("total_timeout_ms", options.total_timeout);
    read_duration("stop_timeout_ms", options.stop_timeout);
    members.read("max_retries", options.retry.max_retries);
    members.done();
    return result;
}

run_request read_run(std::string_view json) {
    run_request result;
    const nlohmann::json value = parse(json, "request");
    json_members request(value, "request");
    const nlohmann::json* const agent = request.find("agent");
    if (agent && agent->is_object())
        result.agent = definition_of(*agent, request.path("agent"));
    else
        result.agent = request.require("agent");
    request.read("thread", result.thread);
    if (const nlohmann::json* const position = request.find("position")) {
        json_members members(*position, request.path("position"));
        result.position.emplace(members.require("run_id"), members.get<std::string>("thread_id").value_or(""),
                                members.get<std::int64_t>("sequence_number"));
        if (const auto token = members.get<std::string>("token")) result.position = run_position::parse(*token);
        members.done();
        if (request.find("message")) throw error(errc::invalid_argument, "request has both message and position");
    } else {
        result.message = request.require("message");
    }
    if (const nlohmann::json* const servers = request.find("mcp_headers"))
        result.headers = mcp_headers_of(*servers, request.path("mcp_headers"));
    read_options(request, result.options);
    request.done();
    return result;
}

submission read_answers(std::string_view json) {
    const nlohmann::json value = parse(json, "answers");
    if (!value.is_array()) json_members::fail("answers", "an array");
    submission result;
    for (const nlohmann::json& each : value) {
        json_members answer(each, "answers");
        const std::string id = answer.require("id");
        const nlohmann::json* const output = answer.find("output");
        const std::optional<bool> approve = answer.get<bool>("approve");
        if ((output != nullptr) == approve.has_value())
            throw error(errc::invalid_argument, "an answer has either output or approve");
        if (output) {
            result.output(id, output->is_string() ? output->get<std::string>() : output->dump());
        } else if (*approve) {
            const nlohmann::json* const fields = answer.find("headers");
            result.approve(id, fields ? headers_of(*fields, answer.path("headers")) : headers());
        } else {
            result.deny(id, answer.get<std::string>("reason").value_or(""));
        }
        answer.done();
    }
    return result;
}

}  // namespace corun::c
