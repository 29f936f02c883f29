#include "emulator/mcp/mcp_client.hpp"

#include "async/asio_clock.hpp"
#include "curl/curl_transport.hpp"
#include "http/call.hpp"
#include "server/http_server.hpp"
#include <corun/error.hpp>
#include <corun/sse/parser.hpp>
#include <corun/version.hpp>

#include <asio/error.hpp>

#include <algorithm>
#include <exception>
#include <iterator>
#include <optional>
#include <set>
#include <string_view>

namespace corun::emulator {
namespace {

constexpr const char* latest_version = "2025-06-18";

/// The JSON-RPC response with this id, out of a body that is JSON or a stream of events.
json response_in(const detail::http_response& response, int id) {
    const auto is_response = [id](const json& message) {
        return get(message, "id") == id && !message.contains("method");
    };
    if (response.head.media_type() != "text/event-stream") {
        const json message = json::parse(response.body, nullptr, false);
        if (is_response(message)) return message;
    } else {
        sse::parser events(0);
        events.feed(response.body);
        while (const sse::event* event = events.next()) {
            const json message = json::parse(event->data, nullptr, false);
            if (is_response(message)) return message;
        }
    }
    throw mcp_error(response.head.status, "The server's answer is not a JSON-RPC response.");
}

/// Headers of HTTP and of the protocol. A run must not set them: that would break the exchange.
bool is_reserved(std::string_view name) {
    static constexpr const char* reserved[] = {
        "Accept", "Connection",           "Content-Length", "Content-Type",      "Expect",
        "Host",   "MCP-Protocol-Version", "Mcp-Session-Id", "Transfer-Encoding", "Upgrade"};
    return std::any_of(std::begin(reserved), std::end(reserved),
                       [name](const char* one) { return equal_ignoring_case(name, one); });
}

json request_of(const char* method, json parameters) {
    json message;
    message["jsonrpc"] = "2.0";
    message["method"] = method;
    if (!parameters.is_null()) message["params"] = std::move(parameters);
    return message;
}

}  // namespace

std::string mcp_error::description() const {
    if (status_ == 0) return what();
    return "Http status code: " + std::to_string(status_) + " (" + http::reason(status_) + ")";
}

struct mcp_client::impl {
    explicit impl(asio::any_io_executor executor)
        : transport(curl::make_transport(executor)), clock(detail::make_clock(executor)) {}

    std::shared_ptr<net::transport> transport;
    std::shared_ptr<net::clock> clock;
};

namespace {

/// One session with a server, from `initialize` to DELETE, within the timeout of the target.
class session {
public:
    session(std::shared_ptr<net::transport> transport, std::shared_ptr<net::clock> clock, mcp_client::target server)
        : transport_(std::move(transport)),
          clock_(std::move(clock)),
          server_(std::move(server)),
          began_(clock_->now()) {}

    asio::awaitable<void> open() {
        json parameters;
        parameters["protocolVersion"] = latest_version;
        parameters["capabilities"] = json::object();
        parameters["clientInfo"]["name"] = "corun-emulator";
        parameters["clientInfo"]["version"] = CORUN_VERSION;
        const json result = co_await call("initialize", std::move(parameters));
        version_ = get_string(result, "protocolVersion");
        json notification = request_of("notifications/initialized", nullptr);
        co_await send("POST", "notifications/initialized", std::move(notification));
    }

    asio::awaitable<json> call(const char* method, json parameters) {
        const int id = ++last_id_;
        json message = request_of(method, std::move(parameters));
        message["id"] = id;
        const detail::http_response http_response = co_await send("POST", method, std::move(message));
        const json response = response_in(http_response, id);
        if (const json& problem = get(response, "error"); !problem.is_null())
            throw mcp_error(0, "The server says: " + get_string(problem, "message"));
        co_return get(response, "result");
    }

