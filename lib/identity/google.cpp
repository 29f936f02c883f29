// Google's metadata server.
#include "identity/sources.hpp"
#include "identity/token_request.hpp"
#include "identity/token_response.hpp"
#include "text/url.hpp"

#include <utility>

namespace corun {
namespace identity {
namespace {

asio::awaitable<access_token> fetch_identity_token(shared_context context, std::string audience) {
    std::string host = context->variable("GCE_METADATA_HOST");
    if (host.empty()) host = "metadata.google.internal";
    std::string url = "http://" + host + "/computeMetadata/v1/instance/service-accounts/default/identity?audience=" +
                      detail::percent_encoded(audience) + "&format=full";
    const auto request = std::make_shared<token_request>("Google identity token", std::move(url), true);
    request->http.headers.set("Metadata-Flavor", "Google");
    request->http.headers.set("Accept", "*/*");
    detail::http_response response = co_await send(context, request);
    const int status = response.head.status;
    const secret body(std::move(response.body));
    if (status != 200) {
        std::string reason = "answered HTTP " + std::to_string(status);
        if (status == 404) reason += ": there is no default service account";
        throw request->failure(reason);
    }
    // No other server sends this field.
    if (!equal_ignoring_case(response.head.field("metadata-flavor"), "Google"))
        throw request->failure("is not Google's metadata server");
    std::string_view token = body.reveal();
    while (token.ends_with('\n') || token.ends_with('\r')) token.remove_suffix(1);
    const auto expires_at = expiry_of_jwt(token);
    if (!expires_at) throw request->failure("returned something other than a JSON Web Token with an expiry");
    co_return access_token(token, *expires_at);
}

}  // namespace

fetch google_identity_token(shared_context context, std::string audience) {
    if (audience.empty()) throw error(errc::invalid_argument, "the audience of a Google identity token is empty");
    return [context = std::move(context), audience = std::move(audience)] {
        return fetch_identity_token(context, audience);
    };
}

}  // namespace identity

token_provider google_identity_token(asio::any_io_executor executor, std::string audience, identity_options options) {
    const auto context = identity::make_context(std::move(executor), std::move(options));
    return identity::make_provider(context, identity::google_identity_token(context, std::move(audience)));
}

}  // namespace corun
