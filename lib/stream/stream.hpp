#pragma once
#include "async/task.hpp"
#include "net/transport.hpp"
#include "stream/context.hpp"
#include "stream/protocol.hpp"
#include "values/run_progress.hpp"
#include <corun/error.hpp>
#include <corun/event.hpp>
#include <corun/reconcile.hpp>
#include <corun/run_position.hpp>
#include <corun/submission.hpp>

#include <asio/awaitable.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace corun::detail {

struct stream_state;
class run_stream;

/// A stream that nobody has yet: if this goes, the stream is abandoned.
class stream_owner {
public:
    explicit stream_owner(std::shared_ptr<run_stream> stream) noexcept;
    stream_owner(stream_owner&&) noexcept = default;
    stream_owner& operator=(stream_owner&&) = delete;
    ~stream_owner();

    [[nodiscard]] std::shared_ptr<run_stream> release() && noexcept { return std::move(stream_); }

private:
    std::shared_ptr<run_stream> stream_;
};

/// The caller's side of a run: what is behind an `event_stream`. life.cpp is the other side.
class run_stream {
public:
    /// Sends a request that begins a run; completes when the response has begun and is an event stream.
    static asio::awaitable<stream_owner> open(std::shared_ptr<run_context> run, std::unique_ptr<run_protocol> protocol,
                                              prepared_run request);
    /// The same for a run that waits for answers, whoever began it: answers it.
    static asio::awaitable<stream_owner> resume(std::shared_ptr<run_context> run,
                                                std::unique_ptr<run_protocol> protocol, submission answers);

    /// The same for a run that goes on: streams its events.
    static stream_owner attach(std::shared_ptr<run_context> run, std::unique_ptr<run_protocol> protocol);

    explicit run_stream(std::shared_ptr<stream_state> state);

    static asio::awaitable<std::optional<event>> next(std::shared_ptr<run_stream> self, std::error_code* code);
    static asio::awaitable<std::span<const event>> next_batch(std::shared_ptr<run_stream> self, std::size_t max,
                                                              std::error_code* code);
    std::optional<event> try_next();
    static asio::awaitable<void> submit(std::shared_ptr<run_stream> self, submission answers);
    static asio::awaitable<void> cancel_run(std::shared_ptr<run_stream> self);
    static asio::awaitable<void> stop(std::shared_ptr<run_stream> self);
    void abandon() noexcept;

    [[nodiscard]] const std::string& run_id() const noexcept;
    [[nodiscard]] const std::string& thread_id() const noexcept;
    [[nodiscard]] run_position position() const;
    [[nodiscard]] const net::response_head& head() const noexcept;
    [[nodiscard]] const reconcile_report& report() const noexcept;
    [[nodiscard]] const diagnostics& details() const noexcept;
    [[nodiscard]] bool waits_for_answers() const noexcept;
    /// What an error that comes of this stream must not show.
    [[nodiscard]] const redactor& secrets() const noexcept;

private:
    bool take(event& taken);
    void note_taken(const event& taken);
    /// Why there is no event, when all have been taken. Nothing where the run has ended.
    std::error_code report_failure();

    const std::shared_ptr<stream_state> state_;
    run_progress progress_;                ///< What the caller has taken of the run.
    std::optional<diagnostics> reported_;  ///< Of a failure that is not the stream's end.
    std::vector<event> batch_;             ///< What `next_batch` returned last.
    std::shared_ptr<task<bool>> ending_;   ///< The end of the run, once the caller has stopped the stream.
};

}  // namespace corun::detail