    /// Failures do not matter: servers need not support DELETE.
    asio::awaitable<void> close() {
        const bool has_session = !session_.empty();
        if (!has_session) co_return;
        try {
            co_await send("DELETE", "DELETE", nullptr);
        } catch (const mcp_error&) {
        }
    }

private:
    asio::awaitable<detail::http_response> send(const char* http_method, std::string method, json message) {
        net::request request;
        request.method = http_method;
        request.url = server_.url;
        const std::chrono::milliseconds left = time_left();
        request.connect_timeout = left;
        for (const auto& [name, value] : server_.headers)
            if (!is_reserved(name)) request.headers.add({name, secret(value)});
        request.headers.set("Accept", "application/json, text/event-stream");
        if (!session_.empty()) request.headers.set("Mcp-Session-Id", session_);
        if (!version_.empty()) request.headers.set("MCP-Protocol-Version", version_);
        if (!message.is_null()) {
            request.headers.set("Content-Type", "application/json");
            request.body = secret(text_of(message));
        }
        detail::call_limits limits;
        limits.total = left;

        detail::http_response response;
        std::optional<mcp_error> problem;
        try {
            response = co_await detail::http_call(transport_, clock_, std::move(request), limits);
        } catch (const std::system_error& error) {
            if (error.code() == asio::error::operation_aborted) throw;
            problem.emplace(0, error.code().message());
        }
        if (server_.observe) server_.observe(method, response.head.status);
        if (problem) throw mcp_error(*problem);
        const int status = response.head.status;
        if (status < 200 || status > 299) throw mcp_error(status, "HTTP status " + std::to_string(status));
        if (method == "initialize") session_ = response.head.field("mcp-session-id");
        co_return response;
    }

    /// 0 for no limit.
    [[nodiscard]] std::chrono::milliseconds time_left() const {
        if (server_.timeout.count() == 0) return server_.timeout;
        const auto left =
            server_.timeout - std::chrono::duration_cast<std::chrono::milliseconds>(clock_->now() - began_);
        if (left.count() <= 0) throw mcp_error(0, "The server took too long.");
        return left;
    }

    std::shared_ptr<net::transport> transport_;
    std::shared_ptr<net::clock> clock_;
    mcp_client::target server_;
    net::time_point began_;
    std::string session_, version_;
    int last_id_ = 0;
};

}  // namespace

mcp_client::mcp_client(asio::any_io_executor executor) : impl_(std::make_shared<impl>(std::move(executor))) {}
mcp_client::~mcp_client() = default;

asio::awaitable<json> mcp_client::list_tools(target server) {
    session session(impl_->transport, impl_->clock, std::move(server));
    co_await session.open();
    json tools = json::array();
    std::string cursor;
    std::set<std::string> seen;
    do {
        json parameters;
        if (!cursor.empty()) parameters["cursor"] = cursor;
        json page = co_await session.call("tools/list", std::move(parameters));
        for (auto& tool : page["tools"]) tools.push_back(std::move(tool));
        cursor = get_string(page, "nextCursor");
        if (!seen.insert(cursor).second) throw mcp_error(0, "The server gives a cursor for the second time.");
    } while (!cursor.empty());
    co_await session.close();
    co_return tools;
}

asio::awaitable<mcp_output> mcp_client::call_tool(target server, std::string name, std::string arguments) {
    session session(impl_->transport, impl_->clock, std::move(server));
    co_await session.open();
    json parameters;
    parameters["name"] = std::move(name);
    parameters["arguments"] = json::parse(arguments, nullptr, false);
    if (!parameters["arguments"].is_object()) parameters["arguments"] = json::object();
    const json result = co_await session.call("tools/call", std::move(parameters));
    co_await session.close();
    mcp_output output;
    output.is_error = get(result, "isError") == true;
    for (const auto& block : get(result, "content")) {
        if (!output.text.empty()) output.text += '\n';
        output.text += get_string(block, "type") == "text" ? get_string(block, "text") : text_of(block);
    }
    co_return output;
}

asio::awaitable<void> list_into(mcp_result& result, mcp_client& client, mcp_client::target server) {
    mcp_result& into = result;
    try {
        into.tools = co_await client.list_tools(std::move(server));
    } catch (const mcp_error& error) {
        into.problem = error;
    }
}

asio::awaitable<void> call_into(mcp_result& result, mcp_client& client, mcp_client::target server, std::string name,
                                std::string arguments) {
    mcp_result& into = result;
    try {
        into.output = co_await client.call_tool(std::move(server), std::move(name), std::move(arguments));
    } catch (const mcp_error& error) {
        into.problem = error;
    }
}

}  // namespace corun::emulator
