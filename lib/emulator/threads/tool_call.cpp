#include "emulator/threads/tool_call.hpp"

#include "emulator/model.hpp"
#include "emulator/threads/thread_records.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

namespace corun::emulator {
namespace {

/// The deltas of a call that the service itself runs: outputs come last.
std::vector<json> tool_deltas(const tool_call& call) {
    std::vector<json> pieces;
    const auto add = [&](bool with_id) -> json& {
        json& piece = pieces.emplace_back();
        if (with_id) piece["id"] = call.id;
        piece["type"] = call.type;
        return piece;
    };
    const auto target = [&](json& piece) -> json& { return call.type == "mcp" ? piece : piece[call.type]; };
    // Search results always come with the rest.
    json first = json::object(), late = json::object();
    for (const auto& [key, value] : call.details.items())
        (key == "output" || key == "outputs" || call.details.contains("results") ? late : first)[key] = value;
    std::string rest;
    if (call.type == "code_interpreter" && get(first, "input").is_string())
        std::tie(first["input"].get_ref<std::string&>(), rest) = halves_of(get_string(first, "input"));
    json& begin = add(true);
    if (!first.empty()) target(begin).update(first);
    if (!rest.empty()) add(false)[call.type]["input"] = rest;
    if (late.empty()) return pieces;
    std::size_t index = 0;
    if (late.contains("outputs") && late["outputs"].is_array())
        for (auto& output : late["outputs"]) {
            json numbered;
            numbered["index"] = index++;
            numbered.update(output);
            output = std::move(numbered);
        }
    target(add(true)).update(late);
    return pieces;
}

}  // namespace

json tool_call::shown(bool in_step) const {
    json call;
    call["id"] = id;
    call["type"] = type;
    if (kind == step::kind::call_tool) {
        if (type == "mcp")
            call.update(details);
        else
            call[type] = details;
        return call;
    }
    json& target = is_function() ? call["function"] : call;
    target["name"] = name;
    target["arguments"] = arguments;
    if (in_step && output)
        target["output"] = *output;
    else if (in_step && is_function())
        target["output"] = nullptr;
    if (is_mcp()) target["server_label"] = label;
    return call;
}

std::vector<json> tool_call::deltas(bool only_arguments) const {
    std::vector<json> pieces;
    const auto add = [&](bool with_id) -> json& {
        json& piece = pieces.emplace_back();
        if (with_id) piece["id"] = id;
        piece["type"] = type;
        return piece;
    };
    if (is_function()) {
        json& first = add(true)["function"];
        first["name"] = name;
        first["arguments"] = "";
        first["output"] = nullptr;
        const auto [begin, rest] = halves_of(arguments);
        for (const auto& text : {begin, rest})
            if (!text.empty()) add(false)["function"]["arguments"] = text;
        return pieces;
    }
    if (is_mcp()) {
        json& first = add(true);
        if (!only_arguments) {
            first["name"] = name;
            first["server_label"] = label;
        }
        first["arguments"] = "";
        add(true)["arguments"] = arguments;  // In one piece, as observed.
        return pieces;
    }
    return tool_deltas(*this);
}

tool_call make_call(environment& shared, const run& run, const step& scripted) {
    tool_call call(scripted.type());
    call.id = shared.make_id("call_");
    call.name = scripted.name();
    json schema;
    if (call.is_function()) {
        call.type = "function";
        call.waits = true;
        for (const auto& tool : get(run.object, "tools"))
            if (get_string(get(tool, "function"), "name") == call.name)
                schema = get(get(tool, "function"), "parameters");
    } else if (call.is_mcp()) {
        call.type = "mcp";
        const auto server = std::find_if(run.servers.begin(), run.servers.end(), [&](const mcp_binding& one) {
            return (scripted.label().empty() || one.label == scripted.label()) && one.tools.contains(call.name);
        });
        if (server == run.servers.end())
            throw run_failure("tool_user_error", "Error: no MCP server of this run has a tool '" + call.name + "'.");
        call.server = static_cast<std::size_t>(server - run.servers.begin());
        call.label = server->label;
        call.waits = server->needs_approval(call.name);
        call.headers = server->headers;
        schema = get(get(server->tools, call.name.c_str()), "parameters");
    } else {
        call.type = scripted.name();
        call.details = json::parse(scripted.text());
        return call;
    }
    call.arguments = scripted.text().empty() ? text_of(arguments_for(schema, run.user_message)) : scripted.text();
    return call;
}

json tool_calls_details(const std::vector<tool_call>& calls) {
    json details;
    details["type"] = "tool_calls";
    details["tool_calls"] = json::array();
    for (const auto& call : calls) details["tool_calls"].push_back(call.shown(true));
    return details;
}

std::string outputs_of(const std::vector<tool_call>& calls) {
    std::string outputs;
    for (const auto& call : calls) {
        if (!outputs.empty()) outputs += '\n';
        if (call.denied)
            outputs += "The call of " + call.name + " was denied.";
        else if (call.output)
            outputs += *call.output;
        else if (get(call.details, "output").is_string())
            outputs += get_string(call.details, "output");
        else
            outputs += text_of(call.details);
    }
    return outputs;
}

}  // namespace corun::emulator
