// Many questions, some of them at once, until a budget of tokens is used up.
#include <corun/corun.hpp>
#include <corun/sync_wait.hpp>

#include <asio/co_spawn.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>

#include <chrono>
#include <iostream>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

struct batch {
    std::vector<std::string> questions;
    std::int64_t tokens_left;
    std::size_t next = 0;
};

asio::awaitable<void> answer_one(corun::agent agent, std::shared_ptr<batch> work, std::string question) {
    const std::string name = '[' + question + "] ";
    for (int attempt = 0; attempt < 5; ++attempt) {
        std::chrono::milliseconds delay{0};
        try {
            corun::run_result result = co_await agent.run(question);
            if (result.usage) work->tokens_left -= result.usage->total_tokens;
            std::cout << name << result.text() << '\n';
            co_return;
        } catch (const corun::error& failure) {
            std::cerr << name << failure << '\n';
            if (failure.code() != corun::errc::rate_limited) co_return;
            delay = failure.retry_after().value_or(std::chrono::seconds(10));
        }
        asio::steady_timer timer(co_await asio::this_coro::executor, delay);
        co_await timer.async_wait(asio::use_awaitable);
    }
}

/// Each worker answers one question after the other, so as many run at once as there are workers.
asio::awaitable<void> work_on(corun::agent agent, std::shared_ptr<batch> work) {
    while (work->next < work->questions.size() && work->tokens_left > 0) {
        const std::string question = work->questions[work->next++];
        co_await answer_one(agent, work, question);
    }
}

asio::awaitable<void> answer_all(std::string endpoint, std::string token, std::string agent_id,
                                 std::shared_ptr<batch> work, int at_once) {
    auto executor = co_await asio::this_coro::executor;
    corun::client client{executor, endpoint, corun::credential::bearer(token)};
    corun::agent agent = co_await client.get_agent(agent_id);
    for (int worker = 0; worker < at_once; ++worker)
        asio::co_spawn(executor, work_on(agent, work), [](std::exception_ptr failure) {
            if (failure) std::rethrow_exception(failure);
        });
}

int main(int argc, char** argv) try {
    if (argc < 7) throw std::invalid_argument("usage: limits ENDPOINT TOKEN AGENT_ID AT_ONCE TOKENS QUESTION...");
    auto work = std::make_shared<batch>();
    work->tokens_left = std::stoll(argv[5]);
    work->questions.assign(argv + 6, argv + argc);
    corun::sync_wait(answer_all(argv[1], argv[2], argv[3], work, std::stoi(argv[4])));
    std::cout << work->questions.size() - work->next << " questions are left\n";
} catch (const std::exception& failure) {
    std::cerr << failure.what() << '\n';
    return 1;
}
