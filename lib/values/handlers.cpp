#include <corun/handlers.hpp>

namespace corun {

local_function::local_function(std::string name, std::string description, std::string parameters,
                               function_handler callable)
    : definition(std::move(name), std::move(description), std::move(parameters)), handler(std::move(callable)) {}

asio::awaitable<std::string> local_function::to_awaitable(std::string output) {
    co_return output;
}

mcp_header_source::mcp_header_source(mcp_headers fixed) : fixed_(std::move(fixed)) {}
mcp_header_source::mcp_header_source(mcp_header_provider provider) : provider_(std::move(provider)) {}

}  // namespace corun
