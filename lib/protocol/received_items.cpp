#include "protocol/received_items.hpp"

#include <corun/error.hpp>

#include <algorithm>

namespace corun::codec {
namespace {

using detail::received_item;
using detail::received_summary;
using detail::run_progress;
using found_items = std::vector<std::optional<received_item>>;

/// The first of the items that have not been found are those that were counted.
void find_counted(const received_summary& counted, bool steps, const std::vector<listed_item>& list,
                  found_items& found) {
    std::uint64_t left = counted.count, checksum = 0;
    for (std::size_t i = 0; i != list.size() && left > 0; ++i) {
        if (found[i] || list[i].is_step != steps) continue;
        received_item& known = found[i].emplace(list[i].hash, steps);
        known.begun = known.in_progress = known.completed = true;
        checksum += known.hash;
        --left;
    }
    constexpr std::uint64_t bits = (std::uint64_t{1} << 48) - 1;
    if (left == 0 && (checksum & bits) == counted.checksum) return;
    throw error(errc::bad_response,
                "the service lists other items than those that the position counts, so the run cannot be continued "
                "exactly; attach to it by its ids alone");
}

void find_by_order(const run_progress& progress, bool steps, const std::vector<listed_item>& list, found_items& found) {
    auto next = progress.items.begin();
    for (std::size_t i = 0; i != list.size(); ++i) {
        if (list[i].is_step != steps) continue;
        next = std::find_if(next, progress.items.end(),
                            [steps](const received_item& each) { return each.is_step == steps; });
        if (next == progress.items.end()) return;
        found[i] = *next++;
    }
}

}  // namespace

found_items find_received(const run_progress& progress, const std::vector<listed_item>& list) {
    found_items found(list.size());
    bool ids_are_known = false;
    for (std::size_t i = 0; i != list.size(); ++i) {
        const received_item* const known = progress.find(list[i].hash, list[i].is_step);
        if (known == nullptr) continue;
        found[i] = *known;
        ids_are_known = true;
    }
    for (const bool steps : {false, true}) {
        const received_summary& counted = steps ? progress.steps : progress.messages;
        if (counted.count > 0)
            find_counted(counted, steps, list, found);
        else if (!ids_are_known)
            find_by_order(progress, steps, list, found);
    }
    return found;
}

}  // namespace corun::codec
