#pragma once
#include "emulator/json.hpp"
#include "server/http_server.hpp"

#include <chrono>
#include <string>
#include <string_view>

/// What an MCP server demands of its requests.
namespace corun::emulator {

inline constexpr int parse_error = -32700, invalid_request = -32600, method_not_found = -32601, invalid_params = -32602;
inline constexpr int header_mismatch = -32020, unsupported_version = -32022;
inline constexpr const char* modern_version = "2026-07-28";
inline constexpr const char* version_key = "io.modelcontextprotocol/protocolVersion";

struct rpc_error {
    int code;
    std::string message;
    int status = 200;  ///< Of the HTTP response.
};

/// A host name or an origin of this machine. The port may be that of a relay.
bool is_this_machine(std::string_view host);

/// Whether a token is a JWT past its `exp`, which may have any size and sign.
bool is_expired_jwt(std::string_view token, std::chrono::system_clock::time_point now);

/// Throws `rpc_error` for a request that 2026-07-28 does not allow.
void check_modern(const http::request& request, const json& message);

/// Throws `rpc_error` if the fields `Mcp-Param-*` differ from those arguments that the tool's schema marks with
/// `x-mcp-header`.
void check_parameters(const http::request& request, const json& schema, const json& arguments);

}  // namespace corun::emulator
