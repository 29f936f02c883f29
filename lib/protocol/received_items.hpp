#pragma once
#include "values/run_progress.hpp"

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace corun::codec {

/// An item as the service lists it.
struct listed_item {
    listed_item(std::string_view id, bool step) : hash(detail::id_hash(id)), is_step(step) {}

    std::uint64_t hash;
    bool is_step;
};

/// For each item of a list, in the order of the run: what has been received of it, and nothing for a new one.
///
/// Items are found by their ids. If the service shows none of the ids that it had streamed, by their order. Throws
/// `errc::bad_response` if those that are only counted are not the first of the others.
std::vector<std::optional<detail::received_item>> find_received(const detail::run_progress& progress,
                                                                const std::vector<listed_item>& list);

}  // namespace corun::codec
