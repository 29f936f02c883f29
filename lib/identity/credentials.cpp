// The public ways to tokens: sources, a transport and a clock put together.
#include "async/asio_clock.hpp"
#include "async/notifier.hpp"
#include "curl/curl_transport.hpp"
#include "http/observed_transport.hpp"
#include "identity/sources.hpp"

#include <cstdlib>
#include <utility>

namespace corun {
namespace {

identity::shared_context make_context(asio::any_io_executor executor, identity_options options) {
    auto made = std::make_shared<identity::context>();
    curl::options way;
    way.ca_file = options.ca_file;
    way.proxy = options.proxy;
    made->clock = detail::make_clock(executor);
    const detail::notifier notifier(executor, options.observer);
    made->transport = detail::observed_transport(curl::make_transport(executor, way), made->clock, notifier);
    way.proxy = "";
    made->direct = detail::observed_transport(curl::make_transport(executor, way), made->clock, notifier);
    made->executor = std::move(executor);
    made->options = std::move(options);
    return made;
}

}  // namespace

identity_options::identity_options()
    : environment([](const std::string& name) {
          const char* value = std::getenv(name.c_str());
          return std::string(value ? value : "");
      }),
      clock([] { return std::chrono::system_clock::now(); }) {}

oauth_client::oauth_client(std::string endpoint, std::string id, secret its_secret)
    : token_endpoint(std::move(endpoint)), client_id(std::move(id)), client_secret(std::move(its_secret)) {}

credential environment_credential(asio::any_io_executor executor, identity_options options) {
    const auto with = make_context(std::move(executor), std::move(options));
    return identity::cached(with, identity::environment(with));
}

credential workload_identity_credential(asio::any_io_executor executor, identity_options options) {
    const auto with = make_context(std::move(executor), std::move(options));
    return identity::cached(with, identity::workload_identity(with));
}

credential managed_identity_credential(asio::any_io_executor executor, identity_options options) {
    const auto with = make_context(std::move(executor), std::move(options));
    return identity::cached(with, identity::managed_identity(with, with->options.client_id, false));
}

credential azure_cli_credential(asio::any_io_executor executor, identity_options options) {
    const auto with = make_context(std::move(executor), std::move(options));
    return identity::cached(with, identity::azure_cli(with));
}

credential default_credential(asio::any_io_executor executor, identity_options options) {
    const auto with = make_context(std::move(executor), std::move(options));
    return identity::cached(with, identity::azure_default(with));
}

token_provider google_identity_token(asio::any_io_executor executor, std::string audience, identity_options options) {
    const auto with = make_context(std::move(executor), std::move(options));
    return identity::cached(with, identity::google_identity_token(with, std::move(audience)));
}

token_provider oauth_client_credentials(asio::any_io_executor executor, oauth_client client, identity_options options) {
    const auto with = make_context(std::move(executor), std::move(options));
    return identity::cached(with, identity::oauth_client_credentials(with, std::move(client)));
}

}  // namespace corun
