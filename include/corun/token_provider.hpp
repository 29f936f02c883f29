#pragma once
#include <corun/export.hpp>
#include <corun/handlers.hpp>
#include <corun/observer.hpp>
#include <corun/secret.hpp>

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

/// Tokens that expire: fetched when needed, kept while they are good.
namespace corun {

/// A token and when it expires.
struct CORUN_API access_token {
    access_token() = default;
    /// Without a time, one that does not expire.
    explicit access_token(
        secret value, std::chrono::system_clock::time_point expires_at = std::chrono::system_clock::time_point::max());

    secret value;
    std::chrono::system_clock::time_point expires_at = std::chrono::system_clock::time_point::max();
};

/// Gives a token that is good for now, and fetches another when that one is about to expire: when
/// five minutes are left of it, or half of its time if it lives for less than ten.
///
/// Many may ask at once: one fetch serves them all. A fetch that fails while the token kept is still
/// good is no error; the next one is tried half a minute later.
///
/// A cheap handle; copies share the token. Not thread-safe: use it on its executor.
class CORUN_API token_provider {
public:
    using clock = std::function<std::chrono::system_clock::time_point()>;

    /// Gives none: `token()` is `errc::credential_failed`.
    token_provider();
    /// `fetch` runs on `executor`, a single-threaded context or a strand, never twice at a time.
    /// `now` tells the time; the system's clock unless given.
    token_provider(asio::any_io_executor executor, std::function<asio::awaitable<access_token>()> fetch,
                   clock now = {});

    explicit operator bool() const noexcept { return state_ != nullptr; }

    /// Completes with a token. What `fetch` throws is thrown here; an empty token, or one that has
    /// expired when it comes, is `errc::credential_failed`. Cancellation leaves the fetch to others
    /// who wait for it, and ends it if there are none.
    [[nodiscard]] asio::awaitable<secret> token() const;

    /// The token is not accepted: the next `token()` fetches another.
    void invalidate() const noexcept;
    /// The same if `rejected` is the token kept; one that has come since stays.
    void invalidate(const secret& rejected) const noexcept;

private:
    struct state;
    std::shared_ptr<state> state_;
};

/// Where tokens come from, for the providers below and for the credentials of credential.hpp.
struct CORUN_API identity_options {
    identity_options();

    /// What Azure tokens are for. `resource` where the endpoint wants one is this without `/.default`.
    std::string scope = "https://ai.azure.com/.default";
    /// Client id of a user-assigned managed identity; empty: the system-assigned one
    /// (`default_credential`: that of AZURE_CLIENT_ID, if set).
    std::string client_id;
    /// Tenant and subscription for which the Azure CLI is asked; empty: its own default.
    std::string tenant_id, subscription;
    /// The Azure CLI: a path, or a name to be found in PATH.
    std::string azure_cli = "az";
    /// Longest duration of one request or one call of the Azure CLI; 0: none.
    std::chrono::milliseconds timeout = std::chrono::seconds{30};

    /// As `client_options::ca_file` and `proxy`. Metadata services are never asked through a proxy.
    std::string ca_file;
    std::optional<std::string> proxy;

    /// Gives a variable of the environment, empty when it is not set. Unless given, the process's.
    std::function<std::string(const std::string& name)> environment;
    /// Tells the time; the system's clock unless given.
    token_provider::clock clock;

    /// Is told of requests for tokens: `on_request`, `on_wire`. They count on their own.
    corun::observer observer;
};

/// A Google identity token for `audience`, such as the URL of a Cloud Run service without its path,
/// from the metadata server of Compute Engine, Cloud Run, GKE and the like: that of the default
/// service account. GCE_METADATA_HOST names another host for it; it must be loopback or link-local.
///
/// Throws `errc::invalid_argument` for an empty audience. Fails with `errc::credential_failed`.
CORUN_API token_provider google_identity_token(asio::any_io_executor executor, std::string audience,
                                               identity_options options = {});

/// An OAuth 2.0 client and the endpoint that gives it tokens (RFC 6749, 4.4).
struct CORUN_API oauth_client {
    /// How the client proves who it is, as RFC 7591 names it.
    enum class authentication { client_secret_basic, client_secret_post };

    oauth_client(std::string token_endpoint, std::string client_id, secret client_secret);

    std::string token_endpoint;  ///< An https URL, or http on this machine.
    std::string client_id;
    secret client_secret;
    authentication method = authentication::client_secret_basic;
    std::string scope;  ///< Not sent when empty.
    /// Sent as they are, such as `audience` or `resource`.
    std::map<std::string, std::string> parameters;
};

/// Bearer tokens by OAuth client credentials. A token whose time is not told counts as one of five
/// minutes.
///
/// Throws `errc::invalid_endpoint` and `errc::insecure_endpoint`. Fails with
/// `errc::credential_failed`, which says what the endpoint said.
CORUN_API token_provider oauth_client_credentials(asio::any_io_executor executor, oauth_client client,
                                                  identity_options options = {});

/// Gives `Authorization: Bearer <token>` to the MCP servers of these labels, and nothing to others.
/// After a token was refused, another one is fetched.
CORUN_API mcp_header_provider mcp_bearer_tokens(std::map<std::string, token_provider> by_label);

}  // namespace corun
