#pragma once
#include "redact/redact.hpp"
#include "stream/context.hpp"
#include "stream/protocol.hpp"
#include <corun/event.hpp>
#include <corun/observer.hpp>
#include <corun/submission.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string_view>
#include <system_error>

namespace corun::detail {

/// Gathers the records that an observer gets of one stream, except for retries. Costs nothing where nobody observes.
class run_observation {
public:
    explicit run_observation(const run_context& run);

    /// An event of the run has arrived.
    void event(const api_client& api, run_protocol& protocol, std::string_view name, std::string_view data) noexcept;
    /// The stream is over; `failure` is why, when the run has not ended. Only the first call counts.
    void end(const api_client& api, std::error_code failure, const redactor& secrets, const run_identity& run) noexcept;

    /// The caller gets an event whose data is malformed.
    void event_problem(const api_client& api, const corun::event& malformed, const redactor& secrets,
                       const run_identity& run) noexcept;

    void submit_begins(const api_client& api, const submission& answers) noexcept;
    void submit_ended(const api_client& api, std::error_code failure, const run_identity& run) noexcept;

    // A handler has ended.
    void function_called(const api_client& api, const events::function_called& done,
                         std::chrono::system_clock::time_point began, const redactor& secrets,
                         const run_identity& run) noexcept;
    void approval_decided(const api_client& api, const events::approval_decided& done,
                          std::chrono::system_clock::time_point began, const redactor& secrets,
                          const run_identity& run) noexcept;

    /// The response broke off after so many events of the run, and bytes of its own.
    void lost(const api_client& api, std::error_code cause, std::uint64_t events, std::uint64_t bytes) noexcept;
    /// The run was found again, or was not.
    void reattach_ended(const api_client& api, std::error_code failure, const redactor& secrets,
                        const run_identity& run) noexcept;

private:
    struct records {
        run_record run;
        submit_record submit;
        reattach_record reattach;
        net::time_point began, submit_began, lost_at;
        bool run_wanted = false;
    };

    std::unique_ptr<records> records_;  ///< Null where nobody observes.
};

}  // namespace corun::detail
