#pragma once

#include <corun/corun.hpp>
#include <corun/emulator/emulator.hpp>

#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>

#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <iomanip>
#include <iostream>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// The service that the demos use: the real one when AZURE_AI_PROJECT_ENDPOINT and AZURE_AI_TOKEN are set,
/// otherwise the emulator and a small MCP server in this process.
///
/// With the real service, AZURE_AI_MODEL names the model deployment (default: gpt-4o), and MCP_SERVER_URL,
/// MCP_SERVER_LABEL (default: bookings) and MCP_TOKEN an MCP server. Without a URL the runs use none.
///
/// CORUN_PROTOCOL=responses selects the Responses protocol, where the demo holds the agent and sends it with each
/// request.
namespace demo {

inline std::string environment(const char* name, std::string fallback = {}) {
    const char* value = std::getenv(name);
    return value && *value ? value : fallback;
}

class backend {
public:
    explicit backend(asio::io_context& io)
        : endpoint_(environment("AZURE_AI_PROJECT_ENDPOINT")), token_(environment("AZURE_AI_TOKEN")) {
        if (!endpoint_.empty() && !token_.empty()) {
            mcp_url_ = environment("MCP_SERVER_URL");
            if (!mcp_url_.empty() && environment("MCP_TOKEN").empty())
                throw std::runtime_error("MCP_SERVER_URL is set: the token for that server goes into MCP_TOKEN");
            return;
        }
        const auto now = [offset = offset_] { return std::chrono::system_clock::now() + *offset; };

        corun::emulator::mcp_server_options mcp_options;
        mcp_options.clock = now;
        mcp_.emplace(io, std::move(mcp_options));
        const char* const seat_schema =
            R"({"type":"object","properties":{"seat":{"type":"string","description":"seat id"}},"required":["seat"]})";
        mcp_->add_tool("reserve_seat", "Reserves one seat.", seat_schema,
                       [](std::string_view) { return std::string("Seat 14A is booked, window side."); });
        mcp_->add_tool("print_pass", "Prints the boarding pass of a seat.", seat_schema,
                       [](std::string_view) { return std::string("The pass for 14A is at the gate."); });
        mcp_url_ = mcp_->url();

        corun::emulator::service_options options;
        options.clock = now;
        options.pace = std::chrono::milliseconds(40);
        service_.emplace(io, std::move(options));
        service_->script("", {corun::emulator::step::call_mcp("reserve_seat", R"({"seat":"14A"})"),
                              corun::emulator::step::reply("The booking server says: {output} Have a good trip!")});
        service_->script("free seat in row 14", {corun::emulator::step::call_function("find_seats", R"({"row":14})"),
                                                 corun::emulator::step::reply("These are free: {output}. "),
                                                 corun::emulator::step::call_mcp("reserve_seat", R"({"seat":"14A"})"),
                                                 corun::emulator::step::reply("{output} "),
                                                 corun::emulator::step::call_mcp("print_pass", R"({"seat":"14A"})"),
                                                 corun::emulator::step::reply("{output}")});
        service_->script("through corun",
                         {corun::emulator::step::call_function("bookings__reserve_seat", R"({"seat":"14A"})"),
                          corun::emulator::step::reply("The booking server says: {output} Have a good trip!")});
        endpoint_ = service_->endpoint();
        token_ = service_->token();
    }

    [[nodiscard]] bool emulated() const { return service_.has_value(); }
    [[nodiscard]] std::string endpoint() const { return endpoint_; }
    [[nodiscard]] corun::credential credential() const { return corun::credential::bearer(token_); }

    [[nodiscard]] bool speaks_responses() const { return environment("CORUN_PROTOCOL") == "responses"; }
    [[nodiscard]] corun::client_options options() const {
        corun::client_options options;
        if (speaks_responses()) options.protocol = corun::protocol::responses;
        return options;
    }

    [[nodiscard]] std::string mcp_label() const { return environment("MCP_SERVER_LABEL", "bookings"); }

    /// Headers for a run: a token for the MCP server, valid for an hour by default, as those of Google Cloud Run
    /// are. None without an MCP server.
    [[nodiscard]] corun::mcp_headers mcp_headers(std::chrono::minutes lifetime = std::chrono::hours(1)) {
        corun::mcp_headers headers;
        if (!mcp_url_.empty()) headers.set(mcp_label(), "Authorization", "Bearer " + fresh_mcp_token(lifetime));
        return headers;
    }

