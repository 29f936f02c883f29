#pragma once
#include "gateway/recorder.hpp"
#include "gateway/run_log.hpp"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace corun::gateway {

/// What another gateway needs to go on with a run after some of its entries.
struct checkpoint {
    checkpoint() = default;

    std::string position;  ///< At the service; empty until the run is known there.
    memory changes;        ///< Of the recorder's memory: null for what is gone. Null if there are none.
    std::string question;  ///< Only for a log that has been lost: it goes with all of the memory.

    /// Adds what has changed since.
    void update(checkpoint later);
};

/// What one memory has changed since another.
[[nodiscard]] memory difference(const memory& before, const memory& after);
void apply(memory& to, const memory& changes);

/// One write to a log that gateways share: entries, and what is true after them. It is written whole, or not at all.
struct log_batch {
    log_batch() = default;

    entry_id id;         ///< Of its last entry.
    std::string writer;  ///< The gateway.
    std::vector<entry> entries;
    checkpoint after;
    bool is_fresh = false;  ///< The changes are all of the memory.

    /// The number of its first entry.
    [[nodiscard]] std::uint64_t first() const noexcept { return id.number - entries.size() + 1; }
};

/// What is known of a run from its start on.
struct run_record {
    run_record() = default;

    std::string user, conversation;
    std::int64_t started_at = 0;  ///< In milliseconds since 1970.
};

/// Entries as JSON text, and back. Throws `std::runtime_error` for what is none.
std::string encode(const std::vector<entry>& entries);
std::vector<entry> decode_entries(std::string_view text);

}  // namespace corun::gateway
