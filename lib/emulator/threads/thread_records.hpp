#pragma once
#include "emulator/execution.hpp"
#include "emulator/mcp/mcp_binding.hpp"
#include "emulator/store.hpp"
#include "emulator/threads/tool_call.hpp"

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace corun::emulator {

struct run : runnable {
    using runnable::runnable;

    [[nodiscard]] bool has_ended() const;
    /// Sets the status, and the members that go with it.
    void set_status(const std::string& status, std::int64_t now);

    store<record> steps;
    std::vector<mcp_binding> servers;
    std::vector<tool_call> calls;  ///< Of the round under way.
    std::shared_ptr<record> current_step, current_message;
    std::optional<std::pair<std::string, std::string>> fails_at_once;  ///< Code and message.
    bool created_thread = false;
    bool with_results = false;  ///< `include[]` asks for the content of search results.
};

struct agent : record {
    using record::record;
    std::size_t runs = 0;
};

struct thread : record {
    using record::record;
    store<record> messages;
    store<run> runs;

    [[nodiscard]] std::shared_ptr<run> active_run() const;
};

void end_step(record& step, const std::string& status, std::int64_t now);

/// Token counts of a step or a run.
json usage_of(std::size_t prompt, std::size_t completion);

/// Removes the content of search results, which is shown on request only.
void drop_results(json& step_details);

}  // namespace corun::emulator
