#pragma once
#include "run/event_queue.hpp"
#include "stream/protocol.hpp"
#include <corun/event.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace corun::detail {

/// The events of one stream on their way to the caller. They are decoded when the caller takes them.
class event_delivery {
public:
    /// With `records` the protocol is told of each event that is delivered, so that it can find out what a lost stream
    /// has missed.
    event_delivery(std::shared_ptr<run::block_pool> pool, bool records) noexcept
        : queue_(std::move(pool)), records_(records) {}

    /// `shaped`: what is known of `data`.
    void push(std::string_view name, std::string_view data, const codec::shaped_text& shaped = {}) {
        queue_.push(name, data, shaped);
    }

    /// Takes the next event into `taken`, a new one; false when none waits. Where it cannot be decoded, sets `failure`,
    /// and `problem` says why.
    bool take(run_protocol& protocol, event& taken, std::error_code& failure, std::string& problem);
    void drop() noexcept;

    /// The response broke off: what waits counts as delivered.
    void disconnect(run_protocol& protocol);
    /// The protocol knows of all that has been pushed so far.
    void all_recorded() noexcept { recorded_ = queue_.pushed(); }

    /// No more is to come of the server-sent event that was taken last.
    [[nodiscard]] bool is_between_events() const noexcept { return decoded_.empty(); }
    [[nodiscard]] bool empty() const noexcept { return decoded_.empty() && queue_.empty(); }
    /// Bytes that the waiting events hold.
    [[nodiscard]] std::size_t bytes() const noexcept { return queue_.bytes(); }
    /// How many events have arrived in all.
    [[nodiscard]] std::uint64_t count() const noexcept { return queue_.pushed(); }

private:
    run::event_queue queue_;
    std::vector<event> decoded_;  ///< The rest of what one wire event said, the last first.
    bool records_;
    std::uint64_t recorded_ = 0;  ///< How many of all events the protocol knows of.
};

}  // namespace corun::detail
