#include "emulator/model.hpp"

#include "text/ascii.hpp"
#include "text/utf8.hpp"

#include <algorithm>
#include <optional>
#include <string_view>

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

/// The type that a schema names; of several, the first that is not `null`.
std::string type_of(const json& schema) {
    const json& type = get(schema, "type");
    if (!type.is_array()) return get_string(schema, "type");
    for (const auto& one : type)
        if (one.is_string() && one != "null") return one.get<std::string>();
    return "null";
}

/// A value that matches a schema.
json value_for(const json& schema, const std::string& message) {
    for (const char* name : {"const", "default"})
        if (const json& value = get(schema, name); !value.is_null()) return value;
    if (const json& values = get(schema, "enum"); values.is_array() && !values.empty()) return values.front();
    for (const char* name : {"anyOf", "oneOf"})
        for (const auto& choice : get(schema, name))
            if (get(choice, "type") != "null") return value_for(choice, message);
    const std::string type = type_of(schema);
    if (type == "integer" || type == "number") return 1;
    if (type == "boolean") return true;
    if (type == "array") return json::array();
    if (type == "object") return arguments_for(schema, message);
    return type == "null" ? json(nullptr) : json(message);
}

}  // namespace

std::string replace_all(std::string text, std::string_view search, std::string_view replacement) {
    for (auto at = text.find(search); at != std::string::npos; at = text.find(search, at + replacement.size()))
        text.replace(at, search.size(), replacement);
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
        arguments[name] = value_for(get(properties, name.c_str()), message);
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

namespace {

/// The last word of a name: `weather` of `get_weather`. Empty for a name of one word.
std::string_view last_word_of(std::string_view name) {
    const auto separator = name.find_last_of("_-");
    return separator == std::string_view::npos ? std::string_view{} : name.substr(separator + 1);
}

/// The calls that a message asks for, by naming functions or tools of MCP servers, or what functions get.
std::deque<step> named_calls(const model_view& view) {
    std::deque<step> plan;
    const auto is_named = [&](std::string_view name) { return view.message.find(name) != std::string::npos; };
    for (const auto& name : view.functions)
        if (is_named(name)) plan.push_back(step::call_function(name));
    for (const auto& [server, tools] : view.servers)
        for (const auto& name : tools)
            if (is_named(name)) plan.push_back(step::call_mcp(name, {}, server));
    if (!plan.empty()) return plan;
    for (const auto& name : view.functions)
        if (const auto word = last_word_of(name); word.size() > 3 && is_named(word))
            plan.push_back(step::call_function(name));
    if (!plan.empty()) return plan;
    const auto first = std::find_if(view.servers.begin(), view.servers.end(),
                                    [](const auto& server) { return !server.second.empty(); });
    if (first != view.servers.end()) plan.push_back(step::call_mcp(first->second.front(), {}, first->first));
    return plan;
}

/// The plan without a script.
std::deque<step> default_plan(const model_view& view) {
    if (!view.chosen_function.empty()) return {step::call_function(view.chosen_function)};
    if (const auto count = token_cue(view.message)) return {step::tokens(*count)};
    std::deque<step> plan;
    if (view.tools_allowed) plan = named_calls(view);
    if (!plan.empty()) return plan;
    const bool is_free = view.reply_schema.is_null();
    plan.push_back(
        step::reply(is_free ? "You said: {message}" : text_of(arguments_for(view.reply_schema, view.message))));
    return plan;
}

}  // namespace

std::deque<step> plan_for(const std::vector<script>& scripts, const model_view& view) {
    const auto found = std::find_if(scripts.rbegin(), scripts.rend(), [&](const script& one) {
        return one.first.empty() || view.message.find(one.first) != std::string::npos;
    });
    std::deque<step> plan;
    if (found != scripts.rend()) plan.assign(found->second.begin(), found->second.end());
    if (plan.empty()) plan = default_plan(view);
    if (is_call(plan.back())) plan.push_back(step::reply("{output}"));
    return plan;
}

}  // namespace corun::emulator
