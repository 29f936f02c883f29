// A corun program for other programs to drive: runs of one agent that has an MCP server.
//
//   drive ENDPOINT TOKEN MCP_URL
//
// Each line of its input is a JSON array of runs. They go at once, each in its user's thread: the
// first of a line is the first user's, and so on. A run is an object:
//
//   "message"
//   "headers"    for the MCP server: an object, or an array of objects, which a provider gives one by one
//   "approve"    what the handler says to calls; without it they need no approval
//   "submit"     true: no handler says so, but a submission
//   "functions"  of the application: their outputs by name
//   "policies"   what reconciliation may do, by name
//
// What comes of a run is a line of JSON: {"user", "status", "text", "error", "events", "agent", "asked"}, where
// "asked" tells what the provider was asked for. A line `null` ends those of a line of input.
#include "runner.hpp"
#include <corun/corun.hpp>

#include <asio/io_context.hpp>
#include <nlohmann/json.hpp>

#include <cstdlib>
#include <exception>
#include <iostream>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using json = nlohmann::ordered_json;

const char* const server_label = "bookings";

corun::mcp_headers headers_of(const json& fields) {
    corun::mcp_headers headers;
    for (const auto& [name, value] : fields.items()) headers.set(server_label, name, value.get<std::string>());
    return headers;
}

/// Gives the headers of `given` in their order, and notes in `asked` what it was asked for.
corun::mcp_header_provider provider_of(json given, json& asked) {
    return
        [given = std::move(given), &asked](corun::mcp_header_request request) -> asio::awaitable<corun::mcp_headers> {
            using occasion = corun::mcp_header_request::occasion;
            json what;
            what["why"] = request.why == occasion::run_start  ? "run_start"
                          : request.why == occasion::approval ? "approval"
                                                              : "rejected_token";
            what["servers"] = request.server_labels;
            what["tools"] = json::array();
            for (const auto& call : request.approvals) what["tools"].push_back(call.name);
            const std::size_t count = asked.size();
            asked.push_back(std::move(what));
            if (count >= given.size()) throw std::runtime_error("no headers are left");
            co_return headers_of(given[count]);
        };
}

corun::reconcile_policy policy_of(const json& names) {
    static const std::map<std::string, bool corun::reconcile_policy::*> policies{
        {"ephemeral_agent", &corun::reconcile_policy::ephemeral_agent},
        {"polling", &corun::reconcile_policy::polling},
        {"approval_headers", &corun::reconcile_policy::approval_headers},
    };
    corun::reconcile_policy policy;
    for (const auto& name : names) policy.*policies.at(name) = true;
    return policy;
}

corun::run_options options_of(const json& wanted) {
    corun::run_options options;
    options.reconcile = policy_of(wanted.value("policies", json::array()));
    const json functions = wanted.value("functions", json::object());
    for (const auto& [name, output] : functions.items())
        options.functions.emplace_back(
            name, "A function of the application.", R"({"type":"object","properties":{}})",
            [said = output.get<std::string>()](const corun::function_call&) { return said; });
    if (!wanted.contains("approve"))
        options.default_approval = corun::mcp_approval::never();
    else if (!wanted.value("submit", false))
        options.on_mcp_approval = [approve = wanted["approve"].get<bool>()](
                                      corun::mcp_approval_request) -> asio::awaitable<bool> { co_return approve; };
    return options;
}

corun::submission answers_to(const corun::required_action& action, bool approve) {
    corun::submission answers;
    for (const auto& call : action.mcp_approvals) {
        if (approve)
            answers.approve(call.id);
        else
            answers.deny(call.id);
    }
    return answers;
}

asio::awaitable<json> drive_run(corun::agent agent, corun::agent_thread conversation, json wanted) {
    json asked = json::array(), events = json::array(), problem;
    corun::run_result result;
    try {
        const json given = wanted.value("headers", json::object());
        corun::mcp_header_source headers;
        if (given.is_array())
            headers = provider_of(given, asked);
        else
            headers = headers_of(given);
        const std::string message = wanted["message"].get<std::string>();
        corun::run_options options = options_of(wanted);
        corun::event_stream stream = co_await agent.run_stream(conversation, message, headers, options);
        while (std::optional<corun::event> event = co_await stream.next()) {
            if (!event->continues()) events.push_back(event->name());
            result.apply(*event);
            const auto* action = event->get_if<corun::events::action_required>();
            if (action != nullptr && wanted.value("submit", false)) {
                corun::submission answers = answers_to(action->action, wanted["approve"].get<bool>());
                co_await stream.submit(answers);
            }
        }
        if (result.last_error) {
            problem["code"] = result.last_error->code;
            problem["message"] = result.last_error->message;
        }
    } catch (const corun::error& failure) {
        problem["code"] = failure.code().message();
        problem["message"] = failure.what();
    }
    json outcome;
    outcome["status"] = corun::to_string(result.status);
    outcome["text"] = result.text();
    outcome["error"] = problem;
    outcome["events"] = events;
    outcome["agent"] = result.agent_id;
    outcome["asked"] = asked;
    co_return outcome;
}

/// Everything that lives on the executor.
struct session {
    session(asio::io_context& io, std::string endpoint, std::string token)
        : client(io.get_executor(), std::move(endpoint), corun::credential::bearer(std::move(token))) {}

    corun::client client;
    corun::agent agent;
    std::vector<corun::agent_thread> threads;  // by user
};

asio::awaitable<void> make_agent(session& at, std::string mcp_url) {
    corun::agent_definition definition("gpt-4o");
    definition.tools.push_back(corun::mcp_tool(server_label, std::move(mcp_url)));
    at.agent = co_await at.client.create_agent(definition);
}

asio::awaitable<void> make_thread(session& at) {
    corun::agent_thread made = co_await at.client.create_thread();
    at.threads.push_back(std::move(made));
}

asio::awaitable<void> remove_all(session& at) {
    corun::agent agent = at.agent;
    for (auto& one : at.threads) co_await one.remove();
    co_await agent.remove();
}

int drive(const std::vector<std::string>& arguments) {
    asio::io_context io(1);
    interop::runner runs(io);
    session at(io, arguments[1], arguments[2]);
    runs.spawn(make_agent(at, arguments[3]));
    runs.finish();

    for (std::string line; std::getline(std::cin, line);) {
        const json wanted = json::parse(line);
        while (at.threads.size() < wanted.size()) {
            runs.spawn(make_thread(at));
            runs.finish();
        }
        for (std::size_t user = 0; user != wanted.size(); ++user)
            runs.spawn(drive_run(at.agent, at.threads[user], wanted[user]),
                       [&runs, user](std::exception_ptr problem, json outcome) {
                           runs.note(problem);
                           if (problem) return;
                           json shown;
                           shown["user"] = user;
                           shown.update(outcome);
                           std::cout << shown.dump() << std::endl;
                       });
        runs.finish();
        std::cout << "null" << std::endl;
    }

    runs.spawn(remove_all(at));
    runs.finish();
    return EXIT_SUCCESS;
}

}  // namespace

int main(int argc, char** argv) {
    try {
        if (argc != 4) throw std::invalid_argument("usage: drive ENDPOINT TOKEN MCP_URL");
        return drive(std::vector<std::string>(argv, argv + argc));
    } catch (const std::exception& problem) {
        std::cerr << "drive: " << problem.what() << '\n';
        return EXIT_FAILURE;
    }
}
