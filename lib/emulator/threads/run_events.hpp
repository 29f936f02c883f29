#pragma once
#include "emulator/event_sink.hpp"
#include "emulator/threads/threads_engine.hpp"

#include <asio/awaitable.hpp>

#include <cstddef>
#include <string>

namespace corun::emulator {

/// Writes the events of a run to its stream, if it has one.
class run_events {
public:
    run_events(const threads_engine& engine, const run& run, event_sink& sink)
        : engine_(engine), run_(run), sink_(sink) {}

    asio::awaitable<void> emit(std::string event, json data);
    /// The run itself. `created`, `queued` and `in_progress` come twice where the options say so.
    asio::awaitable<void> emit_run(std::string status);
    asio::awaitable<void> emit_step(std::string event, const record& step);
    asio::awaitable<void> emit_message(std::string event, const record& message);
    asio::awaitable<void> emit_content_delta(const record& message, json block);
    asio::awaitable<void> emit_call_delta(std::size_t index, json call);

    /// A step as streams show it.
    [[nodiscard]] json shown(const record& step) const;

private:
    [[nodiscard]] int copies_of(const std::string& event) const;

    const threads_engine& engine_;
    const run& run_;
    event_sink& sink_;
};

}  // namespace corun::emulator
