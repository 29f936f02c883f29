#include "redacted_json.hpp"

#include <nlohmann/json.hpp>

#include <string>

namespace corun::cli {
namespace {

void redact(nlohmann::json& value) {
    if (value.is_array())
        for (nlohmann::json& each : value) redact(each);
    if (!value.is_object()) return;
    for (auto& [name, member] : value.items()) {
        if (name == "authorization" && member.is_string()) member = "***";
        if (name == "headers" && member.is_object())
            for (nlohmann::json& each : member) each = "***";
        redact(member);
    }
}

}  // namespace

nlohmann::json redacted_json(std::string_view text) {
    nlohmann::json value = nlohmann::json::parse(text, nullptr, false);
    if (value.is_discarded()) return std::string(text);
    redact(value);
    return value;
}

}  // namespace corun::cli
