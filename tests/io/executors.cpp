// A client on an executor that cannot serve it, and one that is used from elsewhere, say so.
#include "curl/curl_transport.hpp"
#include "drive.hpp"
#include "loopback_server.hpp"
#include <corun/corun.hpp>

#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/strand.hpp>
#include <asio/thread_pool.hpp>
#include <boost/test/unit_test.hpp>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <latch>
#include <string>
#include <thread>

namespace {

using namespace corun;
using namespace corun::test;

/// Where nothing is sent to.
const char* const nowhere = "http://127.0.0.1:1/api/projects/none";

client make_client(asio::any_io_executor executor, std::string endpoint = nowhere) {
    client_options options;
    options.proxy = "";
    options.protocol = protocol::responses;
    return client(std::move(executor), std::move(endpoint), credential::bearer("planted-secret-token"), options);
}

std::string failure_of(const asio::any_io_executor& executor) {
    try {
        (void)make_client(executor);
    } catch (const error& failure) {
        BOOST_TEST(failure.code() == errc::invalid_argument);
        return failure.details().message;
    }
    return {};
}

/// What comes of a coroutine on `io`.
template <class T>
std::string failure_of(asio::io_context& io, asio::awaitable<T> task) {
    try {
        await(io, std::move(task));
    } catch (const error& failure) {
        BOOST_TEST(failure.code() == errc::invalid_argument);
        return failure.details().message;
    }
    return {};
}

#ifndef NDEBUG

struct death {
    int signal = 0;
    std::string words;
};

/// Runs `work` in a child process, which must die of it.
template <class Work>
death death_of(Work work) {
    int ends[2];
    BOOST_REQUIRE(::pipe(ends) == 0);
    const pid_t child = ::fork();
    BOOST_REQUIRE(child >= 0);
    if (child == 0) {
        std::signal(SIGABRT, SIG_DFL);
        ::dup2(ends[1], STDERR_FILENO);
        ::alarm(60);
        work();
        ::_exit(0);
    }
    ::close(ends[1]);
    death seen;
    char piece[512];
    for (ssize_t size = 1; size > 0;) {
        size = ::read(ends[0], piece, sizeof piece);
        if (size > 0) seen.words.append(piece, static_cast<std::size_t>(size));
    }
    ::close(ends[0]);
    int status = 0;
    ::waitpid(child, &status, 0);
    if (WIFSIGNALED(status)) seen.signal = WTERMSIG(status);
    return seen;
}

/// Keeps the thread that delivers bytes to it.
struct blocking_sink final : net::sink {
    void on_head(net::response_head) noexcept override {}
    void on_bytes(std::string_view) noexcept override {
        inside.count_down();
        never.wait();
    }
    void on_sent(std::uint64_t) noexcept override {}
    void on_done(std::error_code, std::string) noexcept override { inside.count_down(); }

    std::latch inside{1}, never{1};
};

/// One thread of a client's context is in the middle of a response when another one begins a request.
void use_from_two_threads() {
    asio::io_context io;
    asio::io_context of_server;
    loopback_server server(of_server, [](std::shared_ptr<raw_connection> peer) -> asio::awaitable<void> {
        const raw_request request = co_await peer->read();
        (void)co_await peer->write(whole_response(200, "text/plain", "hello"));
    });
    std::thread serving([&] { of_server.run(); });
    const auto transport = curl::make_transport(io.get_executor());
    blocking_sink first, second;
    const auto request = [&server] {
        net::request made;
        made.url = server.url();
        return made;
    };
    const auto one = transport->start(request(), first);
    std::thread reading([&] { io.run(); });
    first.inside.wait();
    const auto other = transport->start(request(), second);
    ::_exit(1);
}

#endif

}  // namespace

BOOST_AUTO_TEST_SUITE(executors)

BOOST_AUTO_TEST_CASE(a_client_is_refused_an_executor_that_runs_several_handlers_at_once) {
    asio::thread_pool several(2), one(1);
    asio::io_context io;
    BOOST_TEST(failure_of(several.get_executor()) ==
               "the executor belongs to a thread pool, whose threads would race; use asio::make_strand(pool)");
    BOOST_TEST(failure_of(asio::any_io_executor()) == "the executor is empty");
    BOOST_TEST(failure_of(asio::make_strand(several)) == "");
    BOOST_TEST(failure_of(one.get_executor()) == "");
    BOOST_TEST(failure_of(io.get_executor()) == "");
    BOOST_TEST(failure_of(asio::make_strand(io)) == "");
    several.join();
    one.join();
}

BOOST_AUTO_TEST_CASE(a_coroutine_on_a_thread_pool_is_refused_too) {
    asio::thread_pool pool(2);
    std::string message;
    asio::co_spawn(
        pool,
        [&]() -> asio::awaitable<void> {
            const asio::any_io_executor executor = co_await asio::this_coro::executor;
            message = failure_of(executor);
        },
        [](std::exception_ptr) {});
    pool.join();
    BOOST_TEST(message.find("thread pool") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_coroutine_on_another_context_is_refused) {
    asio::io_context io, other;
    const std::string expected =
        "the coroutine runs on a different execution context than its client; spawn it on client.get_executor()";
    client elsewhere = make_client(other.get_executor());
    BOOST_TEST(failure_of(io, elsewhere.get_agent("a")) == expected);
    agent desk = elsewhere.local_agent(prompt_agent_definition("gpt-4o"));
    BOOST_TEST(failure_of(io, desk.run_stream("Hi")) == expected);
    BOOST_TEST(failure_of(io, desk.run("Hi")) == expected);
    // With a provider of headers, nobody would run it.
    const mcp_header_provider provider = [](mcp_header_request) -> asio::awaitable<mcp_headers> {
        co_return mcp_headers();
    };
    BOOST_TEST(failure_of(io, desk.run_stream("Hi", provider)) == expected);
}

BOOST_AUTO_TEST_CASE(a_strand_of_the_same_context_is_fine) {
    asio::io_context io;
    client there = make_client(asio::make_strand(io));
    bool connected = true;
    asio::co_spawn(
        there.get_executor(),
        [&]() -> asio::awaitable<void> {
            try {
                (void)co_await there.get_agent("a");
            } catch (const error& failure) {
                connected = failure.code() != errc::connect_failed;
            }
        },
        [](std::exception_ptr) {});
    io.run();
    BOOST_TEST(!connected);
}

#ifndef NDEBUG
BOOST_AUTO_TEST_CASE(two_threads_at_once_fail_an_assertion) {
    const death seen = death_of(use_from_two_threads);
    BOOST_TEST(seen.signal == SIGABRT);
    BOOST_TEST(seen.words.find("two threads use a corun::client concurrently") != std::string::npos);
}
#endif

BOOST_AUTO_TEST_SUITE_END()
