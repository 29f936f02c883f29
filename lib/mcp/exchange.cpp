#include "mcp/exchange.hpp"

#include "async/asio_clock.hpp"
#include "async/attempt.hpp"
#include "async/backoff.hpp"
#include "async/task.hpp"
#include "async/wait.hpp"
#include "curl/curl_transport.hpp"
#include "http/observed_transport.hpp"
#include "http/retry_after.hpp"
#include "http/service_error.hpp"
#include "mcp/header_rules.hpp"
#include "run/retry.hpp"
#include "text/random.hpp"
#include "text/url.hpp"

#include <algorithm>
#include <utility>

namespace corun::mcp {
namespace {

constexpr int max_resumptions = 3;
constexpr std::chrono::milliseconds first_resumption = std::chrono::seconds{1};

curl::options transport_options(const server_options& options) {
    curl::options settings;
    settings.ca_file = options.ca_file;
    settings.proxy = options.proxy;
    return settings;
}

net::request http_request(const server::state& server, const outgoing& request) {
    net::request http;
    http.method = request.http_method;
    http.context.rpc_method = request.method;
    http.url = server.url;
    http.headers = request.fields;
    http.body = secret(request.body);
    http.idempotent = request.can_be_repeated;
    http.follows_another = true;
    http.connect_timeout = server.options.connect_timeout;
    if (request.total.count() > 0)
        http.connect_timeout =
            http.connect_timeout.count() > 0 ? std::min(http.connect_timeout, request.total) : request.total;
    for (const header& field : request.fields)
        if (!detail::is_shown_header(field.name) && !field.name.starts_with("Mcp-Param-"))
            http.context.secrets.add(field.value);
    return http;
}

/// Answers a request of the server with the credentials of the request in whose stream it has arrived.
void answer_in_background(const std::shared_ptr<server::state>& server, const outgoing& asked, const message& request) {
    outgoing answer;
    answer.method = request.method;
    answer.body = encode_answer(request);
    answer.fields = asked.fields;
    answer.total = server->options.request_timeout;
    send_in_background(server, std::move(answer));
}

asio::awaitable<bool> ignore_outcome(std::shared_ptr<server::state> server, outgoing notification) {
    const auto sent = co_await detail::attempt(exchange(std::move(server), std::move(notification)));
    co_return sent.has_value();
}

/// One request whose answer may arrive in several responses.
class exchange_in_progress {
public:
    exchange_in_progress(std::shared_ptr<server::state> server, outgoing request)
        : server_(std::move(server)),
          request_(std::move(request)),
          began_(server_->clock->now()),
          reader_(std::to_string(request_.id), server_->options.max_response_bytes, events_of()) {}

    static asio::awaitable<incoming> run(std::shared_ptr<exchange_in_progress> self) {
        incoming first = co_await receive(self, self->http_request_of());
        if (!self->is_waiting(first)) co_return first;
        int tries = 0;
        detail::backoff delays(first_resumption, std::chrono::minutes{1});
        while (self->is_waiting(first)) {
            if (!self->can_continue() || tries == max_resumptions) throw self->lost();
            const std::size_t messages = self->reader_.messages();
            co_await detail::sleep_until(self->server_->clock, self->server_->clock->now() + self->delay(delays));
            incoming next = co_await receive(self, self->continuation());
            if (!next.is_success()) throw error_of(*self->server_, self->request_.method, next);
            tries = self->reader_.messages() == messages ? tries + 1 : 0;
            if (tries == 0) delays.reset();
            first.answer = std::move(next.answer);
        }
        co_return first;
    }

private:
    answer_reader::events events_of() {
        answer_reader::events events;
        events.on_request = [this](const message& asked) {
            if (request_.continues) answer_in_background(server_, request_, asked);
        };
        events.on_progress = request_.on_progress;
        return events;
    }

    net::request http_request_of() {
        net::request http = http_request(*server_, request_);
        wipe(request_.body);
        return http;
    }

