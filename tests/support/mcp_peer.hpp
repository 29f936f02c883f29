#pragma once
#include "drive.hpp"
#include "leaks.hpp"
#include "loopback_server.hpp"
#include "manual_clock.hpp"
#include "mcp/exchange.hpp"
#include "virtual_time.hpp"
#include <corun/error.hpp>
#include <corun/mcp/server.hpp>

#include <nlohmann/json.hpp>

#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace corun::test {

/// An MCP server whose every byte a test decides. By default it is one of an era, with one tool, `reserve_seat`.
class mcp_peer {
public:
    using json = nlohmann::ordered_json;
    /// Plays the response to a request; true if it has played one, and the connection can serve another.
    using player = std::function<asio::awaitable<bool>(std::shared_ptr<raw_connection>, raw_request)>;

    /// On an application's io_context, if it is not null.
    explicit mcp_peer(mcp::era spoken, asio::io_context* shared = nullptr)
        : io(shared ? *shared : own_io_),
          era_(spoken),
          server_(io, [this](std::shared_ptr<raw_connection> peer) { return serve(std::move(peer)); }) {}

    /// A client whose time is the test's.
    [[nodiscard]] mcp::server client(mcp::server_options options = settings()) {
        auto state = std::make_shared<mcp::server::state>(io.get_executor(), url(), std::move(options));
        state->clock = clock;
        return mcp::server(std::move(state));
    }
    [[nodiscard]] mcp::session session(mcp::server_options options = settings()) {
        return mcp::session(client(std::move(options)));
    }

    static mcp::server_options settings() {
        mcp::server_options options;
        options.retry.max_retries = 0;
        return options;
    }
    [[nodiscard]] static headers token(std::string_view value) {
        return headers(header("Authorization", "Bearer " + planted_secret(value)));
    }
    [[nodiscard]] std::string url() const { return server_.url() + "/mcp"; }
    [[nodiscard]] std::size_t connections() const { return server_.connections(); }

    template <class T>
    T run(asio::awaitable<T> work) {
        return await(io, *clock, std::move(work));
    }
    void run(asio::awaitable<void> work) { await(io, *clock, std::move(work)); }

    /// The JSON-RPC methods received, or the HTTP methods of other requests.
    [[nodiscard]] std::vector<std::string> methods() const {
        std::vector<std::string> names;
        for (const raw_request& each : requests) names.push_back(method_of(each));
        return names;
    }
    [[nodiscard]] std::size_t count(std::string_view method) const {
        std::size_t number = 0;
        for (const raw_request& each : requests) number += method_of(each) == method ? 1 : 0;
        return number;
    }
    /// The last request of a method.
    [[nodiscard]] const raw_request& last(std::string_view method) const {
        for (auto each = requests.rbegin(); each != requests.rend(); ++each)
            if (method_of(*each) == method) return *each;
        throw std::logic_error("not received: " + std::string(method));
    }

    static json message_of(const raw_request& request) { return json::parse(request.body, nullptr, false); }
    static std::string method_of(const raw_request& request) {
        const json message = message_of(request);
        if (message.is_object() && message.contains("method")) return message["method"];
        return message.is_object() ? "answer" : request.head.substr(0, request.head.find(' '));
    }

    // Responses.
    static std::string result(const raw_request& request, const json& value, std::string_view more = {}) {
        return whole_response(200, "application/json", result_text(request, value), more);
    }
    static std::string result_text(const raw_request& request, const json& value) {
        return json{{"jsonrpc", "2.0"}, {"id", message_of(request)["id"]}, {"result", value}}.dump();
    }
    static std::string failure(const raw_request& request, int status, int code, std::string_view text,
                               json data = nullptr) {
        json problem{{"code", code}, {"message", text}};
        if (!data.is_null()) problem["data"] = std::move(data);
        return whole_response(status, "application/json",
                              json{{"jsonrpc", "2.0"}, {"id", message_of(request)["id"]}, {"error", problem}}.dump());
    }
    static json text_result(std::string_view text) {
        return json{{"content", json::array({{{"type", "text"}, {"text", text}}})}};
    }
    /// An event stream that the server ends.
    static std::string stream(std::string_view events) {
        return response_head(200, "text/event-stream") + "Connection: close\r\n\r\n" + std::string(events);
    }

    /// What `on` or the default responds.
    std::string response_to(const std::string& method, const raw_request& request) {
        if (const auto found = on.find(method); found != on.end()) return found->second(request);
        if (method == "tools/list") return result(request, {{"tools", tools}});
        if (method == "tools/call") return result(request, text_result("seat 14A is yours"));
        if (era_ == mcp::era::modern) {
            if (method == "server/discover")
                return result(request,
                              {{"supportedVersions", {"2026-07-28"}}, {"capabilities", {{"tools", json::object()}}}});
            return failure(request, 400, -32022, "No such version.", {{"supported", {"2026-07-28"}}});
        }
        if (method == "initialize")
            return result(request, {{"protocolVersion", version}, {"capabilities", {{"tools", json::object()}}}},
                          session_id.empty() ? "" : "Mcp-Session-Id: " + session_id + "\r\n");
        if (method == "notifications/initialized" || method == "notifications/cancelled" || method == "answer")
            return "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n";
        if (method == "DELETE") return "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
        return failure(request, 400, -32000, "Bad Request: Server not initialized");
    }

private:
    asio::io_context own_io_;

public:
    asio::io_context& io;
    std::shared_ptr<manual_clock> clock = std::make_shared<manual_clock>();
    std::vector<raw_request> requests;
    json tools =
        json::array({{{"name", "reserve_seat"},
                      {"description", "Reserves one seat."},
                      {"inputSchema", {{"type", "object"}, {"properties", {{"seat", {{"type", "string"}}}}}}}}});
    std::string version = "2025-11-25", session_id = "session-1";
    /// Instead of the default response to a method.
    std::map<std::string, std::function<std::string(const raw_request&)>> on;
    /// The same, by hand.
    std::map<std::string, player> play;

private:
    asio::awaitable<void> serve(std::shared_ptr<raw_connection> peer) {
        bool goes_on = true;
        while (goes_on) {
            const raw_request request = co_await peer->read();
            if (request.head.empty()) break;
            requests.push_back(request);
            const std::string method = method_of(request);
            if (const auto found = play.find(method); found != play.end()) {
                goes_on = co_await found->second(peer, request);
                continue;
            }
            std::string response = response_to(method, request);
            goes_on = response.find("Connection: close") == response.npos;
            co_await peer->write(std::move(response));
        }
        peer->close();
    }

    mcp::era era_;
    loopback_server server_;
};

/// The error of what is awaited, which must fail.
template <class Work>
error failure_of(mcp_peer& peer, Work work) {
    try {
        (void)peer.run(std::move(work));
    } catch (const error& failure) {
        check_hides_secrets(std::current_exception());
        return failure;
    }
    throw std::logic_error("it did not fail");
}

}  // namespace corun::test
