// What the model is told to do.
#include "emulator/script.hpp"

#include "emulator/json.hpp"

#include <stdexcept>
#include <utility>

namespace corun::emulator {
namespace {

json parsed(const std::string& text, bool array, const std::string& what) {
    json value = json::parse(text, nullptr, false);
    if (array ? !value.is_array() : !value.is_object())
        throw std::invalid_argument(what + ": not a JSON " + (array ? "array" : "object"));
    return value;
}

/// JSON as text, and text as it is.
std::string text_or_json(const json& value) {
    return value.is_null() ? std::string{} : value.is_string() ? value.get<std::string>() : text_of(value);
}

std::string details_of(const json& what) {
    return what.contains("details") ? text_of(what["details"]) : "{}";
}

}  // namespace

step step::reply(std::string text) {
    step one(kind::reply);
    one.text_ = std::move(text);
    return one;
}
step step::tokens(std::size_t count) {
    step one(kind::reply);
    one.count_ = count;
    return one;
}
step step::message(std::string content) {
    for (const json& block : parsed(content, true, "message")) {
        if (!get(block, "type").is_string()) throw std::invalid_argument("message: a block without a type");
        if (block["type"] == "text" && !get(get(block, "text"), "value").is_string())
            throw std::invalid_argument("message: a text without a value");
    }
    step one(kind::message);
    one.text_ = std::move(content);
    return one;
}
step step::refusal(std::string text) {
    step one(kind::refusal);
    one.text_ = std::move(text);
    return one;
}
step step::reasoning(std::string summary) {
    step one(kind::reasoning);
    one.text_ = std::move(summary);
    return one;
}
step step::activity(std::string object) {
    parsed(object, false, "activity");
    step one(kind::activity);
    one.text_ = std::move(object);
    return one;
}
step step::call_function(std::string name, std::string arguments) {
    step one(kind::call_function);
    one.name_ = std::move(name);
    one.text_ = std::move(arguments);
    return one;
}
step step::call_mcp(std::string tool, std::string arguments, std::string server_label) {
    step one(kind::call_mcp);
    one.name_ = std::move(tool);
    one.text_ = std::move(arguments);
    one.label_ = std::move(server_label);
    return one;
}
step step::call_tool(std::string type, std::string details) {
    parsed(details, false, "call_tool");
    step one(kind::call_tool);
    one.name_ = std::move(type);
    one.text_ = std::move(details);
    return one;
}
step step::next_round() {
    return step(kind::next_round);
}
step step::require_action(std::string type, std::string details) {
    parsed(details, false, "require_action");
    step one(kind::require_action);
    one.name_ = std::move(type);
    one.text_ = std::move(details);
    return one;
}
step step::fail(std::string code, std::string message) {
    step one(kind::fail);
    one.name_ = std::move(code);
    one.text_ = std::move(message);
    return one;
}
step step::incomplete(std::string reason) {
    step one(kind::incomplete);
    one.text_ = std::move(reason);
    return one;
}
step step::hold() {
    return step(kind::hold);
}

namespace {

step step_of(const json& what) {
    if (what.contains("reply")) return step::reply(get_string(what, "reply"));
    if (get(what, "tokens").is_number_unsigned()) return step::tokens(what["tokens"].get<std::size_t>());
    if (what.contains("message") && !what.contains("fail")) return step::message(text_of(what["message"]));
    if (what.contains("refusal")) return step::refusal(get_string(what, "refusal"));
    if (what.contains("reasoning")) return step::reasoning(get_string(what, "reasoning"));
    if (what.contains("activity")) return step::activity(text_of(what["activity"]));
    if (what.contains("call_function"))
        return step::call_function(get_string(what, "call_function"), text_or_json(get(what, "arguments")));
    if (what.contains("call_mcp"))
        return step::call_mcp(get_string(what, "call_mcp"), text_or_json(get(what, "arguments")),
                              get_string(what, "server_label"));
    if (what.contains("call_tool")) return step::call_tool(get_string(what, "call_tool"), details_of(what));
    if (what.contains("next_round")) return step::next_round();
    if (what.contains("require_action"))
        return step::require_action(get_string(what, "require_action"), details_of(what));
    if (what.contains("fail")) return step::fail(get_string(what, "fail"), get_string(what, "message"));
    if (what.contains("incomplete")) return step::incomplete(get_string(what, "incomplete"));
    if (what.contains("hold")) return step::hold();
    throw std::invalid_argument("scripts: unknown step " + text_of(what));
}

}  // namespace

std::vector<script> scripts_of(std::string_view text) {
    const json given = json::parse(text, nullptr, false);
    if (!given.is_array()) throw std::invalid_argument("scripts: not a JSON array");
    std::vector<script> scripts;
    for (const auto& one : given) {
        std::vector<step> steps;
        for (const auto& what : get(one, "steps")) steps.push_back(step_of(what));
        if (steps.empty()) throw std::invalid_argument("scripts: one without steps");
        scripts.emplace_back(get_string(one, "match"), std::move(steps));
    }
    return scripts;
}

}  // namespace corun::emulator
