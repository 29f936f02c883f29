#include "identity/sources.hpp"
#include "identity/token_request.hpp"
#include "identity/token_response.hpp"
#include "text/url.hpp"

#include <utility>

namespace corun::identity {
namespace {

asio::awaitable<access_token> fetch_identity_token(shared_context with, std::string audience) {
    std::string host = with->variable("GCE_METADATA_HOST");
    if (host.empty()) host = "metadata.google.internal";
    std::string url = "http://" + host + "/computeMetadata/v1/instance/service-accounts/default/identity?audience=" +
                      detail::percent_encoded(audience) + "&format=full";
    const auto what = std::make_shared<token_request>("Google identity token", std::move(url), true);
    what->request.headers.set("Metadata-Flavor", "Google");
    what->request.headers.set("Accept", "*/*");
    detail::http_response response = co_await ask(with, what);
    const int status = response.head.status;
    const secret body(std::move(response.body));
    if (status != 200) {
        std::string why = "answered HTTP " + std::to_string(status);
        if (status == 404) why += ": there is no default service account";
        throw what->failure(why);
    }
    // Whoever else answers there does not say so.
    if (!equal_ignoring_case(response.head.field("metadata-flavor"), "Google"))
        throw what->failure("is not Google's metadata server");
    std::string_view token = body.reveal();
    while (token.ends_with('\n') || token.ends_with('\r')) token.remove_suffix(1);
    const auto expires = codec::identity::expiry_of_jwt(token);
    if (!expires) throw what->failure("gave something else than a JSON Web Token that expires");
    co_return access_token(token, *expires);
}

}  // namespace

fetch google_identity_token(shared_context with, std::string audience) {
    if (audience.empty()) throw error(errc::invalid_argument, "the audience of a Google identity token is empty");
    return [with = std::move(with), audience = std::move(audience)] { return fetch_identity_token(with, audience); };
}

}  // namespace corun::identity
