#pragma once
#include "gateway/encoder.hpp"
#include "gateway/metrics.hpp"
#include "gateway/run.hpp"
#include "server/http_server.hpp"
#include <corun/gateway/gateway.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <system_error>

namespace corun::gateway {

/// One event stream of a run. Each reads the log at its own pace: what a slow one has not read yet is nowhere but in
/// the log. It has no coroutine, so that many cost little; its connection keeps it.
class viewer : public std::enable_shared_from_this<viewer> {
public:
    using steady = std::chrono::steady_clock;

    /// `record` says in the end how much was sent, and whether that was all.
    viewer(std::shared_ptr<run> its_run, std::shared_ptr<http::exchange> its_exchange, std::shared_ptr<encoder> as,
           counters& its_counters, std::shared_ptr<access_record> record);
    ~viewer();
    viewer(const viewer&) = delete;
    viewer& operator=(const viewer&) = delete;

    /// Sends the entries from `position` on, and those that follow, until the run has ended or the viewer has gone. The
    /// entries before it are encoded, too, but not sent. A run that breaks off breaks the connection: to a client, an
    /// orderly end would be the end of the answer. `head` is added to the fields of every event stream.
    void begin(http::fields head, std::size_t position);
    /// Sends what the log has, unless a write is under way.
    void resume();
    /// Sends a heartbeat if nothing was sent for so long, and disconnects a viewer that does not read.
    void check(steady::time_point now, std::chrono::milliseconds heartbeat, std::chrono::milliseconds stall_timeout);
    /// Breaks the connection.
    void disconnect() { exchange_->abort(false); }

private:
    enum class ending { none, orderly, broken };

    void encode_more(std::string& out);
    void write(std::string bytes);
    void written(std::size_t size, std::error_code code);
    void end(bool complete);

    const std::shared_ptr<run> watched_;
    const std::shared_ptr<http::exchange> exchange_;
    const std::shared_ptr<encoder> encoder_;
    counters& counted_;
    const std::shared_ptr<access_record> record_;
    std::size_t position_ = 0;  ///< Of the next entry.
    steady::time_point last_write_ = steady::now();
    ending ending_ = ending::none;  ///< After the write that is under way.
    bool writing_ = false, wants_heartbeat_ = false, ended_ = false;
};

/// Sends heartbeats, and disconnects those that do not read.
void check_viewers(run& watched, std::chrono::steady_clock::time_point now, std::chrono::milliseconds heartbeat,
                   std::chrono::milliseconds stall_timeout);

/// Breaks the connections of all viewers, who come back and go on.
void disconnect_viewers(run& watched);

}  // namespace corun::gateway
