#pragma once
#include "emulator/threads/thread_records.hpp"

namespace corun::emulator {

/// What a new run is made from.
struct run_origin {
    run_origin(const emulator::agent& its_agent, const emulator::thread& its_thread, const json& request_body,
               bool is_streaming)
        : agent(its_agent), thread(its_thread), body(request_body), streaming(is_streaming) {}

    const emulator::agent& agent;
    const emulator::thread& thread;
    const json& body;
    bool streaming;
};

/// Decides which MCP servers a run uses, with which headers, out of the resources of run, thread and agent.
/// Throws `api_error`, or lets the run fail at once.
void bind_mcp_servers(run& run, const run_origin& origin, const service_options& options);

}  // namespace corun::emulator
