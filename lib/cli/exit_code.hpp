#pragma once

#include <corun/error.hpp>
#include <corun/event.hpp>

#include <array>
#include <exception>
#include <stdexcept>

namespace corun::cli {

/// The exit status of the program. docs/cli.md has the same table.
enum class exit_code {
    completed = 0,
    failed = 1,
    usage = 2,
    network = 3,
    credentials = 4,
    rejected = 5,
    service_failed = 6,
    run_failed = 10,
    run_incomplete = 11,
    run_cancelled = 12,
    run_expired = 13,
    run_waits = 14,
    interrupted = 130,
};

struct exit_code_text {
    exit_code code;
    const char* text;
};

/// All of them, for the help and the manual.
inline constexpr std::array<exit_code_text, 13> exit_code_texts{{
    {exit_code::completed, "success; the run completed"},
    {exit_code::failed, "any other failure"},
    {exit_code::usage, "wrong options, or a request that the service would reject"},
    {exit_code::network, "the service could not be reached, or the connection broke"},
    {exit_code::credentials, "no credential, or the service does not accept it"},
    {exit_code::rejected, "the service rejected the request (HTTP 4xx)"},
    {exit_code::service_failed, "the service failed (HTTP 5xx, malformed data)"},
    {exit_code::run_failed, "the run failed"},
    {exit_code::run_incomplete, "the run reached a limit"},
    {exit_code::run_cancelled, "the run was cancelled"},
    {exit_code::run_expired, "the run expired"},
    {exit_code::run_waits, "the run waits for an answer that nobody gives"},
    {exit_code::interrupted, "Ctrl-C"},
}};

/// A mistake in the command line.
class usage_error : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

[[nodiscard]] exit_code exit_code_of(run_outcome outcome) noexcept;
[[nodiscard]] exit_code exit_code_of(const std::exception& failure) noexcept;

}  // namespace corun::cli
