#pragma once
#include "emulator/script_interpreter.hpp"
#include "emulator/threads/run_events.hpp"
#include "emulator/threads/threads_engine.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace corun::emulator {

/// The execution of a run: its states and events, in the order of the service.
class run_execution final : public script_interpreter {
public:
    run_execution(std::shared_ptr<threads_engine> engine, const std::shared_ptr<run>& run, event_sink sink);

private:
    asio::awaitable<void> perform() override;
    asio::awaitable<void> conclude(std::optional<run_failure> failure, bool was_interrupted) override;
    [[nodiscard]] bool is_interrupted() const override;
    [[nodiscard]] bool waits_for_reader() const override { return !sink_.is_open(); }
    [[nodiscard]] bool has_stream() const override { return sink_.is_open(); }
    asio::awaitable<void> send_keepalive() override;

    asio::awaitable<bool> say(step scripted) override;
    asio::awaitable<void> show_activity(json activity) override;
    asio::awaitable<bool> call_round(std::vector<step> round) override;
    asio::awaitable<bool> require_action(std::string type, json details) override;
    asio::awaitable<void> hold() override;
    asio::awaitable<void> end_incomplete(std::string reason) override;
    asio::awaitable<void> complete() override;

    asio::awaitable<void> begin();
    asio::awaitable<void> resume();
    asio::awaitable<void> list_tools();
    asio::awaitable<bool> say_text(record& message, std::size_t index, json block, std::size_t count);
    asio::awaitable<void> call_servers();
    asio::awaitable<void> complete_calls();
    asio::awaitable<void> enter_status(std::string status);
    asio::awaitable<void> require(json action);
    std::shared_ptr<record> add_step(const std::string& type, json details);
    std::shared_ptr<record> add_message();
    void end(const std::string& status);

    std::shared_ptr<threads_engine> engine_;
    run& run_;
    run_events events_;
};

}  // namespace corun::emulator
