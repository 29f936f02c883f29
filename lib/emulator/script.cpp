// The steps of scripts, and scripts as JSON.
#include "emulator/script.hpp"

#include "emulator/json.hpp"

#include <stdexcept>
#include <utility>

namespace corun::emulator {
namespace {

std::string checked_object(json_text object, const char* step) {
    if (!json::parse(object.text(), nullptr, false).is_object())
        throw std::invalid_argument(std::string(step) + ": not a JSON object");
    return std::move(object).text();
}

std::string checked_content(json_text blocks) {
    const json content = json::parse(blocks.text(), nullptr, false);
    if (!content.is_array()) throw std::invalid_argument("message: not a JSON array");
    for (const json& block : content) {
        if (!get(block, "type").is_string()) throw std::invalid_argument("message: a block without a type");
        if (block["type"] == "text" && !get(get(block, "text"), "value").is_string())
            throw std::invalid_argument("message: a text without a value");
    }
    return std::move(blocks).text();
}

}  // namespace

step::step(kind type, std::string name, std::string text, std::string label, std::size_t count)
    : kind_(type), name_(std::move(name)), text_(std::move(text)), label_(std::move(label)), count_(count) {}

step step::reply(std::string text, std::string phase) {
    return step(kind::reply, std::move(phase), std::move(text));
}
step step::tokens(std::size_t count) {
    return step(kind::reply, {}, {}, {}, count);
}
step step::message(json_text content) {
    return step(kind::message, {}, checked_content(std::move(content)));
}
step step::refusal(std::string text) {
    return step(kind::refusal, {}, std::move(text));
}
step step::reasoning(std::string summary) {
    return step(kind::reasoning, {}, std::move(summary));
}
step step::activity(json_text object) {
    return step(kind::activity, {}, checked_object(std::move(object), "activity"));
}
step step::call_function(std::string name, json_text arguments) {
    return step(kind::call_function, std::move(name), std::move(arguments).text());
}
step step::call_mcp(std::string tool, json_text arguments, std::string server_label) {
    return step(kind::call_mcp, std::move(tool), std::move(arguments).text(), std::move(server_label));
}
step step::call_tool(std::string type, json_text details) {
    return step(kind::call_tool, std::move(type), checked_object(std::move(details), "call_tool"));
}
step step::next_round() {
    return step(kind::next_round);
}
step step::require_action(std::string type, json_text details) {
    return step(kind::require_action, std::move(type), checked_object(std::move(details), "require_action"));
}
step step::fail(std::string code, std::string message) {
    return step(kind::fail, std::move(code), std::move(message));
}
step step::incomplete(std::string reason) {
    return step(kind::incomplete, {}, std::move(reason));
}
step step::hold() {
    return step(kind::hold);
}

namespace {

std::invalid_argument unknown_step(const json& form) {
    return std::invalid_argument("scripts: unknown step " + text_of(form));
}

/// The arguments of a call: JSON, or text that is taken as it is.
std::string arguments_of(const json& form) {
    const json& value = get(form, "arguments");
    return value.is_null() ? std::string{} : value.is_string() ? value.get<std::string>() : text_of(value);
}

std::string details_of(const json& form) {
    return form.contains("details") ? text_of(form["details"]) : "{}";
}

/// The steps as JSON. The first member that a form has decides: `fail` has a `message`, too.
constexpr struct {
    const char* name;
    step (*make)(const std::string& value, const json& form);
} step_forms[] = {
    {"reply", [](const std::string& text, const json& form) { return step::reply(text, get_string(form, "phase")); }},
    {"tokens",
     [](const std::string&, const json& form) {
         if (!form["tokens"].is_number_unsigned()) throw unknown_step(form);
         return step::tokens(form["tokens"].get<std::size_t>());
     }},
    {"fail", [](const std::string& code, const json& form) { return step::fail(code, get_string(form, "message")); }},
    {"message", [](const std::string&, const json& form) { return step::message(text_of(form["message"])); }},
    {"refusal", [](const std::string& text, const json&) { return step::refusal(text); }},
    {"reasoning", [](const std::string& summary, const json&) { return step::reasoning(summary); }},
    {"activity", [](const std::string&, const json& form) { return step::activity(text_of(form["activity"])); }},
    {"call_function",
     [](const std::string& name, const json& form) { return step::call_function(name, arguments_of(form)); }},
    {"call_mcp",
     [](const std::string& tool, const json& form) {
         return step::call_mcp(tool, arguments_of(form), get_string(form, "server_label"));
     }},
    {"call_tool", [](const std::string& type, const json& form) { return step::call_tool(type, details_of(form)); }},
    {"next_round", [](const std::string&, const json&) { return step::next_round(); }},
    {"require_action",
     [](const std::string& type, const json& form) { return step::require_action(type, details_of(form)); }},
    {"incomplete", [](const std::string& reason, const json&) { return step::incomplete(reason); }},
    {"hold", [](const std::string&, const json&) { return step::hold(); }},
};

step step_of(const json& form) {
    for (const auto& [name, make] : step_forms)
        if (form.contains(name)) return make(get_string(form, name), form);
    throw unknown_step(form);
}

}  // namespace

std::vector<script> scripts_of(std::string_view text) {
    const json forms = json::parse(text, nullptr, false);
    if (!forms.is_array()) throw std::invalid_argument("scripts: not a JSON array");
    std::vector<script> scripts;
    for (const auto& form : forms) {
        std::vector<step> steps;
        for (const auto& one : get(form, "steps")) steps.push_back(step_of(one));
        if (steps.empty()) throw std::invalid_argument("scripts: one without steps");
        scripts.emplace_back(get_string(form, "match"), std::move(steps));
    }
    return scripts;
}

}  // namespace corun::emulator