    net::request continuation() {
        net::request http = http_request(*server_, request_);
        http.method = "GET";
        http.headers.erase("Content-Type");
        http.headers.set("Accept", "text/event-stream");
        http.headers.set("Last-Event-ID", reader_.last_event_id());
        http.streams = true;
        return http;
    }

    [[nodiscard]] bool is_waiting(const incoming& response) const noexcept {
        return request_.id != 0 && response.is_success() && !response.answer;
    }
    [[nodiscard]] bool can_continue() const noexcept { return request_.continues && !reader_.last_event_id().empty(); }
    [[nodiscard]] std::chrono::milliseconds delay(detail::backoff& delays) const {
        return reader_.retry_after().value_or(delays.next());
    }

    [[nodiscard]] error lost() const { return error(errc::connection_lost, "its response ended without an answer"); }

    [[nodiscard]] detail::call_limits limits() const {
        detail::call_limits limits;
        limits.max_bytes = detail::max_error_body;
        limits.idle = request_.idle;
        if (request_.total.count() == 0) return limits;
        const auto passed = std::chrono::ceil<std::chrono::milliseconds>(server_->clock->now() - began_);
        if (passed >= request_.total) throw error(errc::total_timeout, "");
        limits.total = request_.total - passed;
        return limits;
    }

    static asio::awaitable<incoming> receive(std::shared_ptr<exchange_in_progress> self, net::request http) {
        incoming received;
        received.secrets = http.context.secrets;
        bool begun = false;
        detail::call_handlers handlers;
        if (self->request_.id != 0) {
            answer_reader& reader = self->reader_;
            handlers.on_part = [&reader, &begun](const net::response_head& head, std::string_view part) {
                if (!std::exchange(begun, true)) reader.begin(head.media_type());
                return reader.read(part);
            };
        }
        auto calling = detail::http_call(self->server_->transport, self->server_->clock, std::move(http),
                                         self->limits(), handlers);
        auto outcome = co_await detail::attempt(std::move(calling));
        if (!outcome.has_value() && !self->is_continued_after(outcome.failure())) (void)outcome.take();
        if (outcome.has_value()) {
            detail::http_response response = outcome.take();
            received.head = std::move(response.head);
            received.body = std::move(response.body);
        } else {
            received.head.status = 200;
        }
        if (self->request_.id == 0) co_return received;
        if (received.is_success())
            self->end(begun, received);
        else
            take_error(received);
        co_return received;
    }

    /// A stream that broke off after an event with an id goes on elsewhere.
    [[nodiscard]] bool is_continued_after(const std::exception_ptr& failure) const {
        try {
            std::rethrow_exception(failure);
        } catch (const error& problem) {
            return problem.code() == errc::connection_lost && can_continue();
        } catch (...) {
            return false;
        }
    }

    void end(bool begun, incoming& received) {
        if (begun && !reader_.answer()) reader_.end();
        received.answer = std::move(reader_.answer());
    }

    /// Servers explain most of their statuses by a JSON-RPC error.
    static void take_error(incoming& received) {
        auto messages = read_messages(received.body);
        if (!messages || messages->size() != 1 || !messages->front().error) return;
        received.answer = std::move(messages->front());
    }

