#pragma once
#include <corun/asio.hpp>
#include <corun/chrono.hpp>
#include <corun/export.hpp>
#include <corun/handlers.hpp>
#include <corun/observer.hpp>
#include <corun/secret.hpp>

#include <asio/any_io_executor.hpp>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

/// Tokens that expire: fetched when needed, and cached.
namespace corun {

/// A token and its expiry.
struct CORUN_API access_token {
    access_token() = default;
    /// Without `expires_at`, the token does not expire.
    explicit access_token(
        secret value, std::chrono::system_clock::time_point expires_at = std::chrono::system_clock::time_point::max());

    secret value;
    std::chrono::system_clock::time_point expires_at = std::chrono::system_clock::time_point::max();
};

/// Returns a token.
using token_handler = handler<access_token>;

/// A cache of one token. Tokens are refreshed five minutes before they expire, or after half of their lifetime if that
/// is less than ten minutes. Concurrent callers share one fetch.
///
/// If a refresh fails while the cached token is still valid, that token is used, and the refresh is retried half a
/// minute later.
///
/// *Lifetime:* A cheap handle; copies share the token.
///
/// *Threads:* Not thread-safe. Use it on its executor.
class CORUN_API token_provider {
public:
    /// Returns the time.
    using clock = std::function<std::chrono::system_clock::time_point()>;

    /// Provides no token: `token()` fails with `errc::credential_failed`.
    token_provider();
    /// `fetch` runs on `executor`, a single-threaded context or a strand, one call at a time. `now` returns the time;
    /// by default, the system's clock.
    token_provider(asio::any_io_executor executor, token_handler fetch, clock now = {});

    explicit operator bool() const noexcept { return state_ != nullptr; }

    /// Completes with a valid token.
    ///
    /// *Errors:* Whatever `fetch` throws; `errc::credential_failed` for an empty or expired token.
    ///
    /// *Cancellation:* The fetch is cancelled unless other callers wait for it.
    [[nodiscard]] asio::awaitable<secret> token() const;

    /// Discards the cached token: the next `token()` fetches a new one.
    void invalidate() const noexcept;
    /// Discards the cached token if it is `rejected`; a newer one is kept.
    void invalidate(const secret& rejected) const noexcept;

private:
    struct state;
    std::shared_ptr<state> state_;
};

/// Options for the token providers below and the credentials of credential.hpp.
struct CORUN_API identity_options {
    identity_options();

    /// The scope of Azure tokens. Endpoints that expect a `resource` get it without `/.default`.
    std::string scope = "https://ai.azure.com/.default";
    /// The client id of a user-assigned managed identity. Empty: the system-assigned identity (for
    /// `default_credential`, that of AZURE_CLIENT_ID if set).
    std::string client_id;
    /// The tenant and subscription for the Azure CLI. Empty: its defaults.
    std::string tenant_id, subscription;
    /// The Azure CLI: a path, or a name in PATH.
    std::string azure_cli = "az";
    /// The longest duration of one request or one call of the Azure CLI; 0 means no limit.
    std::chrono::milliseconds timeout = std::chrono::seconds{30};

    /// As `client_options::ca_file` and `proxy`. Metadata services are never reached through a proxy.
    std::string ca_file;
    std::optional<std::string> proxy;

    /// Returns an environment variable, or an empty string. By default, reads the environment of the process.
    std::function<std::string(const std::string& name)> environment;
    /// Returns the time. By default, the system's clock.
    token_provider::clock clock;

    /// Observes token requests with `on_request` and `on_wire`. They are numbered separately from the requests of a
    /// client.
    corun::observer observer;
};

/// Google identity tokens of the default service account for `audience`, such as the URL of a Cloud Run service without
/// its path. They come from the metadata server of Compute Engine, Cloud Run or GKE, or from GCE_METADATA_HOST, which
/// must be loopback or link-local.
///
/// *Errors:* Throws `errc::invalid_argument` if `audience` is empty. Token requests fail with
/// `errc::credential_failed`.
CORUN_API token_provider google_identity_token(asio::any_io_executor executor, std::string audience,
                                               identity_options options = {});

/// An OAuth 2.0 client and its token endpoint (RFC 6749, 4.4).
struct CORUN_API oauth_client {
    /// How the client authenticates, with the names of RFC 7591.
    enum class authentication { client_secret_basic, client_secret_post, private_key_jwt };

    oauth_client(std::string token_endpoint, std::string client_id, secret client_secret);

    std::string token_endpoint;  ///< An https URL, or an http URL with a loopback host.
    std::string client_id;
    secret client_secret;  ///< Not used for `private_key_jwt`.
    authentication method = authentication::client_secret_basic;
    /// For `private_key_jwt`: returns a JWT that the application has signed with its key (RFC 7523, 2.2 and 3). Called
    /// for each token request. `client_secret` is then not used. An exception becomes `errc::credential_failed`.
    std::function<secret()> client_assertion;
    std::string scope;  ///< Not sent if empty.
    /// Additional parameters of the request, such as `audience` or `resource`.
    std::map<std::string, std::string> parameters;
};

/// Bearer tokens from OAuth client credentials. A token without an expiry is assumed to live for five minutes.
///
/// *Errors:* Throws `errc::invalid_endpoint`, `errc::insecure_endpoint`, and `errc::invalid_argument` for
/// `private_key_jwt` without `client_assertion`. Token requests fail with `errc::credential_failed` and the error of
/// the endpoint.
CORUN_API token_provider oauth_client_credentials(asio::any_io_executor executor, oauth_client client,
                                                  identity_options options = {});

/// Provides `Authorization: Bearer <token>` for the MCP servers with these labels. If a server rejects a token, a new
/// one is fetched.
CORUN_API mcp_header_provider mcp_bearer_tokens(std::map<std::string, token_provider> by_label);

}  // namespace corun
