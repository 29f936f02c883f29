#pragma once
#include <corun/export.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace corun {

namespace detail {
class run_progress;
}

/// Identifies a run, and exactly what has been received of it. An application can store it: another process then
/// cancels the run (`client::cancel_run`) or streams the rest of its events (`agent::attach_stream`).
struct CORUN_API run_position {
    run_position() = default;
    /// A run of which nothing has been received, or the events up to `number`. In the threads protocol, a run is
    /// identified by the id of its thread, too.
    explicit run_position(std::string its_run_id, std::string its_thread_id = {},
                          std::optional<std::int64_t> number = {});

    /// The size of the longest token.
    static constexpr std::size_t max_token = 1024;
    /// The position as a token: at most `max_token` characters: letters, digits, dots, hyphens and underscores. It
    /// holds ids, counts and checksums, but no headers, no credentials and no texts.
    ///
    /// A token lists every item (message, call, reasoning) that is not complete, and as many complete ones as fit; of
    /// the others it holds how many they are, and a checksum of their ids.
    ///
    /// *Errors:* `errc::invalid_argument` without `run_id`, and if the ids, or the items that are not complete, do not
    /// fit: ids of 600 bytes and 30 such items do.
    [[nodiscard]] std::string to_string() const;
    /// The position that `to_string` wrote. Any text is safe to pass.
    ///
    /// *Errors:* `errc::invalid_argument` for anything else: a damaged token, or one of another version of corun.
    [[nodiscard]] static run_position parse(std::string_view token);

    std::string run_id, thread_id;
    /// The number of the last event that has been read. Only responses in the background have numbers.
    std::optional<std::int64_t> sequence_number;
    /// What has been received, for `to_string` and `agent::attach_stream`. Null for a position that
    /// `event_stream::position` did not return: a stream then begins after `sequence_number`, or with the first event.
    std::shared_ptr<const detail::run_progress> progress;
};

}  // namespace corun