    std::shared_ptr<server::state> server_;
    outgoing request_;
    net::time_point began_;
    answer_reader reader_;
};

/// Whether a server has certainly not carried out a request that failed so.
bool was_not_sent(const error& failure) noexcept {
    return failure.code() == errc::connect_failed || failure.code() == errc::connect_timeout;
}

bool asks_to_wait(const incoming& response) noexcept {
    return response.head.status == 429 || response.head.status == 503;
}

}  // namespace

server::state::state(asio::any_io_executor its_executor, std::string its_url, server_options settings)
    : state(its_executor, nullptr, detail::make_clock(its_executor), detail::notifier(), std::move(its_url),
            std::move(settings)) {
    hooks = detail::notifier(executor, options.observer);
    transport = detail::observed_transport(curl::make_transport(executor, transport_options(options)), clock, hooks);
}

server::state::state(asio::any_io_executor its_executor, std::shared_ptr<net::transport> its_transport,
                     std::shared_ptr<net::clock> its_clock, detail::notifier its_hooks, std::string its_url,
                     server_options settings)
    : executor(std::move(its_executor)),
      transport(std::move(its_transport)),
      clock(std::move(its_clock)),
      hooks(std::move(its_hooks)),
      url(std::move(its_url)),
      options(std::move(settings)) {
    const auto parts = detail::parse_url(url);
    if (!parts || parts->user_info || url.find('#') != url.npos)
        throw error(errc::invalid_endpoint,
                    "the URL of the MCP server, " + detail::quote_url(url) +
                        ", is not an absolute http or https URL, or contains a user name or a fragment");
    origin = detail::origin_of(*parts);
    may_carry_credentials = detail::may_carry_credentials(*parts);
    if (options.max_response_bytes == 0 || options.max_pages == 0)
        throw error(errc::invalid_argument, "server_options: max_response_bytes and max_pages must be at least 1");
}

void check_headers(const server::state& server, const headers& fields) {
    check_headers(fields, server.origin);
    if (!fields.empty() && !server.may_carry_credentials)
        throw error(errc::insecure_endpoint, "the MCP server " + server.origin +
                                                 " is reached over plain http; headers are sent over https, or over "
                                                 "http to this machine only");
}

asio::awaitable<incoming> exchange(std::shared_ptr<server::state> server, outgoing request) {
    const std::string method = request.method;
    auto going = std::make_shared<exchange_in_progress>(server, std::move(request));
    auto outcome = co_await detail::attempt(exchange_in_progress::run(std::move(going)));
    if (outcome.has_value()) co_return outcome.take();
    try {
        (void)outcome.take();
    } catch (const error& failure) {
        throw named(*server, method, failure);
    }
    co_return incoming();
}

asio::awaitable<incoming> send(std::shared_ptr<server::state> server, outgoing request) {
    run::retry_schedule schedule(server->options.retry);
    const std::string method = request.method;
    while (true) {
        auto attempted = co_await detail::attempt(exchange(server, request));
        std::optional<error> failure;
        std::optional<incoming> response;
        try {
            response = attempted.take();
            if (!asks_to_wait(*response)) co_return std::move(*response);
            failure = error_of(*server, method, *response);
        } catch (const error& problem) {
            if (!was_not_sent(problem)) throw;
            failure = problem;
        }
        const auto delay = schedule.next(failure->retry_after(), detail::random_fraction());
        if (!delay) throw *failure;
        retry_record record;
        record.attempt = schedule.retries();
        record.why = failure->code();
        record.status = failure->status();
        record.delay = *delay;
        record.delay_from_service = failure->retry_after().has_value();
        server->hooks.notify(&observer::on_retry, record);
        co_await detail::sleep_until(server->clock, server->clock->now() + *delay);
    }
}

void send_in_background(std::shared_ptr<server::state> server, outgoing notification) {
    const asio::any_io_executor executor = server->executor;
    (void)detail::task<bool>::start(executor, ignore_outcome(std::move(server), std::move(notification)));
}

error error_of(const server::state& server, std::string_view method, const incoming& response) {
    const error failure = detail::service_error(response.head, response.body, "a JSON-RPC message", response.secrets);
    return named(server, method, failure);
}

error error_of(const server::state& server, std::string_view method, const rpc_error& problem) {
    diagnostics details;
    details.service_code = std::to_string(problem.code);
    details.service_message = problem.message;
    return named(server, method, error(errc::mcp_error, std::move(details)));
}

error named(const server::state& server, std::string_view method, const error& failure) {
    diagnostics details = failure.details();
    std::string subject = "MCP server " + server.origin + ", " + std::string(method);
    if (!details.message.starts_with("MCP server "))
        details.message = subject + (details.message.empty() ? "" : ": " + details.message);
    return error(failure.code(), std::move(details));
}

}  // namespace corun::mcp
