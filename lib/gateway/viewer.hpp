#pragma once
#include "gateway/encoder.hpp"
#include "gateway/metrics.hpp"
#include "gateway/run.hpp"
#include "server/http_server.hpp"

#include <asio/awaitable.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace corun::gateway {

/// One event stream of a run. Each reads the log at its own pace: what a slow one has not read yet is nowhere but in
/// the log.
struct viewer {
    using steady = std::chrono::steady_clock;

    viewer(std::shared_ptr<run> its_run, std::shared_ptr<http::exchange> its_exchange, counters& its_counters,
           std::size_t its_position);
    ~viewer();
    viewer(const viewer&) = delete;
    viewer& operator=(const viewer&) = delete;

    std::shared_ptr<run> watched;
    std::shared_ptr<http::exchange> exchange;
    counters& counted;
    std::size_t position;  ///< Of the next entry.
    steady::time_point last_write = steady::now();
    std::uint64_t sent_bytes = 0;
    bool writing = false;
    bool wants_heartbeat = false;
    bool complete = false;
};

/// Sends the entries from `position` on, and those that follow, until the run has ended or the viewer has gone. The
/// entries before it are encoded, too, but not sent. A run that breaks off breaks the connection: to a client, an
/// orderly end would be the end of the answer. `head` is added to the fields of every event stream.
asio::awaitable<void> serve(std::shared_ptr<viewer> self, std::shared_ptr<encoder> as, http::fields head);

/// Sends heartbeats, and disconnects those that do not read.
void check_viewers(run& watched, std::chrono::steady_clock::time_point now, std::chrono::milliseconds heartbeat,
                   std::chrono::milliseconds stall_timeout);

/// Breaks the connections of all viewers, who come back and go on.
void disconnect_viewers(run& watched);

}  // namespace corun::gateway
