#pragma once
#include <corun/event.hpp>

#include <functional>
#include <memory>
#include <string>

namespace demo {

/// An agent on a thread of its own. This header and the one of the events include no Asio, so Boost.Asio and
/// Boost.Beast can be included beside it.
///
/// *Threads:* Ask from any thread. The functions are called on the agent's thread.
class agent_worker {
public:
    /// Gets each event of the run, by value.
    using event_handler = std::function<void(corun::event)>;
    /// Called once, at the end; the error is empty if the stream ended with its run.
    using end_handler = std::function<void(std::string error)>;

    agent_worker();
    /// Drops what is under way: no function is called after that.
    ~agent_worker();

    void ask(std::string question, event_handler on_event, end_handler on_end);

private:
    struct impl;
    std::unique_ptr<impl> impl_;
};

}  // namespace demo
