#pragma once

#include <corun/corun.hpp>
#include <corun/emulator/emulator.hpp>

#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>

#include <chrono>
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

/// What the demos talk to: the real service when AZURE_AI_PROJECT_ENDPOINT and AZURE_AI_TOKEN are
/// set, else the emulator and a small MCP server, both inside this process.
///
/// With the real service, AZURE_AI_MODEL names the model deployment (gpt-4o unless set), and
/// MCP_SERVER_URL, MCP_SERVER_LABEL (bookings unless set) and MCP_TOKEN an MCP server; without a URL
/// the runs use none.
///
/// CORUN_PROTOCOL=responses makes them speak the Responses protocol, in which the agent lives in the
/// demo and is sent with each request.
namespace demo {

inline std::string environment(const char* name, std::string otherwise = {}) {
    const char* value = std::getenv(name);
    return value && *value ? value : otherwise;
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
        const auto now = [moved = moved_] { return std::chrono::system_clock::now() + *moved; };

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

    /// Headers for a run: a token of its own for the MCP server, which lives for an hour, as Google
    /// Cloud Run's do, unless told otherwise. None without an MCP server.
    [[nodiscard]] corun::mcp_headers mcp_headers(std::chrono::minutes lifetime = std::chrono::hours(1)) {
        corun::mcp_headers headers;
        if (!mcp_url_.empty()) headers.set(mcp_label(), "Authorization", "Bearer " + fresh_mcp_token(lifetime));
        return headers;
    }

    /// Lets time pass, if it is ours.
    void pass(std::chrono::minutes time) { *moved_ += time; }

    /// An agent with these tools, and those of the MCP server. It is removed when the demo ends, in whatever way.
    asio::awaitable<corun::agent> make_agent(corun::client client, std::vector<corun::tool> tools = {}) {
        corun::agent_definition definition(environment("AZURE_AI_MODEL", "gpt-4o"));
        definition.name = "travel-desk";
        definition.instructions = "Answer travel questions. Use your tools.";
        definition.tools = std::move(tools);
        if (!mcp_url_.empty()) definition.tools.push_back(corun::mcp_tool(mcp_label(), mcp_url_));
        if (speaks_responses()) co_return client.local_agent(corun::migrate(definition).definition);
        corun::agent made = co_await client.create_agent(definition);
        agents_.push_back(made);
        co_return made;
    }

    /// A thread, which is removed in the same way.
    asio::awaitable<corun::thread> make_thread(corun::client client) {
        corun::thread made = co_await client.create_thread();
        threads_.push_back(made);
        co_return made;
    }

    /// Removes what the demo has made. What cannot be removed is named on standard error.
    asio::awaitable<void> clean_up() {
        const std::vector<corun::thread> threads = std::exchange(threads_, {});
        const std::vector<corun::agent> agents = std::exchange(agents_, {});
        for (corun::thread each : threads) {
            if (!speaks_responses()) co_await end_runs(each);
            co_await remove(each);
        }
        for (corun::agent each : agents) co_await remove(each);
    }

    /// Shows what the emulator's MCP server got to see.
    void show_mcp_calls() const {
        for (const auto& call : mcp_->calls())
            std::cout << "  " << std::left << std::setw(28) << call.method << call.authorization << "  ->  "
                      << call.status << '\n';
    }

    void stop() {
        if (service_) service_->stop();
        if (mcp_) mcp_->stop();
    }

private:
    [[nodiscard]] std::string fresh_mcp_token(std::chrono::minutes lifetime) {
        if (!emulated()) return environment("MCP_TOKEN");
        std::string token = "token-" + std::to_string(++tokens_);
        mcp_->accept_token(token, std::chrono::system_clock::now() + *moved_ + lifetime);
        return token;
    }

    /// A thread cannot be removed while a run of it is active.
    static asio::awaitable<void> end_runs(corun::thread made) {
        corun::thread thread = std::move(made);
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
    static asio::awaitable<void> remove(Handle made) {
        Handle handle = std::move(made);
        try {
            co_await handle.remove();
        } catch (const std::exception& problem) {
            std::cerr << handle.id() << " could not be removed: " << problem.what() << '\n';
        }
    }

    std::shared_ptr<std::chrono::system_clock::duration> moved_ =
        std::make_shared<std::chrono::system_clock::duration>(0);
    std::optional<corun::emulator::mcp_server> mcp_;
    std::optional<corun::emulator::service> service_;
    std::vector<corun::agent> agents_;
    std::vector<corun::thread> threads_;
    std::string endpoint_, token_, mcp_url_;
    int tokens_ = 0;
};

}  // namespace demo
