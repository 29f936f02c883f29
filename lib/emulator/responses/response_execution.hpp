#pragma once
#include "emulator/http/responder.hpp"
#include "emulator/responses/response_events.hpp"
#include "emulator/responses/responses_engine.hpp"
#include "emulator/script_interpreter.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace corun::emulator {

/// The execution of a response: its output and events, in the order of the service.
class response_execution final : public script_interpreter {
public:
    /// `responder` responds when the response has ended; null when that has been done already.
    response_execution(std::shared_ptr<responses_engine> engine, std::shared_ptr<environment> shared,
                       const std::shared_ptr<response>& response, event_sink sink,
                       std::shared_ptr<responder> responder);

private:
    asio::awaitable<void> perform() override;
    asio::awaitable<void> conclude(std::optional<run_failure> failure, bool was_interrupted) override;
    [[nodiscard]] bool is_interrupted() const override { return response_.has_ended(); }
    [[nodiscard]] bool waits_for_reader() const override;
    [[nodiscard]] bool has_stream() const override { return response_.options.streaming; }
    asio::awaitable<void> send_keepalive() override { return events_.emit_keepalive(); }

    asio::awaitable<bool> say(step scripted) override;
    asio::awaitable<void> think(std::string summary) override;
    asio::awaitable<void> show_activity(json activity) override { return show_item(std::move(activity)); }
    asio::awaitable<bool> call_round(std::vector<step> round) override;
    asio::awaitable<bool> require_action(std::string type, json details) override;
    asio::awaitable<void> hold() override;
    asio::awaitable<void> end_incomplete(std::string reason) override;
    asio::awaitable<void> complete() override;

    asio::awaitable<void> list_tools(response_server& server);
    asio::awaitable<void> use_approvals();
    asio::awaitable<void> call_function(step scripted);
    asio::awaitable<bool> call_mcp(step scripted);
    asio::awaitable<void> call_server(response_server& server, std::string name, std::string arguments, json approval);
    asio::awaitable<void> call_tool(step scripted);
    asio::awaitable<bool> say_part(std::size_t item, std::size_t index, json part, std::size_t count);

    /// Adds an item to the output, and returns its index.
    asio::awaitable<std::size_t> add_item(json item);
    asio::awaitable<void> finish_item(std::size_t index);
    /// Adds an item that is complete.
    asio::awaitable<void> show_item(json item);

    std::shared_ptr<responses_engine> engine_;
    response& response_;
    std::shared_ptr<responder> responder_;
    response_events events_;
};

}  // namespace corun::emulator
