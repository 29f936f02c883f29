#pragma once
#include "net/transport.hpp"
#include "redact.hpp"
#include "run/event_queue.hpp"
#include "run/machine.hpp"
#include "run/replay.hpp"
#include "run_actions.hpp"
#include "run_observation.hpp"
#include "run_start.hpp"
#include "service.hpp"
#include "task.hpp"
#include <corun/event_stream.hpp>
#include <corun/sse/parser.hpp>

#include <asio/steady_timer.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace corun::detail {

/// What is behind an `event_stream`: it moves bytes from the transport through parser and state
/// machine into the queue, and events from the queue to the caller. A run's events come in one
/// response, and in another one after each action; or, where the run is polled, out of what the
/// polls show.
class run_stream final : public net::sink, public std::enable_shared_from_this<run_stream> {
public:
    /// Sends a request that starts a run, and completes with its stream when the response has begun
    /// and is an event stream.
    static asio::awaitable<event_stream> open(std::shared_ptr<run_context> run, prepared_run request,
                                              stream_options limits);
    /// The same for a run that waits for answers, from whomever it was begun: answers it.
    static asio::awaitable<event_stream> resume(std::shared_ptr<run_context> run, std::string run_id,
                                                submission answers, stream_options limits);
    /// What an error that comes of this stream must not show.
    static const redactor& secrets_of(const event_stream& stream) noexcept { return stream.impl_->secrets_; }

    static asio::awaitable<std::optional<event>> next(std::shared_ptr<run_stream> self, std::error_code* code);
    static asio::awaitable<void> submit(std::shared_ptr<run_stream> self, submission answers);
    static asio::awaitable<void> cancel_run(std::shared_ptr<run_stream> self);
    std::optional<event> try_next();
    void abandon() noexcept;

    [[nodiscard]] const std::string& run_id() const noexcept { return run_id_; }
    [[nodiscard]] const std::string& thread_id() const noexcept { return thread_id_; }
    [[nodiscard]] const net::response_head& head() const noexcept { return head_; }
    [[nodiscard]] const reconcile_report& report() const noexcept { return report_; }
    [[nodiscard]] const diagnostics& details() const noexcept { return details_; }
    [[nodiscard]] bool waits_for_answers() const noexcept { return machine_.waiting(); }

    run_stream(std::shared_ptr<run_context> run, prepared_run& request, stream_options limits);

private:
    void on_head(net::response_head head) noexcept override;
    void on_bytes(std::string_view bytes) noexcept override;
    void on_done(std::error_code code, std::string detail) noexcept override;

    enum class response { none, events, refusal };
    using work = task<bool>;

    static asio::awaitable<void> send(std::shared_ptr<run_stream> self, std::string path, std::string query,
                                      secret body);
    static asio::awaitable<void> send_once(std::shared_ptr<run_stream> self, std::string path, std::string query,
                                           secret body);
    static asio::awaitable<void> send_and_poll(std::shared_ptr<run_stream> self, std::string path, std::string query,
                                               secret body);
    static asio::awaitable<bool> poll(std::shared_ptr<run_stream> self);
    static asio::awaitable<std::size_t> poll_once(std::shared_ptr<run_stream> self);
    static asio::awaitable<void> send_answers(std::shared_ptr<run_stream> self, submission answers);
    static asio::awaitable<bool> answer(std::shared_ptr<run_stream> self);
    static asio::awaitable<bool> restart(std::shared_ptr<run_stream> self);
    static asio::awaitable<bool> read_to_the_end(std::shared_ptr<run_stream> self);
    static asio::awaitable<void> begin_again(std::shared_ptr<run_stream> self);

    void take_events(std::string_view bytes);
    void take(const sse::event& arrived);
    void take_polled(std::string_view name, std::string_view data);
    void take_action(std::string_view data);
    bool take_rejection(const sse::event& arrived);
    [[nodiscard]] static bool has_done_something(const sse::event& arrived) noexcept;
    void learn_ids(std::string_view name, std::string_view data);
    void gather(std::string_view bytes);
    void begin_work(asio::awaitable<bool> (*what)(std::shared_ptr<run_stream>));
    [[nodiscard]] bool ready() const noexcept;
    [[nodiscard]] std::string path_of_run() const;
    std::optional<event> pop();
    void fail(std::error_code code, std::string detail) noexcept;
    void fail(const std::exception_ptr& failure) noexcept;
    void act() noexcept;
    void settle() noexcept;
    void cancel_work() noexcept;
    void observe_end(std::error_code failure) noexcept;
    void watch();
    void wake() noexcept;
    [[nodiscard]] error failure() const;
    [[nodiscard]] error refusal() const;

    std::shared_ptr<run_context> run_;
    std::shared_ptr<service> service_;
    redactor secrets_;
    run::machine machine_;
    sse::parser parser_;
    run::event_queue queue_;
    std::vector<event> more_;  ///< The rest of what one wire event said, in reverse.
    net::response_head head_;
    response response_ = response::none;
    std::string body_;  ///< Of a response that is not an event stream.
    std::string run_id_, thread_id_;
    pending_action action_;       ///< The last one.
    run::replay replay_;          ///< Of a run that is polled.
    std::string rejected_;        ///< The run that failed, as JSON, while it is begun again.
    std::shared_ptr<work> work_;  ///< What goes on beside the caller: answering, polling.
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
    bool abandoned_ = false;
    bool may_restart_ = false;  ///< Nothing has been done yet that beginning again would do twice.
};

}  // namespace corun::detail
