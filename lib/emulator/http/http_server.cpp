#include "emulator/http/http_server.hpp"

#include "async/wakeup.hpp"

#include <asio/associated_cancellation_slot.hpp>
#include <asio/associated_executor.hpp>
#include <asio/execution_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/post.hpp>
#include <asio/use_awaitable.hpp>
#include <restinio/http_server.hpp>
#include <restinio/message_builders.hpp>
#include <restinio/null_logger.hpp>
#include <restinio/null_timer_manager.hpp>

#include <cstdio>
#include <ctime>
#include <functional>
#include <map>
#include <optional>
#include <utility>
#include <vector>

namespace corun::emulator::http {
namespace {

using asio::ip::tcp;

/// RESTinio cannot cut a connection or close idle ones, but it lets us choose its socket type: this one is found by
/// its endpoints wherever RESTinio moves it.
class cuttable_socket;

class open_sockets : public asio::execution_context::service {
public:
    using key_type = open_sockets;
    static inline asio::execution_context::id id;
    using key = std::pair<std::uint16_t, tcp::endpoint>;  // our port, the client's endpoint

    explicit open_sockets(asio::execution_context& context) : service(context) {}
    void shutdown() noexcept override {}

    std::map<key, cuttable_socket*> by_endpoints;
};

class cuttable_socket : public tcp::socket {
public:
    explicit cuttable_socket(asio::io_context& context)
        : tcp::socket(context), open_(&asio::use_service<open_sockets>(context)) {}
    cuttable_socket(cuttable_socket&& other)
        : tcp::socket(std::move(other)), open_(other.open_), reset_(other.reset_), key_(std::move(other.key_)) {
        other.key_.reset();
        // The socket that the acceptor filled has no key yet: the first move gives it one.
        if (!key_ && is_open()) {
            std::error_code local, remote;
            open_sockets::key key{local_endpoint(local).port(), remote_endpoint(remote)};
            if (!local && !remote) key_ = key;
        }
        if (key_) open_->by_endpoints[*key_] = this;
    }
    cuttable_socket& operator=(cuttable_socket&&) = delete;
    ~cuttable_socket() { forget(); }

    /// Ends RESTinio's pending read, which makes it close the connection.
    void cut(bool reset) {
        std::error_code ignored;
        if (reset) {
            reset_ = true;
            set_option(tcp::socket::linger(true, 0), ignored);
        }
        tcp::socket::shutdown(shutdown_receive, ignored);
    }

    // RESTinio shuts down and then closes: the shutdown would send FIN before the close can send RST.
    std::error_code shutdown(shutdown_type type, std::error_code& code) {
        return reset_ ? std::error_code{} : tcp::socket::shutdown(type, code);
    }
    void close() {
        forget();
        tcp::socket::close();
    }

private:
    void forget() noexcept {
        if (!key_) return;
        const auto found = open_->by_endpoints.find(*key_);
        if (found != open_->by_endpoints.end() && found->second == this) open_->by_endpoints.erase(found);
        key_.reset();
    }

    open_sockets* open_;
    bool reset_ = false;
    std::optional<open_sockets::key> key_;
};

class exchange_impl;

/// Notifies the exchanges of a connection that it is closed.
class closed_listener {
public:
    std::multimap<restinio::connection_id_t, std::weak_ptr<exchange_impl>> exchanges;
    void state_changed(const restinio::connection_state::notice_t& notice) noexcept;
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
        handle_->header().for_each_field(
            [this](const auto& field) { request.fields.emplace_back(field.name(), field.value()); });
        request.body = handle_->body();
        client_ = handle_->remote_endpoint();
        connection_ = handle_->connection_id();
    }
    ~exchange_impl() override {
        if (const auto listener = listener_.lock()) {
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
                // The notification may come from within flush.
                written_ = [shared, executor, slot](std::error_code code) {
                    asio::post(executor, [shared, slot, code]() mutable {
                        slot.clear();
                        std::invoke(std::move(*shared), code);
                    });
                };
                const auto number = ++writes_;
                const auto notify = [weak = weak_from_this(), number](std::error_code code) {
                    // A cancelled write ends later, when another may be waiting.
                    if (const auto self = weak.lock(); self && self->writes_ == number) self->written(code);
                };
                if (slot.is_connected())
                    slot.assign([notify](asio::cancellation_type) { notify(asio::error::operation_aborted); });
                if (!stream_ || is_closed_) return written(asio::error::broken_pipe);
                stream_->append_chunk(std::move(chunk));
                // The writer keeps this exchange alive, the exchange the connection, and the connection this
                // callback, which therefore must not own the writer.
                stream_->flush([notify](const std::error_code& code) {
                    // A closed socket aborts its writes, but nobody has cancelled them.
                    notify(code ? asio::error::broken_pipe : std::error_code());
                });
            },
            asio::use_awaitable, std::move(bytes));
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

    void set_closed() noexcept {
        is_closed_ = true;
        closing_.notify();
        written(asio::error::broken_pipe);
    }

    /// Releases a pending `write` without completing it: the server stops, and the context may not run again.
    void drop_writer() noexcept { written_ = nullptr; }

private:
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
    std::uint64_t writes_ = 0;
    bool is_closed_ = false;
};

void closed_listener::state_changed(const restinio::connection_state::notice_t& notice) noexcept {
    if (!restinio::holds_alternative<restinio::connection_state::closed_t>(notice.cause())) return;
    const auto [first, last] = exchanges.equal_range(notice.connection_id());
    for (auto i = first; i != last; ++i)
        if (const auto one = i->second.lock()) one->set_closed();
    exchanges.erase(first, last);
}

}  // namespace

struct server::impl : std::enable_shared_from_this<impl> {
    impl(asio::io_context& io, handler on_request)
        : context(io), listener(std::make_shared<closed_listener>()), handle(std::move(on_request)) {}

    void open(const std::string& address, std::uint16_t wanted_port) {
        restinio::server_settings_t<traits> settings;
        settings.address(address)
            .port(wanted_port)
            .connection_state_listener(listener)
            // Keeps reading while a request is handled, so that a disconnect is noticed.
            .max_pipelined_requests(8)
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
                self->handle(std::move(one));
                return restinio::request_accepted();
            });
        restinio_server.emplace(restinio::external_io_context(context), std::move(settings));
        restinio_server->open_sync();
    }

    asio::io_context& context;
    std::shared_ptr<closed_listener> listener;
    handler handle;
    std::uint16_t port = 0;
    std::optional<restinio::http_server_t<traits>> restinio_server;
};

server::server(asio::io_context& context, const std::string& address, std::uint16_t port, handler on_request)
    : impl_(std::make_shared<impl>(context, std::move(on_request))) {
    impl_->open(address, port);
}

server::~server() {
    stop();
}

std::uint16_t server::port() const noexcept {
    return impl_->port;
}

void server::stop() {
    if (!impl_->handle) return;
    impl_->restinio_server->close_sync();
    for (const auto& [key, socket] : asio::use_service<open_sockets>(impl_->context).by_endpoints)
        if (key.first == impl_->port) socket->cut(false);
    impl_->handle = nullptr;
    std::vector<std::shared_ptr<exchange_impl>> open;
    for (const auto& [connection, exchange] : impl_->listener->exchanges) open.push_back(exchange.lock());
    for (const auto& exchange : open)
        if (exchange) exchange->drop_writer();
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

}  // namespace corun::emulator::http
