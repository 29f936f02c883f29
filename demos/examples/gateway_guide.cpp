// The examples of docs/gateway.md, with their line breaks. This file is only compiled.
// clang-format off
#include <corun/corun.hpp>
#include <corun/gateway/gateway.hpp>

#include <asio/io_context.hpp>

#include <optional>
#include <string>

namespace guide {

using namespace corun;

mcp_headers headers_of(const std::string& name);

void own_sign_in(asio::io_context& context, client service, agent runner) {
    gateway::gateway_options options;
    options.sign_in = [](gateway::request_head head) -> std::optional<gateway::user> {
        const std::string name(head.header("X-Forwarded-User"));  // set by the proxy that signs users in
        if (name.empty()) return {};
        return gateway::user(name, [name](mcp_header_request) { return headers_of(name); });
    };
    gateway::gateway_server server(context, service, runner, options);
}

}  // namespace guide
