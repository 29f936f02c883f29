#pragma once
#include <corun/export.hpp>
#include <corun/secret.hpp>
#include <corun/token_provider.hpp>

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>

#include <functional>
#include <memory>

namespace corun {

/// Where a client gets its token for the service. A cheap handle; copies share what is behind it.
class CORUN_API credential {
public:
    /// No credential: no `Authorization` header is sent.
    credential();
    /// Tokens that expire. After a 401 another one is fetched and the request sent again, once.
    credential(token_provider tokens);
    /// A bearer token that the caller has.
    static credential bearer(secret token);
    /// A key, sent as `api-key` instead of `Authorization`.
    static credential api_key(secret key);
    /// A function asked for a bearer token before each request. It runs on the client's executor
    /// and caches as it likes. What it throws reaches the caller of the request as
    /// `errc::credential_failed`. For tokens that are to be kept, make it a `token_provider`.
    static credential callback(std::function<asio::awaitable<secret>()> get_token);

    /// True unless default-constructed.
    explicit operator bool() const noexcept;
    /// The token or key to send now; empty without a credential.
    [[nodiscard]] asio::awaitable<secret> token() const;

    /// True when `token()` is a key, not a bearer token.
    [[nodiscard]] bool is_api_key() const noexcept;
    /// True when another token can be had in place of one that was refused.
    [[nodiscard]] bool can_refresh() const noexcept;
    /// The service has refused this token: if it is the one kept, the next `token()` fetches another.
    void invalidate(const secret& rejected) const noexcept;

private:
    struct state;
    std::shared_ptr<const state> state_;
};

/// Credentials for Azure, named as in the Azure SDKs, which keep their tokens as a `token_provider`
/// does. They live on `executor`, the one of the clients they are given to. What they cannot do is
/// `errc::credential_failed`, with one line that says why; it never holds a secret. Tokens go over
/// https, or over http to loopback and link-local metadata addresses; redirects are not followed.

/// A service principal and its secret: AZURE_TENANT_ID, AZURE_CLIENT_ID, AZURE_CLIENT_SECRET, and
/// AZURE_AUTHORITY_HOST for other clouds.
CORUN_API credential environment_credential(asio::any_io_executor executor, identity_options options = {});

/// Workload identity federation, as in Kubernetes: the assertion in the file AZURE_FEDERATED_TOKEN_FILE,
/// which is read again after five minutes, for AZURE_TENANT_ID and AZURE_CLIENT_ID.
CORUN_API credential workload_identity_credential(asio::any_io_executor executor, identity_options options = {});

/// The managed identity of App Service, Functions or Container Apps (IDENTITY_ENDPOINT and
/// IDENTITY_HEADER), else that of a virtual machine (IMDS; AZURE_POD_IDENTITY_AUTHORITY_HOST names
/// another host). An answer of IMDS that may pass (404, 410, 429, 5xx) is asked for again.
CORUN_API credential managed_identity_credential(asio::any_io_executor executor, identity_options options = {});

/// The account that `az login` has logged in. Runs the Azure CLI, without a shell.
CORUN_API credential azure_cli_credential(asio::any_io_executor executor, identity_options options = {});

/// The first of these that is there, in this order: environment, workload identity, managed identity
/// (IMDS if it answers within a second), Azure CLI. Later tokens come from the same one. One that is
/// there and fails ends the search: another might be somebody else. If none serves, the error tells
/// why of each.
CORUN_API credential default_credential(asio::any_io_executor executor, identity_options options = {});

}  // namespace corun
