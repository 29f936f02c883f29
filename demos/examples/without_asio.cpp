#include <corun/corun.hpp>

#include <asio/co_spawn.hpp>
#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <asio/use_future.hpp>

#include <future>
#include <iostream>
#include <thread>

/// Runs agents in its own thread. Any thread can call `ask`.
class assistant {
public:
    assistant(std::string endpoint, std::string token, std::string agent_id)
        : client_(io_.get_executor(), endpoint, corun::credential::bearer(token)), agent_id_(agent_id) {}
    ~assistant() {
        work_.reset();  // the thread ends after its last run
        thread_.join();
    }

    std::future<std::string> ask(std::string question) {
        return asio::co_spawn(io_, answer(question), asio::use_future);
    }

private:
    asio::awaitable<std::string> answer(std::string question) {
        corun::agent agent = co_await client_.get_agent(agent_id_);
        corun::run_result result = co_await agent.run(question);
        co_return result.text();
    }

    asio::io_context io_;
    asio::executor_work_guard<asio::io_context::executor_type> work_{io_.get_executor()};
    corun::client client_;
    std::string agent_id_;
    std::thread thread_{[this] { io_.run(); }};
};

int main(int argc, char** argv) try {
    if (argc != 4) {
        std::cerr << "usage: without_asio ENDPOINT TOKEN AGENT_ID\n";
        return 2;
    }
    assistant desk(argv[1], argv[2], argv[3]);
    std::future<std::string> first = desk.ask("Say one"), second = desk.ask("Say two");  // at the same time
    std::cout << first.get() << '\n' << second.get() << '\n';
} catch (const std::exception& failure) {
    std::cerr << failure.what() << '\n';
    return 1;
}
