#include "protocol/responses/failure_reason.hpp"

#include "json/find.hpp"
#include "protocol/error_body.hpp"

#include <string>

namespace corun::codec::responses {
namespace {

/// The text of a member that says something.
std::optional<std::string_view> said_by(std::string_view object, std::string_view name) noexcept {
    const auto value = json::find_member(object, name);
    for (const std::string_view nothing : {"null", "false", "{}", "[]", "\"\""})
        if (value == nothing) return std::nullopt;
    return value;
}

last_error reason_in(const std::string& body) {
    return last_error_of(decode_stream_error(body));
}

/// The members of an error that stand in `object` itself.
std::string flat_error(std::string_view object) {
    std::string error;
    bool says_why = false;
    for (const char* name : {"code", "message", "detail", "reason", "param"}) {
        const auto value = said_by(object, name);
        if (!value) continue;
        says_why = says_why || std::string_view(name) != "param";
        error.append(error.empty() ? "{\"" : ",\"").append(name).append("\":").append(*value);
    }
    return says_why ? error + '}' : std::string();
}

}  // namespace

std::optional<last_error> failure_reason(std::string_view data) {
    const std::string_view response = json::find_member(data, "response").value_or("{}");
    for (const char* name : {"error", "last_error", "status_details"})
        for (const std::string_view object : {response, data})
            if (const auto error = said_by(object, name)) return reason_in(R"({"error":)" + std::string(*error) + '}');
    if (const std::string flat = flat_error(data); !flat.empty()) return reason_in(flat);
    if (const auto details = said_by(response, "incomplete_details"))
        if (const auto reason = json::plain_string(json::find_member(*details, "reason"))) {
            last_error error;
            error.code = *reason;
            return error;
        }
    return std::nullopt;
}

}  // namespace corun::codec::responses
