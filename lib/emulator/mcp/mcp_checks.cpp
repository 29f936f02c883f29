#include "emulator/mcp/mcp_checks.hpp"

#include "text/base64.hpp"
#include "text/url.hpp"

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

}  // namespace corun::emulator
