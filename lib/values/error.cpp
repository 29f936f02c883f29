#include "text/escape.hpp"
#include "text/utf8.hpp"
#include "values/error_table.hpp"
#include "values/failure_kind.hpp"
#include <corun/error.hpp>

#include <utility>

namespace corun {
namespace {

class category_type final : public std::error_category {
public:
    const char* name() const noexcept override { return "corun"; }

    std::string message(int value) const override {
        const detail::error_row* const entry = detail::find_error(value);
        return entry ? entry->sentence : "unknown error";
    }

    std::error_condition default_error_condition(int value) const noexcept override {
        const detail::error_row* const entry = detail::find_error(value);
        if (entry && entry->condition != std::errc()) return entry->condition;
        return {value, *this};
    }
};

/// How much of a service's message stands in `what()`.
constexpr std::size_t most_shown = 1024;

std::string describe(const std::error_code& code, const diagnostics& details) {
    const detail::error_row* const entry = code.category() == category() ? detail::find_error(code.value()) : nullptr;
    std::string text;
    if (details.message.empty())
        text = code.message();
    else if (entry && entry->has_whole_messages)
        text = details.message;
    else
        text = code.message() + ": " + details.message;

    std::string response;
    const auto append = [&response](const std::string& part) { response += (response.empty() ? "" : ", ") + part; };
    const auto append_quoted = [&append](std::string_view message) {
        if (message.empty()) return;
        const std::string_view shown = utf8::prefix(message, most_shown);
        append('"' + std::string(shown) + (shown.size() < message.size() ? "...\"" : "\""));
    };
    const std::string status = std::to_string(details.status);
    if (details.status != 0) append("HTTP " + status);
    if (!details.service_code.empty() && details.service_code != status) append(details.service_code);
    if (details.service_message != details.service_code) append_quoted(details.service_message);
    if (!details.request_id.empty()) append("request id " + details.request_id);
    if (details.attempts > 1) append(std::to_string(details.attempts) + " attempts");
    if (!response.empty()) text += " (" + response + ')';

    // A text of the service must not break the log line.
    text = detail::escape(text);
    if (entry) text += std::string(" [") + entry->name + ']';
    return text;
}

}  // namespace

const std::error_category& category() noexcept {
    static const category_type instance;
    return instance;
}

std::error_code make_error_code(errc value) noexcept {
    return {static_cast<int>(value), category()};
}

bool is_timeout(const std::error_code& code) noexcept {
    return code == std::errc::timed_out;
}

bool is_retryable(const std::error_code& code) noexcept {
    if (is_timeout(code)) return true;
    for (const errc each : {errc::connect_failed, errc::connection_lost, errc::rate_limited, errc::server_failed})
        if (code == each) return true;
    return code == std::errc::connection_refused || code == std::errc::connection_reset ||
           code == std::errc::connection_aborted || code == std::errc::broken_pipe ||
           code == std::errc::host_unreachable || code == std::errc::network_unreachable ||
           code == std::errc::network_down;
}

bool is_retryable(const error& failure) noexcept {
    using detail::failure_kind;
    if (failure.details().should_retry) return *failure.details().should_retry;
    const failure_kind kind = detail::failure_kind_of(failure.service_code(), failure.service_message());
    if (kind == failure_kind::quota) return false;
    if (detail::is_refused_for_now(kind) || failure.status() == 408) return true;
    const bool is_run = failure.code() == errc::run_failed || failure.code() == errc::stream_failed;
    return is_run ? kind == failure_kind::transient : is_retryable(failure.code());
}

error::state::state(const std::error_code& code, diagnostics d)
    : details(std::move(d)), text(describe(code, details)) {}

error::error(std::error_code code, diagnostics details)
    : std::system_error(code), state_(std::make_shared<const state>(code, std::move(details))) {}

error::error(errc code, std::string message)
    : error(make_error_code(code), [&message] {
          diagnostics details;
          details.message = std::move(message);
          return details;
      }()) {}

error::~error() = default;

}  // namespace corun
