#include "identity/source_context.hpp"

#include "async/asio_clock.hpp"
#include "async/notifier.hpp"
#include "curl/curl_transport.hpp"
#include "http/observed_transport.hpp"

namespace corun::identity {

shared_context make_context(asio::any_io_executor executor, identity_options options) {
    auto context = std::make_shared<source_context>();
    context->clock = detail::make_clock(executor);
    const detail::notifier notifier(executor, options.observer);
    const auto make_transport = [&](const curl::options& settings) {
        return detail::observed_transport(curl::make_transport(executor, settings), context->clock, notifier);
    };
    curl::options settings;
    settings.ca_file = options.ca_file;
    settings.proxy = options.proxy;
    context->transport = make_transport(settings);
    settings.proxy = "";
    context->direct_transport = make_transport(settings);
    context->executor = std::move(executor);
    context->options = std::move(options);
    return context;
}

token_provider make_provider(const shared_context& context, fetch source) {
    return token_provider(context->executor, std::move(source), context->options.clock);
}

}  // namespace corun::identity
