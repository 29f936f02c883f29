// Managed identities: App Service and its like, and virtual machines (IMDS).
#include "async/backoff.hpp"
#include "async/wait.hpp"
#include "identity/resource.hpp"
#include "identity/sources.hpp"
#include "identity/token_request.hpp"
#include "text/url.hpp"

#include <optional>
#include <utility>

namespace corun::identity {
namespace {

using namespace std::chrono_literals;

constexpr const char* source_name = "managed identity";
/// IMDS answers with this status while it is being upgraded, which takes up to 70 seconds.
constexpr int upgrading = 410;

asio::awaitable<access_token> fetch_from_app_service(shared_context context, std::string client_id) {
    std::string url = context->variable("IDENTITY_ENDPOINT");
    const secret header_value(context->variable("IDENTITY_HEADER"));
    if (!is_header_value(header_value.reveal()))
        throw error(errc::credential_failed,
                    "managed identity: IDENTITY_HEADER contains characters that are not allowed in a header");
    url += url.find('?') == url.npos ? '?' : '&';
    url += "api-version=2019-08-01&resource=" + detail::percent_encoded(resource_of(context->options.scope));
    if (!client_id.empty()) url += "&client_id=" + detail::percent_encoded(client_id);
    const auto request = std::make_shared<token_request>(source_name, std::move(url), true);
    request->add_secret(header_value);
    request->http.headers.set("X-IDENTITY-HEADER", header_value);
    detail::http_response response = co_await send(context, request);
    co_return token_of(*context, *request, std::move(response));
}

std::shared_ptr<token_request> make_imds_request(const source_context& context, const std::string& client_id) {
    std::string url = context.variable("AZURE_POD_IDENTITY_AUTHORITY_HOST");
    if (url.empty()) url = "http://169.254.169.254";
    while (url.ends_with('/')) url.pop_back();
    url += "/metadata/identity/oauth2/token?api-version=2018-02-01&resource=" +
           detail::percent_encoded(resource_of(context.options.scope));
    if (!client_id.empty()) url += "&client_id=" + detail::percent_encoded(client_id);
    return std::make_shared<token_request>(source_name, std::move(url), true);
}

/// Sends a request without the header that IMDS requires: IMDS rejects it at once.
asio::awaitable<void> probe_imds(shared_context context, std::string client_id) {
    const auto request = make_imds_request(*context, client_id);
    std::optional<detail::http_response> response;
    std::string problem;
    try {
        response = co_await send(context, request, 1s);
    } catch (const error& failure) {
        problem = failure.details().message;
    }
    if (!response) throw unavailable(problem);
    if (!response->head.field("metadata-flavor").empty())
        throw unavailable("managed identity: " + request->origin + " is the metadata service of another cloud");
}

asio::awaitable<access_token> fetch_from_imds(shared_context context, std::string client_id, bool probe) {
    constexpr auto max_upgrade_time = 70s;
    constexpr int max_retries = 4;
    if (probe) co_await probe_imds(context, client_id);
    const net::time_point started = context->clock->now();
    detail::backoff delays(1s);
    for (int retries = 0;; ++retries) {
        const auto request = make_imds_request(*context, client_id);
        request->http.headers.set("Metadata", "true");
        detail::http_response response = co_await send(context, request);
        const int status = response.head.status;
        // The machine has no such identity; another source may be available.
        if (status == 400) throw unavailable(request->rejection(response).details().message);
        const bool is_retryable = status == 404 || status == upgrading || status == 429 || status >= 500;
        const bool retry =
            status == upgrading ? context->clock->now() < started + max_upgrade_time : retries < max_retries;
        if (!is_retryable || !retry) co_return token_of(*context, *request, std::move(response));
        const std::chrono::milliseconds delay = delays.next();
        const net::time_point next = context->clock->now() + (status == upgrading ? 10s : delay);
        co_await detail::sleep_until(context->clock, next);
    }
}

asio::awaitable<access_token> fetch_managed(shared_context context, std::string client_id, bool probe) {
    const bool is_app_service =
        !context->variable("IDENTITY_ENDPOINT").empty() && !context->variable("IDENTITY_HEADER").empty();
    if (is_app_service) return fetch_from_app_service(std::move(context), std::move(client_id));
    return fetch_from_imds(std::move(context), std::move(client_id), probe);
}

}  // namespace

fetch managed_identity(shared_context context, std::string client_id, bool probe) {
    return [context = std::move(context), client_id = std::move(client_id), probe] {
        return fetch_managed(context, client_id, probe);
    };
}

}  // namespace corun::identity
