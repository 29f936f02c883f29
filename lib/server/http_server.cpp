#include "server/http_server.hpp"

#include "async/wakeup.hpp"
#include "server/cuttable_socket.hpp"
#include "text/ascii.hpp"

#include <asio/associated_cancellation_slot.hpp>
#include <asio/associated_executor.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>
#include <restinio/http_server.hpp>
#include <restinio/message_builders.hpp>
#include <restinio/null_logger.hpp>
#include <restinio/null_timer_manager.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace corun::http {
namespace {

using asio::ip::tcp;

class exchange_impl;

using steady = std::chrono::steady_clock;

/// Notifies the exchanges of a connection that it is closed, and knows which connections send no request.
class closed_listener {
public:
    struct connection {
        tcp::endpoint client;
        steady::time_point waits_since;
        std::size_t exchanges = 0;
    };

    std::multimap<restinio::connection_id_t, std::weak_ptr<exchange_impl>> exchanges;
    std::unordered_map<restinio::connection_id_t, connection> connections;
    std::size_t max_connections = 0;
    std::function<void(const tcp::endpoint&)> cut;

    void state_changed(const restinio::connection_state::notice_t& notice) noexcept;
    void exchange_begins(restinio::connection_id_t id) {
        if (const auto found = connections.find(id); found != connections.end()) ++found->second.exchanges;
    }
    void exchange_ends(restinio::connection_id_t id) {
        const auto found = connections.find(id);
        if (found == connections.end() || --found->second.exchanges > 0) return;
        found->second.waits_since = steady::now();
    }
    /// Cuts the connections that have waited for a request since this time or longer.
    void cut_idle(steady::time_point since) {
        for (const auto& [id, each] : connections)
            if (each.exchanges == 0 && each.waits_since <= since) cut(each.client);
    }
};

struct traits : restinio::traits_t<restinio::null_timer_manager_t, restinio::null_logger_t,
                                   std::function<restinio::request_handling_status_t(restinio::request_handle_t)>,
                                   restinio::noop_strand_t, cuttable_socket> {
    using connection_state_listener_t = closed_listener;
};

class exchange_impl final : public exchange, public std::enable_shared_from_this<exchange_impl> {
public:
    exchange_impl(asio::io_context& context, std::uint16_t port, restinio::request_handle_t handle,
                  std::weak_ptr<closed_listener> listener)
        : context_(context),
          port_(port),
          handle_(std::move(handle)),
          listener_(std::move(listener)),
          closing_(context.get_executor()) {
        request.method = handle_->header().method().c_str();
        request.target = handle_->header().request_target();
        // RESTinio leaves the blanks after a value, which are no part of it (RFC 9110, 5.5).
        handle_->header().for_each_field([this](const auto& field) {
            request.fields.emplace_back(field.name(), std::string(ascii::trim(field.value())));
        });
        request.body = handle_->body();
        client_ = handle_->remote_endpoint();
        auto& open = asio::use_service<open_sockets>(context_).by_endpoints;
        const auto socket = open.find({port_, client_});
        request.is_http_1_0 = socket != open.end() && socket->second->is_http_1_0();
        connection_ = handle_->connection_id();
    }
    ~exchange_impl() override {
        if (const auto listener = listener_.lock()) {
            listener->exchange_ends(connection_);
            const auto [first, last] = listener->exchanges.equal_range(connection_);
            for (auto i = first; i != last;) i = i->second.expired() ? listener->exchanges.erase(i) : std::next(i);
        }
        // Without a response the client would wait forever.
        if (handle_ || stream_) abort(false);
    }

    void respond(int status, fields head, std::string body) override {
        if (!handle_) return;
        const auto handle = std::move(handle_);
        handle_.reset();
        auto response = handle->create_response(status_line(status));
        for (auto& [name, value] : head) response.append_header(std::move(name), std::move(value));
        response.set_body(std::move(body));
        response.done();
    }

    void begin(int status, fields head) override {
        if (!handle_) return;
        const auto handle = std::move(handle_);
        handle_.reset();
        stream_.emplace(handle->create_response<restinio::chunked_output_t>(status_line(status)));
        for (auto& [name, value] : head) stream_->append_header(std::move(name), std::move(value));
        stream_->flush();
    }

