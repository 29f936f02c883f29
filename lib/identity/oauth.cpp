#include "identity/sources.hpp"
#include "identity/token_request.hpp"
#include "identity/token_response.hpp"
#include "text/base64.hpp"
#include "text/url.hpp"

#include <utility>

namespace corun::identity {
namespace {

asio::awaitable<access_token> fetch_by_client_credentials(shared_context with,
                                                          std::shared_ptr<const oauth_client> client) {
    const auto what = std::make_shared<token_request>("OAuth client credentials", client->token_endpoint);
    what->add_secret(client->client_secret);
    form fields;
    fields.add("grant_type", "client_credentials");
    if (client->method == oauth_client::authentication::client_secret_post) {
        fields.add("client_id", client->client_id).add("client_secret", client->client_secret.reveal());
    } else {
        // Each encoded as in a form (RFC 6749, 2.3.1): the colon between them stays the only one.
        std::string pair = detail::percent_encoded(client->client_id) + ':';
        pair += detail::percent_encoded(client->client_secret.reveal());
        const secret value("Basic " + base64::encode(pair));
        wipe(pair);
        what->add_secret(value);
        what->request.headers.set("Authorization", value);
    }
    if (!client->scope.empty()) fields.add("scope", client->scope);
    for (const auto& [name, value] : client->parameters) fields.add(detail::percent_encoded(name), value);
    what->set_form(fields.take());
    detail::http_response response = co_await ask(with, what);
    co_return token_of(*with, *what, std::move(response));
}

}  // namespace

fetch oauth_client_credentials(shared_context with, oauth_client client) {
    const auto url = detail::parse_url(client.token_endpoint);
    if (!url || url->user_info)
        throw error(errc::invalid_endpoint, "the token endpoint must be an absolute URL, https://host/path");
    if (!detail::may_carry_credentials(*url))
        throw error(errc::insecure_endpoint, "the token endpoint is plain http to " + std::string(url->host));
    auto shared = std::make_shared<const oauth_client>(std::move(client));
    return [with = std::move(with), shared = std::move(shared)] { return fetch_by_client_credentials(with, shared); };
}

}  // namespace corun::identity
