#include "gateway/hub.hpp"
#include "gateway/request.hpp"
#include "server/http_server.hpp"
#include <corun/error.hpp>
#include <corun/gateway/gateway.hpp>

#include <asio/co_spawn.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>

#include <exception>
#include <utility>

namespace corun::gateway {

std::string_view request_head::header(std::string_view name) const noexcept {
    return http::find(fields, name);
}

std::string_view request_head::cookie(std::string_view name) const noexcept {
    for (const auto& [key, value] : fields) {
        if (!equal_ignoring_case(key, "Cookie")) continue;
        for (std::string_view rest = value; !rest.empty();) {
            std::string_view pair = rest.substr(0, rest.find(';'));
            rest.remove_prefix(std::min(pair.size() + 1, rest.size()));
            while (pair.starts_with(' ')) pair.remove_prefix(1);
            const auto equals = pair.find('=');
            if (equals != std::string_view::npos && pair.substr(0, equals) == name) return pair.substr(equals + 1);
        }
    }
    return {};
}

user::user(std::string its_id, mcp_header_source headers) : id(std::move(its_id)), mcp_headers(std::move(headers)) {}

struct gateway_server::impl : std::enable_shared_from_this<impl> {
    impl(asio::io_context& io, client service, agent runner, gateway_options options)
        : context(io),
          address(options.address),
          runs(std::make_shared<hub>(io.get_executor(), std::move(service), std::move(runner), std::move(options))),
          timer(io),
          progress(io.get_executor()) {
        for (const auto& each : {plain_routes(), session_routes(), chat_routes(), ag_ui_routes(), responses_routes()})
            routes.insert(routes.end(), each.begin(), each.end());
    }

    void listen(std::uint16_t port) {
        const gateway_options& options = runs->options();
        http::server_limits limits;
        limits.max_head_bytes = std::size_t{16} << 10;
        // A body that is a little too large is answered in the protocol's own words; one beyond that is not read.
        limits.max_body_bytes = options.max_body_bytes + options.max_body_bytes / 4 + (std::size_t{16} << 10);
        limits.max_connections = options.max_connections;
        limits.request_timeout = options.request_timeout;
        auto on_request = [weak = weak_from_this()](std::shared_ptr<http::exchange> exchange) {
            if (const auto self = weak.lock()) answer(*self->runs, self->routes, std::move(exchange));
        };
        listener.emplace(context, address, port, std::move(on_request), limits);
        tick();
        asio::co_spawn(context, open(shared_from_this()), [](std::exception_ptr) {
            // `open` catches everything.
        });
    }

    static asio::awaitable<void> open(std::shared_ptr<impl> self) {
        const std::shared_ptr<impl> kept = std::move(self);
        try {
            co_await kept->runs->open();
        } catch (...) {
            kept->problem = std::current_exception();
        }
        kept->is_open = true;
        kept->progress.notify();
    }

    static asio::awaitable<void> ready(std::shared_ptr<impl> self) {
        const std::shared_ptr<impl> kept = std::move(self);
        while (!kept->is_open) co_await kept->progress.wait();
        if (kept->problem) std::rethrow_exception(kept->problem);
    }

    void tick() {
        timer.expires_after(std::min<std::chrono::milliseconds>(std::chrono::seconds(1), shortest_time()));
        timer.async_wait([weak = weak_from_this()](std::error_code code) {
            const auto self = weak.lock();
            if (code || !self) return;
            self->runs->tick(std::chrono::steady_clock::now());
            self->progress.notify();
            self->tick();
        });
    }

    /// A tick is as exact as the shortest time needs it.
    [[nodiscard]] std::chrono::milliseconds shortest_time() const {
        const gateway_options& options = runs->options();
        auto shortest = std::chrono::milliseconds(1000);
        for (const auto each : {options.heartbeat, options.stall_timeout, options.keep_ended, options.answer_timeout})
            if (each.count() > 0) shortest = std::min(shortest, each);
        if (!options.redis.url.empty()) shortest = std::min(shortest, options.redis.patience / 4);
        return std::max(shortest, std::chrono::milliseconds(10));
    }

    static asio::awaitable<void> drain(std::shared_ptr<impl> self, std::chrono::milliseconds limit) {
        const std::shared_ptr<impl> kept = std::move(self);
        const auto end = std::chrono::steady_clock::now() + limit;
        kept->runs->drain();
        while (!kept->stopped && !kept->runs->is_idle() && std::chrono::steady_clock::now() < end)
            co_await kept->progress.wait();
    }

    void stop() {
        if (std::exchange(stopped, true)) return;
        timer.cancel();
        runs->stop();
        progress.notify();
        listener->stop();
    }

    asio::io_context& context;
    const std::string address;
    std::shared_ptr<hub> runs;
    std::vector<route> routes;
    std::optional<http::server> listener;
    asio::steady_timer timer;
    detail::wakeup progress;
    std::exception_ptr problem;
    bool is_open = false, stopped = false;
};

gateway_server::gateway_server(asio::io_context& context, client client, agent agent, gateway_options options) {
    if (!options.sign_in) throw error(errc::invalid_argument, "gateway_options::sign_in is empty");
    const std::uint16_t port = options.port;
    impl_ = std::make_shared<impl>(context, std::move(client), std::move(agent), std::move(options));
    impl_->listen(port);
}

gateway_server::~gateway_server() {
    if (impl_) stop();
}
gateway_server::gateway_server(gateway_server&&) noexcept = default;
gateway_server& gateway_server::operator=(gateway_server&& other) noexcept {
    if (impl_ && this != &other) stop();
    impl_ = std::move(other.impl_);
    return *this;
}

std::string gateway_server::url() const {
    const bool is_v6 = impl_->address.find(':') != std::string::npos;
    const std::string host = is_v6 ? "[" + impl_->address + "]" : impl_->address;
    return "http://" + host + ":" + std::to_string(impl_->listener->port());
}

std::string gateway_server::metrics() const {
    return metrics_text(impl_->runs->counted, impl_->runs->current());
}

asio::awaitable<void> gateway_server::ready() {
    return impl::ready(impl_);
}

asio::awaitable<void> gateway_server::drain(std::chrono::milliseconds limit) {
    return impl::drain(impl_, limit);
}

void gateway_server::stop() {
    impl_->stop();
}

}  // namespace corun::gateway
