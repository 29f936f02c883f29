#include "api/api_client.hpp"

#include "async/wait.hpp"
#include "http/observed_transport.hpp"
#include "protocol/retry_hint.hpp"
#include "run/retry.hpp"
#include <corun/version.hpp>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <string>
#include <utility>

namespace corun::detail {
namespace {

static_assert(std::string_view(CORUN_VERSION) == CORUN_VERSION_CHECK, "version.hpp and meson.build differ");

/// How much of an error's body is kept.
constexpr std::size_t error_body_kept = std::size_t{4} << 10;

std::string checked_endpoint(std::string_view endpoint, bool with_credential) {
    const auto url = parse_url(endpoint);
    const auto refuse = [](errc code, std::string message) { return error(code, std::move(message)); };
    if (!url) throw refuse(errc::invalid_endpoint, "the endpoint must be an absolute URL, https://host/path");
    if (url->user_info) throw refuse(errc::invalid_endpoint, "the endpoint must not hold a user name or a password");
    if (url->rest.find_first_of("?#") != url->rest.npos)
        throw refuse(errc::invalid_endpoint, "the endpoint must not have a query or a fragment");
    if (with_credential && !may_carry_credentials(*url))
        throw refuse(errc::insecure_endpoint,
                     "a credential is sent over https, or over http to this machine only; the endpoint is plain http "
                     "to " +
                         std::string(url->host));
    while (endpoint.ends_with('/')) endpoint.remove_suffix(1);
    return std::string(endpoint);
}

errc errc_of(int status) noexcept {
    switch (status) {
        case 401:
            return errc::unauthorized;
        case 403:
            return errc::forbidden;
        case 404:
            return errc::not_found;
        case 409:
            return errc::conflict;
        case 429:
            return errc::rate_limited;
        default:
            break;
    }
    if (status >= 400 && status < 500) return errc::bad_request;
    if (status >= 500 && status < 600) return errc::server_failed;
    return errc::unexpected_status;
}

/// A point in time given as an HTTP date in its one allowed form, `Sun, 06 Nov 1994 08:49:37 GMT`
/// (RFC 9110, 5.6.7), in seconds since 1970.
std::optional<std::int64_t> parse_http_date(std::string_view text) {
    constexpr std::string_view months = "JanFebMarAprMayJunJulAugSepOctNovDec";
    std::tm parts{};
    char month[4] = {};
    int used = 0;
    const std::string copy(text);
    // Not strptime: its names of months are those of the process's locale.
    const int read = std::sscanf(copy.c_str(), "%*3[A-Za-z], %2d %3[A-Za-z] %4d %2d:%2d:%2d GMT%n", &parts.tm_mday,
                                 month, &parts.tm_year, &parts.tm_hour, &parts.tm_min, &parts.tm_sec, &used);
    const std::size_t place = months.find(month);
    if (read != 6 || used != static_cast<int>(copy.size()) || place == months.npos || place % 3 != 0)
        return std::nullopt;
    parts.tm_mon = static_cast<int>(place / 3);
    parts.tm_year -= 1900;
    return ::timegm(&parts);
}

/// How far away it is; 0 when it is past.
std::optional<std::chrono::milliseconds> time_until_date(std::string_view text) {
    const auto date = parse_http_date(text);
    if (!date) return std::nullopt;
    // Longer than a day is no hint for a retry.
    const std::int64_t wait = std::clamp<std::int64_t>(*date - std::time(nullptr), 0, 24 * 3600);
    return std::chrono::seconds(wait);
}

/// The forms of OpenAI's own clients.
std::optional<bool> retry_advice(const net::response_head& head) noexcept {
    const std::string_view field = head.field("x-should-retry");
    if (equal_ignoring_case(field, "true")) return true;
    if (equal_ignoring_case(field, "false")) return false;
    return std::nullopt;
}

}  // namespace

api_client::api_client(asio::any_io_executor e, std::string_view endpoint, corun::credential credential,
                       client_options o, std::shared_ptr<net::transport> t, std::shared_ptr<net::clock> c)
    : executor(std::move(e)),
      notifier(executor, o.observer),
      transport(observed_transport(std::move(t), c, notifier)),
      clock(std::move(c)),
      options(std::move(o)),
      endpoint_(checked_endpoint(endpoint, static_cast<bool>(credential))),
      credential_(std::move(credential)),
      random_(std::random_device()()) {
    if (options.api_version.empty()) throw error(errc::invalid_argument, "client_options::api_version is empty");
    const std::pair<const char*, std::chrono::milliseconds> times[] = {
        {"connect_timeout", options.connect_timeout}, {"idle_timeout", options.idle_timeout},
        {"event_timeout", options.event_timeout},     {"total_timeout", options.total_timeout},
        {"stop_timeout", options.stop_timeout},
    };
    for (const auto& [name, time] : times)
        if (time.count() < 0)
            throw error(errc::invalid_argument, std::string("client_options::") + name + " is negative");
    if (!options.application_id.empty()) user_agent_ = options.application_id + ' ';
    user_agent_ += "corun/" CORUN_VERSION;
    if (!is_header_value(user_agent_))
        throw error(errc::invalid_argument, "client_options::application_id holds characters that a header cannot");
}

std::string api_client::new_request_id() {
    static constexpr char digits[] = "0123456789abcdef";
    std::string id = "00000000-0000-4000-8000-000000000000";
    std::uint64_t bits = 0;
    int left = 0;
    for (std::size_t i = 0; i < id.size(); ++i) {
        if (id[i] == '-' || i == 14) continue;
        if (left == 0) {
            bits = random_();
            left = 16;
        }
        const std::uint64_t nibble = bits & 15;
        // The two bits of the variant (RFC 9562, 4.1).
        id[i] = digits[i == 19 ? (8 | (nibble & 3)) : nibble];
        bits >>= 4;
        --left;
    }
    return id;
}

void api_client::tell_retry(const error& why, std::string_view request_id, int attempt, std::chrono::milliseconds delay,
                            std::string_view run_id, std::string_view thread_id) const noexcept {
    if (!notifier.wants(&observer::on_retry)) return;
    try {
        retry_record told;
        told.client_request_id = request_id;
        told.run_id = run_id;
        told.thread_id = thread_id;
        told.attempt = attempt;
        told.why = why.code();
        told.status = why.status();
        told.delay = delay;
        told.delay_was_told = why.retry_after().has_value();
        notifier.tell(&observer::on_retry, std::move(told));
    } catch (...) {
        // No memory: the work itself is more important.
    }
}

double api_client::random() {
    return std::uniform_real_distribution<double>(0, 1)(random_);
}

std::int64_t api_client::time() const noexcept {
    return std::time(nullptr) + ahead_;
}

void api_client::note_time(const net::response_head& head) noexcept {
    if (const auto date = parse_http_date(head.field("date"))) ahead_ = *date - std::time(nullptr);
}

asio::awaitable<outgoing> api_client::make_request(std::shared_ptr<api_client> self, std::string request_id,
                                                   std::string method, std::string path, std::string query, secret body,
                                                   redactor secrets) {
    outgoing made;
    net::request& what = made.request;
    made.secrets = std::move(secrets);
    if (self->credential_) {
        std::string problem;
        std::optional<error> said;
        try {
            made.token = co_await self->credential_.token();
        } catch (const error& failure) {
            said = failure;
            problem = failure.what();
        } catch (const std::exception& failure) {
            problem = failure.what();
        }
        const auto state = co_await asio::this_coro::cancellation_state;
        if (state.cancelled() != asio::cancellation_type::none) throw std::system_error(asio::error::operation_aborted);
        if (said && said->code() == errc::credential_failed) throw error(*said);
        if (problem.empty() && made.token.empty()) problem = "it gave an empty token";
        if (problem.empty() && !is_header_value(made.token.reveal()))
            problem = "its token holds characters that a header cannot";
        if (!problem.empty()) throw error(errc::credential_failed, "no token from the credential: " + problem);
        if (self->credential_.is_api_key()) {
            made.secrets.add(made.token);
            what.headers.set("api-key", made.token);
        } else {
            std::string value = "Bearer ";
            value.reserve(value.size() + made.token.size());
            value.append(made.token.reveal());
            secret authorization(std::move(value));
            made.secrets.add(authorization);
            what.headers.set("Authorization", std::move(authorization));
        }
    }
    what.method = std::move(method);
    what.url = self->endpoint_ + path;
    const bool versioned = !self->speaks_responses() || !(self->is_openai() || path.starts_with("/openai/v1/"));
    if (versioned) what.url.append("?api-version=").append(percent_encoded(self->options.api_version));
    if (!query.empty()) what.url.append(versioned ? "&" : "?").append(query);
    what.headers.set("Accept", "application/json");
    if (!body.empty()) what.headers.set("Content-Type", "application/json");
    what.headers.set("User-Agent", self->user_agent_);
    what.headers.set("x-ms-client-request-id", std::move(request_id));
    what.body = std::move(body);
    if (self->notifier.wants(&observer::on_wire)) what.secrets = made.secrets;
    what.connect_timeout = self->options.connect_timeout;
    co_return made;
}

asio::awaitable<std::string> api_client::call(std::shared_ptr<api_client> self, std::string method, std::string path,
                                              std::string query, secret body, redactor secrets, repeat again) {
    const std::string id = self->new_request_id();
    const bool harmless = method != "POST" || again == repeat::harmless;
    const std::chrono::milliseconds total = self->options.total_timeout;
    std::optional<net::time_point> give_up;
    if (total.count() > 0) give_up = self->clock->now() + total;
    run::retry_schedule schedule(self->options.retry);
    bool refreshed = false;
    bool may_be_deleted = false;
    for (int attempts = 1;; ++attempts) {
        outgoing what = co_await make_request(self, id, method, path, query, body, secrets);
        what.give_up = give_up;
        what.request.attempt = attempts;
        std::optional<error> failure;
        try {
            co_return co_await send(self, std::move(what));
        } catch (const error& met) {
            failure = met;
        }
        if (failure->code() == errc::unauthorized && self->can_refresh() && !std::exchange(refreshed, true)) continue;
        // It was there the first time: its answer was lost.
        if (failure->code() == errc::not_found && may_be_deleted) co_return std::string("{}");
        const run::carried_out done = run::was_carried_out(*failure);
        const bool may_be_done = done == run::carried_out::perhaps || done == run::carried_out::unknown;
        may_be_deleted = may_be_deleted || (may_be_done && method == "DELETE");
        std::optional<std::chrono::milliseconds> delay;
        if (done == run::carried_out::no || (may_be_done && harmless))
            delay = schedule.next(failure->retry_after(), self->random());
        const net::time_point now = self->clock->now();
        if (!delay || (give_up && now + *delay >= *give_up)) {
            diagnostics details = failure->details();
            details.attempts = attempts;
            throw error(failure->code(), std::move(details));
        }
        self->tell_retry(*failure, id, attempts, *delay);
        co_await sleep_until(self->clock, now + *delay);
    }
}

asio::awaitable<std::string> api_client::send(std::shared_ptr<api_client> self, outgoing what, call_handlers handlers) {
    const bool any_type = static_cast<bool>(handlers.on_body);
    call_limits limits;
    limits.max_bytes = self->options.max_response_bytes;
    limits.high_water_bytes = self->options.high_water_bytes;
    limits.idle = self->options.idle_timeout;
    limits.total = self->options.total_timeout;
    if (what.give_up) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(*what.give_up - self->clock->now());
        limits.total = std::max(left, std::chrono::milliseconds(1));
    }
    http_response response =
        co_await http_call(self->transport, self->clock, std::move(what.request), limits, std::move(handlers));
    self->note_time(response.head);
    const int status = response.head.status;
    if (status == 401) self->refused(what.token);
    const std::string_view type = response.head.media_type();
    const bool right_type = any_type || type.empty() || equal_ignoring_case(type, "application/json");
    if (status < 200 || status >= 300 || !right_type)
        throw error_of(response.head, response.body, "application/json", what.secrets);
    if (response.truncated) {
        diagnostics details;
        details.status = status;
        details.request_id = request_id_of(response.head);
        details.message = "the response is larger than " + std::to_string(limits.max_bytes) + " bytes";
        what.secrets.redact(details);
        throw error(errc::response_too_large, std::move(details));
    }
    co_return std::move(response.body);
}

