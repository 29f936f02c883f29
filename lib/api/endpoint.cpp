#include "api/endpoint.hpp"

#include "text/ascii.hpp"
#include "text/url.hpp"
#include <corun/error.hpp>

#include <utility>

namespace corun::detail {
namespace {

[[noreturn]] void reject(errc code, std::string message) {
    throw error(code, std::move(message));
}

}  // namespace

std::string checked_endpoint(std::string_view endpoint, bool has_credential) {
    const auto url = parse_url(endpoint);
    if (!url)
        reject(errc::invalid_endpoint, "the endpoint " + quote_url(endpoint) +
                                           " is not an absolute http or https URL, such as https://host/path");
    if (url->user_info) reject(errc::invalid_endpoint, "the endpoint must not contain a user name or a password");
    if (url->rest.find_first_of("?#") != url->rest.npos)
        reject(errc::invalid_endpoint, "the endpoint " + quote_url(endpoint) + " must not have a query or a fragment");
    if (has_credential && !may_carry_credentials(*url))
        reject(errc::insecure_endpoint, "the endpoint " + quote_url(endpoint) +
                                            " would receive the credential over plain http; use https, or http to "
                                            "this machine only");
    while (endpoint.ends_with('/')) endpoint.remove_suffix(1);
    // The URL of the requests, as guides show it.
    constexpr std::string_view requests = "/responses";
    if (endpoint.ends_with("/v1/responses")) endpoint.remove_suffix(requests.size());
    if (endpoint.ends_with(requests) && !endpoint.ends_with("/projects/responses"))
        reject(errc::invalid_endpoint,
               "the endpoint " + quote_url(endpoint) +
                   " is the URL of single requests; use the part before /responses, which is a project or ends in /v1");
    return std::string(endpoint);
}

bool is_openai(std::string_view endpoint) {
    const auto url = parse_url(endpoint);
    if (!url) return false;
    std::string host(url->host);
    for (char& c : host) c = ascii::lower(c);
    return host == "api.openai.com" || host.ends_with(".api.openai.com");
}

std::string request_url(std::string_view endpoint, std::string_view path, std::string_view api_version,
                        std::string_view query) {
    std::string url(endpoint);
    url.append(path);
    if (!api_version.empty()) url.append("?api-version=").append(percent_encoded(api_version));
    if (!query.empty()) url.append(api_version.empty() ? "?" : "&").append(query);
    return url;
}

std::string path_of(std::string_view collection, std::string_view id, std::string_view id_name) {
    if (id.empty()) reject(errc::invalid_argument, std::string(id_name) + " is empty");
    // A dot segment would be resolved as a step in the hierarchy (RFC 3986, 5.2.4).
    if (id == "." || id == "..") reject(errc::invalid_argument, std::string(id_name) + " is not an id");
    return std::string(collection) + '/' + percent_encoded(id);
}

}  // namespace corun::detail
