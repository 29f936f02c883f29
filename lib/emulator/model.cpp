// The model: what it makes of a message.
#include "emulator/model.hpp"

#include "emulator/threads/core.hpp"
#include "text/ascii.hpp"
#include "text/utf8.hpp"

#include <algorithm>
#include <optional>
#include <string_view>
#include <tuple>

namespace corun::emulator {
namespace {

/// The number in `tokens(number)`, if the message holds it.
std::optional<std::size_t> token_cue(const std::string& message) {
    const auto at = message.find("tokens(");
    if (at == std::string::npos) return std::nullopt;
    std::size_t count = 0, i = at + 7;
    for (; i < message.size() && ascii::is_digit(message[i]) && count < 100'000'000; ++i)
        count = count * 10 + static_cast<std::size_t>(message[i] - '0');
    if (i == at + 7 || i == message.size() || message[i] != ')') return std::nullopt;
    return count;
}

bool is_call(const step& one) {
    return one.type() == step::kind::call_function || one.type() == step::kind::call_mcp ||
           one.type() == step::kind::call_tool;
}

}  // namespace

std::string replace_all(std::string text, std::string_view what, std::string_view by) {
    for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size()))
        text.replace(at, what.size(), by);
    return text;
}

std::string filled_in(std::string text, const std::string& message, const std::string& outputs) {
    return replace_all(replace_all(std::move(text), "{message}", message), "{output}", outputs);
}

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

std::vector<std::string> tokens_of(const std::string& text) {
    std::vector<std::string> tokens;
    for (std::size_t begin = 0; begin < text.size();) {
        const std::size_t letter = text.find_first_not_of(' ', begin);
        const std::size_t end =
            letter == std::string::npos ? text.size() : std::min(text.find(' ', letter), text.size());
        tokens.push_back(text.substr(begin, end - begin));
        begin = end;
    }
    return tokens;
}

std::pair<std::string, std::string> halves_of(const std::string& text) {
    std::size_t half = text.size() / 2;
    while (half < text.size() && utf8::is_continuation(text[half])) ++half;
    return {text.substr(0, half), text.substr(half)};
}

std::size_t words(const std::string& text) {
    std::size_t count = 0;
    for (std::size_t i = 0; i != text.size(); ++i) count += text[i] != ' ' && (i == 0 || text[i - 1] == ' ');
    return count;
}

std::deque<step> plan_for(const std::vector<script>& scripts, const model_view& view) {
    const std::string& message = view.message;
    std::deque<step> plan;
    for (auto one = scripts.rbegin(); one != scripts.rend(); ++one)
        if (one->first.empty() || message.find(one->first) != std::string::npos) {
            plan.assign(one->second.begin(), one->second.end());
            break;
        }
    if (plan.empty()) {
        if (!view.chosen_function.empty()) {
            plan.push_back(step::call_function(view.chosen_function));
        } else if (const auto count = token_cue(message)) {
            plan.push_back(step::tokens(*count));
        } else if (view.tools_allowed) {
            for (const auto& name : view.functions)
                if (message.find(name) != std::string::npos) plan.push_back(step::call_function(name));
            const std::string *label = nullptr, *first = nullptr;
            for (const auto& [server, tools] : view.servers)
                for (const auto& name : tools) {
                    if (!first) std::tie(label, first) = std::pair(&server, &name);
                    if (message.find(name) != std::string::npos) plan.push_back(step::call_mcp(name, {}, server));
                }
            if (plan.empty() && first) plan.push_back(step::call_mcp(*first, {}, *label));
        }
        if (plan.empty()) plan.push_back(step::reply("You said: {message}"));
    }
    if (is_call(plan.back())) plan.push_back(step::reply("{output}"));
    return plan;
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
    model_view view;
    view.message = what.user_message;
    view.tools_allowed = get(what.object, "tool_choice") != "none";
    for (const auto& tool : what.object["tools"])
        if (get_string(tool, "type") == "function") view.functions.push_back(get_string(get(tool, "function"), "name"));
    for (const auto& server : what.servers) {
        auto& tools = view.servers.emplace_back(server.label, std::vector<std::string>{}).second;
        for (const auto& [name, tool] : server.tools.items()) tools.push_back(name);
    }
    what.plan = plan_for(scripts, view);
}

}  // namespace corun::emulator