    /// Advances the emulator's clock.
    void pass(std::chrono::minutes time) { *offset_ += time; }

    /// Creates an agent with these tools and those of the MCP server. It is removed when the demo ends.
    asio::awaitable<corun::agent> make_agent(corun::client client, std::vector<corun::tool> tools = {}) {
        corun::agent_definition definition(environment("AZURE_AI_MODEL", "gpt-4o"));
        definition.name = "travel-desk";
        definition.instructions = "Answer travel questions. Use your tools.";
        definition.tools = std::move(tools);
        if (!mcp_url_.empty()) definition.tools.push_back(corun::mcp_tool(mcp_label(), mcp_url_));
        if (speaks_responses()) co_return client.local_agent(corun::migrate(definition).definition);
        corun::agent agent = co_await client.create_agent(definition);
        agents_.push_back(agent);
        co_return agent;
    }

    /// Creates a thread, which is removed likewise.
    asio::awaitable<corun::agent_thread> make_thread(corun::client client) {
        corun::agent_thread thread = co_await client.create_thread();
        threads_.push_back(thread);
        co_return thread;
    }

    /// Removes the agents and threads of the demo. Reports failures on standard error.
    asio::awaitable<void> clean_up() {
        const std::vector<corun::agent_thread> threads = std::exchange(threads_, {});
        const std::vector<corun::agent> agents = std::exchange(agents_, {});
        for (corun::agent_thread each : threads) {
            if (!speaks_responses()) co_await end_runs(each);
            co_await remove(each);
        }
        for (corun::agent each : agents) co_await remove(each);
    }

    /// Prints the requests that the emulator's MCP server received.
    void show_mcp_calls() const {
        for (const auto& call : mcp_->calls())
            std::cout << "  " << std::left << std::setw(28) << call.method << call.authorization << "  ->  "
                      << call.status << '\n';
    }

    /// How many requests the emulated service has received, and how many of them contain a token of the MCP server.
    [[nodiscard]] std::size_t requests() const { return service_->requests().size(); }
    [[nodiscard]] std::size_t requests_with_mcp_tokens() const {
        std::size_t count = 0;
        for (const auto& request : service_->requests()) {
            std::string all = request.path + request.query + request.body;
            for (const auto& [name, value] : request.headers) all += value;
            count += all.find("token-") != std::string::npos ? 1 : 0;
        }
        return count;
    }

    void stop() {
        if (service_) service_->stop();
        if (mcp_) mcp_->stop();
    }

private:
    [[nodiscard]] std::string fresh_mcp_token(std::chrono::minutes lifetime) {
        if (!emulated()) return environment("MCP_TOKEN");
        std::string token = "token-" + std::to_string(++tokens_);
        mcp_->accept_token(token, std::chrono::system_clock::now() + *offset_ + lifetime);
        return token;
    }

    /// A thread cannot be removed while a run of it is active.
    static asio::awaitable<void> end_runs(corun::agent_thread active) {
        corun::agent_thread thread = std::move(active);
        try {
            asio::steady_timer pause(co_await asio::this_coro::executor);
            auto runs = thread.list_runs();
            while (std::optional<corun::thread_run> run = co_await runs.next()) {
                if (corun::is_terminal(run->status)) continue;
                run = co_await thread.cancel_run(run->id);
                while (!corun::is_terminal(run->status)) {
                    pause.expires_after(std::chrono::milliseconds(200));
                    co_await pause.async_wait(asio::use_awaitable);
                    run = co_await thread.get_run(run->id);
                }
            }
        } catch (const std::exception& problem) {
            std::cerr << thread.id() << " may have an active run: " << problem.what() << '\n';
        }
    }

    template <class Handle>
    static asio::awaitable<void> remove(Handle object) {
        Handle handle = std::move(object);
        try {
            co_await handle.remove();
        } catch (const std::exception& problem) {
            std::cerr << handle.id() << " could not be removed: " << problem.what() << '\n';
        }
    }

    std::shared_ptr<std::chrono::system_clock::duration> offset_ =
        std::make_shared<std::chrono::system_clock::duration>(0);
    std::optional<corun::emulator::mcp_server> mcp_;
    std::optional<corun::emulator::service> service_;
    std::vector<corun::agent> agents_;
    std::vector<corun::agent_thread> threads_;
    std::string endpoint_, token_, mcp_url_;
    int tokens_ = 0;
};

}  // namespace demo
