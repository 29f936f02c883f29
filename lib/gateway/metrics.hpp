#pragma once
#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace corun::gateway {

/// What a gateway counts.
struct counters {
    counters() = default;

    std::map<std::string, std::uint64_t, std::less<>> runs_ended;  ///< By outcome.
    std::map<int, std::uint64_t> responses;                        ///< By status.
    std::map<std::string, std::uint64_t, std::less<>> refusals;    ///< By code.
    std::uint64_t runs_started = 0, runs_taken_over = 0, entries = 0, sent_bytes = 0;
    std::uint64_t viewers_started = 0, viewers_stalled = 0, viewers_cut = 0;
};

/// What there is now.
struct gauges {
    gauges() = default;

    std::uint64_t runs = 0, waiting_runs = 0, kept_runs = 0, conversations = 0, viewers = 0, log_bytes = 0;
    bool draining = false;
};

/// The text format of Prometheus, version 0.0.4.
std::string metrics_text(const counters& counted, const gauges& now);

}  // namespace corun::gateway
