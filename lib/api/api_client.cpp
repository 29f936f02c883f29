#include "api/api_client.hpp"

#include "api/request_headers.hpp"
#include "async/executor_checks.hpp"
#include "async/wait.hpp"
#include "http/observed_transport.hpp"
#include "http/retry_after.hpp"
#include "identity/bearer.hpp"
#include "run/retry.hpp"
#include "text/random.hpp"
#include <corun/version.hpp>

#include <algorithm>
#include <ctime>
#include <string>
#include <utility>

namespace corun::detail {
namespace {

static_assert(std::string_view(CORUN_VERSION) == CORUN_VERSION_CHECK, "version.hpp and meson.build differ");

/// How long a client may wait; 0 is no limit.
void check_timeouts(const client_options& options) {
    const std::pair<const char*, std::chrono::milliseconds> timeouts[] = {
        {"connect_timeout", options.connect_timeout}, {"idle_timeout", options.idle_timeout},
        {"event_timeout", options.event_timeout},     {"total_timeout", options.total_timeout},
        {"stop_timeout", options.stop_timeout},
    };
    for (const auto& [name, timeout] : timeouts)
        if (timeout.count() < 0)
            throw error(errc::invalid_argument, std::string("client_options::") + name +
                                                    " is negative: " + std::to_string(timeout.count()) + " ms");
}

std::string user_agent(const client_options& options) {
    std::string product = options.application_id;
    if (!product.empty()) product += ' ';
    product += "corun/" CORUN_VERSION;
    if (!is_header_value(product))
        throw error(errc::invalid_argument,
                    "client_options::application_id contains characters that are not allowed in a header");
    return product;
}

}  // namespace

api_client::api_client(asio::any_io_executor e, std::string_view endpoint, corun::credential credential,
                       client_options o, const codec::resource_codec& resource_codec, std::shared_ptr<net::transport> t,
                       std::shared_ptr<net::clock> c)
    : executor(std::move(e)),
      notifier(executor, o.observer),
      transport(observed_transport(std::move(t), c, notifier)),
      clock(std::move(c)),
      options(std::move(o)),
      resources(resource_codec),
      mcp_servers(std::make_shared<mcp::server_pool>(executor, clock, notifier, options)),
      endpoint_(checked_endpoint(endpoint, static_cast<bool>(credential))),
      credential_(std::move(credential)),
      user_agent_(user_agent(options)),
      request_headers_(options.request_headers) {
    if (credential_.is_api_key() && is_openai(endpoint_))
        throw error(errc::invalid_argument, "OpenAI expects its key as a bearer token: use credential::bearer");
    if (options.api_version.empty()) throw error(errc::invalid_argument, "client_options::api_version is empty");
    check_timeouts(options);
    check_request_headers(request_headers_, "client_options::request_headers");
}

std::shared_ptr<api_client> api_client::for_run(std::shared_ptr<api_client> self, const run_options& run) {
    check_request_headers(run.request_headers, "run_options::request_headers");
    if (run.request_headers.empty() && run.tag.empty()) return self;
    auto client = std::make_shared<api_client>(*self);
    override_headers(client->request_headers_, run.request_headers);
    client->tag_ = run.tag;
    return client;
}

void api_client::notify_retry(const error& cause, std::string_view request_id, int attempt,
                              std::chrono::milliseconds delay, std::string_view run_id,
                              std::string_view thread_id) const noexcept {
    if (!notifier.wants(&observer::on_retry)) return;
    try {
        retry_record record;
        record.tag = tag_;
        record.client_request_id = request_id;
        record.run_id = run_id;
        record.thread_id = thread_id;
        record.attempt = attempt;
        record.why = cause.code();
        record.status = cause.status();
        record.delay = delay;
        record.delay_from_service = cause.retry_after().has_value();
        notifier.notify(&observer::on_retry, std::move(record));
    } catch (...) {
        // No memory: the work itself is more important.
    }
}

std::int64_t api_client::time() const noexcept {
    return std::time(nullptr) + clock_skew_;
}

void api_client::note_time(const net::response_head& head) noexcept {
    if (const auto date = parse_http_date(head.field("date"))) clock_skew_ = *date - std::time(nullptr);
}

asio::awaitable<secret> api_client::get_token(std::shared_ptr<api_client> self) {
    secret token;
    std::string problem;
    std::optional<error> failure;
    try {
        token = co_await self->credential_.token();
    } catch (const error& thrown) {
        failure = thrown;
        problem = thrown.what();
    } catch (const std::exception& thrown) {
        problem = thrown.what();
    }
    const auto state = co_await asio::this_coro::cancellation_state;
    if (state.cancelled() != asio::cancellation_type::none) throw std::system_error(asio::error::operation_aborted);
    if (failure && failure->code() == errc::credential_failed) throw error(*failure);
    if (problem.empty() && token.empty()) problem = "the token is empty";
    if (problem.empty() && !is_header_value(token.reveal()))
        problem = "the token contains characters that are not allowed in a header";
    if (!problem.empty()) throw error(errc::credential_failed, std::move(problem));
    co_return token;
}

void api_client::add_token(prepared_request& prepared) const {
    if (credential_.is_api_key()) {
        prepared.secrets.add(prepared.token);
        prepared.request.headers.set("api-key", prepared.token);
        return;
    }
    secret authorization = identity::bearer_authorization(prepared.token);
    prepared.secrets.add(authorization);
    prepared.request.headers.set("Authorization", std::move(authorization));
}

asio::awaitable<prepared_request> api_client::make_request(std::shared_ptr<api_client> self, std::string request_id,
                                                           std::string method, std::string path, std::string query,
                                                           secret body, redactor secrets) {
    prepared_request prepared;
    const asio::any_io_executor caller = co_await asio::this_coro::executor;
    check_caller(self->executor, caller);
    prepared.secrets = std::move(secrets);
    if (self->credential_) {
        prepared.token = co_await get_token(self);
        self->add_token(prepared);
    }
    net::request& request = prepared.request;
    for (const header& field : self->request_headers_) {
        if (!is_shown_header(field.name)) prepared.secrets.add(field.value);
        request.headers.add(field);
    }
    request.method = std::move(method);
    std::string_view version;
    if (self->resources.has_api_version(self->kind(), path)) version = self->options.api_version;
    request.url = request_url(self->endpoint_, path, version, query);
    request.headers.set("Accept", "application/json");
    if (!body.empty()) request.headers.set("Content-Type", "application/json");
    request.headers.set("User-Agent", self->user_agent_);
    request.headers.set("x-ms-client-request-id", std::move(request_id));
    request.body = std::move(body);
    request.context.tag = self->tag_;
    if (self->notifier.wants(&observer::on_wire)) request.context.secrets = prepared.secrets;
    request.connect_timeout = self->options.connect_timeout;
    co_return prepared;
}

asio::awaitable<std::string> api_client::call(std::shared_ptr<api_client> self, std::string method, std::string path,
                                              std::string query, secret body, redactor secrets, repeat repeatable) {
    using action = run::call_retries::action;
    const std::string id = random_uuid();
    const std::chrono::milliseconds total = self->options.total_timeout;
    std::optional<net::time_point> deadline;
    if (total.count() > 0) deadline = self->clock->now() + total;
    run::call_retries retries(self->options.retry, method, repeatable == repeat::idempotent, self->can_refresh());
    for (int attempt = 1;; ++attempt) {
        prepared_request prepared = co_await make_request(self, id, method, path, query, body, secrets);
        prepared.deadline = deadline;
        prepared.request.context.attempt = attempt;
        prepared.request.idempotent = repeatable == repeat::idempotent;
        std::optional<error> failure;
        try {
            co_return co_await send(self, std::move(prepared));
        } catch (const error& thrown) {
            failure = thrown;
        }
        const net::time_point now = self->clock->now();
        std::optional<std::chrono::nanoseconds> left;
        if (deadline) left = *deadline - now;
        const run::call_retries::decision next = retries.after(*failure, left, random_fraction());
        if (next.action == action::refresh_token) continue;
        if (next.action == action::succeed) co_return std::string("{}");
        if (next.action == action::fail) {
            diagnostics details = failure->details();
            details.attempts = attempt;
            throw error(failure->code(), std::move(details));
        }
        self->notify_retry(*failure, id, attempt, next.delay);
        co_await sleep_until(self->clock, now + next.delay);
    }
}

error api_client::response_error(const net::response_head& head, std::string_view body, std::string_view expected_type,
                                 const redactor& secrets) const {
    error failure = service_error(head, body, expected_type, secrets);
    if (failure.code() != errc::unauthorized || !credential_.is_api_key()) return failure;
    diagnostics details = failure.details();
    details.message = "the key was sent as `api-key`; a server that expects a bearer token needs credential::bearer";
    return error(failure.code(), std::move(details));
}

call_limits api_client::limits_of(const prepared_request& prepared) const {
    using std::chrono::milliseconds;
    call_limits limits;
    limits.max_bytes = options.max_response_bytes;
    limits.high_water_bytes = options.high_water_bytes;
    limits.idle = options.idle_timeout;
    limits.total = options.total_timeout;
    // 0 would be no limit.
    if (prepared.deadline)
        limits.total = std::max(std::chrono::ceil<milliseconds>(*prepared.deadline - clock->now()), milliseconds(1));
    return limits;
}

asio::awaitable<std::string> api_client::send(std::shared_ptr<api_client> self, prepared_request prepared,
                                              call_handlers handlers) {
    const bool any_type = handlers.on_body || self->options.any_content_type;
    const call_limits limits = self->limits_of(prepared);
    http_response response =
        co_await http_call(self->transport, self->clock, std::move(prepared.request), limits, std::move(handlers));
    self->note_time(response.head);
    const int status = response.head.status;
    if (status == 401) self->reject_token(prepared.token);
    const std::string_view type = response.head.media_type();
    const bool right_type = any_type || type.empty() || equal_ignoring_case(type, "application/json");
    if (status < 200 || status >= 300 || !right_type)
        throw self->response_error(response.head, response.body, "application/json", prepared.secrets);
    if (response.truncated) {
        diagnostics details;
        details.status = status;
        details.request_id = request_id_of(response.head);
        details.message = "the response is larger than " + std::to_string(limits.max_bytes) + " bytes";
        prepared.secrets.redact(details);
        throw error(errc::response_too_large, std::move(details));
    }
    co_return std::move(response.body);
}

void throw_unavailable(const api_client& api, std::string_view call) {
    throw error(errc::invalid_argument, std::string(call) + api.resources.unavailable);
}

}  // namespace corun::detail
