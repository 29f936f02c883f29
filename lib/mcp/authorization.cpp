#include "async/attempt.hpp"
#include "http/call.hpp"
#include "json/members.hpp"
#include "mcp/exchange.hpp"
#include "text/url.hpp"
#include <corun/mcp/authorization.hpp>

#include <utility>

namespace corun::mcp {
namespace {

namespace json = codec::json;

constexpr std::size_t max_metadata_bytes = std::size_t{256} << 10;
constexpr std::string_view metadata_subject = "authorization metadata";

struct resource_metadata {
    resource_metadata() = default;

    std::string resource;
    std::vector<std::string> authorization_servers, scopes_supported;
};

constexpr json::member<resource_metadata> protected_resource_members[] = {
    {"resource", json::into<&resource_metadata::resource>},
    {"authorization_servers", json::by<read_strings, &resource_metadata::authorization_servers>},
    {"scopes_supported", json::by<read_strings, &resource_metadata::scopes_supported>},
};

constexpr json::member<authorization_server> issuer_members[] = {
    {"issuer", json::into<&authorization_server::issuer>},
    {"token_endpoint", json::into<&authorization_server::token_endpoint>},
    {"token_endpoint_auth_methods_supported",
     json::by<read_strings, &authorization_server::token_endpoint_auth_methods>},
};

error metadata_failure(const server::state& server, errc code, std::string message) {
    return named(server, metadata_subject, error(code, std::move(message)));
}

std::string_view without_slash(std::string_view url) noexcept {
    return url.ends_with('/') ? url.substr(0, url.size() - 1) : url;
}

std::string_view path_of(const detail::url_parts& url) noexcept {
    return without_slash(url.rest.substr(0, url.rest.find_first_of("?#")));
}

/// A URL that a server has named.
detail::url_parts checked_metadata_url(const server::state& server, std::string_view url) {
    const auto parts = detail::parse_url(url);
    if (!parts || parts->user_info)
        throw metadata_failure(server, errc::bad_response, detail::quote_url(url) + " is no URL");
    if (!detail::may_carry_credentials(*parts))
        throw metadata_failure(server, errc::insecure_endpoint, detail::quote_url(url) + " is plain http");
    return *parts;
}

/// The document at the first of these URLs that has one.
asio::awaitable<std::string> read_first(std::shared_ptr<server::state> server, std::vector<std::string> urls) {
    for (const std::string& url : urls) {
        net::request request;
        request.url = url;
        request.connect_timeout = server->options.connect_timeout;
        request.headers.set("Accept", "application/json");
        request.headers.set("MCP-Protocol-Version", "2025-11-25");
        detail::call_limits limits;
        limits.max_bytes = max_metadata_bytes;
        limits.total = server->options.request_timeout;
        auto calling = detail::http_call(server->transport, server->clock, std::move(request), limits);
        detail::http_response response = co_await std::move(calling);
        if (response.head.status == 200 && !response.truncated) co_return std::move(response.body);
        if (response.head.status >= 500)
            throw metadata_failure(*server, errc::server_failed,
                                   "HTTP " + std::to_string(response.head.status) + " from " + detail::quote_url(url));
    }
    throw metadata_failure(*server, errc::not_found, "there is none at " + detail::quote_url(urls.front()));
}

std::vector<std::string> urls_of_resource(const server::state& server, const std::optional<challenge>& refused) {
    if (refused && !refused->resource_metadata.empty()) {
        (void)checked_metadata_url(server, refused->resource_metadata);
        return {refused->resource_metadata};
    }
    const std::string well_known = server.origin + "/.well-known/oauth-protected-resource";
    const auto url = detail::parse_url(server.url);
    return {well_known + std::string(path_of(*url)), well_known};
}

/// RFC 8414 with the issuer's path inserted, then OpenID Connect with it inserted, then appended.
std::vector<std::string> urls_of_issuer(const server::state& server, const std::string& issuer) {
    const detail::url_parts url = checked_metadata_url(server, issuer);
    const std::string origin = detail::origin_of(url), path(path_of(url));
    const std::string oauth = "/.well-known/oauth-authorization-server", openid = "/.well-known/openid-configuration";
    if (path.empty()) return {origin + oauth, origin + openid};
    return {origin + oauth + path, origin + openid + path, origin + path + openid};
}

/// The server's own URL, or one that it is below.
bool is_resource_of(std::string_view resource, std::string_view url) noexcept {
    resource = without_slash(resource);
    if (!url.starts_with(resource)) return false;
    const std::string_view rest = url.substr(resource.size());
    return rest.empty() || rest.front() == '/' || rest.front() == '?';
}

std::string joined(const std::vector<std::string>& scopes) {
    std::string text;
    for (const std::string& each : scopes) text += (text.empty() ? "" : " ") + each;
    return text;
}

asio::awaitable<authorization_server> read_metadata(std::shared_ptr<server::state> server,
                                                    std::optional<challenge> refused) {
    resource_metadata resource;
    std::string document = co_await read_first(server, urls_of_resource(*server, refused));
    read_object(document, metadata_subject,
                [&resource](json::object source) { json::read_members(source, protected_resource_members, resource); });
    if (!is_resource_of(resource.resource, server->url))
        throw metadata_failure(*server, errc::bad_response,
                               "it is of another resource, " + detail::quote_url(resource.resource));
    if (resource.authorization_servers.empty())
        throw metadata_failure(*server, errc::bad_response, "it names no authorization server");
    const std::string issuer = resource.authorization_servers.front();
    authorization_server found;
    document = co_await read_first(server, urls_of_issuer(*server, issuer));
    read_object(document, metadata_subject,
                [&found](json::object source) { json::read_members(source, issuer_members, found); });
    if (without_slash(found.issuer) != without_slash(issuer))
        throw metadata_failure(*server, errc::bad_response,
                               "it is of another issuer, " + detail::quote_url(found.issuer));
    (void)checked_metadata_url(*server, found.token_endpoint);
    found.resource = std::move(resource.resource);
    found.scope = refused && !refused->scope.empty() ? refused->scope : joined(resource.scopes_supported);
    co_return found;
}

}  // namespace

asio::awaitable<authorization_server> discover_authorization(server protected_server,
                                                             std::optional<challenge> refused) {
    return read_metadata(server_access::state_of(protected_server), std::move(refused));
}

}  // namespace corun::mcp
