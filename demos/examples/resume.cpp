// Starts a response in the background, or streams the rest of one that another process has started.
#include <corun/corun.hpp>
#include <corun/json.hpp>
#include <corun/sync_wait.hpp>

#include <fstream>
#include <iostream>
#include <stdexcept>

asio::awaitable<void> resume(std::string endpoint, std::string key, std::string file, std::string question) {
    corun::client_options settings;
    settings.protocol = corun::protocol::responses;
    corun::client client{co_await asio::this_coro::executor, endpoint, corun::credential::bearer(key), settings};
    corun::agent agent = client.local_agent(corun::prompt_agent_definition("gpt-4o"));
    corun::run_options options;
    options.background = true;
    corun::event_stream stream;
    if (std::ifstream stored{file}; stored)
        stream = co_await agent.attach_stream(nlohmann::json::parse(stored).get<corun::run_position>(), options);
    else
        stream = co_await agent.run_stream(question, options);
    while (auto event = co_await stream.next()) {
        if (auto* delta = event->get_if<corun::events::text_delta>()) std::cout << delta->text << std::flush;
        std::ofstream(file) << to_json(stream.position());  // a process that starts after a crash continues here
    }
    std::cout << '\n';
}

int main(int argc, char** argv) try {
    if (argc != 5) throw std::invalid_argument("usage: resume ENDPOINT KEY POSITION_FILE QUESTION");
    corun::sync_wait(resume(argv[1], argv[2], argv[3], argv[4]));
} catch (const std::exception& failure) {
    std::cerr << failure.what() << '\n';
    return 1;
}
