#include "gateway/commands.hpp"

#include <corun/error.hpp>

#include <exception>
#include <string>
#include <system_error>
#include <utility>

namespace corun::gateway {

json stop_command() {
    return {{"action", "stop"}};
}

json answer_command(const submission& answers) {
    json outputs = json::array(), approvals = json::array();
    for (const tool_output& each : answers.outputs())
        outputs.push_back({{"id", each.tool_call_id}, {"output", each.output.text()}});
    for (const tool_approval& each : answers.approvals())
        approvals.push_back({{"id", each.tool_call_id}, {"approve", each.approve}});
    return {{"action", "answer"}, {"outputs", std::move(outputs)}, {"approvals", std::move(approvals)}};
}

submission answers_in(const json& body) {
    submission answers;
    for (const json& each : member(body, "outputs"))
        answers.output(string_member(each, "id"), string_member(each, "output"));
    for (const json& each : member(body, "approvals")) {
        if (member(each, "approve") == true)
            answers.approve(string_member(each, "id"));
        else
            answers.deny(string_member(each, "id"));
    }
    return answers;
}

asio::awaitable<void> carry_out(std::shared_ptr<run> on, json command) {
    const std::shared_ptr<run> kept = std::move(on);
    if (string_member(command, "action") == "stop") {
        co_await kept->stop();
        co_return;
    }
    submission answers = answers_in(command);
    co_await kept->answer(std::move(answers));
}

json outcome_of(std::exception_ptr failure) {
    if (!failure) return "done";
    try {
        std::rethrow_exception(failure);
    } catch (const std::system_error& error) {
        if (error.code() == condition::network) return "unreachable";
    } catch (const std::exception&) {
        // Refused, as below.
    }
    return "refused";
}

void check_outcome(const json& outcome) {
    if (outcome == "done") return;
    if (outcome == "refused") throw error(errc::conflict, "the run waits for no answers");
    throw error(errc::connection_lost, "the gateway that has the run cannot be reached");
}

}  // namespace corun::gateway
