#include <corun/corun.hpp>

#include <asio/co_spawn.hpp>
#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>

#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <iostream>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

/// Stands for the loop of a GUI: `post` is QMetaObject::invokeMethod, g_idle_add, wxEvtHandler::CallAfter, ...
class main_loop {
public:
    void post(std::function<void()> work) {
        const std::lock_guard lock(mutex_);
        queue_.push_back(std::move(work));
        arrived_.notify_one();
    }
    void run() {
        while (!quits_) {
            std::unique_lock lock(mutex_);
            arrived_.wait(lock, [this] { return !queue_.empty(); });
            const std::function<void()> work = std::move(queue_.front());
            queue_.pop_front();
            lock.unlock();
            work();
        }
    }
    void quit() { quits_ = true; }

private:
    std::mutex mutex_;
    std::condition_variable arrived_;
    std::deque<std::function<void()>> queue_;
    bool quits_ = false;
};

/// Runs agents in its own thread, and calls back in the thread of the loop.
class assistant {
public:
    using text_handler = std::function<void(std::string text)>;
    using end_handler = std::function<void(std::exception_ptr failure)>;

    assistant(main_loop& loop, std::string endpoint, std::string token, std::string agent_id)
        : loop_(loop), client_(io_.get_executor(), endpoint, corun::credential::bearer(token)), agent_id_(agent_id) {}
    ~assistant() {
        work_.reset();  // the thread ends after its last run
        thread_.join();
    }

    void ask(std::string question, text_handler on_text, end_handler on_end) {
        asio::co_spawn(io_, stream(question, on_text), [this, on_end](std::exception_ptr failure) {
            loop_.post([on_end, failure] { on_end(failure); });
        });
    }

private:
    asio::awaitable<void> stream(std::string question, text_handler on_text) {
        corun::agent agent = co_await client_.get_agent(agent_id_);
        auto events = co_await agent.run_stream(question);
        while (auto event = co_await events.next())
            if (auto* delta = event->get_if<corun::events::text_delta>())
                loop_.post([on_text, text = std::string(delta->text)] { on_text(text); });
    }

    main_loop& loop_;
    asio::io_context io_;
    asio::executor_work_guard<asio::io_context::executor_type> work_{io_.get_executor()};
    corun::client client_;
    std::string agent_id_;
    std::thread thread_{[this] { io_.run(); }};
};

int main(int argc, char** argv) {
    if (argc != 5) {
        std::cerr << "usage: callbacks ENDPOINT TOKEN AGENT_ID QUESTION\n";
        return 2;
    }
    main_loop loop;
    assistant desk(loop, argv[1], argv[2], argv[3]);
    int status = 0;
    const auto on_text = [](std::string text) { std::cout << text << std::flush; };
    const auto on_end = [&loop, &status](std::exception_ptr failure) {
        try {
            if (failure) std::rethrow_exception(failure);
            std::cout << '\n';
        } catch (const std::exception& e) {
            std::cerr << e.what() << '\n';
            status = 1;
        }
        loop.quit();
    };
    desk.ask(argv[4], on_text, on_end);
    loop.run();
    return status;
}
