#pragma once
#include "text/text_mark.hpp"
#include "values/text_kind.hpp"
#include <corun/event.hpp>
#include <corun/options.hpp>
#include <corun/resources.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace corun::detail {

/// What stands for an id: 48 bits of a hash.
[[nodiscard]] std::uint64_t id_hash(std::string_view id) noexcept;
/// What stands for an action: its calls. Never 0.
[[nodiscard]] std::uint64_t action_hash(const required_action& action) noexcept;

/// What has been received of a text that comes in pieces.
struct received_text {
    received_text(codec::text_kind its_kind, std::int32_t its_part) noexcept : kind(its_kind), part(its_part) {}

    codec::text_kind kind;
    std::int32_t part;  ///< The number of the text in its item.
    text_mark mark;
    std::uint32_t annotations = 0;
};

/// What has been received of a message, or of a step.
struct received_item {
    received_item(std::uint64_t its_hash, bool step) noexcept : hash(its_hash), is_step(step) {}

    received_text& text(codec::text_kind kind, std::int32_t part);
    [[nodiscard]] const received_text* find(codec::text_kind kind, std::int32_t part) const noexcept;

    std::uint64_t hash;  ///< Of its id.
    bool is_step;
    bool begun = false, in_progress = false, completed = false;
    bool lacks_output = false;         ///< It completed before its calls had their output.
    std::vector<received_text> texts;  ///< Empty when it has completed.
};

/// Many items of one kind, all complete.
struct received_summary {
    received_summary() = default;

    std::uint64_t count = 0;
    std::uint64_t checksum = 0;  ///< The sum of the hashes of their ids, modulo 2^48.
};

/// The statuses that were received of a run, since it was created or last answered.
struct received_statuses {
    received_statuses() = default;

    bool created = false;  ///< Whenever that was.
    bool queued = false, in_progress = false, cancelling = false;
};

/// The step whose begin or end was the latest event, and how many events with it said so: of the tools or calls that
/// follow, more may be to come.
struct latest_step {
    latest_step() = default;

    std::uint64_t step = 0, events = 0;
};

/// What has been received of a run, event by event. It holds no texts, and no ids but those of the run.
class run_progress {
public:
    run_progress() = default;
    explicit run_progress(protocol spoken) noexcept : spoken(spoken) {}

    /// An event was received. False for one that tells nothing of the run's progress.
    bool observe(const event& received);
    /// It was the last of its server-sent event, which had this number.
    void event_ended(std::optional<std::int64_t> number) noexcept;

    [[nodiscard]] const received_item* find(std::uint64_t hash, bool is_step) const noexcept;
    /// Moves the oldest item that is complete to the summaries; false if there is none.
    bool count_oldest();
    /// Nothing of the run has been received.
    [[nodiscard]] bool empty() const noexcept { return !status.created; }
    /// The latest server-sent event was that of the latest step, and a part of it was not received.
    [[nodiscard]] bool is_in_step() const noexcept { return taken > 0 && latest.events > 0; }

    std::optional<protocol> spoken;
    std::string run_id, thread_id;  ///< Empty until an event told.
    /// The number of the last server-sent event that was received completely. Nothing if the numbers do not tell all
    /// that was received.
    std::optional<std::int64_t> number;
    std::uint64_t taken = 0;  ///< How many events were received of the server-sent event after it.

    received_statuses status;
    std::uint64_t action = 0;  ///< The hash of the action that the run waits for; 0 if it does not.

    received_summary messages, steps;  ///< Those that `items` does not have.
    std::vector<received_item> items;  ///< In the order in which they began.
    latest_step latest;

private:
    struct visitor;

    bool adds_to_latest(const events::text_delta& delta) noexcept;
    received_item& item(std::string_view id, bool is_step);
    void complete(received_item& done) noexcept;

    /// The item whose event came last.
    struct place {
        std::string id;
        std::size_t index = 0;
        bool is_step = false;
    };

    place place_;
    bool has_unnumbered_ = false;
};

}  // namespace corun::detail
