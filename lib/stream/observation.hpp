#pragma once
#include "stream/context.hpp"
#include "stream/protocol.hpp"
#include <corun/observer.hpp>
#include <corun/submission.hpp>

#include <string>
#include <string_view>
#include <system_error>

namespace corun::detail {

/// Gathers what `observer::on_run` and `on_submit` are told of one stream. Does nothing when nobody
/// wants to know.
class run_observation {
public:
    explicit run_observation(const run_context& run);

    /// An event of the run has arrived.
    void event(const api_client& api, run_protocol& protocol, std::string_view name, std::string_view data) noexcept;
    /// The stream is over. Counts once; `failure` is what it ended with before the run did.
    void end(const api_client& api, std::error_code failure, const redactor& secrets, std::string_view run_id,
             std::string_view thread_id) noexcept;

    /// Answers are about to be sent, and what became of them.
    void submit_begins(const api_client& api, const submission& answers) noexcept;
    void submit_ended(const api_client& api, std::error_code failure, std::string_view run_id,
                      std::string_view thread_id) noexcept;

private:
    run_record record_;
    submit_record round_;
    net::time_point round_began_;
    net::time_point began_;
    bool wanted_;
};

}  // namespace corun::detail
