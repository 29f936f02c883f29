#include "platform/close_others.hpp"
#include "platform/epoll_set.hpp"
#include "platform/poll_set.hpp"

#include <asio/io_context.hpp>
#include <boost/mpl/list.hpp>
#include <boost/test/unit_test.hpp>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace corun::detail;
using sets = boost::mpl::list<epoll_set, poll_set>;

struct socket_pair {
    socket_pair() { BOOST_REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0); }
    socket_pair(const socket_pair&) = delete;
    socket_pair& operator=(const socket_pair&) = delete;
    ~socket_pair() {
        for (const int end : ends)
            if (end >= 0) ::close(end);
    }

    [[nodiscard]] int mine() const { return ends[0]; }
    void send() { BOOST_REQUIRE(::write(ends[1], "x", 1) == 1); }
    void receive() {
        char byte = 0;
        BOOST_REQUIRE(::read(ends[0], &byte, 1) == 1);
    }

    std::array<int, 2> ends{-1, -1};
};

template <class Set>
struct watched {
    void wait() {
        set.async_wait([this] { ++calls; });
    }
    void run() {
        io.restart();
        io.run();
    }
    void run_one() {
        io.restart();
        io.run_one();
    }
    std::vector<::pollfd> ready() {
        std::vector<::pollfd> all;
        set.find_ready(all);
        return all;
    }

    asio::io_context io;
    Set set{io.get_executor()};
    int calls = 0;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(platform)

BOOST_AUTO_TEST_CASE_TEMPLATE(a_set_says_which_sockets_are_ready, Set, sets) {
    socket_pair idle, busy;
    watched<Set> it;
    it.set.watch(idle.mine(), POLLIN, false);
    it.set.watch(busy.mine(), POLLIN, false);
    it.wait();
    busy.send();
    it.run_one();
    BOOST_TEST(it.calls == 1);
    const auto ready = it.ready();
    BOOST_REQUIRE(ready.size() == 1u);
    BOOST_TEST(ready[0].fd == busy.mine());
    BOOST_TEST(ready[0].revents == POLLIN);

    // It is still ready until somebody has read.
    it.wait();
    it.run_one();
    BOOST_TEST(it.calls == 2);
    BOOST_TEST(it.ready().size() == 1u);
    busy.receive();
    BOOST_TEST(it.ready().empty());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_socket_added_during_a_wait_ends_it, Set, sets) {
    socket_pair idle, late;
    watched<Set> it;
    it.set.watch(idle.mine(), POLLIN, false);
    it.wait();
    it.io.poll();
    BOOST_TEST(it.calls == 0);
    late.send();
    it.set.watch(late.mine(), POLLIN, false);
    it.run_one();
    BOOST_TEST(it.calls == 1);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(the_events_of_a_socket_can_change, Set, sets) {
    socket_pair pair;
    watched<Set> it;
    it.set.watch(pair.mine(), POLLIN, false);
    it.wait();
    it.set.watch(pair.mine(), POLLIN | POLLOUT, true);
    it.run_one();
    BOOST_TEST(it.calls == 1);
    BOOST_REQUIRE(it.ready().size() == 1u);
    BOOST_TEST(it.ready()[0].revents == POLLOUT);
    it.set.watch(pair.mine(), POLLIN, true);
    BOOST_TEST(it.ready().empty());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(the_end_of_the_other_side_is_an_event, Set, sets) {
    socket_pair pair;
    watched<Set> it;
    it.set.watch(pair.mine(), POLLIN, false);
    it.wait();
    ::close(std::exchange(pair.ends[1], -1));
    it.run_one();
    BOOST_REQUIRE(it.ready().size() == 1u);
    BOOST_TEST((it.ready()[0].revents & POLLIN) != 0);
    BOOST_TEST((it.ready()[0].revents & (POLLERR | POLLHUP)) != 0);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_cancelled_wait_calls_its_handler_and_leaves_no_work, Set, sets) {
    watched<Set> it;
    socket_pair pair;
    it.set.watch(pair.mine(), POLLIN, false);
    for (int expected = 1; expected <= 3; ++expected) {
        it.wait();
        it.set.cancel();
        BOOST_TEST(it.calls == expected - 1);
        it.run();
        BOOST_TEST(it.calls == expected);
    }
    // Afterwards it works as before.
    it.wait();
    pair.send();
    it.run();
    BOOST_TEST(it.calls == 4);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_wait_without_sockets_can_be_cancelled, Set, sets) {
    watched<Set> it;
    it.wait();
    it.set.cancel();
    it.run();
    BOOST_TEST(it.calls == 1);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_number_can_be_used_again, Set, sets) {
    watched<Set> it;
    auto first = std::make_unique<socket_pair>();
    const int number = first->mine();
    it.set.watch(number, POLLIN, false);
    it.wait();
    first.reset();
    it.set.remove(number);
    socket_pair second;
    // The lowest free number is that of the first pair, unless the set has copied it.
    if (second.mine() != number) BOOST_REQUIRE(::dup2(second.mine(), number) == number);
    it.set.watch(number, POLLIN, false);
    BOOST_TEST(it.ready().empty());
    second.send();
    BOOST_REQUIRE(it.ready().size() == 1u);
    BOOST_TEST(it.ready()[0].fd == number);
    it.set.remove(number);
    BOOST_TEST(it.ready().empty());
    if (second.mine() != number) ::close(number);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_set_can_go_while_it_waits, Set, sets) {
    asio::io_context io;
    socket_pair pair;
    {
        Set set(io.get_executor());
        set.watch(pair.mine(), POLLIN, false);
        set.async_wait([] {});
    }
    // No work is left.
    io.run();
    BOOST_TEST(io.stopped());
}

BOOST_AUTO_TEST_CASE(a_spawned_program_inherits_no_descriptors) {
    // One that is not closed by itself.
    const int open = ::dup(STDERR_FILENO);
    const std::string script = "test ! -e /proc/self/fd/" + std::to_string(open);
    for (const bool closes : {true, false}) {
        ::posix_spawn_file_actions_t actions;
        BOOST_REQUIRE(::posix_spawn_file_actions_init(&actions) == 0);
        if (closes) BOOST_TEST(close_open_ones(actions) == 0);
        std::string shell = "sh", option = "-c", text = script;
        std::array<char*, 4> arguments{shell.data(), option.data(), text.data(), nullptr};
        ::pid_t child = 0;
        BOOST_REQUIRE(::posix_spawnp(&child, "sh", &actions, nullptr, arguments.data(), environ) == 0);
        int status = 0;
        BOOST_REQUIRE(::waitpid(child, &status, 0) == child);
        BOOST_TEST((status == 0) == closes);
        ::posix_spawn_file_actions_destroy(&actions);
    }
    ::close(open);
}

BOOST_AUTO_TEST_SUITE_END()
