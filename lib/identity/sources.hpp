#pragma once
#include "net/clock.hpp"
#include "net/transport.hpp"
#include <corun/credential.hpp>
#include <corun/error.hpp>
#include <corun/token_provider.hpp>

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>

#include <functional>
#include <memory>
#include <string>
#include <vector>

/// Where tokens come from. All functions that they give fail with `errc::credential_failed`.
namespace corun::identity {

/// What the sources need of the world.
struct context {
    context() = default;

    [[nodiscard]] std::chrono::system_clock::time_point now() const { return options.clock(); }
    [[nodiscard]] std::string variable(const std::string& name) const { return options.environment(name); }

    asio::any_io_executor executor;
    std::shared_ptr<net::transport> transport;
    std::shared_ptr<net::transport> direct;  ///< Without a proxy: for services beside this machine.
    std::shared_ptr<net::clock> clock;
    identity_options options;
};

using shared_context = std::shared_ptr<const context>;
using fetch = std::function<asio::awaitable<access_token>()>;

/// A source is not there, which is no failure if there is another.
class unavailable : public error {
public:
    explicit unavailable(std::string why) : error(errc::credential_failed, std::move(why)) {}
};

fetch environment(shared_context with);
fetch workload_identity(shared_context with);
/// `probes`: asks IMDS whether it is there before it is asked for a token.
fetch managed_identity(shared_context with, std::string client_id, bool probes);
fetch azure_cli(shared_context with);
/// The first of `sources` that is available; from then on that one.
fetch first_available(std::vector<fetch> sources);
/// `environment`, `workload_identity`, `managed_identity`, `azure_cli`.
fetch azure_default(shared_context with);

fetch google_identity_token(shared_context with, std::string audience);
/// Throws `errc::invalid_endpoint` and `errc::insecure_endpoint`.
fetch oauth_client_credentials(shared_context with, oauth_client client);

/// `fetch` behind a cache.
token_provider cached(const shared_context& with, fetch get);

}  // namespace corun::identity
