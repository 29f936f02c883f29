#pragma once
#include <corun/asio.hpp>
#include <corun/export.hpp>
#include <corun/handlers.hpp>
#include <corun/secret.hpp>
#include <corun/token_provider.hpp>

#include <asio/any_io_executor.hpp>

#include <memory>

namespace corun {

/// How a client authenticates to the service.
///
/// *Lifetime:* A cheap handle; copies share their state.
///
/// *Threads:* Not thread-safe. Use it on the executor of its clients.
class CORUN_API credential {
public:
    /// No credential: no `Authorization` header is sent.
    credential();
    /// Tokens that expire. After a 401, a new token is fetched and the request is sent again, once.
    credential(token_provider tokens);
    /// A fixed bearer token.
    static credential bearer(secret token);
    /// A key of an Azure service, sent as `api-key` instead of `Authorization`. For OpenAI and most other servers of
    /// the Responses protocol, pass the key to `bearer`.
    static credential api_key(secret key);
    /// A function that returns a bearer token. It is called before each request, on the client's executor, and must
    /// cache tokens itself; a `token_provider` caches them for you. If it throws, the request fails with
    /// `errc::credential_failed`.
    static credential callback(handler<secret> get_token);

    /// True unless default-constructed.
    explicit operator bool() const noexcept;
    /// Completes with the token or key to send; empty without a credential. Fails with `errc::credential_failed`.
    [[nodiscard]] asio::awaitable<secret> token() const;

    /// True if `token()` is a key, not a bearer token.
    [[nodiscard]] bool is_api_key() const noexcept;
    /// True if a rejected token can be replaced by a new one.
    [[nodiscard]] bool can_refresh() const noexcept;
    /// Call this when the service rejected a token. If it is the cached one, the next `token()` fetches a new one.
    void invalidate(const secret& rejected) const noexcept;

private:
    struct state;
    std::shared_ptr<const state> state_;
};

/// Azure credentials, named as in the Azure SDKs. They cache tokens as `token_provider` does, and run on `executor`,
/// which must be that of their clients.
///
/// Tokens are requested over https, or over http from loopback and link-local metadata addresses. Redirects are not
/// followed.
///
/// *Errors:* Token requests fail with `errc::credential_failed` and a one-line reason without secrets.

/// A service principal with a secret: AZURE_TENANT_ID, AZURE_CLIENT_ID, AZURE_CLIENT_SECRET, and AZURE_AUTHORITY_HOST
/// for other clouds.
CORUN_API credential environment_credential(asio::any_io_executor executor, identity_options options = {});

/// Workload identity federation, as in Kubernetes, for AZURE_TENANT_ID and AZURE_CLIENT_ID. The assertion in the file
/// AZURE_FEDERATED_TOKEN_FILE is read again after five minutes.
CORUN_API credential workload_identity_credential(asio::any_io_executor executor, identity_options options = {});

/// The managed identity of App Service, Functions or Container Apps (IDENTITY_ENDPOINT and IDENTITY_HEADER), otherwise
/// of a virtual machine (IMDS, or the host in AZURE_POD_IDENTITY_AUTHORITY_HOST). Requests to IMDS are retried after
/// 404, 410, 429 and 5xx.
CORUN_API credential managed_identity_credential(asio::any_io_executor executor, identity_options options = {});

/// The account of `az login`. Runs the Azure CLI, without a shell.
CORUN_API credential azure_cli_credential(asio::any_io_executor executor, identity_options options = {});

/// The first available of: environment, workload identity, managed identity (IMDS if it responds within a second),
/// Azure CLI. Later tokens come from the same one. If one is available but fails, the others are not tried, because
/// they may be another identity. If none is available, the error gives the reason for each.
CORUN_API credential default_credential(asio::any_io_executor executor, identity_options options = {});

}  // namespace corun
