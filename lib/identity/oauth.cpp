// OAuth 2.0 client credentials (RFC 6749, 4.4).
#include "identity/sources.hpp"
#include "identity/token_request.hpp"
#include "text/base64.hpp"
#include "text/url.hpp"

#include <exception>
#include <string>
#include <utility>

namespace corun {
namespace identity {
namespace {

constexpr const char* jwt_bearer = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// A function of the application makes it.
secret assertion_of(const oauth_client& client) {
    try {
        return client.client_assertion();
    } catch (const std::exception& failure) {
        throw error(errc::credential_failed,
                    std::string("oauth_client::client_assertion threw an exception: ") + failure.what());
    }
}

asio::awaitable<access_token> fetch_by_client_credentials(shared_context context,
                                                          std::shared_ptr<const oauth_client> client) {
    const auto request = std::make_shared<token_request>("OAuth client credentials", client->token_endpoint);
    request->add_secret(client->client_secret);
    form fields;
    fields.add("grant_type", "client_credentials");
    if (client->method == oauth_client::authentication::private_key_jwt) {
        const secret assertion = assertion_of(*client);
        request->add_secret(assertion);
        fields.add("client_id", client->client_id).add("client_assertion_type", jwt_bearer);
        fields.add("client_assertion", assertion.reveal());
    } else if (client->method == oauth_client::authentication::client_secret_post) {
        fields.add("client_id", client->client_id).add("client_secret", client->client_secret.reveal());
    } else {
        // Each is encoded as in a form (RFC 6749, 2.3.1), so that the colon between them is the only one.
        std::string pair = detail::percent_encoded(client->client_id) + ':';
        pair += detail::percent_encoded(client->client_secret.reveal());
        const secret authorization("Basic " + base64::encode(pair));
        wipe(pair);
        request->add_secret(authorization);
        request->http.headers.set("Authorization", authorization);
    }
    if (!client->scope.empty()) fields.add("scope", client->scope);
    for (const auto& [name, value] : client->parameters) fields.add(detail::percent_encoded(name), value);
    request->set_form(fields.take());
    detail::http_response response = co_await send(context, request);
    co_return token_of(*context, *request, std::move(response));
}

}  // namespace

fetch oauth_client_credentials(shared_context context, oauth_client client) {
    const auto url = detail::parse_url(client.token_endpoint);
    if (!url || url->user_info)
        throw error(errc::invalid_endpoint, "the token endpoint " + detail::quote_url(client.token_endpoint) +
                                                " is not an absolute http or https URL, or contains a user name");
    if (!detail::may_carry_credentials(*url))
        throw error(errc::insecure_endpoint, "the token endpoint " + detail::origin_of(*url) +
                                                 " is plain http; client secrets are sent over https, or over http to "
                                                 "this machine only");
    if (client.method == oauth_client::authentication::private_key_jwt && !client.client_assertion)
        throw error(errc::invalid_argument, "private_key_jwt needs oauth_client::client_assertion, which is not set");
    auto shared = std::make_shared<const oauth_client>(std::move(client));
    return [context = std::move(context), shared = std::move(shared)] {
        return fetch_by_client_credentials(context, shared);
    };
}

}  // namespace identity

oauth_client::oauth_client(std::string endpoint, std::string id, secret its_secret)
    : token_endpoint(std::move(endpoint)), client_id(std::move(id)), client_secret(std::move(its_secret)) {}

token_provider oauth_client_credentials(asio::any_io_executor executor, oauth_client client, identity_options options) {
    const auto context = identity::make_context(std::move(executor), std::move(options));
    return identity::make_provider(context, identity::oauth_client_credentials(context, std::move(client)));
}

}  // namespace corun
