#pragma once
#include "emulator/faults.hpp"
#include "emulator/mcp/mcp_client.hpp"
#include "emulator/script.hpp"
#include <corun/emulator/emulator.hpp>

#include <asio/io_context.hpp>

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace corun::emulator {

class execution;

/// What the engines of both protocols share.
class environment : public std::enable_shared_from_this<environment> {
public:
    environment(asio::io_context& context, service_options options);

    asio::io_context& context;
    service_options options;
    std::vector<script> scripts;
    fault_list faults;
    mcp_client mcp;
    std::vector<recorded_mcp_request> mcp_requests;
    std::set<execution*> executions;  ///< Those under way. They add and remove themselves.
    bool stopped = false;

    /// Seconds since 1970.
    [[nodiscard]] std::int64_t now() const;
    /// An id that looks like the service's. The sequence of ids is the same in every process.
    std::string make_id(const std::string& prefix);
    /// The MCP server at `url`, called with the headers of `record`. Each request to it is recorded.
    mcp_client::target mcp_target(std::string url, recorded_mcp_request record);
    /// Interrupts all executions.
    void stop();

private:
    void keep(recorded_mcp_request request);

    std::uint64_t ids_ = 0;
};

}  // namespace corun::emulator
