#include "emulator/mcp/mcp_checks.hpp"

#include "text/ascii.hpp"
#include "text/base64.hpp"
#include "text/url.hpp"

#include <cmath>
#include <cstdint>
#include <map>
#include <optional>

namespace corun::emulator {
namespace {

/// The value of a field that may be encoded for it.
std::string decoded_field(std::string_view value) {
    constexpr std::string_view begin = "=?base64?", end = "?=";
    if (!value.starts_with(begin) || !value.ends_with(end)) return std::string(value);
    std::string text(value.substr(begin.size(), value.size() - begin.size() - end.size()));
    for (char& c : text) c = c == '+' ? '-' : c == '/' ? '_' : c;
    return base64::decode_url(text.substr(0, text.find('='))).value_or("");
}

constexpr std::string_view parameter_prefix = "mcp-param-";

std::string lower_case(std::string_view text) {
    std::string lowered(text);
    for (char& c : lowered) c = ascii::lower(c);
    return lowered;
}

/// What the field of an argument contains; nothing if it has none.
std::optional<std::string> field_value(const json& argument) {
    constexpr double largest_integer = (std::int64_t{1} << 53) - 1;
    if (argument.is_string()) return argument.get<std::string>();
    if (argument.is_boolean()) return argument.get<bool>() ? "true" : "false";
    if (!argument.is_number()) return std::nullopt;
    const double number = argument.get<double>();
    if (std::trunc(number) != number || std::abs(number) > largest_integer) return std::nullopt;
    return std::to_string(static_cast<std::int64_t>(number));
}

/// Adds the values of the marked arguments, by the names of their fields in lower case.
void add_marked(const json& schema, const json& arguments, std::map<std::string, std::string>& values) {
    if (!get(schema, "properties").is_object()) return;
    for (const auto& [name, property] : get(schema, "properties").items()) {
        const json& argument = get(arguments, name.c_str());
        const std::string mark = get_string(property, "x-mcp-header");
        const auto value = field_value(argument);
        if (!mark.empty() && value) values[std::string(parameter_prefix) + lower_case(mark)] = *value;
        add_marked(property, argument, values);
    }
}

}  // namespace

bool is_this_machine(std::string_view host) {
    const auto url =
        detail::parse_url(host.find("://") == host.npos ? "http://" + std::string(host) : std::string(host));
    return url && url->loopback;
}

bool is_expired_jwt(std::string_view token, std::chrono::system_clock::time_point now) {
    const auto first = token.find('.'), second = token.find('.', first + 1);
    if (first == std::string_view::npos || second == std::string_view::npos) return false;
    const std::string_view payload = token.substr(first + 1, second - first - 1);
    const auto decoded = base64::decode_url(payload.substr(0, payload.find('=')));
    const json claims = json::parse(decoded.value_or(""), nullptr, false);
    const json& expiry = get(claims, "exp");
    // A clock that counts in nanoseconds ends in 2262; `exp` may be far beyond that, and a decimal.
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count();
    return expiry.is_number() && static_cast<double>(seconds) >= expiry.get<double>();
}

void check_modern(const http::request& request, const json& message) {
    if (message.is_discarded()) throw rpc_error{parse_error, "Not JSON.", 400};
    if (get(message, "jsonrpc") != "2.0" || !get(message, "method").is_string())
        throw rpc_error{invalid_request, "Not a JSON-RPC 2.0 request.", 400};
    const std::string_view version = http::find(request.fields, "mcp-protocol-version");
    if (version != modern_version) throw rpc_error{unsupported_version, "The server speaks no such version.", 400};
    const json& parameters = get(message, "params");
    const json& meta = get(parameters, "_meta");
    if (!get(meta, version_key).is_string() || !get(meta, "io.modelcontextprotocol/clientCapabilities").is_object())
        throw rpc_error{invalid_params, "_meta is incomplete.", 400};
    const std::string method = get_string(message, "method");
    const bool has_name = method != "tools/call" ||
                          decoded_field(http::find(request.fields, "mcp-name")) == get_string(parameters, "name");
    if (get_string(meta, version_key) != version || http::find(request.fields, "mcp-method") != method || !has_name)
        throw rpc_error{header_mismatch, "A header field differs from the body.", 400};
}

void check_parameters(const http::request& request, const json& schema, const json& arguments) {
    std::map<std::string, std::string> expected, received;
    add_marked(schema, arguments, expected);
    for (const auto& [name, value] : request.fields)
        if (const std::string field = lower_case(name); field.starts_with(parameter_prefix))
            received[field] = decoded_field(value);
    if (received != expected)
        throw rpc_error{header_mismatch, "The header fields Mcp-Param-* differ from the arguments.", 400};
}

}  // namespace corun::emulator
