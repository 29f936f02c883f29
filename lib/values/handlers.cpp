#include <corun/handlers.hpp>

namespace corun {

local_function::local_function(std::string name, std::string description, json_text parameters,
                               function_handler callable)
    : definition(std::move(name), std::move(description), std::move(parameters)), handler(std::move(callable)) {}

approval_decision approval_decision::deny(std::string reason) {
    approval_decision denial;
    denial.reason_ = std::move(reason);
    return denial;
}

mcp_header_source::mcp_header_source(mcp_headers fixed) : fixed_(std::move(fixed)) {}
mcp_header_source::mcp_header_source(mcp_server_headers first, mcp_server_headers second)
    : fixed_(std::move(first), std::move(second)) {}
mcp_header_source::mcp_header_source(mcp_server_headers first, mcp_server_headers second, mcp_server_headers third)
    : fixed_(std::move(first), std::move(second), std::move(third)) {}
mcp_header_source::mcp_header_source(mcp_server_headers first, mcp_server_headers second, mcp_server_headers third,
                                     mcp_server_headers fourth)
    : fixed_(std::move(first), std::move(second), std::move(third), std::move(fourth)) {}
mcp_header_source::mcp_header_source(mcp_header_provider provider) : provider_(std::move(provider)) {}

}  // namespace corun
