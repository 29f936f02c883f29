#pragma once
#include <corun/asio.hpp>
#include <corun/export.hpp>
#include <corun/mcp/server.hpp>

#include <optional>
#include <string>
#include <vector>

/// Where a program without a user gets tokens for an MCP server.
namespace corun::mcp {

/// The authorization server of an MCP server, as both describe themselves (RFC 9728, RFC 8414).
///
///     corun::mcp::authorization_server found = co_await corun::mcp::discover_authorization(bookings);
///     corun::oauth_client client(found.token_endpoint, client_id, client_secret);
///     client.parameters["resource"] = found.resource;
///     client.scope = found.scope;
///     tokens["bookings"] = corun::oauth_client_credentials(executor, client);
struct CORUN_API authorization_server {
    authorization_server() = default;

    std::string resource;        ///< What tokens must be for: the parameter `resource` of a token request (RFC 8707).
    std::string issuer;          ///< The authorization server.
    std::string token_endpoint;  ///< Where it issues tokens.
    std::string scope;           ///< Of the challenge, otherwise all that the MCP server supports; may be empty.
    std::vector<std::string> token_endpoint_auth_methods;  ///< How its clients can authenticate; empty: not said.
};

/// Reads the metadata of the MCP server and of its first authorization server. The requests carry no headers of any
/// user. `refused` is the challenge of a response that the server has refused with, if there is one.
///
/// *Errors:* `errc::not_found` if there is no such metadata; `errc::bad_response` if it does not belong to the server
/// or to the issuer, or lacks a member; `errc::insecure_endpoint` if a URL in it is plain http and not of this machine;
/// the codes of the network.
///
/// *Cancellation:* Drops the request.
[[nodiscard]] CORUN_API asio::awaitable<authorization_server> discover_authorization(
    server protected_server, std::optional<challenge> refused = std::nullopt);

}  // namespace corun::mcp
