#pragma once
#include "api/api_client.hpp"
#include "async/task.hpp"
#include "net/transport.hpp"
#include "redact/redact.hpp"
#include "run/event_queue.hpp"
#include "run/retry.hpp"
#include "run/run_fsm.hpp"
#include "stream/actions.hpp"
#include "stream/context.hpp"
#include "stream/observation.hpp"
#include "stream/protocol.hpp"
#include <corun/error.hpp>
#include <corun/event.hpp>
#include <corun/reconcile.hpp>
#include <corun/sse/parser.hpp>
#include <corun/submission.hpp>

#include <asio/steady_timer.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace corun::detail {

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

/// What is behind an `event_stream`: it moves bytes from the transport through parser and state
/// machine into the queue, and events from the queue to the caller. A run's events come in one
/// response, and in another one after each action; or, where the run is polled or its response was
/// lost, out of what readings of the run show.
class run_stream final : public net::sink, public std::enable_shared_from_this<run_stream> {
public:
    /// Sends a request that starts a run, and completes with its stream when the response has begun
    /// and is an event stream.
    static asio::awaitable<stream_owner> open(std::shared_ptr<run_context> run, std::unique_ptr<run_protocol> protocol,
                                              prepared_run request);
    /// The same for a run that waits for answers, from whomever it was begun: answers it.
    static asio::awaitable<stream_owner> resume(std::shared_ptr<run_context> run,
                                                std::unique_ptr<run_protocol> protocol, submission answers);
    /// What an error that comes of this stream must not show.
    [[nodiscard]] const redactor& secrets() const noexcept { return secrets_; }

    static asio::awaitable<std::optional<event>> next(std::shared_ptr<run_stream> self, std::error_code* code);
    static asio::awaitable<void> submit(std::shared_ptr<run_stream> self, submission answers);
    static asio::awaitable<void> cancel_run(std::shared_ptr<run_stream> self);
    static asio::awaitable<void> stop(std::shared_ptr<run_stream> self);
    std::optional<event> try_next();
    void abandon() noexcept;

    [[nodiscard]] const std::string& run_id() const noexcept { return protocol_->run_id(); }
    [[nodiscard]] const std::string& thread_id() const noexcept { return protocol_->thread_id(); }
    [[nodiscard]] const net::response_head& head() const noexcept { return head_; }
    [[nodiscard]] const reconcile_report& report() const noexcept { return report_; }
    [[nodiscard]] const diagnostics& details() const noexcept { return details_; }
    [[nodiscard]] bool waits_for_answers() const noexcept { return fsm_.waiting(); }

    run_stream(std::shared_ptr<run_context> run, std::unique_ptr<run_protocol> protocol, prepared_run& request);

private:
    void on_head(net::response_head head) noexcept override;
    void on_bytes(std::string_view bytes) noexcept override;
    void on_done(std::error_code code, std::string detail) noexcept override;

    enum class response { none, events, refusal };
    using work = task<bool>;

    // Beside the caller: sending.cpp.
    static asio::awaitable<void> send(std::shared_ptr<run_stream> self, run_call call);
    static asio::awaitable<void> send_once(std::shared_ptr<run_stream> self, std::string request_id, int attempt,
                                           run_call call);
    static asio::awaitable<void> post_once(std::shared_ptr<run_stream> self, std::string request_id, int attempt,
                                           run_call call);
    static asio::awaitable<std::optional<bool>> find_lost_answer(std::shared_ptr<run_stream> self,
                                                                 std::error_code cause);
    static asio::awaitable<void> send_answers(std::shared_ptr<run_stream> self, submission answers);
    static asio::awaitable<bool> answer(std::shared_ptr<run_stream> self);
    static asio::awaitable<bool> restart(std::shared_ptr<run_stream> self);
    static asio::awaitable<void> begin_again(std::shared_ptr<run_stream> self);
    static asio::awaitable<bool> read_on(std::shared_ptr<run_stream> self);
    static asio::awaitable<bool> read_until_over(std::shared_ptr<run_stream> self);
    static asio::awaitable<void> stream_on(std::shared_ptr<run_stream> self, run_call call);
    static asio::awaitable<bool> end_run(std::shared_ptr<run_stream> self);
    static asio::awaitable<bool> end_run_in_time(std::shared_ptr<run_stream> self);
    void observe_reattach(std::error_code failure) noexcept;
    void tell_reattached();
    void take_reading(const std::vector<read_event>& events);

    void take_events(std::string_view bytes);
    void take(const sse::event& arrived);
    bool take_failure(const sse::event& arrived, codec::event_class what);
    void gather(std::string_view bytes);
    void begin_work(asio::awaitable<bool> (*what)(std::shared_ptr<run_stream>));
    [[nodiscard]] bool ready() const noexcept;
    std::optional<event> pop();
    void tell_waiting();
    void drop_events();
    void fail(std::error_code code, std::string detail) noexcept;
    void fail(const std::exception_ptr& failure) noexcept;
    void act() noexcept;
    void settle() noexcept;
    void cancel_work() noexcept;
    void observe_end(std::error_code failure) noexcept;
    void watch();
    void wake() noexcept;
    static asio::awaitable<void> wait_for_arrival(std::shared_ptr<run_stream> self);
    [[nodiscard]] error failure() const;
    [[nodiscard]] error refusal() const;

    std::shared_ptr<run_context> run_;
    std::shared_ptr<api_client> api_;
    stream_options options_;
    std::unique_ptr<run_protocol> protocol_;
    redactor secrets_;
    run::run_fsm fsm_;
    sse::parser parser_;
    run::event_queue queue_;
    std::uint64_t told_ = 0;   ///< How many of all events the protocol has been told of.
    std::vector<event> more_;  ///< The rest of what one wire event said, in reverse.
    net::response_head head_;
    response response_ = response::none;
    std::string body_;              ///< Of a response that is not an event stream.
    std::string failed_name_;       ///< Of the event by which a run failed, while it is begun again; else empty.
    std::string failed_;            ///< Its data.
    std::shared_ptr<work> work_;    ///< What goes on beside the caller: answering, reading.
    std::shared_ptr<work> ending_;  ///< The end of the run, which the caller does not wait for any more.
    reconcile_report report_;
    run_observation observed_;
    diagnostics details_;         ///< Redacted.
    asio::steady_timer arrival_;  ///< A condition variable: never expires, is cancelled to wake.
    std::unique_ptr<net::timer> deadline_;
    std::unique_ptr<net::transfer> transfer_;
    int waiting_ = 0;  ///< How many wait for it.
    bool transfer_over_ = false;
    std::error_code transfer_failure_;
    bool transfer_paused_ = false;
    std::uint64_t bytes_ = 0;  ///< Of the response.
    std::uint64_t sent_ = 0;   ///< How many requests for a response.
    reattach_record reattaching_;
    net::time_point reattaching_since_;
    bool finding_ = false;    ///< The run was lost, and is being found again.
    bool may_exist_ = false;  ///< A request that makes a run is on its way, or its answer was lost.
    bool abandoned_ = false;  ///< The caller takes no more events.
    bool untouched_ = true;   ///< The run has done nothing yet that beginning again would do twice.
    int token_restarts_ = 0, rate_limit_restarts_ = 0;  ///< That are left.
    run::retry_schedule rate_limit_delays_;
    std::chrono::milliseconds restart_delay_{0};
    bool token_rejected_ = false;  ///< That is why the run is begun again.
};

}  // namespace corun::detail
