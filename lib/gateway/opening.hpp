#pragma once
#include "gateway/conversation.hpp"
#include "gateway/owned_run.hpp"
#include <corun/agent.hpp>
#include <corun/client.hpp>

#include <asio/awaitable.hpp>

#include <functional>
#include <memory>
#include <string>

namespace corun::gateway {

/// What starts a run in its conversation's thread, which is created first if there is none.
struct opening {
    client service;
    agent runner;
    std::shared_ptr<conversation> where;
    question asked;
    mcp_header_source headers;
    run_options options;
    std::function<asio::awaitable<void>()> on_thread;  ///< Others have to know it. Empty: there are none.

    /// Completes when the service has accepted the run `begun`.
    static asio::awaitable<event_stream> open(std::shared_ptr<opening> self, std::shared_ptr<owned_run> begun);
    /// Goes on with a run that another gateway has opened, or may have.
    ///
    /// *Errors:* `errc::run_not_found` if the service cannot say that there is such a run.
    static asio::awaitable<event_stream> open_again(client service, agent runner, std::shared_ptr<owned_run> recalled,
                                                    mcp_header_source headers, run_options options);
};

}  // namespace corun::gateway
