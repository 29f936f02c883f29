// The model: what it makes of a message.
#include "emulator/core.hpp"

#include <algorithm>
#include <optional>
#include <string_view>

namespace corun::emulator {
namespace {

std::string replace_all(std::string text, std::string_view what, std::string_view by) {
    for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size()))
        text.replace(at, what.size(), by);
    return text;
}

/// The number in `tokens(number)`, if the message holds it.
std::optional<std::size_t> token_cue(const std::string& message) {
    const auto at = message.find("tokens(");
    if (at == std::string::npos) return std::nullopt;
    std::size_t count = 0, i = at + 7;
    for (; i < message.size() && message[i] >= '0' && message[i] <= '9' && count < 100'000'000; ++i)
        count = count * 10 + static_cast<std::size_t>(message[i] - '0');
    if (i == at + 7 || i == message.size() || message[i] != ')') return std::nullopt;
    return count;
}

bool is_call(const step& one) {
    return one.type() == step::kind::call_function || one.type() == step::kind::call_mcp ||
           one.type() == step::kind::call_tool;
}

/// Arguments that a schema accepts: every required member, strings out of the message.
json arguments_for(const json& schema, const std::string& message) {
    json arguments = json::object();
    const json& properties = get(schema, "properties");
    for (const auto& required : get(schema, "required")) {
        if (!required.is_string()) continue;
        const auto name = required.get<std::string>();
        const json& property = get(properties, name.c_str());
        const std::string type = get_string(property, "type");
        if (const json& values = get(property, "enum"); values.is_array() && !values.empty())
            arguments[name] = values.front();
        else if (const json& otherwise = get(property, "default"); !otherwise.is_null())
            arguments[name] = otherwise;
        else if (type == "integer" || type == "number")
            arguments[name] = 1;
        else if (type == "boolean")
            arguments[name] = true;
        else if (type == "array")
            arguments[name] = json::array();
        else if (type == "object")
            arguments[name] = arguments_for(property, message);
        else
            arguments[name] = message;
    }
    return arguments;
}

}  // namespace

std::string filled_in(std::string text, const run& of) {
    return replace_all(replace_all(std::move(text), "{message}", of.user_message), "{output}", of.outputs);
}

tool_call core::make_call(run& what, const step& scripted) {
    tool_call call(scripted.type());
    call.id = make_id("call_");
    call.name = scripted.name();
    json schema;
    if (call.is_function()) {
        call.type = "function";
        call.waits = true;
        for (const auto& tool : what.object["tools"])
            if (get_string(get(tool, "function"), "name") == call.name)
                schema = get(get(tool, "function"), "parameters");
    } else if (call.is_mcp()) {
        call.type = "mcp";
        const auto server = std::find_if(what.servers.begin(), what.servers.end(), [&](const mcp_binding& one) {
            return (scripted.label().empty() || one.label == scripted.label()) && one.tools.contains(call.name);
        });
        if (server == what.servers.end())
            throw run_failure("tool_user_error", "Error: no MCP server of this run has a tool '" + call.name + "'.");
        call.server = static_cast<std::size_t>(server - what.servers.begin());
        call.label = server->label;
        call.waits = server->needs_approval(call.name);
        call.headers = server->headers;
        schema = get(server->tools[call.name], "parameters");
    } else {
        call.type = scripted.name();
        call.details = json::parse(scripted.text());
        return call;
    }
    call.arguments = scripted.text().empty() ? text_of(arguments_for(schema, what.user_message)) : scripted.text();
    return call;
}

void core::make_plan(run& what) {
    const std::string& message = what.user_message;
    for (auto script = scripts.rbegin(); script != scripts.rend(); ++script)
        if (script->first.empty() || message.find(script->first) != std::string::npos) {
            what.plan.assign(script->second.begin(), script->second.end());
            break;
        }
    const bool tools_allowed = get(what.object, "tool_choice") != "none";
    if (what.plan.empty()) {
        if (const auto count = token_cue(message)) {
            what.plan.push_back(step::tokens(*count));
        } else if (tools_allowed) {
            for (const auto& tool : what.object["tools"])
                if (const std::string name = get_string(get(tool, "function"), "name");
                    get_string(tool, "type") == "function" && message.find(name) != std::string::npos)
                    what.plan.push_back(step::call_function(name));
            const mcp_binding* first = nullptr;
            for (const auto& server : what.servers)
                for (const auto& [name, tool] : server.tools.items()) {
                    if (!first) first = &server;
                    if (message.find(name) != std::string::npos)
                        what.plan.push_back(step::call_mcp(name, {}, server.label));
                }
            if (what.plan.empty() && first)
                what.plan.push_back(step::call_mcp(first->tools.begin().key(), {}, first->label));
        }
        if (what.plan.empty()) what.plan.push_back(step::reply("You said: {message}"));
    }
    if (is_call(what.plan.back())) what.plan.push_back(step::reply("{output}"));
}

}  // namespace corun::emulator
