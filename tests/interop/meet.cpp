// A corun program that meets a server of the Responses protocol which is not corun's.
//
//   meet ENDPOINT KEY
//
// Each line of its input is a JSON array of runs, which go at once. A run is an object:
//
//   "message"
//   "model"
//   "functions"     of the application: their outputs by name
//   "store"         false: the server is not to keep the response
//   "idle_timeout"  in milliseconds
//   "retries"       of a request
//   "restarts"      after rate limits
//
// What comes of a run is a line of JSON: {"run", "status", "text", "streamed", "reasoning", "calls", "error", "http",
// "service_code", "problems"}. "streamed" is what the deltas add up to, and "problems" the events that were not
// understood. A line `null` ends those of a line of input.
#include "runner.hpp"
#include <corun/corun.hpp>

#include <nlohmann/json.hpp>

#include <chrono>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using json = nlohmann::ordered_json;
using std::chrono::milliseconds;

corun::run_options options_of(const json& wanted, json& calls) {
    corun::run_options options;
    const json functions = wanted.value("functions", json::object());
    for (const auto& [name, output] : functions.items())
        options.functions.emplace_back(
            name, "A function of the application.", R"({"type":"object","properties":{}})",
            [name = name, answer = output.get<std::string>(), &calls](const corun::function_call& call) {
                calls.push_back(name + std::string(call.arguments));
                return answer;
            });
    if (wanted.contains("model")) options.model = wanted["model"].get<std::string>();
    if (wanted.contains("store")) options.store = wanted["store"].get<bool>();
    if (wanted.contains("idle_timeout")) options.idle_timeout = milliseconds(wanted["idle_timeout"].get<int>());
    options.rate_limit_restarts = wanted.value("restarts", 0);
    corun::retry_policy retry;
    retry.max_retries = wanted.value("retries", 0);
    retry.first_delay = milliseconds(1);
    options.retry = retry;
    // What no limit of the run ends would hang.
    options.total_timeout = std::chrono::seconds(30);
    return options;
}

asio::awaitable<json> run_one(corun::agent agent, json wanted) {
    json calls = json::array(), problems = json::array(), outcome;
    std::string streamed, reasoning;
    corun::run_result result;
    for (const char* name : {"error", "http", "service_code"}) outcome[name] = nullptr;
    try {
        const std::string message = wanted["message"].get<std::string>();
        corun::run_options options = options_of(wanted, calls);
        corun::event_stream stream = co_await agent.run_stream(message, options);
        while (std::optional<corun::event> event = co_await stream.next()) {
            result.apply(*event);
            if (const auto* delta = event->get_if<corun::events::text_delta>()) streamed += delta->text;
            if (const auto* delta = event->get_if<corun::events::reasoning_delta>()) reasoning += delta->text;
            if (!event->problem().empty()) problems.push_back(event->name());
        }
        if (result.last_error) outcome["service_code"] = result.last_error->code;
    } catch (const corun::error& failure) {
        outcome["error"] = failure.code().message();
        outcome["http"] = failure.status();
        outcome["service_code"] = failure.service_code();
    }
    outcome["status"] = corun::to_string(result.status);
    outcome["text"] = result.text();
    outcome["streamed"] = streamed;
    outcome["reasoning"] = reasoning;
    outcome["calls"] = calls;
    outcome["problems"] = problems;
    co_return outcome;
}

void meet(const std::string& endpoint, const std::string& key) {
    asio::io_context io(1);
    interop::runner runs(io);
    corun::client_options options;
    options.protocol = corun::protocol::responses;
    corun::client client(io.get_executor(), endpoint, corun::credential::bearer(key), options);
    const corun::agent agent = client.local_agent(corun::prompt_agent_definition("gpt-4o"));
    for (std::string line; std::getline(std::cin, line);) {
        const json wanted = json::parse(line);
        for (std::size_t run = 0; run != wanted.size(); ++run)
            runs.spawn(run_one(agent, wanted[run]), [&runs, run](std::exception_ptr problem, json outcome) {
                runs.note(problem);
                outcome["run"] = run;
                if (!problem) std::cout << outcome.dump() << std::endl;
            });
        runs.finish();
        std::cout << "null" << std::endl;
    }
}

}  // namespace

int main(int argc, char** argv) {
    try {
        if (argc != 3) throw std::invalid_argument("usage: meet ENDPOINT KEY");
        meet(argv[1], argv[2]);
        return EXIT_SUCCESS;
    } catch (const std::exception& problem) {
        std::cerr << "meet: " << problem.what() << '\n';
        return EXIT_FAILURE;
    }
}
