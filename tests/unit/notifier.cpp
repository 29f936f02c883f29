#include "async/notifier.hpp"

#include "drive.hpp"

#include <asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include <stdexcept>

namespace {

using namespace corun;
using detail::notifier;

}  // namespace

BOOST_AUTO_TEST_SUITE(notifiers)

BOOST_AUTO_TEST_CASE(an_empty_one_wants_nothing) {
    asio::io_context io;
    for (const notifier& empty : {notifier(), notifier(io.get_executor(), observer())}) {
        BOOST_TEST(!empty.wants(&observer::on_request));
        empty.notify(&observer::on_request, request_record());
        BOOST_TEST(io.poll() == 0u);
    }
}

BOOST_AUTO_TEST_CASE(any_hook_is_called) {
    asio::io_context io;
    int calls = 0;
    const auto check = [&](auto hook, auto record) {
        observer hooks;
        hooks.*hook = [&](const auto&) { ++calls; };
        const notifier with_hook(io.get_executor(), hooks);
        BOOST_TEST(with_hook.wants(hook));
        const int before = calls;
        with_hook.notify(hook, record);
        BOOST_TEST(calls == before);  // in a handler of its own
        test::run_ready(io);
        BOOST_TEST(calls == before + 1);
    };
    check(&observer::on_request, request_record());
    check(&observer::on_run, run_record());
    check(&observer::on_retry, retry_record());
    check(&observer::on_reattach, reattach_record());
    check(&observer::on_submit, submit_record());
    check(&observer::on_wire, wire_message(wire_message::part::request, 1));
    BOOST_TEST(calls == 6);
}

BOOST_AUTO_TEST_CASE(gives_the_record_and_ignores_exceptions) {
    asio::io_context io;
    observer hooks;
    std::uint64_t number = 0;
    hooks.on_request = [&](const request_record& record) {
        number = record.number;
        throw std::runtime_error("ignored");
    };
    const notifier one(io.get_executor(), hooks);
    BOOST_TEST(!one.wants(&observer::on_retry));
    request_record record;
    record.number = 7;
    one.notify(&observer::on_request, record);
    one.notify(&observer::on_retry, retry_record());
    BOOST_CHECK_NO_THROW(test::run_ready(io));
    BOOST_TEST(number == 7u);
}

BOOST_AUTO_TEST_CASE(copies_count_requests_together) {
    asio::io_context io;
    observer hooks;
    hooks.on_request = [](const request_record&) {};
    const notifier one(io.get_executor(), hooks);
    const notifier copy = one;
    BOOST_TEST(one.next_request() == 1u);
    BOOST_TEST(copy.next_request() == 2u);
    BOOST_TEST(one.next_request() == 3u);
}

BOOST_AUTO_TEST_SUITE_END()
