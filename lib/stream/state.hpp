#pragma once
#include "async/task.hpp"
#include "async/wakeup.hpp"
#include "net/clock.hpp"
#include "redact/redact.hpp"
#include "run/restart_policy.hpp"
#include "run/run_fsm.hpp"
#include "stream/context.hpp"
#include "stream/delivery.hpp"
#include "stream/observation.hpp"
#include "stream/protocol.hpp"
#include <corun/error.hpp>
#include <corun/reconcile.hpp>

#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <system_error>

namespace corun::detail {

class response_reader;

/// A failed run in whose place another one is begun.
struct failed_run {
    std::string event, data;  ///< The event that reported the failure.
    run::restart_policy::decision restart;
};

/// What the steps in the life of one run share.
///
/// *Lifetime:* shared by the stream and by each coroutine that works for it. *Threads:* on the client's executor.
struct stream_state : std::enable_shared_from_this<stream_state> {
    stream_state(std::shared_ptr<run_context> run, std::unique_ptr<run_protocol> protocol, prepared_run& request);

    /// What the caller does with the stream.
    enum class caller { reading, gone, stopping };

    [[nodiscard]] api_client& api() const noexcept { return *run->api; }
    [[nodiscard]] net::time_point now() const noexcept { return run->api->clock->now(); }
    [[nodiscard]] const std::string& run_id() const noexcept { return protocol->identity().run_id; }
    [[nodiscard]] const std::string& thread_id() const noexcept { return protocol->identity().thread_id; }
    [[nodiscard]] bool abandoned() const noexcept { return user != caller::reading; }

    /// The caller would not have to wait.
    [[nodiscard]] bool has_news() const noexcept { return abandoned() || !events.empty() || fsm.over(); }

    /// Goes on with the run's life where something has been decided; ends it when the run is over.
    void settle() noexcept;
    /// Pauses, resumes or drops the transfer, as the state says.
    void update_transfer() noexcept;
    /// Arms the timer for the state's deadline.
    void watch();
    /// Nothing that comes counts any more. `message` is redacted.
    void fail(std::error_code code, std::string message) noexcept;
    void fail(const std::exception_ptr& failure) noexcept;
    void cancel_life() noexcept;
    /// The caller takes no more events.
    void drop_events() noexcept;
    /// Nobody uses the stream any more: lets a response that is ending end, so that its connection can be used again,
    /// and drops any other.
    void drain() noexcept;
    /// Drops the timer, and whatever its call keeps alive, in a later turn.
    void release_deadline() noexcept;
    void observe_end(std::error_code failure) noexcept;

    const std::shared_ptr<run_context> run;
    const std::unique_ptr<run_protocol> protocol;
    run::run_fsm fsm;
    event_delivery events;
    std::shared_ptr<response_reader> response;  ///< Of the latest request; null before the first.
    run::restart_policy restarts;
    std::optional<failed_run> failed;  ///< While another run is begun in its place.
    caller user = caller::reading;
    redactor secrets;
    reconcile_report report;
    diagnostics details;  ///< Redacted.
    run_observation observed;
    wakeup arrival;  ///< Something arrived, or was decided.
    std::unique_ptr<net::timer> deadline;
    std::shared_ptr<task<bool>> life;  ///< While it does not wait for the network.
};

}  // namespace corun::detail
