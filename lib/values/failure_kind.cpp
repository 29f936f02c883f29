#include "values/failure_kind.hpp"

#include "text/ascii.hpp"
#include "values/retry_delay.hpp"

#include <cstddef>
#include <iterator>

namespace corun::detail {
namespace {

struct code_row {
    std::string_view code;  ///< In lower case, without `_`, `-`, `.` and spaces.
    failure_kind kind;
};

/// The codes of all services, as OpenAI, Azure, Anthropic, Google, AWS and those who speak like them name them.
constexpr code_row code_rows[] = {
    {"ratelimitexceeded", failure_kind::rate_limit},
    {"ratelimiterror", failure_kind::rate_limit},
    {"ratelimitreached", failure_kind::rate_limit},
    {"ratelimited", failure_kind::rate_limit},
    {"ratelimit", failure_kind::rate_limit},
    {"toomanyrequests", failure_kind::rate_limit},
    {"toomanyrequestserror", failure_kind::rate_limit},
    {"toomanyrequestsexception", failure_kind::rate_limit},
    {"throttling", failure_kind::rate_limit},
    {"throttled", failure_kind::rate_limit},
    {"throttlingerror", failure_kind::rate_limit},
    {"throttlingexception", failure_kind::rate_limit},
    {"requestthrottled", failure_kind::rate_limit},
    {"resourceexhausted", failure_kind::rate_limit},
    {"slowdown", failure_kind::rate_limit},
    {"requests", failure_kind::rate_limit},
    {"tokens", failure_kind::rate_limit},
    {"429", failure_kind::rate_limit},

    {"serverisoverloaded", failure_kind::overload},
    {"serveroverloaded", failure_kind::overload},
    {"overloadederror", failure_kind::overload},
    {"overloaded", failure_kind::overload},
    {"engineoverloaded", failure_kind::overload},
    {"engineoverloadederror", failure_kind::overload},
    {"modeloverloaded", failure_kind::overload},
    {"serviceunavailable", failure_kind::overload},
    {"serviceunavailableerror", failure_kind::overload},
    {"serviceunavailableexception", failure_kind::overload},
    {"temporarilyunavailable", failure_kind::overload},
    {"serverbusy", failure_kind::overload},
    {"unavailable", failure_kind::overload},
    {"nocapacity", failure_kind::overload},
    {"capacityexceeded", failure_kind::overload},
    {"503", failure_kind::overload},
    {"529", failure_kind::overload},

    {"insufficientquota", failure_kind::quota},
    {"quotaexceeded", failure_kind::quota},
    {"billinghardlimitreached", failure_kind::quota},
    {"billingnotactive", failure_kind::quota},
    {"billingerror", failure_kind::quota},
    {"insufficientcredits", failure_kind::quota},
    {"insufficientbalance", failure_kind::quota},
    {"insufficientfunds", failure_kind::quota},
    {"paymentrequired", failure_kind::quota},
    {"budgetexceeded", failure_kind::quota},
    {"usagelimitreached", failure_kind::quota},
    {"402", failure_kind::quota},
};

/// Codes that begin so are about the request itself, whatever their message advises.
constexpr std::string_view permanent_codes[] = {
    "invalid",       "bad",        "context",  "content",      "unsupported", "authentication",
    "authorization", "permission", "notfound", "unauthorized", "forbidden",   "responsibleai",
};

struct sentence_row {
    std::string_view part;
    failure_kind kind;
};

/// What messages say; the first that fits decides.
constexpr sentence_row sentence_rows[] = {
    {"exceeded your current quota", failure_kind::quota},
    {"insufficient quota", failure_kind::quota},
    {"insufficient credit", failure_kind::quota},
    {"insufficient balance", failure_kind::quota},
    {"insufficient funds", failure_kind::quota},
    {"credit balance is too low", failure_kind::quota},
    {"out of credit", failure_kind::quota},
    {"check your plan and billing", failure_kind::quota},
    {"rate limit", failure_kind::rate_limit},
    {"rate-limit", failure_kind::rate_limit},
    {"ratelimit", failure_kind::rate_limit},
    {"too many requests", failure_kind::rate_limit},
    {"too many tokens", failure_kind::rate_limit},
    {"throttl", failure_kind::rate_limit},
    {"overloaded", failure_kind::overload},
    {"at capacity", failure_kind::overload},
    {"over capacity", failure_kind::overload},
    {"no capacity", failure_kind::overload},
    {"high demand", failure_kind::overload},
    {"high load", failure_kind::overload},
    {"server is busy", failure_kind::overload},
    {"temporarily unavailable", failure_kind::overload},
    {"service unavailable", failure_kind::overload},
    {"try again", failure_kind::transient},
    {"retry your request", failure_kind::transient},
    {"please retry", failure_kind::transient},
    {"retry after", failure_kind::transient},
};

bool is_separator(char c) noexcept {
    return c == '_' || c == '-' || c == '.' || c == ' ';
}

/// Whether `code` is `plain`, or only begins so, apart from its case and separators.
bool matches(std::string_view code, std::string_view plain, bool only_begins = false) noexcept {
    for (const char c : code) {
        if (is_separator(c)) continue;
        if (plain.empty()) return only_begins;
        if (ascii::lower(c) != plain.front()) return false;
        plain.remove_prefix(1);
    }
    return plain.empty();
}

bool contains(std::string_view message, std::string_view part) noexcept {
    return ascii::find_ignoring_case(message, part) != message.npos;
}

failure_kind kind_by_message(std::string_view message) noexcept {
    // Who says when does not mean never.
    const bool delayed = retry_delay_in(message).has_value();
    for (const sentence_row& row : sentence_rows)
        if (contains(message, row.part) && !(delayed && row.kind == failure_kind::quota))
            return delayed && row.kind == failure_kind::transient ? failure_kind::rate_limit : row.kind;
    return delayed ? failure_kind::rate_limit : failure_kind::other;
}

}  // namespace

failure_kind failure_kind_of(std::string_view code, std::string_view message) noexcept {
    for (const code_row& row : code_rows) {
        if (!matches(code, row.code)) continue;
        // Some services have one code for both.
        const bool is_quota = row.kind == failure_kind::rate_limit && kind_by_message(message) == failure_kind::quota;
        return is_quota ? failure_kind::quota : row.kind;
    }
    for (const std::string_view permanent : permanent_codes)
        if (matches(code, permanent, true)) return failure_kind::other;
    return kind_by_message(message);
}

}  // namespace corun::detail
