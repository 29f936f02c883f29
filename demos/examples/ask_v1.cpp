// One question to OpenAI, or to any server that speaks its Responses API, with a function.
#include <corun/corun.hpp>
#include <corun/json.hpp>
#include <corun/sync_wait.hpp>

#include <iostream>
#include <stdexcept>

asio::awaitable<void> ask(std::string endpoint, std::string key, std::string model, std::string question) {
    corun::client_options settings;
    settings.protocol = corun::protocol::responses;
    corun::client client{co_await asio::this_coro::executor, endpoint, corun::credential::bearer(key), settings};
    corun::agent agent = client.local_agent(corun::prompt_agent_definition(model));
    corun::run_options options;
    options.functions.emplace_back("get_weather", "The weather in a city.",
                                   R"({"type":"object","properties":{"city":{"type":"string"}}})",
                                   [](nlohmann::json where) -> nlohmann::json {
                                       return {{"city", where.at("city")}, {"celsius", -3}};
                                   });
    corun::event_stream stream = co_await agent.run_stream(question, options);
    while (auto event = co_await stream.next())
        if (auto* delta = event->get_if<corun::events::text_delta>()) std::cout << delta->text << std::flush;
    std::cout << '\n';
}

int main(int argc, char** argv) try {
    if (argc != 5) throw std::invalid_argument("usage: ask_v1 ENDPOINT KEY MODEL QUESTION");
    corun::sync_wait(ask(argv[1], argv[2], argv[3], argv[4]));
} catch (const std::exception& failure) {
    std::cerr << failure.what() << '\n';
    return 1;
}
