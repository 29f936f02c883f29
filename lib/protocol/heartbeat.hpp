#pragma once
#include <string_view>

namespace corun::codec {

/// True for an event of this name that says nothing but that the connection lives: `ping`, `response.heartbeat`.
inline bool is_heartbeat(std::string_view name) noexcept {
    // Nearly all events are deltas.
    if (name.empty() || name.back() == 'a') return false;
    name.remove_prefix(name.rfind('.') + 1);
    for (const std::string_view known : {"keepalive", "keep-alive", "keep_alive", "ping", "pong", "heartbeat"})
        if (name == known) return true;
    return false;
}

}  // namespace corun::codec
