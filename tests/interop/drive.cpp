// A corun program for other programs to drive: runs of one agent that has an MCP server.
//
//   drive ENDPOINT TOKEN MCP_URL MESSAGE
//
// Each line of its input holds the users' tokens for the MCP server, with spaces between. The runs
// of a line go at once, each user's in a thread of its own. What comes of a run is a line of JSON:
// {"user", "status", "text", "error", "events"}; a line `null` ends those of a line of input.
#include <corun/corun.hpp>

#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <asio/use_awaitable.hpp>
#include <nlohmann/json.hpp>

#include <cstdlib>
#include <exception>
#include <iostream>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

namespace {

using json = nlohmann::ordered_json;

const char* const server_label = "bookings";

asio::awaitable<json> drive_run(corun::agent agent, corun::thread conversation, std::string message,
                                std::string token) {
    corun::mcp_headers headers;
    headers.set(server_label, "Authorization", "Bearer " + token);
    corun::run_options options;
    options.default_approval = corun::mcp_approval::never();

    json outcome;
    outcome["status"] = nullptr;
    outcome["text"] = "";
    outcome["error"] = nullptr;
    outcome["events"] = json::array();
    try {
        corun::event_stream stream = co_await agent.run_stream(conversation, message, headers, options);
        while (std::optional<corun::event> event = co_await stream.next()) {
            outcome["events"].push_back(event->name());
            if (const auto* delta = event->get_if<corun::text_delta>())
                outcome["text"].get_ref<std::string&>().append(delta->text);
            if (event->get_if<corun::run_completed>()) outcome["status"] = "completed";
            if (const auto* failed = event->get_if<corun::run_failed>()) {
                outcome["status"] = "failed";
                if (failed->run.last_error) {
                    outcome["error"]["code"] = failed->run.last_error->code;
                    outcome["error"]["message"] = failed->run.last_error->message;
                }
            }
        }
    } catch (const corun::error& problem) {
        outcome["error"]["code"] = problem.code().message();
        outcome["error"]["message"] = problem.what();
    }
    co_return outcome;
}

/// Everything that lives on the executor.
struct session {
    session(asio::io_context& io, std::string endpoint, std::string token)
        : client(io.get_executor(), std::move(endpoint), corun::credential::bearer(std::move(token))) {}

    corun::client client;
    corun::agent agent;
    std::vector<corun::thread> threads;  // by user
};

asio::awaitable<void> make_agent(session& at, std::string mcp_url) {
    corun::agent_definition definition("gpt-4o");
    definition.tools.push_back(corun::mcp_tool(server_label, std::move(mcp_url)));
    at.agent = co_await at.client.create_agent(definition);
}

asio::awaitable<void> make_thread(session& at) {
    corun::thread made = co_await at.client.create_thread();
    at.threads.push_back(std::move(made));
}

asio::awaitable<void> remove_all(session& at) {
    corun::agent agent = at.agent;
    for (auto& one : at.threads) co_await one.remove();
    co_await agent.remove();
}

/// Runs the context until it has nothing left to do, and throws what a coroutine threw.
class runner {
public:
    explicit runner(asio::io_context& io) : io_(io) {}

    template <class Awaitable, class Handler>
    void spawn(Awaitable what, Handler handler) {
        asio::co_spawn(io_, std::move(what), std::move(handler));
    }
    void spawn(asio::awaitable<void> what) {
        spawn(std::move(what), [this](std::exception_ptr problem) { note(problem); });
    }
    void note(std::exception_ptr problem) {
        if (problem) problem_ = problem;
    }
    void finish() {
        io_.restart();
        io_.run();
        if (problem_) std::rethrow_exception(problem_);
    }

private:
    asio::io_context& io_;
    std::exception_ptr problem_;
};

int drive(const std::vector<std::string>& arguments) {
    asio::io_context io(1);
    runner runs(io);
    session at(io, arguments[1], arguments[2]);
    runs.spawn(make_agent(at, arguments[3]));
    runs.finish();

    for (std::string line; std::getline(std::cin, line);) {
        std::istringstream words(line);
        std::vector<std::string> tokens;
        for (std::string word; words >> word;) tokens.push_back(word);
        while (at.threads.size() < tokens.size()) {
            runs.spawn(make_thread(at));
            runs.finish();
        }
        for (std::size_t user = 0; user != tokens.size(); ++user)
            runs.spawn(drive_run(at.agent, at.threads[user], arguments[4], tokens[user]),
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
        if (argc != 5) throw std::invalid_argument("usage: drive ENDPOINT TOKEN MCP_URL MESSAGE");
        return drive(std::vector<std::string>(argv, argv + argc));
    } catch (const std::exception& problem) {
        std::cerr << "drive: " << problem.what() << '\n';
        return EXIT_FAILURE;
    }
}
