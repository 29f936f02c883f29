#pragma once
#include "drive.hpp"
#include "raw_http.hpp"
#include <corun/emulator/emulator.hpp>
#include <corun/sse/parser.hpp>

#include <asio/io_context.hpp>
#include <nlohmann/json.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace corun::test {

using json = nlohmann::ordered_json;

struct sse_event {
    sse_event(std::string event_name, std::string event_data)
        : name(std::move(event_name)), data(std::move(event_data)) {}
    std::string name, data;
    [[nodiscard]] json value() const { return json::parse(data); }
};

/// The emulated service and an MCP server as any HTTP client sees them. Time stands still unless a
/// test moves it.
struct emulated_http {
    emulated_http() {
        emulator::service_options options;
        options.clock = now;
        service.emplace(io, std::move(options));
        emulator::mcp_server_options mcp_options;
        mcp_options.clock = now;
        start_mcp(std::move(mcp_options));
    }

    void start_mcp(emulator::mcp_server_options options) {
        mcp.emplace(io, std::move(options));
        mcp->accept_token("good");
        mcp->accept_token("planted-secret-good");
        mcp->add_tool("reserve_seat", "Reserves one seat.",
                      R"({"type":"object","properties":{"seat":{"type":"string"}},"required":["seat"]})",
                      [](std::string_view arguments) { return "reserved " + std::string(arguments); });
        mcp->add_tool("cancel_seat", "Gives a seat back.", R"({"type":"object","properties":{}})",
                      [](std::string_view) -> std::string { throw std::runtime_error("there is no such seat"); });
    }

    http_request request(std::string method, std::string path, std::string body = {}) const {
        http_request what(service->endpoint() + path + (path.find('?') == std::string::npos ? "?" : "&") +
                          "api-version=v1");
        what.method = std::move(method);
        what.headers.emplace_back("Authorization", "Bearer " + service->token());
        if (!body.empty()) what.headers.emplace_back("Content-Type", "application/json");
        what.body = std::move(body);
        return what;
    }
    raw_response send(http_request what) { return await(io, exchange_raw(std::move(what))); }
    raw_response send(std::string method, std::string path, std::string body = {}) {
        return send(request(std::move(method), std::move(path), std::move(body)));
    }
    json post(std::string path, const json& body) { return accepted(send("POST", std::move(path), body.dump())); }
    json get(std::string path) { return accepted(send("GET", std::move(path))); }
    static json accepted(const raw_response& response) {
        if (response.status != 200) throw std::runtime_error(std::to_string(response.status) + ": " + response.body);
        return json::parse(response.body);
    }

    /// The events of a streaming request.
    std::vector<sse_event> stream(std::string path, json body) {
        body["stream"] = true;
        last = send("POST", std::move(path), body.dump());
        return events_of(last.body);
    }
    static std::vector<sse_event> events_of(const std::string& text) {
        std::vector<sse_event> events;
        sse::parser parser;
        parser.feed(text);
        while (const sse::event* event = parser.next())
            events.emplace_back(std::string(event->type), std::string(event->data));
        return events;
    }
    static std::vector<std::string> names_of(const std::vector<sse_event>& events) {
        std::vector<std::string> names;
        for (const auto& event : events) names.push_back(event.name);
        return names;
    }
    static std::string text_of(const std::vector<sse_event>& events) {
        std::string text;
        for (const auto& event : events)
            if (event.name == "thread.message.delta") text += event.value()["delta"]["content"][0]["text"]["value"];
        return text;
    }
    static json value_of(const std::vector<sse_event>& events, const std::string& name) {
        for (const auto& event : events)
            if (event.name == name) return event.value();
        return nullptr;
    }

    std::string make_agent(json tools = json::array(), json tool_resources = json::object()) {
        json body;
        body["model"] = "gpt-4o";
        body["tools"] = std::move(tools);
        body["tool_resources"] = std::move(tool_resources);
        return post("/assistants", body)["id"];
    }
    std::string make_thread(json tool_resources = json::object()) {
        json body;
        body["tool_resources"] = std::move(tool_resources);
        return post("/threads", body)["id"];
    }
    json mcp_tool(std::string label = "bookings") const {
        json tool;
        tool["type"] = "mcp";
        tool["server_label"] = std::move(label);
        tool["server_url"] = mcp->url();
        return tool;
    }
    static json function_tool(std::string name = "get_weather") {
        json tool;
        tool["type"] = "function";
        tool["function"]["name"] = std::move(name);
        tool["function"]["parameters"] =
            json::parse(R"({"type":"object","properties":{"city":{"type":"string"}},"required":["city"]})");
        return tool;
    }
    static json list(json first) {
        json items = json::array();
        items.push_back(std::move(first));
        return items;
    }
    /// `tool_resources` for one server; no approval when empty.
    static json resources(std::string token, std::string approval = "never", std::string label = "bookings") {
        json entry;
        entry["server_label"] = std::move(label);
        entry["headers"] = json::object();
        if (!token.empty()) entry["headers"]["Authorization"] = "Bearer " + token;
        if (!approval.empty()) entry["require_approval"] = std::move(approval);
        json all;
        all["mcp"] = list(std::move(entry));
        return all;
    }
    /// The body of a run of an agent, in a thread of its own, that begins with a message.
    static json run_body(const std::string& agent, const std::string& message) {
        json said;
        said["role"] = "user";
        said["content"] = message;
        json body;
        body["assistant_id"] = agent;
        body["thread"]["messages"] = list(std::move(said));
        return body;
    }
    /// The body of a run in a thread that exists.
    static json run_in_thread(const std::string& agent, const std::string& message) {
        json body = run_body(agent, message);
        body["additional_messages"] = body["thread"]["messages"];
        body.erase("thread");
        return body;
    }
    static std::string path_of(const json& run) {
        return "/threads/" + run["thread_id"].get<std::string>() + "/runs/" + run["id"].get<std::string>();
    }
    /// Moves the clock.
    void pass(std::chrono::seconds time) { *moved += time; }

    asio::io_context io;
    std::shared_ptr<std::chrono::seconds> moved = std::make_shared<std::chrono::seconds>(0);
    emulator::clock now = [offset = moved] {
        return std::chrono::system_clock::time_point(std::chrono::seconds(1'766'000'000)) + *offset;
    };
    std::optional<emulator::service> service;
    std::optional<emulator::mcp_server> mcp;
    raw_response last;
};

}  // namespace corun::test