error api_client::error_of(const net::response_head& head, std::string_view body, std::string_view expected,
                           const redactor& secrets) {
    body = body.substr(0, error_body_read);
    codec::threads::error_body said = codec::threads::decode_error(body);
    diagnostics details;
    details.status = head.status;
    const bool success = head.status >= 200 && head.status < 300;
    if (success) {
        const std::string_view type = head.media_type();
        details.message =
            "expected " + std::string(expected) + ", got " + (type.empty() ? "no content type" : std::string(type));
    }
    if (head.status >= 300 && head.status < 400)
        if (const auto to = parse_url(head.field("location")))
            details.message = "redirected to " + origin_of(*to) + "; redirects are not followed";
    details.request_id = request_id_of(head);
    if (details.request_id.empty()) details.request_id = std::move(said.request_id);
    details.service_code = said.code.empty() ? std::move(said.type) : std::move(said.code);
    details.service_message = std::move(said.message);
    details.retry_after = retry_hint(head);
    details.should_retry = retry_advice(head);
    secrets.redact(details);
    details.body = secrets.redacted(body, error_body_kept);
    return error(success ? errc::unexpected_content_type : errc_of(head.status), std::move(details));
}

std::optional<std::chrono::milliseconds> retry_hint(const net::response_head& head) {
    using namespace std::chrono_literals;
    for (const char* name : {"retry-after-ms", "x-ms-retry-after-ms"})
        if (auto hint = codec::retry_hint_in(head.field(name), 1ms)) return hint;
    const std::string_view field = head.field("retry-after");
    if (auto hint = codec::retry_hint_in(field, 1s)) return hint;
    return time_until_date(field);
}

std::string_view request_id_of(const net::response_head& head) noexcept {
    for (const char* name : {"apim-request-id", "x-request-id", "x-ms-request-id"})
        if (const std::string_view id = head.field(name); !id.empty()) return id;
    return {};
}

void require_protocol(const api_client& of, protocol needed, std::string_view call) {
    if (of.options.protocol == needed) return;
    throw error(errc::invalid_argument,
                std::string(call) + (needed == protocol::threads ? " has no counterpart in the Responses protocol"
                                                                 : " is there in the Responses protocol only"));
}

std::string path_of(std::string_view collection, std::string_view id, std::string_view what) {
    if (id.empty()) throw error(errc::invalid_argument, std::string(what) + " is empty");
    // A path of dots would be taken for a step in the hierarchy.
    if (id == "." || id == "..") throw error(errc::invalid_argument, std::string(what) + " is not an id");
    return std::string(collection) + '/' + percent_encoded(id);
}

}  // namespace corun::detail
