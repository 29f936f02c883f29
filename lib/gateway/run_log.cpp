#include "gateway/run_log.hpp"

#include <charconv>

namespace corun::gateway {

std::optional<entry_id> entry_id::parse(std::string_view text) noexcept {
    entry_id id;
    const char* const end = text.data() + text.size();
    const auto epoch = std::from_chars(text.data(), end, id.epoch);
    if (epoch.ec != std::errc() || epoch.ptr == end || *epoch.ptr != '-') return {};
    const auto number = std::from_chars(epoch.ptr + 1, end, id.number);
    if (number.ec != std::errc() || number.ptr != end) return {};
    return id;
}

void run_log::append(std::vector<entry> entries, std::uint64_t epoch) {
    if (entries.empty()) return;
    if (epochs_.empty() || epochs_.back().epoch != epoch) epochs_.push_back({entries_.size(), epoch});
    for (entry& each : entries) {
        if (each.kind == entry_kind::run_resumed) segments_.push_back(entries_.size());
        // Warnings come at any time.
        if (each.kind != entry_kind::warning) waits_ = each.kind == entry_kind::run_waiting;
        bytes_ += each.bytes();
        entries_.push_back(std::move(each));
    }
    notify();
}

entry_id run_log::id_of(std::size_t position) const noexcept {
    std::uint64_t epoch = 1;
    for (const epoch_start& each : epochs_)
        if (each.position <= position) epoch = each.epoch;
    return {epoch, position + 1};
}

std::optional<std::size_t> run_log::position_after(const entry_id& id) const noexcept {
    const auto number = static_cast<std::size_t>(id.number);
    if (number > entries_.size()) return {};
    if (number == 0) return id.epoch == 1 ? std::optional<std::size_t>(0) : std::nullopt;
    if (id_of(number - 1) != id) return {};
    return number;
}

}  // namespace corun::gateway
