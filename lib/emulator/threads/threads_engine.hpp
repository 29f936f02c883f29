#pragma once
#include "emulator/environment.hpp"
#include "emulator/event_sink.hpp"
#include "emulator/store.hpp"
#include "emulator/threads/thread_records.hpp"

#include <memory>

namespace corun::emulator {

/// Agents, threads and runs of the threads protocol.
class threads_engine : public std::enable_shared_from_this<threads_engine> {
public:
    explicit threads_engine(std::shared_ptr<emulator::environment> shared);

    std::shared_ptr<emulator::environment> environment;
    store<agent> agents;
    store<thread> threads;

    std::shared_ptr<agent> create_agent(const json& body);
    std::shared_ptr<thread> create_thread(const json& body);
    std::shared_ptr<record> add_message(thread& thread, const json& body);
    /// Creates a run, which does not start yet. Throws `api_error`.
    std::shared_ptr<run> create_run(agent& agent, thread& thread, const json& body, bool streaming);
    /// Starts a run, or resumes it after an action.
    void start(const std::shared_ptr<run>& run, event_sink sink);
    void cancel(const std::shared_ptr<run>& run);
    /// Expires a run whose time is over. To be called before reading it.
    void expire(run& run);

    /// Stores the members of an update, and returns the object.
    json update(record& object, const json& body);

    /// Objects as the service shows them.
    [[nodiscard]] json shown(const record& object) const;
    [[nodiscard]] json shown(const run& run) const;

private:
    [[nodiscard]] json updated_resources(const json& stored, const json& update) const;
};

/// A step as listings show it.
json shown_step(const record& step, bool with_results);

}  // namespace corun::emulator
