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

}  // namespace corun::gateway
