#include "json/body.hpp"

#include "json/document.hpp"
#include "text/utf8.hpp"
#include <corun/error.hpp>

#include <algorithm>
#include <array>
#include <charconv>

namespace corun::codec {

void refuse(std::string_view member, std::string_view why) {
    throw error(errc::invalid_argument, std::string(member) + " " + std::string(why));
}

body strings(const std::vector<std::string>& values) {
    body list = body::array();
    for (const std::string& value : values) list.push_back(text(value));
    return list;
}

body parse(std::string_view source, std::string_view member) {
    body parsed = json::parse_document<body>(source);
    if (parsed.is_discarded()) refuse(member, "is not valid JSON, or is nested too deeply");
    return parsed;
}

body parse_object(std::string_view json, std::string_view member) {
    body parsed = parse(json, member);
    if (!parsed.is_object()) refuse(member, "is not a JSON object");
    return parsed;
}

namespace {

/// As short as it can be: `0.5`, `7`, `nan`.
std::string text_of(double value) {
    std::array<char, 32> digits;
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
    return {digits.data(), end};
}

}  // namespace

void check_range(const std::optional<double>& value, double least, double most, const std::string& member) {
    // Written so that a NaN is refused too.
    if (value && !(*value >= least && *value <= most))
        refuse(member, "is " + text_of(*value) + "; it must be from " + text_of(least) + " to " + text_of(most));
}

body to_json(const metadata& pairs, std::string_view owner) {
    const std::string member = std::string(owner) + "::metadata";
    if (pairs.size() > 16) refuse(member, "has more than 16 pairs");
    body object = body::object();
    for (const auto& [key, value] : pairs) {
        if (utf8::count_characters(key) > 64) refuse(member, "has a key of more than 64 characters");
        if (utf8::count_characters(value) > 512)
            refuse(member, "has a value of more than 512 characters, that of " + key);
        set(object, key, text(value));
    }
    return object;
}

body to_json(const mcp_approval& approval) {
    // An empty list of tools beside a full one has made the service fail: leave it out.
    const bool by_tool = !approval.always_tools().empty() || !approval.never_tools().empty();
    if (approval.type() == mcp_approval::kind::never) return "never";
    if (approval.type() == mcp_approval::kind::always || !by_tool) return "always";
    body object = body::object();
    if (!approval.always_tools().empty()) object["always"]["tool_names"] = strings(approval.always_tools());
    if (!approval.never_tools().empty()) object["never"]["tool_names"] = strings(approval.never_tools());
    return object;
}

body to_json(const headers& fields) {
    body object = body::object();
    for (const header& field : fields) set(object, field.name, text(field.value.reveal()));
    return object;
}

body to_json(const json_tool& tool) {
    const std::string member = "json_tool::json of type " + tool.type;
    body object = parse_object(tool.json, member);
    const auto type = object.find("type");
    if (type == object.end() || !type->is_string() ||
        type->get_ref<const wiped_string&>() != std::string_view(tool.type))
        refuse(member, "has another type");
    return object;
}

wiped_string dump(const body& json, int indent) {
    try {
        return json.dump(indent);
    } catch (const body::type_error&) {
        // The only one that writing can throw. Its text quotes bytes, so it goes no further.
        throw error(errc::invalid_argument, "a string in the request is not valid UTF-8");
    }
}

secret encode(const body& json) {
    const wiped_string written = dump(json);
    return secret(std::string_view(written));
}

void redact(body& json, const std::vector<std::string_view>& members) {
    if (json.is_array())
        for (body& element : json) redact(element, members);
    if (!json.is_object()) return;
    for (auto& [key, value] : json.get_ref<body::object_t&>()) {
        if (std::find(members.begin(), members.end(), std::string_view(key)) == members.end())
            redact(value, members);
        else if (value.is_object())
            for (auto& [name, field] : value.get_ref<body::object_t&>()) field = "***";
        else if (!value.is_null())
            value = "***";
    }
}

}  // namespace corun::codec