    asio::awaitable<void> write(std::string bytes) override {
        return asio::async_initiate<const asio::use_awaitable_t<>, void(std::error_code)>(
            [this](auto handler, std::string chunk) {
                // The handler is move-only, and std::function needs a copyable target.
                auto shared = std::make_shared<decltype(handler)>(std::move(handler));
                const auto executor = asio::get_associated_executor(*shared, context_.get_executor());
                auto slot = asio::get_associated_cancellation_slot(*shared);
                if (slot.is_connected())
                    slot.assign([end = write_end{weak_from_this(), writes_ + 1}](asio::cancellation_type) {
                        end(asio::error::operation_aborted);
                    });
                start_write(std::move(chunk), [shared, executor, slot](std::error_code code) {
                    asio::post(executor, [shared, slot, code]() mutable {
                        slot.clear();
                        std::invoke(std::move(*shared), code);
                    });
                });
            },
            asio::use_awaitable, std::move(bytes));
    }

    void start_write(std::string bytes, std::function<void(std::error_code)> notify) override {
        const auto number = ++writes_;
        written_ = std::move(notify);
        if (!stream_ || is_closed_) return written(asio::error::broken_pipe);
        stream_->append_chunk(std::move(bytes));
        // The writer keeps this exchange alive, the exchange the connection, and the connection this callback, which
        // therefore must not own the writer.
        stream_->flush([end = write_end{weak_from_this(), number}](const std::error_code& code) {
            // A closed socket aborts its writes, but nobody has cancelled them.
            end(code ? asio::error::broken_pipe : std::error_code());
        });
    }

    void finish() override {
        if (!stream_) return;
        stream_->done();
        stream_.reset();
    }

    void abort(bool reset) override {
        handle_.reset();
        stream_.reset();
        auto& open = asio::use_service<open_sockets>(context_).by_endpoints;
        if (const auto found = open.find({port_, client_}); found != open.end() && !is_closed_)
            found->second->cut(reset);
    }

    asio::awaitable<void> closed() override {
        const auto self = shared_from_this();
        if (!is_closed_) co_await closing_.wait();
    }

    [[nodiscard]] bool is_closed() const noexcept override { return is_closed_; }
    void on_close(std::function<void()> notify) override { on_close_ = std::move(notify); }

    void set_closed() noexcept {
        is_closed_ = true;
        closing_.notify();
        if (const auto notify = std::exchange(on_close_, nullptr)) notify();
        written(asio::error::broken_pipe);
    }

    /// Releases those that wait, without telling them: the server stops, and the context may not run again.
    void drop_waiting() noexcept {
        written_ = nullptr;
        on_close_ = nullptr;
    }

private:
    /// What ends a write. One that was cancelled ends later, when another may be waiting.
    struct write_end {
        std::weak_ptr<exchange_impl> of;
        std::uint64_t number;

        void operator()(std::error_code code) const {
            if (const auto self = of.lock(); self && self->writes_ == number) self->written(code);
        }
    };
    void written(std::error_code code) {
        if (const auto notify = std::exchange(written_, nullptr)) notify(code);
    }

    static restinio::http_status_line_t status_line(int status) {
        return {restinio::http_status_code_t{static_cast<std::uint16_t>(status)}, reason(status)};
    }

    asio::io_context& context_;
    std::uint16_t port_;
    restinio::request_handle_t handle_;
    std::optional<restinio::response_builder_t<restinio::chunked_output_t>> stream_;
    std::weak_ptr<closed_listener> listener_;
    tcp::endpoint client_;
    restinio::connection_id_t connection_;
    detail::wakeup closing_;
    std::function<void(std::error_code)> written_;
    std::function<void()> on_close_;
    std::uint64_t writes_ = 0;
    bool is_closed_ = false;
};

void closed_listener::state_changed(const restinio::connection_state::notice_t& notice) noexcept {
    if (restinio::holds_alternative<restinio::connection_state::accepted_t>(notice.cause())) {
        connections.emplace(notice.connection_id(), connection{notice.remote_endpoint(), steady::now()});
        if (max_connections > 0 && connections.size() > max_connections) cut(notice.remote_endpoint());
        return;
    }
    if (!restinio::holds_alternative<restinio::connection_state::closed_t>(notice.cause())) return;
    connections.erase(notice.connection_id());
    const auto [first, last] = exchanges.equal_range(notice.connection_id());
    std::vector<std::shared_ptr<exchange_impl>> open;
    for (auto i = first; i != last; ++i)
        if (auto one = i->second.lock()) open.push_back(std::move(one));
    exchanges.erase(first, last);
    // They may end with that, and remove themselves from what is listed.
    for (const auto& one : open) one->set_closed();
}

}  // namespace

struct server::impl : std::enable_shared_from_this<impl> {
    impl(asio::io_context& io, handler on_request, server_limits server_limits)
        : context(io),
          listener(std::make_shared<closed_listener>()),
          handle(std::move(on_request)),
          limits(server_limits),
          sweep(io) {
        listener->max_connections = limits.max_connections;
        listener->cut = [this](const tcp::endpoint& client) {
            auto& open = asio::use_service<open_sockets>(context).by_endpoints;
            if (const auto found = open.find({port, client}); found != open.end()) found->second->cut(true);
        };
    }

