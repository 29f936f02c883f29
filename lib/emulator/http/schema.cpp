#include "emulator/http/schema.hpp"

#include "emulator/http/api_error.hpp"
#include "text/utf8.hpp"
#include <corun/headers.hpp>

#include <algorithm>

namespace corun::emulator::schema {
namespace {

std::string kind_of(const json& value) {
    if (value.is_null()) return "null";
    if (value.is_object()) return "an object";
    if (value.is_array()) return "an array";
    if (value.is_boolean()) return "a boolean";
    if (value.is_number_integer()) return "an integer";
    if (value.is_number()) return "a decimal";
    return "a string";
}

void expect(bool valid, const json& value, const std::string& path, const std::string& type) {
    if (valid) return;
    throw bad_request("Invalid type for '" + path + "': expected " + type + ", but got " + kind_of(value) + " instead.",
                      path, "invalid_type");
}

std::string below(const std::string& path, const std::string& name) {
    return path.empty() ? name : path + "." + name;
}

std::string quoted(const std::vector<std::string>& names) {
    std::string text;
    for (std::size_t i = 0; i != names.size(); ++i) {
        if (i) text += i + 1 == names.size() ? ", and " : ", ";
        text += "'" + names[i] + "'";
    }
    return text;
}

[[noreturn]] void invalid_value(const std::string& value, const std::string& path,
                                const std::vector<std::string>& values) {
    throw bad_request("Invalid value: '" + value + "'. Supported values are: " + quoted(values) + ".", path,
                      "invalid_value");
}

[[noreturn]] void missing(const std::string& path) {
    throw bad_request("Missing required parameter: '" + path + "'.", path, "missing_required_parameter");
}

}  // namespace

check any() {
    return [](const json&, const std::string&) {};
}

check string(std::size_t max_length) {
    return [=](const json& value, const std::string& path) {
        expect(value.is_string(), value, path, "a string");
        if (max_length == 0) return;
        if (const auto length = utf8::count_characters(value.get_ref<const std::string&>()); length > max_length)
            throw bad_request("Invalid '" + path + "': string too long. Expected a string with maximum length " +
                                  std::to_string(max_length) + ", but got a string with length " +
                                  std::to_string(length) + " instead.",
                              path, "string_above_max_length");
    };
}

check boolean() {
    return [](const json& value, const std::string& path) { expect(value.is_boolean(), value, path, "a boolean"); };
}

check integer(std::int64_t min, std::int64_t max) {
    return [=](const json& value, const std::string& path) {
        expect(value.is_number_integer(), value, path, "an integer");
        const auto number = value.get<std::int64_t>();
        if (number < min || number > max)
            throw bad_request("Invalid '" + path + "': integer " + (number < min ? "below minimum" : "above maximum") +
                                  " value. Expected a value " + (number < min ? ">= " : "<= ") +
                                  std::to_string(number < min ? min : max) + ", but got " + std::to_string(number) +
                                  " instead.",
                              path, number < min ? "integer_below_min_value" : "integer_above_max_value");
    };
}

check number(double min, double max) {
    return [=](const json& value, const std::string& path) {
        expect(value.is_number(), value, path, "a decimal");
        const auto number = value.get<double>();
        if (number < min || number > max)
            throw bad_request("Invalid '" + path + "': decimal " + (number < min ? "below minimum" : "above maximum") +
                                  " value. Expected a value " + (number < min ? ">= " : "<= ") +
                                  text_of(number < min ? min : max) + ", but got " + text_of(value) + " instead.",
                              path, number < min ? "decimal_below_min_value" : "decimal_above_max_value");
    };
}

check one_of(std::vector<std::string> values) {
    return [values = std::move(values)](const json& value, const std::string& path) {
        expect(value.is_string(), value, path, "a string");
        const auto& text = value.get_ref<const std::string&>();
        if (std::find(values.begin(), values.end(), text) == values.end()) invalid_value(text, path, values);
    };
}

check array(check item, std::size_t max_items) {
    return [item = std::move(item), max_items](const json& value, const std::string& path) {
        expect(value.is_array(), value, path, "an array");
        if (max_items && value.size() > max_items)
            throw bad_request("Invalid '" + path + "': array too long. Expected an array with maximum length " +
                                  std::to_string(max_items) + ", but got an array with length " +
                                  std::to_string(value.size()) + " instead.",
                              path, "array_above_max_length");
        for (std::size_t i = 0; i != value.size(); ++i) item(value[i], path + "[" + std::to_string(i) + "]");
    };
}

check map(check inner) {
    return [inner = std::move(inner)](const json& value, const std::string& path) {
        expect(value.is_object(), value, path, "an object");
        for (const auto& [key, item] : value.items()) inner(item, below(path, key));
    };
}

check metadata() {
    return nullable([pairs = map(string(512))](const json& value, const std::string& path) {
        pairs(value, path);
        if (value.size() > 16)
            throw bad_request("Invalid '" + path +
                                  "': too many properties. Expected an object with at most 16 "
                                  "properties, but got an object with " +
                                  std::to_string(value.size()) + " properties instead.",
                              path, "object_above_max_properties");
        for (const auto& [key, item] : value.items())
            if (utf8::count_characters(key) > 64)
                throw bad_request("Invalid '" + path +
                                      "': property name too long. Expected a name with maximum length "
                                      "64.",
                                  path, "string_above_max_length");
    });
}

check nullable(check inner) {
    return [inner = std::move(inner)](const json& value, const std::string& path) {
        if (!value.is_null()) inner(value, path);
    };
}

check string_or(check text, check other) {
    return [text = std::move(text), other = std::move(other)](const json& value, const std::string& path) {
        (value.is_string() ? text : other)(value, path);
    };
}

check object(std::vector<member> members) {
    return [members = std::move(members)](const json& value, const std::string& path) {
        expect(value.is_object(), value, path.empty() ? "body" : path, "an object");
        for (const auto& [key, item] : value.items()) {
            const auto found = std::find_if(members.begin(), members.end(),
                                            [&name = key](const member& one) { return one.name == name; });
            const std::string name = below(path, key);
            if (found == members.end())
                throw bad_request("Unknown parameter: '" + name + "'.", name, "unknown_parameter");
            found->value(item, name);
        }
        for (const auto& one : members)
            if (one.required && !value.contains(one.name)) missing(below(path, one.name));
    };
}

check typed_object(std::vector<member> members) {
    members.push_back(required("type", string()));
    return object(std::move(members));
}

check by_type(std::vector<std::pair<std::string, check>> types) {
    return [types = std::move(types)](const json& value, const std::string& path) {
        expect(value.is_object(), value, path, "an object");
        const auto type = value.find("type");
        if (type == value.end()) missing(below(path, "type"));
        expect(type->is_string(), *type, below(path, "type"), "a string");
        const auto& text = type->get_ref<const std::string&>();
        for (const auto& [name, inner] : types)
            if (name == text) return inner(value, path);
        std::vector<std::string> names;
        for (const auto& [name, inner] : types) names.push_back(name);
        invalid_value(text, below(path, "type"), names);
    };
}

check headers() {
    return [fields = map(string())](const json& value, const std::string& path) {
        fields(value, path);
        for (const auto& [name, item] : value.items()) {
            const auto& text = item.get_ref<const std::string&>();
            const bool has_control_character = std::any_of(
                text.begin(), text.end(), [](unsigned char c) { return (c < 0x20 && c != '\t') || c == 0x7f; });
            if (!is_header_name(name) || has_control_character)
                throw bad_request("Invalid '" + path + "': " +
                                      (has_control_character ? "a value holds a control character."
                                                             : "a name is not one of an HTTP header."),
                                  path, "invalid_value");
        }
    };
}

}  // namespace corun::emulator::schema
