#pragma once
#include <corun/export.hpp>

#include <cstdint>
#include <optional>
#include <string>

namespace corun {

/// Identifies a run, and how far its events have been read. An application can store it: another process then cancels
/// the run (`client::cancel_run`) or streams the rest of its events (`agent::attach_stream`).
struct CORUN_API run_position {
    run_position() = default;
    /// In the threads protocol, a run is identified by the id of its thread, too.
    explicit run_position(std::string its_run_id, std::string its_thread_id = {},
                          std::optional<std::int64_t> number = {});

    std::string run_id, thread_id;
    /// The number of the last event that has been read. Only responses in the background have numbers; without one, a
    /// stream begins with the first event of the run.
    std::optional<std::int64_t> sequence_number;
};

}  // namespace corun