    void open(const std::string& address, std::uint16_t wanted_port) {
        restinio::server_settings_t<traits> settings;
        settings.address(address)
            .port(wanted_port)
            .connection_state_listener(listener)
            // Keeps reading while a request is handled, so that a disconnect is noticed.
            .max_pipelined_requests(2)
            // Each connection has one, most of them while they only wait.
            .buffer_size(512)
            .concurrent_accepts_count(4)
            .acceptor_post_bind_hook([this](tcp::acceptor& acceptor) { port = acceptor.local_endpoint().port(); })
            .socket_options_setter([](restinio::socket_options_t& options) { options.set_option(tcp::no_delay(true)); })
            .request_handler([weak = weak_from_this()](restinio::request_handle_t request) {
                const auto self = weak.lock();
                if (!self || !self->handle) return restinio::request_rejected();
                const auto connection = request->connection_id();
                auto one =
                    std::make_shared<exchange_impl>(self->context, self->port, std::move(request), self->listener);
                self->listener->exchanges.emplace(connection, one);
                self->listener->exchange_begins(connection);
                self->handle(std::move(one));
                return restinio::request_accepted();
            });
        restinio::incoming_http_msg_limits_t message;
        if (limits.max_head_bytes > 0)
            message.max_url_size(limits.max_head_bytes)
                .max_field_name_size(limits.max_head_bytes)
                .max_field_value_size(limits.max_head_bytes)
                .max_field_count(max_fields);
        if (limits.max_body_bytes > 0) message.max_body_size(limits.max_body_bytes);
        settings.incoming_http_msg_limits(message);
        restinio_server.emplace(restinio::external_io_context(context), std::move(settings));
        restinio_server->open_sync();
        cut_idle_connections();
    }

    void cut_idle_connections() {
        if (limits.request_timeout.count() == 0) return;
        sweep.expires_after(std::min<steady::duration>(limits.request_timeout, std::chrono::seconds(1)));
        sweep.async_wait([weak = weak_from_this()](std::error_code code) {
            const auto self = weak.lock();
            if (code || !self || !self->handle) return;
            self->listener->cut_idle(steady::now() - self->limits.request_timeout);
            self->cut_idle_connections();
        });
    }

    static constexpr std::size_t max_fields = 100;

    asio::io_context& context;
    std::shared_ptr<closed_listener> listener;
    handler handle;
    server_limits limits;
    asio::steady_timer sweep;
    std::uint16_t port = 0;
    std::optional<restinio::http_server_t<traits>> restinio_server;
};

server::server(asio::io_context& context, const std::string& address, std::uint16_t port, handler on_request,
               server_limits limits)
    : impl_(std::make_shared<impl>(context, std::move(on_request), limits)) {
    impl_->open(address, port);
}

server::~server() {
    stop();
}

std::uint16_t server::port() const noexcept {
    return impl_->port;
}

void server::stop_accepting() {
    impl_->restinio_server->close_sync();
}

void server::stop() {
    if (!impl_->handle) return;
    impl_->sweep.cancel();
    impl_->restinio_server->close_sync();
    for (const auto& [key, socket] : asio::use_service<open_sockets>(impl_->context).by_endpoints)
        if (key.first == impl_->port) socket->cut(false);
    impl_->handle = nullptr;
    std::vector<std::shared_ptr<exchange_impl>> open;
    for (const auto& [connection, exchange] : impl_->listener->exchanges) open.push_back(exchange.lock());
    for (const auto& exchange : open)
        if (exchange) exchange->drop_waiting();
    asio::post(impl_->context, [keep = impl_] {});  // RESTinio's acceptor completes its operations there.
}

const char* reason(int status) noexcept {
    return ::http_status_str(static_cast<::http_status>(status));
}

std::string date(std::int64_t time) {
    static constexpr const char* days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static constexpr const char* months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                             "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const std::time_t seconds = time;
    std::tm parts{};
    ::gmtime_r(&seconds, &parts);
    char text[64];
    // Not strftime: it takes the names of days and months from the locale.
    std::snprintf(text, sizeof text, "%s, %02d %s %04d %02d:%02d:%02d GMT", days[parts.tm_wday], parts.tm_mday,
                  months[parts.tm_mon], parts.tm_year + 1900, parts.tm_hour, parts.tm_min, parts.tm_sec);
    return text;
}

}  // namespace corun::http
