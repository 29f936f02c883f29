#include "mcp_commands.hpp"

#include "object_output.hpp"
#include "printable.hpp"
#include <corun/json.hpp>
#include <corun/prompt_agent.hpp>
#include <corun/tools.hpp>

#include <iostream>
#include <utility>
#include <variant>

namespace corun::cli {
namespace {

/// The URL of the server that the command names: a URL, or a label of `--mcp` or of the agent.
asio::awaitable<std::string> find_url(program& self) {
    const connection_settings& values = self.options.connection;
    const std::string& name = self.options.object.server;
    if (name.find("://") != std::string::npos) co_return name;
    std::map<std::string, std::string> urls = mcp_urls(values);
    if (!urls.contains(name) && !values.agent.empty()) {
        client service = make_client(self.context.get_executor(), values);
        const agent found = co_await service.get_agent(values.agent);
        urls.merge(mcp_urls(found));
    }
    if (const auto found = urls.find(name); found != urls.end()) co_return found->second;
    throw usage_error("there is no MCP server '" + name + "': use a URL, a label of --mcp, or one of --agent");
}

std::string line_of(const mcp::progress& report) {
    const std::string total = report.total ? " of " + std::to_string(static_cast<std::int64_t>(*report.total)) : "";
    return std::to_string(static_cast<std::int64_t>(report.value)) + total +
           (report.message.empty() ? "" : ": " + one_line(report.message));
}

}  // namespace

std::map<std::string, std::string> mcp_urls(const agent& value) {
    std::map<std::string, std::string> urls;
    for (const tool& each : value.definition().tools)
        if (const auto* const server = std::get_if<mcp_tool>(&each)) urls[server->server_label] = server->server_url;
    for (const prompt_tool& each : value.prompt_definition().tools)
        if (const auto* const server = std::get_if<prompt_mcp_tool>(&each))
            if (!server->server_url.empty()) urls[server->server_label] = server->server_url;
    return urls;
}

mcp::server make_mcp_server(program& self, const std::string& url) {
    const connection_settings& values = self.options.connection;
    mcp::server_options options;
    options.ca_file = values.ca_file;
    options.proxy = values.proxy;
    if (values.trace) options.observer.on_wire = [](const wire_message& message) { std::cerr << message; };
    return mcp::server(self.context.get_executor(), url, std::move(options));
}

asio::awaitable<exit_code> list_mcp_tools(program& self) {
    const std::string url = co_await find_url(self);
    const mcp::server server = make_mcp_server(self, url);
    const mcp::tool_list list =
        co_await server.list_tools(headers_of(self.options.connection, self.options.object.server));
    for (const mcp::tool& each : list.tools) {
        if (self.options.output.json)
            print_object(self, each);
        else
            print_columns(self, {each.name, each.description});
    }
    for (const std::string& problem : list.problems) self.out.notice(problem, tone::warning);
    co_return exit_code::completed;
}

asio::awaitable<exit_code> call_mcp_tool(program& self) {
    const std::string url = co_await find_url(self);
    const mcp::server server = make_mcp_server(self, url);
    mcp::call_options options;
    options.on_progress = [&self](const mcp::progress& report) { self.out.notice(line_of(report)); };
    const object_settings& object = self.options.object;
    const headers fields = headers_of(self.options.connection, object.server);
    const json_text arguments(object.arguments);
    const mcp::tool_result result = co_await server.call_tool(object.tool, arguments, fields, options);
    if (self.options.output.json)
        print_object(self, result);
    else
        self.out.line(self.out.is_terminal() ? printable(result.text()) : result.text());
    if (!result.is_error) co_return exit_code::completed;
    self.out.failure("the tool failed");
    co_return exit_code::failed;
}

}  // namespace corun::cli
