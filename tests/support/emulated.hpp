#pragma once
#include "drive.hpp"
#include "leaks.hpp"
#include <corun/corun.hpp>
#include <corun/emulator/emulator.hpp>

#include <asio/io_context.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace corun::test {

/// A client, the emulated service and an MCP server guarded by tokens, on one io_context. Time
/// stands still unless a test moves it.
struct emulated {
    emulated() : emulated(emulator::service_options()) {}

    explicit emulated(emulator::service_options options) {
        options.clock = now;
        if (options.token == emulator::service_options().token) options.token = planted_secret("service");
        service.emplace(io, std::move(options));
        emulator::mcp_server_options mcp_options;
        mcp_options.clock = now;
        mcp_options.modern = false;  // Its sessions are what tests look at.
        mcp.emplace(io, std::move(mcp_options));
        mcp->add_tool("reserve_seat", "Reserves one seat.",
                      R"({"type":"object","properties":{"seat":{"type":"string"}},"required":["seat"]})",
                      [](std::string_view) { return std::string("seat 14A is yours"); });
        // A failure is what most tests are about, not what may follow it.
        client_options settings = searched();
        settings.retry.max_retries = 0;
        settings.reattach.enabled = false;
        client.emplace(io.get_executor(), service->endpoint(), credential::bearer(service->token()), settings);
    }

    /// An agent with the MCP server as `bookings`, without any header.
    agent make_agent() {
        agent_definition definition("gpt-4o");
        definition.name = "travel-desk";
        definition.instructions = "Answer travel questions.";
        definition.tools.push_back(mcp_tool("bookings", mcp->url()));
        return await(io, client->create_agent(std::move(definition)));
    }

    agent make_plain_agent() { return await(io, client->create_agent(agent_definition("gpt-4o"))); }

    static mcp_headers token(std::string value) {
        mcp_headers headers;
        headers.set("bookings", "Authorization", "Bearer " + std::move(value));
        return headers;
    }

    static run_options without_approvals() {
        run_options options;
        options.default_approval = mcp_approval::never();
        return options;
    }

    asio::io_context io;
    std::shared_ptr<std::chrono::system_clock::duration> moved =
        std::make_shared<std::chrono::system_clock::duration>(0);
    emulator::clock now = [offset = moved] {
        return std::chrono::system_clock::time_point(std::chrono::seconds(1'766'000'000)) + *offset;
    };
    std::optional<emulator::service> service;
    std::optional<emulator::mcp_server> mcp;
    std::optional<corun::client> client;
};

/// The events of a stream, until the run has ended or waits for answers.
inline asio::awaitable<std::vector<event>> collect(event_stream& stream) {
    std::vector<event> events;
    while (auto arrived = co_await stream.next()) {
        events.push_back(std::move(*arrived));
        while (auto more = stream.try_next()) events.push_back(std::move(*more));
        if (stream.waits_for_answers()) break;
    }
    check_hides_secrets(stream.report());
    check_hides_secrets(stream.details());
    co_return events;
}

inline asio::awaitable<std::vector<event>> collect(asio::awaitable<event_stream> started) {
    event_stream stream = co_await std::move(started);
    std::vector<event> events = co_await collect(stream);
    co_return events;
}

inline std::vector<std::string> names_of(const std::vector<event>& events) {
    std::vector<std::string> names;
    for (const event& each : events)
        if (!each.continues()) names.emplace_back(each.name());
    return names;
}

inline std::string text_of(const std::vector<event>& events) {
    std::string text;
    for (const event& each : events)
        if (const auto* delta = each.get_if<events::text_delta>()) text += delta->text;
    return text;
}

/// The code and details of the `corun::error` that an awaitable ends with.
template <class T>
error failure_of(asio::io_context& io, asio::awaitable<T> task) {
    try {
        (void)await(io, std::move(task));
    } catch (const error& failure) {
        return failure;
    }
    throw std::logic_error("it did not fail");
}

inline error failure_of(asio::io_context& io, asio::awaitable<void> task) {
    try {
        await(io, std::move(task));
    } catch (const error& failure) {
        return failure;
    }
    throw std::logic_error("it did not fail");
}

/// The same for a call that may already throw before it gives an awaitable.
template <class Call>
requires std::is_invocable_v<Call> error failure_of(asio::io_context& io, Call call) {
    try {
        return failure_of(io, call());
    } catch (const error& failure) {
        return failure;
    }
}

}  // namespace corun::test
