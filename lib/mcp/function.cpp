#include "json/document.hpp"
#include "text/ascii.hpp"
#include "text/escape.hpp"
#include "text/utf8.hpp"
#include <corun/error.hpp>
#include <corun/mcp/function.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <utility>
#include <variant>

namespace corun::mcp {
namespace {

using document = nlohmann::ordered_json;

constexpr std::size_t longest_name = 64, hash_digits = 8;
/// What Azure accepts.
constexpr std::size_t longest_description = 1024;

/// FNV-1a: the same in every process, and in every version.
std::string hash_of(std::string_view label, std::string_view tool) {
    std::uint64_t hash = 0xcbf29ce484222325;
    const auto add = [&hash](char c) { hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3; };
    for (const char c : label) add(c);
    add('\0');
    for (const char c : tool) add(c);
    std::string digits;
    for (std::size_t i = 0; i != hash_digits; ++i) digits += ascii::hex_digits[(hash >> (60 - 4 * i)) & 0xf];
    return digits;
}

std::string with_plain_characters(std::string_view text) {
    std::string plain(text);
    for (char& c : plain)
        if (!ascii::is_alphanumeric(c) && c != '_' && c != '-') c = '_';
    return plain;
}

/// Adapts a schema to what AI services accept.
class schema_adapter {
public:
    void adapt_root(document& schema) {
        if (!schema.is_object()) schema = document::object();
        schema["type"] = "object";
        for (const char* keyword : {"oneOf", "anyOf", "allOf", "not", "enum", "if", "then", "else"})
            if (schema.contains(keyword)) merge(schema, keyword);
        if (!schema.contains("properties")) schema["properties"] = document::object();
        adapt(schema);
    }

    std::string problem;

private:
    /// Services refuse these at the root. The properties of the alternatives are kept, the condition is not.
    void merge(document& schema, const char* keyword) {
        const document alternatives = std::move(schema[keyword]);
        schema.erase(keyword);
        problem = std::string("the condition ") + keyword + " at the root of its input schema is left out";
        if (!alternatives.is_array()) return;
        for (const document& each : alternatives)
            if (each.is_object() && each.contains("properties") && each["properties"].is_object())
                for (const auto& [name, value] : each["properties"].items())
                    if (!schema["properties"].contains(name)) schema["properties"][name] = value;
    }

    void adapt(document& schema) {
        if (!schema.is_object()) return;
        if (const auto reference = schema.find("$ref"); reference != schema.end())
            if (!reference->is_string() || !reference->get_ref<const std::string&>().starts_with('#'))
                throw error(errc::invalid_argument, "its input schema refers to another document");
        for (auto member = schema.begin(); member != schema.end();) {
            const bool is_dropped =
                member.key() == "$schema" || member.key() == "$id" || member.key().starts_with("x-");
            member = is_dropped ? schema.erase(member) : std::next(member);
        }
        const auto type = schema.find("type");
        if (type != schema.end() && *type == "object" && !schema.contains("properties"))
            schema["properties"] = document::object();
        if (type != schema.end() && *type == "array" && !schema.contains("items")) schema["items"] = document::object();
        for (auto& [key, value] : schema.items()) {
            const bool has_names = key == "properties" || key == "$defs" || key == "definitions";
            const bool is_data = key == "default" || key == "const" || key == "enum" || key == "examples";
            if (is_data) continue;
            if (value.is_object() && has_names)
                for (auto& [name, sub] : value.items()) adapt(sub);
            else if (value.is_object())
                adapt(value);
            else if (value.is_array())
                for (document& sub : value) adapt(sub);
        }
    }
};

/// Services return a schema with its members in another order.
bool same_json(const std::string& a, const std::string& b) {
    return a == b || nlohmann::json::parse(a, nullptr, false) == nlohmann::json::parse(b, nullptr, false);
}

}  // namespace

std::string function_prefix(std::string_view server_label) {
    return with_plain_characters(server_label) + "__";
}

std::string function_name(std::string_view server_label, std::string_view tool_name) {
    std::string name = function_prefix(server_label) + with_plain_characters(tool_name);
    const bool is_changed = name != std::string(server_label) + "__" + std::string(tool_name);
    if (!is_changed && name.size() <= longest_name) return name;
    name.resize(std::min(name.size(), longest_name - hash_digits - 1));
    return name + "_" + hash_of(server_label, tool_name);
}

tool_function::tool_function(function_tool tool) : definition(std::move(tool)) {}

tool_function to_function(std::string_view server_label, const tool& value) {
    document schema = document::object();
    if (!value.input_schema.empty()) schema = codec::json::parse_document<document>(value.input_schema);
    if (schema.is_discarded())
        throw error(errc::invalid_argument, "its input schema is not JSON, or is nested too deeply");
    schema_adapter adapter;
    adapter.adapt_root(schema);
    const std::string_view description = value.description.empty() ? value.title : value.description;
    tool_function function(function_tool(function_name(server_label, value.name),
                                         std::string(utf8::prefix(description, longest_description)),
                                         schema.dump(-1, ' ', false, document::error_handler_t::replace)));
    // Models may leave optional arguments out.
    function.definition.strict = false;
    function.problem = std::move(adapter.problem);
    return function;
}

function_changes set_functions(std::vector<prompt_tool>& tools, std::string_view server_label, const tool_list& list) {
    function_changes changes;
    const std::string prefix = function_prefix(server_label);
    std::vector<function_tool> wanted;
    for (const tool& each : list.tools) {
        const std::string subject = "the tool " + detail::quote(each.name) + ": ";
        try {
            tool_function function = to_function(server_label, each);
            if (!function.problem.empty()) changes.problems.push_back(subject + function.problem);
            wanted.push_back(std::move(function.definition));
        } catch (const error& problem) {
            changes.problems.push_back(subject + problem.details().message);
        }
    }
    const auto named = [&wanted](const std::string& name) {
        return std::find_if(wanted.begin(), wanted.end(), [&](const function_tool& each) { return each.name == name; });
    };
    std::vector<prompt_tool> kept;
    for (prompt_tool& stored : tools) {
        auto* const function = std::get_if<function_tool>(&stored);
        if (function != nullptr && function->name.starts_with(prefix)) {
            const auto current = named(function->name);
            if (current == wanted.end()) {
                changes.removed.push_back(function->name);
                continue;
            }
            const bool is_same = function->description == current->description &&
                                 same_json(function->parameters.text(), current->parameters.text());
            if (!is_same) {
                changes.changed.push_back(function->name);
                *function = *current;
            }
            wanted.erase(current);
        }
        kept.push_back(std::move(stored));
    }
    tools = std::move(kept);
    for (function_tool& each : wanted) {
        changes.added.push_back(each.name);
        tools.emplace_back(std::move(each));
    }
    return changes;
}

}  // namespace corun::mcp
