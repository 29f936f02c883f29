#pragma once
#include "async/wakeup.hpp"
#include "emulator/environment.hpp"
#include "emulator/event_sink.hpp"
#include "emulator/json.hpp"
#include "emulator/script.hpp"
#include "emulator/store.hpp"

#include <asio/awaitable.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/io_context.hpp>

#include <chrono>
#include <deque>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>

namespace corun::emulator {

/// A run or response fails. The last members are for responses only.
struct run_failure : std::runtime_error {
    run_failure(std::string error_code, const std::string& message)
        : std::runtime_error(message), code(std::move(error_code)) {}

    std::string code;
    std::string type;  ///< Of the `error` event and of the error response; empty when there is neither.
    int status = 200;  ///< Of the error response.
    json param;
};

/// A run or response was cancelled or has expired, or the service stops.
struct interrupted {};

/// What the script needs of a run or response.
struct runnable : record {
    using record::record;

    [[nodiscard]] std::string status() const { return get_string(object, "status"); }
    /// Adds the output of a call.
    void add_output(const std::string& output);
    /// Lets an execution that waits for a reader enter its next stage. See `service_options::stage_a_read`.
    void note_read();
    /// Interrupts the execution, if any.
    void interrupt();

    std::deque<step> plan;
    std::string user_message, outputs;  ///< The latest message, and the outputs of the latest round of calls.
    std::size_t input_tokens = 0, output_tokens = 0;
    std::weak_ptr<execution> worker;
    std::optional<detail::wakeup> next_stage;
    bool was_read = false;
};

/// The execution of a run or response from one request of the application to the next. The protocols derive from it.
class execution : public std::enable_shared_from_this<execution> {
public:
    execution(const execution&) = delete;
    execution& operator=(const execution&) = delete;
    virtual ~execution();

    /// Starts the work in the next turn of the io_context. It keeps itself alive until it has ended.
    void start();
    void interrupt() { cancellation_.emit(asio::cancellation_type::terminal); }

protected:
    execution(std::shared_ptr<environment> shared, std::shared_ptr<runnable> target, event_sink sink);

    /// The work. Throws `run_failure` or `interrupted`.
    virtual asio::awaitable<void> perform() = 0;
    /// Reports how the work ended, unless it ended by itself. It is not cancelled any more.
    virtual asio::awaitable<void> conclude(std::optional<run_failure> failure, bool was_interrupted) = 0;
    /// Whether the target was cancelled or has expired.
    [[nodiscard]] virtual bool is_interrupted() const = 0;
    /// Whether the target enters a new stage only when somebody reads it.
    [[nodiscard]] virtual bool waits_for_reader() const = 0;
    /// Whether there is a stream to keep alive.
    [[nodiscard]] virtual bool has_stream() const = 0;
    virtual asio::awaitable<void> send_keepalive() = 0;

    /// Enters the next stage: waits for a reader if need be. Throws `interrupted`.
    asio::awaitable<void> enter_stage();
    /// Waits for `work`, with keep-alives in the stream. Throws `interrupted`.
    asio::awaitable<void> meanwhile(asio::awaitable<void> work);

    std::shared_ptr<environment> environment_;
    std::shared_ptr<runnable> target_;
    event_sink sink_;

private:
    static asio::awaitable<void> work(std::shared_ptr<execution> self);
    asio::awaitable<void> keep_alive();
    void throw_if_interrupted() const;

    asio::cancellation_signal cancellation_;
};

asio::awaitable<void> wait_for(asio::io_context& context, std::chrono::milliseconds time);

}  // namespace corun::emulator
