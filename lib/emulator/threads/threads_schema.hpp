#pragma once
#include "emulator/http/schema.hpp"

namespace corun::emulator::schema {

/// The bodies of requests of the threads protocol. `mcp`: the api-version supports MCP.
struct request_bodies {
    explicit request_bodies(bool mcp);

    check create_agent, update_agent;
    check create_thread, update_thread;
    check create_message;
    check create_run, create_thread_and_run;
    check submit;
    check metadata_only;
};

}  // namespace corun::emulator::schema
