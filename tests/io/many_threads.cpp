// What may be done on several threads at once, and what follows when the process ends in the middle.
// ThreadSanitizer looks on (see run.sh); without it, the answers must be right.
#include "drive.hpp"
#include "frame.hpp"
#include "loopback_server.hpp"
#include <corun/corun.hpp>

#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/strand.hpp>
#include <asio/use_future.hpp>
#include <boost/test/unit_test.hpp>
#include <sys/wait.h>

#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace corun;
using namespace corun::test;

constexpr int clients = 4, runs = 3;

/// Runs an io_context until it is destroyed.
class running {
public:
    running() : running(1) {}
    explicit running(int count) {
        for (int i = 0; i < count; ++i) threads_.emplace_back([this] { io.run(); });
    }
    running(const running&) = delete;
    running& operator=(const running&) = delete;
    ~running() {
        work_.reset();
        for (std::thread& each : threads_) each.join();
    }

    asio::io_context io;

private:
    asio::executor_work_guard<asio::io_context::executor_type> work_ = asio::make_work_guard(io);
    std::vector<std::thread> threads_;
};

/// A service of few words, on a thread of its own: an agent, and runs that say what they are told.
class small_service {
public:
    small_service() {
        asio::post(thread_.io, asio::use_future([this] {
                       server_.emplace(thread_.io, [this](std::shared_ptr<raw_connection> c) { return serve(c); });
                       endpoint = server_->url();
                   }))
            .get();
    }
    small_service(const small_service&) = delete;
    small_service& operator=(const small_service&) = delete;
    ~small_service() { thread_.io.stop(); }

    std::string endpoint;

private:
    static std::string run_object(const char* status) {
        return R"({"id":"run_1","object":"thread.run","thread_id":"thread_1","status":")" + std::string(status) +
               R"("})";
    }
    static std::string delta(const std::string& text) {
        return frame("thread.message.delta",
                     R"({"id":"msg_1","object":"thread.message.delta","delta":{"content":[{"index":0,"type":"text",)"
                     R"("text":{"value":")" +
                         text + R"("}}]}})");
    }

    asio::awaitable<void> serve(std::shared_ptr<raw_connection> with) {
        while (true) {
            const raw_request request = co_await with->read();
            if (request.head.empty()) co_return;
            std::string answer = whole_response(200, "application/json", R"({"id":"asst_1","model":"gpt-4o"})");
            if (request.target().find("/cancel") != std::string::npos) {
                cancelled_ = true;
                answer = whole_response(200, "application/json", run_object("cancelling"));
            } else if (request.target().starts_with("/threads/runs")) {
                co_await stream(with, request.body);
                continue;
            }
            co_await with->write(std::move(answer));
        }
    }
    asio::awaitable<void> stream(std::shared_ptr<raw_connection> with, std::string body) {
        std::string head = response_head(200, "text/event-stream", "Transfer-Encoding: chunked\r\n\r\n");
        co_await with->write(std::move(head));
        std::string begin = frame("thread.run.created", run_object("queued"));
        co_await with->write_chunk(std::move(begin));
        // "say <text>" is said; anything else is a run without an end.
        const std::size_t said = body.find("say ");
        std::string text = delta(said == body.npos ? "again " : body.substr(said, body.find('"', said) - said));
        bool goes_on = true;
        while (goes_on && said == body.npos && !cancelled_) goes_on = co_await with->write_chunk(text);
        std::string last = frame("thread.run.cancelled", run_object("cancelled"));
        if (said != body.npos) last = text + frame("thread.run.completed", run_object("completed"));
        last += frame("done", "[DONE]");
        co_await with->write_chunk(std::move(last));
        std::string end = "0\r\n\r\n";
        co_await with->write(std::move(end));
    }

    running thread_;
    bool cancelled_ = false;
    std::optional<loopback_server> server_;
};

struct with_service {
    [[nodiscard]] client make_client(asio::any_io_executor executor) const {
        return client(std::move(executor), service.endpoint, credential::bearer("t"));
    }

