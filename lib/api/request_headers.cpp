#include "api/request_headers.hpp"

#include "text/escape.hpp"
#include <corun/error.hpp>

#include <algorithm>
#include <string>

namespace corun::detail {
namespace {

constexpr std::string_view advice_credential = "pass a credential instead";
constexpr std::string_view advice_library = "corun sets it itself";

struct owned_header {
    std::string_view name, advice;
};
constexpr owned_header owned_headers[] = {
    {"Accept", advice_library},
    {"Accept-Encoding", advice_library},
    {"api-key", advice_credential},
    {"Authorization", advice_credential},
    {"Connection", advice_library},
    {"Content-Encoding", advice_library},
    {"Content-Length", advice_library},
    {"Content-Type", advice_library},
    {"Expect", advice_library},
    {"Host", advice_library},
    {"Keep-Alive", advice_library},
    {"Last-Event-ID", advice_library},
    {"Proxy-Authorization", "set the user and password in client_options::proxy"},
    {"Proxy-Connection", advice_library},
    {"TE", advice_library},
    {"Trailer", advice_library},
    {"Transfer-Encoding", advice_library},
    {"Upgrade", advice_library},
    {"User-Agent", "set client_options::application_id"},
    {"x-ms-client-request-id", advice_library},
};

/// Version, trace id, parent id and flags of W3C Trace Context (3.2), in lower case.
bool is_traceparent(std::string_view value) noexcept {
    if (value.size() < 55 || value.starts_with("ff")) return false;
    if (value.size() > 55 && (value.starts_with("00") || value[55] != '-')) return false;
    for (std::size_t i = 0; i != 55; ++i) {
        const bool is_dash = i == 2 || i == 35 || i == 52;
        const bool is_hex = (value[i] >= '0' && value[i] <= '9') || (value[i] >= 'a' && value[i] <= 'f');
        if (is_dash ? value[i] != '-' : !is_hex) return false;
    }
    constexpr std::string_view zeros = "00000000000000000000000000000000";
    return value.substr(3, 32) != zeros && value.substr(36, 16) != zeros.substr(0, 16);
}

/// What is wrong with a field; empty if nothing is.
std::string problem_of(const header& field) {
    if (!is_header_name(field.name)) return "is not a header name";
    const auto owned = std::find_if(std::begin(owned_headers), std::end(owned_headers), [&](const owned_header& each) {
        return equal_ignoring_case(each.name, field.name);
    });
    if (owned != std::end(owned_headers)) return "must not be set: " + std::string(owned->advice);
    if (!is_header_value(field.value.reveal()))
        return "has a value that contains a control character, or begins or ends with a space or tab";
    if (equal_ignoring_case(field.name, "traceparent") && !is_traceparent(field.value.reveal()))
        return "has a value that is not one of W3C Trace Context, as in "
               "'00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'";
    return {};
}

}  // namespace

void check_request_headers(const headers& fields, std::string_view option) {
    for (const header& field : fields)
        if (const std::string problem = problem_of(field); !problem.empty())
            throw error(errc::invalid_header, std::string(option) + ": '" + escape(field.name) + "' " + problem);
}

void override_headers(headers& fields, const headers& of_run) {
    for (const header& field : of_run) fields.erase(field.name);
    for (const header& field : of_run) fields.add(field);
}

}  // namespace corun::detail
