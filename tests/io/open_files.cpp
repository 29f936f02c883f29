// A process that can open no more files says so, and does not try again.
#include "drive.hpp"
#include <corun/corun.hpp>

#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <boost/test/unit_test.hpp>
#include <sys/resource.h>
#include <unistd.h>

#include <string>

namespace {

using namespace corun;
using namespace corun::test;

/// While it lives, no more files can be opened.
class no_more_files {
public:
    no_more_files() {
        getrlimit(RLIMIT_NOFILE, &before_);
        const int next = ::dup(STDERR_FILENO);
        ::close(next);
        rlimit limit = before_;
        limit.rlim_cur = static_cast<rlim_t>(next);
        BOOST_REQUIRE(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    }
    ~no_more_files() { setrlimit(RLIMIT_NOFILE, &before_); }
    no_more_files(const no_more_files&) = delete;
    no_more_files& operator=(const no_more_files&) = delete;

private:
    rlimit before_{};
};

struct fixture {
    client make_client(std::string endpoint) {
        client_options options;
        options.proxy = "";
        options.retry.first_delay = std::chrono::milliseconds(1);
        options.observer.on_retry = [this](const retry_record&) { ++retries; };
        return client(io.get_executor(), std::move(endpoint), credential::bearer("planted-secret-token"), options);
    }

    error failure_of(const client& from) {
        try {
            (void)await(io, client(from).get_agent("asst_1"));
        } catch (const error& failure) {
            run_ready(io);
            return failure;
        }
        throw std::logic_error("it did not fail");
    }

    asio::io_context io;
    int retries = 0;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(open_files, fixture)

BOOST_AUTO_TEST_CASE(a_connection_that_needs_one_too_many_is_not_tried_again) {
    // An address where nobody listens.
    asio::ip::tcp::acceptor gone(io, {asio::ip::address_v4::loopback(), 0});
    const std::string origin = "http://127.0.0.1:" + std::to_string(gone.local_endpoint().port());
    gone.close();
    client there = make_client(origin + "/api/projects/p");
    {
        const no_more_files limited;
        const error failure = failure_of(there);
        BOOST_TEST((failure.code() == std::errc::too_many_files_open));
        BOOST_TEST(failure.what() ==
                   "Too many open files: no connection to " + origin + " can be made; see `ulimit -n`");
        BOOST_TEST(failure.details().attempts == 1);
        BOOST_TEST(!is_retryable(failure));
        BOOST_TEST(retries == 0);
    }
    BOOST_TEST(failure_of(there).code() == errc::connect_failed);
    BOOST_TEST(retries == 3);
}

BOOST_AUTO_TEST_CASE(nor_is_a_name_that_cannot_be_resolved_for_it) {
    client there = make_client("https://service.invalid/api/projects/p");
    const no_more_files limited;
    const error failure = failure_of(there);
    BOOST_TEST((failure.code() == std::errc::too_many_files_open));
    BOOST_TEST(retries == 0);
}

BOOST_AUTO_TEST_CASE(nor_is_a_run_that_cannot_be_begun) {
    asio::ip::tcp::acceptor listens(io, {asio::ip::address_v4::loopback(), 0});
    client_options options;
    options.proxy = "";
    options.protocol = protocol::responses;
    const std::string endpoint = "http://127.0.0.1:" + std::to_string(listens.local_endpoint().port()) + "/v1";
    client there(io.get_executor(), endpoint, credential::bearer("planted-secret-token"), options);
    agent desk = there.local_agent(prompt_agent_definition("gpt-4o"));
    const no_more_files limited;
    try {
        (void)await(io, desk.run("Hello"));
        BOOST_ERROR("it did not fail");
    } catch (const error& failure) {
        BOOST_TEST((failure.code() == std::errc::too_many_files_open));
        BOOST_TEST(failure.details().attempts == 1);
    }
}

BOOST_AUTO_TEST_SUITE_END()
