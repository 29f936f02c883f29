// One request of a session, and everything that may have to happen before it is answered.
#include "async/attempt.hpp"
#include "mcp/session_state.hpp"
#include "text/ascii.hpp"

#include <asio/error.hpp>

#include <optional>
#include <utility>

namespace corun::mcp {
namespace {

/// What follows a response.
enum class follow_up {
    take,        ///< It is the answer, or an error that is final.
    fail,        ///< The response stands for an error.
    open_again,  ///< The session, or what was known of the server, no longer holds; the request was not carried out.
    ask_era,     ///< As `open_again`, and the server's era is unknown again.
    send_again,  ///< The same once more.
    use_modern,  ///< As `open_again`; the server speaks the modern revision.
    use_legacy,  ///< As `open_again`; the server speaks legacy revisions.
};

/// Each may happen once in a request.
struct chances {
    bool session = true, era = true, version = true;
};

bool take_chance(bool& chance) noexcept {
    return std::exchange(chance, false);
}

bool names_session(const incoming& response) {
    const rpc_error* const problem = response.problem();
    return ascii::find_ignoring_case(problem ? problem->message : response.body, "session") != std::string_view::npos;
}

bool is_modern_code(std::int64_t code) noexcept {
    for (const std::int64_t known : {rpc_code::header_mismatch, rpc_code::missing_capability,
                                     rpc_code::unsupported_version, rpc_code::method_not_found, std::int64_t{-32602}})
        if (code == known) return true;
    return false;
}

follow_up after_unsupported_version(const session::state& self, const rpc_error& problem, chances& left) {
    if (self.server->options.revisions != revisions::automatic || !take_chance(left.version)) return follow_up::take;
    if (!supports_modern(problem)) return self.era == era::modern ? follow_up::use_legacy : follow_up::take;
    return self.era == era::modern ? follow_up::send_again : follow_up::use_modern;
}

/// What a legacy session makes of a response that is no success.
follow_up after_failure_in_session(const session::state& self, const incoming& response, bool was_refused,
                                   chances& left) {
    const int status = response.head.status;
    const bool is_lost = status == 404 || (status == 400 && names_session(response));
    // Some servers answer 401 for a session that they have lost.
    const bool may_be_lost = status == 401 && was_refused;
    if (!self.id.empty() && (is_lost || may_be_lost) && take_chance(left.session)) return follow_up::open_again;
    const bool is_refusal = status == 401 || status == 403;
    return response.problem() && !is_refusal ? follow_up::take : follow_up::fail;
}

follow_up decide(const session::state& self, const incoming& response, bool was_refused, chances& left) {
    const rpc_error* const problem = response.problem();
    if (problem && problem->code == rpc_code::unsupported_version)
        return after_unsupported_version(self, *problem, left);
    if (response.is_success()) return follow_up::take;
    if (self.era != era::modern) return after_failure_in_session(self, response, was_refused, left);
    const int status = response.head.status;
    if (problem && is_modern_code(problem->code)) return follow_up::take;
    // What was known of the server is contradicted: it may have been replaced.
    const bool is_contradiction = status == 400 || status == 404 || status == 405 || status == 406;
    if (is_contradiction && self.server->options.revisions == revisions::automatic && take_chance(left.era))
        return follow_up::ask_era;
    return problem && status != 401 && status != 403 ? follow_up::take : follow_up::fail;
}

/// Unless another request has opened it again meanwhile.
void forget(session::state& self, int opening, era known) {
    if (self.openings != opening) return;
    self.era = era::unknown;
    self.id = {};
    self.server->era = known;
}

/// The server goes on with a call whose answer nobody reads, until it is told.
void tell_of_cancellation(session::state& self, const outgoing& request) {
    if (!request.continues || request.method == "initialize") return;
    outgoing notification;
    notification.method = "notifications/cancelled";
    notification.body =
        encode_notification(notification.method, R"("requestId":)" + std::to_string(request.id) +
                                                     R"(,"reason":"The client no longer waits for the answer.")");
    notification.fields = request.fields;
    notification.total = self.server->options.request_timeout;
    send_in_background(self.server, std::move(notification));
}

bool stopped_waiting(const std::exception_ptr& failure) {
    try {
        std::rethrow_exception(failure);
    } catch (const std::system_error& problem) {
        return problem.code() == asio::error::operation_aborted || is_timeout(problem.code());
    } catch (...) {
        return false;
    }
}

}  // namespace

asio::awaitable<message> request(std::shared_ptr<session::state> self, rpc_call call, headers fields) {
    chances left;
    while (true) {
        co_await ensure_open(self, fields);
        const int opening = self->openings;
        outgoing sent = prepare(*self, call, fields);
        auto attempted = co_await detail::attempt(send(self->server, sent));
        if (!attempted.has_value() && stopped_waiting(attempted.failure())) tell_of_cancellation(*self, sent);
        incoming response = attempted.take();
        const bool was_refused = std::exchange(self->was_refused, response.head.status == 401);
        switch (decide(*self, response, was_refused, left)) {
            case follow_up::take:
                co_return std::move(*response.answer);
            case follow_up::fail:
                throw error_of(*self->server, call.method, response);
            case follow_up::open_again:
                forget(*self, opening, self->server->era);
                break;
            case follow_up::ask_era:
                forget(*self, opening, era::unknown);
                break;
            case follow_up::use_modern:
                forget(*self, opening, era::modern);
                break;
            case follow_up::use_legacy:
                forget(*self, opening, era::legacy);
                break;
            case follow_up::send_again:
                break;
        }
    }
}

}  // namespace corun::mcp
