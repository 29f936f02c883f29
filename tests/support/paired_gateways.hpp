#pragma once
#include "gateway_fixture.hpp"

#include <chrono>
#include <utility>

namespace corun::test {

inline gateway::gateway_options quick() {
    gateway::gateway_options options;
    options.redis.lease = std::chrono::milliseconds(300);
    options.redis.patience = std::chrono::seconds(10);
    return options;
}

/// `server` is where runs are started; requests go to `other` after `at_other`.
struct paired : gated {
    explicit paired(protocol spoken, gateway::gateway_options options = quick())
        : gated(spoken, std::move(options), log_place::redis, paced()), other(make_server()) {
        await(io, other.ready());
    }
    ~paired() { other.stop(); }

    /// From now on, requests go to the other one.
    void at_other() { std::swap(*server, other); }
    /// The gateway to which requests do not go ends, and leaves its runs.
    void end_other() { other.stop(); }

    static emulator::service_options paced() {
        emulator::service_options options;
        options.pace = std::chrono::milliseconds(2);
        return options;
    }

    gateway::gateway_server other;
};

}  // namespace corun::test

/// A test in each protocol.
#define WITH_TWO(name)                    \
    struct name : paired {                \
        using paired::paired;             \
        void test();                      \
    };                                    \
    BOOST_AUTO_TEST_SUITE(name##_in)      \
    BOOST_AUTO_TEST_CASE(threads) {       \
        name(protocol::threads).test();   \
    }                                     \
    BOOST_AUTO_TEST_CASE(responses) {     \
        name(protocol::responses).test(); \
    }                                     \
    BOOST_AUTO_TEST_SUITE_END()           \
    void name::test()
