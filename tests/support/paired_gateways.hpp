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

/// A test of two gateways in each protocol.
#define WITH_TWO(name) WITH_EACH_PROTOCOL(name, paired, )
