#pragma once
#include "values/run_progress.hpp"
#include <corun/event.hpp>
#include <corun/run_position.hpp>

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace corun::detail {

/// What the caller had received of a run before it had this stream.
class received_elsewhere {
public:
    /// Nothing.
    received_elsewhere() = default;
    explicit received_elsewhere(const run_position& position);
    /// All of it so far, of which nothing is shown again.
    explicit received_elsewhere(run_progress all) : progress_(std::move(all)) {}

    [[nodiscard]] const run_progress& progress() const noexcept { return progress_; }

    // A stream that begins anew, with numbers.
    [[nodiscard]] bool has_number() const noexcept { return progress_.number.has_value(); }
    /// The event of this number was received.
    [[nodiscard]] bool covers(std::optional<std::int64_t> number) const noexcept;
    /// The stream has shown all that was received.
    void was_streamed() noexcept { restores_ = false; }
    /// Drops what was received of an event with this number.
    void drop_numbered(std::optional<std::int64_t> number, event& first, std::vector<event>& more);

    // Objects that are read.
    /// The first ones that are read show it.
    [[nodiscard]] bool restores() const noexcept { return restores_; }
    void was_restored() noexcept;
    /// Drops what was received of the step that an event begins or ends: a part of what follows it.
    void drop_step(event& first, std::vector<event>& more);

private:
    run_progress progress_;
    bool restores_ = false, drops_step_ = false;
};

}  // namespace corun::detail
