#include "mcp/server_pool.hpp"

#include "curl/curl_transport.hpp"
#include "http/observed_transport.hpp"
#include "mcp/exchange.hpp"

#include <utility>

namespace corun::mcp {

server_pool::server_pool(asio::any_io_executor executor, std::shared_ptr<net::clock> clock, detail::notifier hooks,
                         const client_options& options)
    : executor_(std::move(executor)), clock_(std::move(clock)), hooks_(std::move(hooks)), resolve_(options.resolve) {
    options_.connect_timeout = options.connect_timeout;
    options_.retry = options.retry;
    options_.ca_file = options.ca_file;
    options_.proxy = options.proxy;
}

server server_pool::at(const std::string& url) {
    const auto known = servers_.find(url);
    if (known != servers_.end()) return known->second;
    if (!transport_) {
        curl::options settings;
        settings.ca_file = options_.ca_file;
        settings.proxy = options_.proxy;
        settings.resolve = resolve_;
        transport_ = detail::observed_transport(curl::make_transport(executor_, std::move(settings)), clock_, hooks_);
    }
    server added(std::make_shared<server::state>(executor_, transport_, clock_, hooks_, url, options_));
    return servers_.emplace(url, std::move(added)).first->second;
}

}  // namespace corun::mcp
