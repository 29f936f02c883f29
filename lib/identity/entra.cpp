// Microsoft Entra ID: client secret and workload identity federation.
#include "identity/sources.hpp"
#include "identity/token_request.hpp"
#include "text/ascii.hpp"
#include "text/escape.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <utility>

namespace corun::identity {
namespace {

/// The file is replaced before the assertion in it expires.
constexpr std::chrono::minutes assertion_lifetime{5};
constexpr std::size_t max_assertion_bytes = std::size_t{64} << 10;

/// Throws `unavailable` naming the variables that are not set.
void require_variables(const source_context& context, std::string_view source,
                       std::initializer_list<const char*> names) {
    std::vector<std::string> unset;
    for (const char* name : names)
        if (context.variable(name).empty()) unset.emplace_back(name);
    if (unset.empty()) return;
    std::string message = std::string(source) + ": ";
    for (std::size_t i = 0; i < unset.size(); ++i) {
        if (i != 0) message += i + 1 == unset.size() ? " and " : ", ";
        message += unset[i];
    }
    throw unavailable(message + (unset.size() == 1 ? " is not set" : " are not set"));
}

/// Letters, digits, dots and hyphens, as in GUIDs and domains: nothing that changes the path of a URL.
bool is_tenant(std::string_view text) noexcept {
    const auto allowed = [](char c) { return ascii::is_alphanumeric(c) || c == '-' || c == '.' || c == '_'; };
    return !text.starts_with('-') && text.find_first_not_of('.') != text.npos &&
           std::all_of(text.begin(), text.end(), allowed);
}

std::shared_ptr<token_request> make_request(const source_context& context, std::string source) {
    std::string authority = context.variable("AZURE_AUTHORITY_HOST");
    if (authority.empty()) authority = "https://login.microsoftonline.com";
    if (authority.find("://") == authority.npos) authority.insert(0, "https://");
    while (authority.ends_with('/')) authority.pop_back();
    const std::string tenant = context.variable("AZURE_TENANT_ID");
    if (!is_tenant(tenant))
        throw error(errc::credential_failed, source + ": AZURE_TENANT_ID is not a tenant id or domain");
    return std::make_shared<token_request>(std::move(source), authority + '/' + tenant + "/oauth2/v2.0/token");
}

asio::awaitable<access_token> fetch_by_secret(shared_context context) {
    require_variables(*context, "environment", {"AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET"});
    const auto request = make_request(*context, "environment");
    const secret client_secret(context->variable("AZURE_CLIENT_SECRET"));
    request->add_secret(client_secret);
    form fields;
    fields.add("grant_type", "client_credentials").add("client_id", context->variable("AZURE_CLIENT_ID"));
    fields.add("client_secret", client_secret.reveal()).add("scope", context->options.scope);
    request->set_form(fields.take());
    detail::http_response response = co_await send(context, request);
    co_return token_of(*context, *request, std::move(response));
}

/// The cached content of an assertion file.
struct assertion {
    secret text;
    std::string path;
    std::chrono::system_clock::time_point expires_at;
};

secret read_assertion(const std::string& path) {
    const auto failure = [&path](std::string_view reason) {
        return error(errc::credential_failed, "workload identity: AZURE_FEDERATED_TOKEN_FILE " + detail::quote(path) +
                                                  ' ' + std::string(reason));
    };
    std::error_code code;
    // Opening a pipe would wait for its writer.
    if (!std::filesystem::is_regular_file(path, code)) throw failure("is not a file");
    std::ifstream file(path, std::ios::binary);
    std::string text(max_assertion_bytes + 1, '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    const auto size = static_cast<std::size_t>(std::max<std::streamsize>(file.gcount(), 0));
    const secret whole(std::string_view(text).substr(0, size));
    wipe(text);
    if (!file.is_open() || file.bad()) throw failure("cannot be read");
    if (size > max_assertion_bytes) throw failure("is too large");
    const std::string_view trimmed = ascii::trim(whole.reveal(), " \t\r\n");
    if (trimmed.empty()) throw failure("is empty");
    return trimmed;
}

asio::awaitable<access_token> fetch_by_assertion(shared_context context, std::shared_ptr<assertion> cache) {
    require_variables(*context, "workload identity",
                      {"AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_FEDERATED_TOKEN_FILE"});
    const std::string path = context->variable("AZURE_FEDERATED_TOKEN_FILE");
    if (cache->text.empty() || cache->path != path || context->now() >= cache->expires_at) {
        cache->text = read_assertion(path);
        cache->path = path;
        cache->expires_at = context->now() + assertion_lifetime;
    }
    const auto request = make_request(*context, "workload identity");
    request->add_secret(cache->text);
    form fields;
    fields.add("grant_type", "client_credentials").add("client_id", context->variable("AZURE_CLIENT_ID"));
    fields.add("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
    fields.add("client_assertion", cache->text.reveal()).add("scope", context->options.scope);
    request->set_form(fields.take());
    detail::http_response response = co_await send(context, request);
    co_return token_of(*context, *request, std::move(response));
}

}  // namespace

fetch environment(shared_context context) {
    return [context = std::move(context)] { return fetch_by_secret(context); };
}

fetch workload_identity(shared_context context) {
    return [context = std::move(context), cache = std::make_shared<assertion>()] {
        return fetch_by_assertion(context, cache);
    };
}

}  // namespace corun::identity