    small_service service;
};

/// Runs an agent, once after the other, each time with a text of its own. Gives how many were right.
asio::awaitable<int> talk(std::string endpoint, int number) {
    int right = 0;
    client own(co_await asio::this_coro::executor, endpoint, credential::bearer("t"));
    agent a = co_await own.get_agent("asst_1");
    for (int i = 0; i < runs; ++i) {
        const std::string said = "say client " + std::to_string(number) + " run " + std::to_string(i);
        std::string text;
        event_stream stream = co_await a.run_stream(said);
        while (auto arrived = co_await stream.next())
            if (const auto* delta = arrived->get_if<events::text_delta>()) text += delta->text;
        if (text == said) ++right;
    }
    co_return right;
}

/// Reads a run without an end until it ends otherwise.
asio::awaitable<void> read_on(agent a, std::atomic<int>* begun) {
    std::string message = "go on";
    event_stream stream = co_await a.run_stream(message);
    (void)co_await stream.next();
    ++*begun;
    while (co_await stream.next()) {
    }
}

/// A queue that one thread fills and another empties.
class channel {
public:
    void push(std::optional<event> value) {
        const std::lock_guard lock(mutex_);
        values_.push_back(std::move(value));
        filled_.notify_one();
    }
    std::optional<event> pop() {
        std::unique_lock lock(mutex_);
        filled_.wait(lock, [this] { return !values_.empty(); });
        std::optional<event> value = std::move(values_.front());
        values_.pop_front();
        return value;
    }

private:
    std::mutex mutex_;
    std::condition_variable filled_;
    std::deque<std::optional<event>> values_;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(many_threads, with_service)

// First, so that libcurl is initialised by all of them at the same time.
BOOST_AUTO_TEST_CASE(each_thread_has_a_client_of_its_own) {
    std::vector<std::future<int>> outcomes;
    for (int number = 0; number < clients; ++number)
        outcomes.push_back(std::async(std::launch::async, [this, number] {
            asio::io_context io;
            return await(io, talk(service.endpoint, number));
        }));
    for (std::future<int>& each : outcomes) BOOST_TEST(each.get() == runs);
}

BOOST_AUTO_TEST_CASE(clients_are_made_and_go_at_the_same_time) {
    std::atomic<int> waiting{clients};
    std::vector<std::future<void>> outcomes;
    for (int number = 0; number < clients; ++number)
        outcomes.push_back(std::async(std::launch::async, [this, &waiting] {
            asio::io_context io;
            --waiting;
            while (waiting != 0) std::this_thread::yield();
            for (int i = 0; i < 20; ++i) (void)make_client(io.get_executor());
        }));
    for (std::future<void>& each : outcomes) BOOST_CHECK_NO_THROW(each.get());
}

BOOST_AUTO_TEST_CASE(clients_share_a_pool_of_threads_each_on_a_strand) {
    running pool(clients);
    std::vector<std::future<int>> outcomes;
    for (int number = 0; number < 2 * clients; ++number) {
        outcomes.push_back(
            asio::co_spawn(asio::make_strand(pool.io), talk(service.endpoint, number), asio::use_future));
    }
    for (std::future<int>& each : outcomes) BOOST_TEST(each.get() == runs);
}

BOOST_AUTO_TEST_CASE(events_go_to_another_thread) {
    channel events;
    std::string said, read;
    std::thread reader([&] {
        // Copies share what they hold with those that the first thread still has.
        while (auto value = events.pop()) {
            const event copy = *value;
            if (const auto* delta = copy.get_if<events::text_delta>()) read += delta->text;
        }
    });
    asio::io_context io;
    const client own = make_client(io.get_executor());
    const auto stream = [&]() -> asio::awaitable<void> {
        channel& to = events;
        client with = own;
        agent a = co_await with.get_agent("asst_1");
        for (int i = 0; i < 50; ++i) {
            event_stream arriving = co_await a.run_stream("say something");
            while (auto value = co_await arriving.next()) {
                if (const auto* delta = value->get_if<events::text_delta>()) said += delta->text;
                to.push(*value);
            }
        }
        to.push(std::nullopt);
    };
    await(io, stream());
    reader.join();
    BOOST_TEST(!said.empty());
    BOOST_TEST(read == said);
}

BOOST_AUTO_TEST_CASE(values_and_errors_are_read_by_many) {
    asio::io_context io;
    client own = make_client(io.get_executor());
    mcp_headers headers;
    headers.set("nobody", "Authorization", "Bearer x");
    agent a = await(io, own.get_agent("asst_1"));
    const credential shared = credential::bearer("t");
    try {
        (void)await(io, a.run_stream("hi", headers));
        BOOST_ERROR("an unknown label was accepted");
    } catch (const error& failure) {
        // Each thread reads, copies and lets go of its own copies of the same things.
        std::vector<std::future<std::size_t>> outcomes;
        for (int number = 0; number < clients; ++number)
            outcomes.push_back(std::async(std::launch::async, [failure, headers, shared] {
                std::size_t length = 0;
                for (int i = 0; i < 100; ++i) {
                    const error copy = failure;
                    const mcp_headers fields = headers;
                    const credential same = shared;
                    length += std::string_view(copy.what()).size() + fields.size();
                    length += copy.code().message().size() + (same.is_api_key() ? 1 : 0);
                }
                return length;
            }));
        for (std::future<std::size_t>& each : outcomes) BOOST_TEST(each.get() > 0u);
    }
}

BOOST_AUTO_TEST_CASE(a_stream_is_stopped_from_another_thread_by_way_of_its_strand) {
    running pool(2);
    const auto strand = asio::make_strand(pool.io);
    const auto stream = std::make_shared<event_stream>();
    std::promise<void> begun;
    const auto reads = [&]() -> asio::awaitable<bool> {
        const std::shared_ptr<event_stream> own = stream;
        std::promise<void>& tell = begun;
        bool cancelled = false;
        client with = make_client(strand);
        agent a = co_await with.get_agent("asst_1");
        *own = co_await a.run_stream("go on");
        (void)co_await own->next();
        tell.set_value();
        while (auto arrived = co_await own->next()) cancelled = arrived->get_if<events::run_cancelled>() != nullptr;
        co_return cancelled;
    };
    std::future<bool> outcome = asio::co_spawn(strand, reads(), asio::use_future);
    begun.get_future().get();
    const auto cancels = [&]() -> asio::awaitable<void> {
        const std::shared_ptr<event_stream> own = stream;
        co_await own->cancel_run();
    };
    asio::co_spawn(strand, cancels(), asio::use_future).get();
    BOOST_TEST(outcome.get());
    // It belongs to the strand, and goes there.
    asio::post(strand, asio::use_future([&] { *stream = event_stream(); })).get();
}

// Ends the process while threads stream: the next test runs it in a process of its own.
BOOST_AUTO_TEST_CASE(end_in_the_middle, *boost::unit_test::disabled()) {
    static std::atomic<int> begun{0};
    for (int number = 0; number < clients; ++number)
        std::thread([own_service = &service] {
            asio::io_context io;
            client own(io.get_executor(), own_service->endpoint, credential::bearer("t"));
            await(io, read_on(await(io, own.get_agent("asst_1")), &begun));
        }).detach();
    while (begun != clients) std::this_thread::yield();
    std::exit(7);
}

BOOST_AUTO_TEST_CASE(a_process_may_end_in_the_middle_of_runs) {
    const std::string self = std::filesystem::read_symlink("/proc/self/exe");
    const int status = std::system(("'" + self + "' --run_test=many_threads/end_in_the_middle").c_str());
    BOOST_TEST(WIFEXITED(status));
    BOOST_TEST(WEXITSTATUS(status) == 7);
}

BOOST_AUTO_TEST_SUITE_END()
