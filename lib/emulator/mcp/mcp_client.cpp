#include "emulator/mcp/mcp_client.hpp"

#include "server/http_server.hpp"
#include <corun/error.hpp>
#include <corun/headers.hpp>
#include <corun/mcp/server.hpp>

#include <asio/error.hpp>

#include <algorithm>
#include <iterator>
#include <string_view>
#include <utility>

namespace corun::emulator {
namespace {

/// Headers of HTTP and of the protocol, which corun's client refuses. The service ignores them in a run.
bool is_reserved(std::string_view name) {
    static constexpr const char* reserved[] = {"Accept",
                                               "Connection",
                                               "Content-Encoding",
                                               "Content-Length",
                                               "Content-Type",
                                               "Expect",
                                               "Host",
                                               "Keep-Alive",
                                               "Last-Event-ID",
                                               "TE",
                                               "Trailer",
                                               "Transfer-Encoding",
                                               "Upgrade"};
    return equal_ignoring_case(name.substr(0, 4), "Mcp-") ||
           std::any_of(std::begin(reserved), std::end(reserved),
                       [name](const char* one) { return equal_ignoring_case(name, one); });
}

headers fields_of(const mcp_client::target& target) {
    headers fields;
    for (const auto& [name, value] : target.headers)
        if (!is_reserved(name)) fields.add({name, secret(value)});
    return fields;
}

mcp::server server_of(const asio::any_io_executor& executor, const mcp_client::target& target) {
    mcp::server_options options;
    // As the service does.
    options.revisions = mcp::revisions::legacy;
    options.client_name = "corun-emulator";
    for (auto* limit :
         {&options.connect_timeout, &options.request_timeout, &options.call_timeout, &options.total_timeout})
        *limit = target.timeout;
    options.retry.max_retries = 0;
    if (target.observe)
        options.observer.on_request = [observe = target.observe](const request_record& request) {
            observe(request.rpc_method.empty() ? request.method : request.rpc_method, request.status);
        };
    return mcp::server(executor, target.url, std::move(options));
}

/// Of a failure other than the cancellation of the operation, which it throws again.
mcp_error problem_of(const error& failure) {
    if (failure.code() == asio::error::operation_aborted) throw failure;
    if (failure.code() == errc::mcp_error) return {0, "The server says: " + failure.details().message};
    const int status = failure.status();
    return {status < 300 ? 0 : status, failure.code().message()};
}

asio::awaitable<json> tools_of(mcp::server server, headers fields) {
    const mcp::tool_list list = co_await server.list_tools(std::move(fields));
    json tools = json::array();
    for (const mcp::tool& each : list.tools) tools.push_back(json::parse(each.raw));
    co_return tools;
}

asio::awaitable<mcp_output> output_of(mcp::server server, headers fields, std::string name, std::string arguments) {
    const bool is_object = json::parse(arguments, nullptr, false).is_object();
    if (!is_object) arguments = "{}";
    const mcp::tool_result result = co_await server.call_tool(std::move(name), std::move(arguments), std::move(fields));
    if (result.error_code) throw mcp_error(0, "The server says: " + result.text());
    mcp_output output;
    output.is_error = result.is_error;
    for (const mcp::content& block : result.content) {
        if (!output.text.empty()) output.text += '\n';
        output.text += block.type == "text" ? block.text : block.raw;
    }
    co_return output;
}

}  // namespace

std::string mcp_error::description() const {
    if (status_ == 0) return what();
    return "Http status code: " + std::to_string(status_) + " (" + http::reason(status_) + ")";
}

asio::awaitable<void> mcp_client::list_tools(mcp_result& result, target server) {
    mcp_result& into = result;
    try {
        into.tools = co_await tools_of(server_of(executor_, server), fields_of(server));
    } catch (const mcp_error& problem) {
        into.problem = problem;
    } catch (const error& failure) {
        into.problem = problem_of(failure);
    }
}

asio::awaitable<void> mcp_client::call_tool(mcp_result& result, target server, std::string name,
                                            std::string arguments) {
    mcp_result& into = result;
    try {
        into.output =
            co_await output_of(server_of(executor_, server), fields_of(server), std::move(name), std::move(arguments));
    } catch (const mcp_error& problem) {
        into.problem = problem;
    } catch (const error& failure) {
        into.problem = problem_of(failure);
    }
}

}  // namespace corun::emulator
