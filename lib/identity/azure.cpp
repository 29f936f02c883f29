#include "async/wait.hpp"
#include "identity/process.hpp"
#include "identity/sources.hpp"
#include "identity/token_request.hpp"
#include "text/ascii.hpp"
#include "text/escape.hpp"
#include "text/url.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <optional>
#include <utility>

namespace corun::identity {
namespace {

using namespace std::chrono_literals;

/// How long an assertion read from a file is used: the file is replaced before it expires.
constexpr std::chrono::minutes assertion_life{5};
constexpr std::size_t largest_assertion = std::size_t{64} << 10;
constexpr std::size_t largest_output = std::size_t{1} << 20;

/// The names of those that are not set; nothing when all are.
std::string missing(const context& with, std::initializer_list<const char*> names) {
    std::vector<std::string> absent;
    for (const char* name : names)
        if (with.variable(name).empty()) absent.emplace_back(name);
    std::string text;
    for (std::size_t i = 0; i < absent.size(); ++i) {
        if (i != 0) text += i + 1 == absent.size() ? " and " : ", ";
        text += absent[i];
    }
    if (!text.empty()) text += absent.size() == 1 ? " is not set" : " are not set";
    return text;
}

std::string resource_of(std::string_view scope) {
    constexpr std::string_view suffix = "/.default";
    if (scope.ends_with(suffix)) scope.remove_suffix(suffix.size());
    return std::string(scope);
}

/// Letters, digits and what stands in GUIDs, domains and URLs: nothing that begins an option.
bool is_plain(std::string_view text) noexcept {
    const auto plain = [](char c) {
        return ascii::is_alphanumeric(c) || std::string_view("-._:/ ").find(c) != std::string_view::npos;
    };
    return !text.starts_with('-') && std::all_of(text.begin(), text.end(), plain);
}

// Entra: client secret and workload identity.

std::shared_ptr<token_request> make_entra_request(const context& with, std::string who) {
    std::string authority = with.variable("AZURE_AUTHORITY_HOST");
    if (authority.empty()) authority = "https://login.microsoftonline.com";
    if (authority.find("://") == authority.npos) authority.insert(0, "https://");
    while (authority.ends_with('/')) authority.pop_back();
    const std::string tenant = with.variable("AZURE_TENANT_ID");
    if (!is_plain(tenant) || tenant.find_first_of(":/ ") != tenant.npos || tenant.find_first_not_of('.') == tenant.npos)
        throw error(errc::credential_failed, who + ": AZURE_TENANT_ID is not a tenant's id or domain");
    return std::make_shared<token_request>(std::move(who), authority + '/' + tenant + "/oauth2/v2.0/token");
}

asio::awaitable<access_token> fetch_by_secret(shared_context with) {
    const std::string absent = missing(*with, {"AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET"});
    if (!absent.empty()) throw unavailable("environment: " + absent);
    const auto what = make_entra_request(*with, "environment");
    const secret client_secret(with->variable("AZURE_CLIENT_SECRET"));
    what->add_secret(client_secret);
    form fields;
    fields.add("grant_type", "client_credentials").add("client_id", with->variable("AZURE_CLIENT_ID"));
    fields.add("client_secret", client_secret.reveal()).add("scope", with->options.scope);
    what->set_form(fields.take());
    detail::http_response response = co_await ask(with, what);
    co_return token_of(*with, *what, std::move(response));
}

/// The assertion of a file, as long as it need not be read again.
struct assertion {
    secret text;
    std::string path;
    std::chrono::system_clock::time_point read_again_at;
};

secret read_assertion(const std::string& path) {
    const auto refuse = [&path](std::string_view why) {
        return error(errc::credential_failed,
                     "workload identity: AZURE_FEDERATED_TOKEN_FILE " + detail::quote(path) + ' ' + std::string(why));
    };
    std::error_code code;
    // Anything else might keep us waiting.
    if (!std::filesystem::is_regular_file(path, code)) throw refuse("is not a file");
    std::ifstream file(path, std::ios::binary);
    std::string text(largest_assertion + 1, '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    const auto size = static_cast<std::size_t>(std::max<std::streamsize>(file.gcount(), 0));
    const secret whole(std::string_view(text).substr(0, size));
    wipe(text);
    if (!file.is_open() || file.bad()) throw refuse("cannot be read");
    if (size > largest_assertion) throw refuse("is too large");
    const std::string_view trimmed = ascii::trim(whole.reveal(), " \t\r\n");
    if (trimmed.empty()) throw refuse("is empty");
    return trimmed;
}

asio::awaitable<access_token> fetch_by_assertion(shared_context with, std::shared_ptr<assertion> kept) {
    const std::string absent = missing(*with, {"AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_FEDERATED_TOKEN_FILE"});
    if (!absent.empty()) throw unavailable("workload identity: " + absent);
    const std::string path = with->variable("AZURE_FEDERATED_TOKEN_FILE");
    if (kept->text.empty() || kept->path != path || with->now() >= kept->read_again_at) {
        kept->text = read_assertion(path);
        kept->path = path;
        kept->read_again_at = with->now() + assertion_life;
    }
    const auto what = make_entra_request(*with, "workload identity");
    what->add_secret(kept->text);
    form fields;
    fields.add("grant_type", "client_credentials").add("client_id", with->variable("AZURE_CLIENT_ID"));
    fields.add("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
    fields.add("client_assertion", kept->text.reveal()).add("scope", with->options.scope);
    what->set_form(fields.take());
    detail::http_response response = co_await ask(with, what);
    co_return token_of(*with, *what, std::move(response));
}

// Managed identity.

constexpr const char* managed = "managed identity";

asio::awaitable<access_token> fetch_from_app_service(shared_context with, std::string client_id) {
    std::string url = with->variable("IDENTITY_ENDPOINT");
    const secret header_value(with->variable("IDENTITY_HEADER"));
    if (!is_header_value(header_value.reveal()))
        throw error(errc::credential_failed, "managed identity: IDENTITY_HEADER holds characters that a header cannot");
    url += url.find('?') == url.npos ? '?' : '&';
    url += "api-version=2019-08-01&resource=" + detail::percent_encoded(resource_of(with->options.scope));
    if (!client_id.empty()) url += "&client_id=" + detail::percent_encoded(client_id);
    const auto what = std::make_shared<token_request>(managed, std::move(url), true);
    what->add_secret(header_value);
    what->request.headers.set("X-IDENTITY-HEADER", header_value);
    detail::http_response response = co_await ask(with, what);
    co_return token_of(*with, *what, std::move(response));
}

std::shared_ptr<token_request> make_imds_request(const context& with, const std::string& client_id) {
    std::string url = with.variable("AZURE_POD_IDENTITY_AUTHORITY_HOST");
    if (url.empty()) url = "http://169.254.169.254";
    while (url.ends_with('/')) url.pop_back();
    url += "/metadata/identity/oauth2/token?api-version=2018-02-01&resource=" +
           detail::percent_encoded(resource_of(with.options.scope));
    if (!client_id.empty()) url += "&client_id=" + detail::percent_encoded(client_id);
    return std::make_shared<token_request>(managed, std::move(url), true);
}

/// IMDS answers a request without the header with an error, and at once.
asio::awaitable<void> probe_imds(shared_context with, std::string client_id) {
    const auto what = make_imds_request(*with, client_id);
    std::optional<detail::http_response> answer;
    std::string problem;
    try {
        answer = co_await ask(with, what, 1s);
    } catch (const error& failure) {
        problem = failure.details().message;
    }
    if (!answer) throw unavailable(problem);
    if (!answer->head.field("metadata-flavor").empty())
        throw unavailable("managed identity: " + what->origin + " is another cloud's metadata service");
}

asio::awaitable<access_token> fetch_from_imds(shared_context with, std::string client_id, bool probes) {
    if (probes) co_await probe_imds(with, client_id);
    const net::time_point started = with->clock->now();
    // It is being upgraded then, which takes up to 70 seconds.
    constexpr int upgrading = 410;
    constexpr auto upgrade_time = 70s;
    constexpr int most_retries = 4;
    std::chrono::seconds pause{1};
    for (int retries = 0;; ++retries) {
        const auto what = make_imds_request(*with, client_id);
        what->request.headers.set("Metadata", "true");
        detail::http_response response = co_await ask(with, what);
        const int status = response.head.status;
        // The identity that is asked for is not there; on a machine without any, another source may serve.
        if (status == 400) throw unavailable(what->refusal(response).details().message);
        const bool may_pass = status == 404 || status == upgrading || status == 429 || status >= 500;
        const bool again = status == upgrading ? with->clock->now() < started + upgrade_time : retries < most_retries;
        if (!may_pass || !again) co_return token_of(*with, *what, std::move(response));
        const std::chrono::seconds wait = status == upgrading ? 10s : pause;
        co_await detail::sleep_until(with->clock, with->clock->now() + wait);
        pause *= 2;
    }
}

asio::awaitable<access_token> fetch_managed(shared_context with, std::string client_id, bool probes) {
    const bool app_service = !with->variable("IDENTITY_ENDPOINT").empty() && !with->variable("IDENTITY_HEADER").empty();
    if (app_service) return fetch_from_app_service(std::move(with), std::move(client_id));
    return fetch_from_imds(std::move(with), std::move(client_id), probes);
}

// Azure CLI.

asio::awaitable<access_token> fetch_from_cli(shared_context with) {
    const identity_options& options = with->options;
    const std::string resource = resource_of(options.scope);
    for (const std::string* argument : {&resource, &options.tenant_id, &options.subscription})
        if (!is_plain(*argument))
            throw unavailable("Azure CLI: " + detail::quote(*argument) + " cannot be given to it as an argument");
    std::vector<std::string> command{options.azure_cli, "account", "get-access-token", "--output", "json",
                                     "--resource",      resource};
    if (!options.tenant_id.empty()) command.insert(command.end(), {"--tenant", options.tenant_id});
    if (!options.subscription.empty()) command.insert(command.end(), {"--subscription", options.subscription});
    const std::string name = detail::quote(options.azure_cli);
    process_output said;
    std::error_code problem;
    try {
        said = co_await run_process(with->executor, with->clock, std::move(command), options.timeout, largest_output);
    } catch (const std::system_error& failure) {
        if (failure.code() == asio::error::operation_aborted) throw;
        problem = failure.code();
    }
    if (problem == std::errc::no_such_file_or_directory) throw unavailable("Azure CLI: " + name + " is not installed");
    if (problem) throw unavailable("Azure CLI: " + name + " cannot be run: " + problem.message());
    if (said.timed_out)
        throw unavailable("Azure CLI: " + name + " took longer than " + std::to_string(options.timeout.count()) +
                          " ms");
    if (said.truncated) throw unavailable("Azure CLI: " + name + " wrote too much");
    const secret output(std::move(said.out));
    if (output.empty()) {
        std::string why = first_line(said.error);
        throw unavailable("Azure CLI: " + (why.empty() ? name + " wrote nothing" : std::move(why)));
    }
    std::optional<access_token> given;
    std::string why;
    try {
        given = token_of(*with, "Azure CLI: " + name, output.reveal());
    } catch (const error& failure) {
        why = failure.details().message;
    }
    if (!given) throw unavailable(std::move(why));
    co_return std::move(*given);
}

// The chain.

struct chain {
    explicit chain(std::vector<fetch> from) : sources(std::move(from)) {}

    std::vector<fetch> sources;
    std::optional<std::size_t> chosen;
};

asio::awaitable<access_token> fetch_from_chain(std::shared_ptr<chain> self) {
    access_token given;
    if (self->chosen) {
        given = co_await self->sources[*self->chosen]();
        co_return given;
    }
    std::string tried;
    for (std::size_t i = 0; i < self->sources.size(); ++i) {
        std::string why;
        bool there = true;
        try {
            given = co_await self->sources[i]();
            self->chosen = i;
            co_return given;
        } catch (const unavailable& absent) {
            there = false;
            why = absent.details().message;
        } catch (const error& failure) {
            why = failure.details().message;
        }
        tried += (tried.empty() ? "" : "; ") + why;
        if (there) break;
    }
    throw error(errc::credential_failed, std::move(tried));
}

}  // namespace

fetch environment(shared_context with) {
    return [with = std::move(with)] { return fetch_by_secret(with); };
}

fetch workload_identity(shared_context with) {
    return [with = std::move(with), kept = std::make_shared<assertion>()] { return fetch_by_assertion(with, kept); };
}

fetch managed_identity(shared_context with, std::string client_id, bool probes) {
    return [with = std::move(with), client_id = std::move(client_id), probes] {
        return fetch_managed(with, client_id, probes);
    };
}

fetch azure_cli(shared_context with) {
    return [with = std::move(with)] { return fetch_from_cli(with); };
}

fetch first_available(std::vector<fetch> sources) {
    return [self = std::make_shared<chain>(std::move(sources))] { return fetch_from_chain(self); };
}

fetch azure_default(shared_context with) {
    std::string client_id = with->options.client_id;
    if (client_id.empty()) client_id = with->variable("AZURE_CLIENT_ID");
    std::vector<fetch> sources;
    sources.push_back(environment(with));
    sources.push_back(workload_identity(with));
    sources.push_back(managed_identity(with, std::move(client_id), true));
    sources.push_back(azure_cli(with));
    return first_available(std::move(sources));
}

token_provider cached(const shared_context& with, fetch get) {
    return token_provider(with->executor, std::move(get), with->options.clock);
}

}  // namespace corun::identity
