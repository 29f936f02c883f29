#include "stream/received_elsewhere.hpp"

#include <algorithm>
#include <cstddef>
#include <iterator>

namespace corun::detail {
namespace {

/// The step that begins or ends with this event; null for any other.
const run_step* step_in(const event& decoded) noexcept {
    if (const auto* const created = decoded.get_if<events::step_created>()) return &created->step;
    if (const auto* const completed = decoded.get_if<events::step_completed>()) return &completed->step;
    return nullptr;
}

/// Drops `count` events from this place on, but not all there are.
void drop_from(event& first, std::vector<event>& more, std::size_t place, std::uint64_t count) {
    if (count == 0 || more.empty()) return;
    std::vector<event> all;
    all.push_back(std::move(first));
    std::move(more.begin(), more.end(), std::back_inserter(all));
    const auto there = static_cast<std::uint64_t>(all.size() - std::max<std::size_t>(place, 1));
    const auto begin = all.begin() + static_cast<std::ptrdiff_t>(place);
    all.erase(begin, begin + static_cast<std::ptrdiff_t>(std::min(count, there)));
    first = std::move(all.front());
    more.assign(std::move_iterator(all.begin() + 1), std::move_iterator(all.end()));
}

}  // namespace

received_elsewhere::received_elsewhere(const run_position& position) : restores_(position.progress != nullptr) {
    if (position.progress) progress_ = *position.progress;
    progress_.number = position.sequence_number;
}

bool received_elsewhere::covers(std::optional<std::int64_t> number) const noexcept {
    return has_number() && number && *number <= *progress_.number;
}

void received_elsewhere::drop_numbered(std::optional<std::int64_t> number, event& first, std::vector<event>& more) {
    if (!has_number() || !number) return;
    // Of what is delivered in any case, all but the last has been received with the rest.
    drop_from(first, more, 0, covers(number) ? more.size() : std::exchange(progress_.taken, 0));
}

void received_elsewhere::was_restored() noexcept {
    restores_ = false;
    drops_step_ = progress_.is_in_step();
}

void received_elsewhere::drop_step(event& first, std::vector<event>& more) {
    if (!drops_step_) return;
    for (std::size_t i = 0; i <= more.size(); ++i) {
        const run_step* const step = step_in(i == 0 ? first : more[i - 1]);
        if (step == nullptr || id_hash(step->id) != progress_.latest.step) continue;
        drop_from(first, more, i, progress_.latest.events);
        drops_step_ = false;
        return;
    }
}

}  // namespace corun::detail
