#pragma once
#include <cstdint>
#include <ctime>

namespace corun::bench {

/// Of a clock that all processes share: the load server writes it into events, and readers subtract it.
inline std::uint64_t now_ns() {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(now.tv_nsec);
}

}  // namespace corun::bench
