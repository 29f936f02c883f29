#pragma once
#include "gateway/entry.hpp"
#include "gateway/run_log.hpp"

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>

namespace corun::gateway {

/// Encodes a run's log for one viewer, in the viewer's protocol. Its output depends on nothing but the entries, so all
/// viewers see the same, and a replay is what was sent before.
class encoder {
public:
    virtual ~encoder() = default;

    /// Appends the frames of an entry, whole events of an event stream.
    virtual void encode(const entry& value, const entry_id& id, std::string& out) = 0;
    /// The client has what has been encoded so far, from an earlier stream: the next frames begin another one.
    virtual void begin_stream() {}
    /// Appends what a stream begins with, before the first entry.
    virtual void open(std::string&) {}
    /// True if what has been encoded is a whole stream, whatever follows in the log.
    [[nodiscard]] virtual bool is_done() const noexcept { return false; }
    /// True if a stream of this protocol ends while its run waits for answers.
    [[nodiscard]] virtual bool ends_at_wait() const noexcept { return false; }
    /// Appends the end of a stream whose run waits.
    virtual void pause(std::string&) {}
    /// Appends the end of a stream whose run has ended.
    virtual void finish(std::string&) {}
};

/// One event of a stream: `data` is a line.
inline void put_event(std::string& out, std::string_view type, std::string_view data, std::string_view id = {}) {
    if (!id.empty()) out.append("id: ").append(id).append("\n");
    if (!type.empty()) out.append("event: ").append(type).append("\n");
    out.append("data: ").append(data).append("\n\n");
}

/// A text as a JSON string. Entries are UTF-8: corun has checked what it received.
inline void put_string(std::string& out, std::string_view text) {
    const auto is_plain = [](char c) { return static_cast<unsigned char>(c) >= 0x20 && c != '"' && c != '\\'; };
    out += '"';
    if (std::all_of(text.begin(), text.end(), is_plain)) {
        out.append(text).append("\"");
        return;
    }
    const std::string escaped = text_of(json(std::string(text)));
    out.append(escaped, 1);
}

/// What a client ignores, and a proxy takes for a sign of life.
inline constexpr std::string_view keep_alive = ": keep-alive\n\n";
inline constexpr std::string_view keep_alive_unsure = ": keep-alive, but the log cannot be read at the moment\n\n";

}  // namespace corun::gateway
