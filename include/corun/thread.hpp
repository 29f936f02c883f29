#pragma once
#include <corun/event_stream.hpp>
#include <corun/export.hpp>
#include <corun/handlers.hpp>
#include <corun/message.hpp>
#include <corun/options.hpp>
#include <corun/paged.hpp>
#include <corun/resources.hpp>
#include <corun/submission.hpp>

#include <asio/awaitable.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace corun {

namespace detail {
class api_client;
struct thread_object;
struct handle_access;
}  // namespace detail

/// A conversation at the service. A cheap handle: copies mean the same thread.
///
/// Not thread-safe: everything runs on the client's executor. All calls complete when the service
/// has answered. Errors: an empty handle is `errc::invalid_argument`, thrown by the call itself; an
/// empty id is `errc::invalid_argument`; then those of the network and of the service's answer.
/// Cancellation: terminal, partial and total; the request is dropped, and the service may have
/// carried it out.
///
/// In the Responses protocol a thread is a conversation: its messages are those of its items that are
/// messages, and have no metadata; what is about runs, and `update_message`, is `errc::invalid_argument`.
class CORUN_API thread {
public:
    thread() = default;

    [[nodiscard]] const std::string& id() const noexcept;
    /// The thread as last received: created, fetched, refreshed or updated through this handle or a
    /// copy. Runs in it are reconciled with it, so after a change from elsewhere call `refresh` first.
    [[nodiscard]] const thread_definition& definition() const noexcept;

    /// Reads the thread again, so that `definition` is what the service has now.
    [[nodiscard]] asio::awaitable<void> refresh();
    /// Sends the tool resources and the metadata of `changes`; absent and empty members stay as they
    /// are, as with `agent::update`. What would store MCP headers or approvals is
    /// `errc::invalid_argument`.
    [[nodiscard]] asio::awaitable<void> update(thread_definition changes);
    /// Deletes the thread at the service.
    [[nodiscard]] asio::awaitable<void> remove();

    [[nodiscard]] asio::awaitable<thread_message> add_message(message value);
    [[nodiscard]] asio::awaitable<thread_message> get_message(std::string message_id);
    [[nodiscard]] paged<thread_message> list_messages(list_options options = {});
    /// Puts `pairs` in place of all metadata that the message has.
    [[nodiscard]] asio::awaitable<thread_message> update_message(std::string message_id, metadata pairs);
    [[nodiscard]] asio::awaitable<void> delete_message(std::string message_id);

    [[nodiscard]] asio::awaitable<thread_run> get_run(std::string run_id);
    [[nodiscard]] paged<thread_run> list_runs(list_options options = {});
    /// Puts `pairs` in place of all metadata that the run has.
    [[nodiscard]] asio::awaitable<thread_run> update_run(std::string run_id, metadata pairs);
    /// Asks for cancellation; the run is then usually `cancelling`.
    [[nodiscard]] asio::awaitable<thread_run> cancel_run(std::string run_id);
    /// Completes with the run as soon as it has ended or requires an action. Reads it again and
    /// again, at first twice a second and then less often, down to once in eight seconds. Failures
    /// that may pass (`is_retryable`) are looked past, up to three in a row. `errc::total_timeout`
    /// once `timeout` has passed, also while it is being read; 0 is no limit, and less has passed
    /// already. The run goes on at the service then, and so it does after cancellation.
    [[nodiscard]] asio::awaitable<thread_run> wait_for_run(
        std::string run_id, std::chrono::milliseconds timeout = std::chrono::milliseconds{0});

    /// `include` is what the step carries beyond the usual: `file_search_result_content`.
    [[nodiscard]] asio::awaitable<run_step> get_step(std::string run_id, std::string step_id,
                                                     std::vector<std::string> include = {});
    [[nodiscard]] paged<run_step> list_steps(std::string run_id, list_options options = {});

    /// Answers a run that waits for an action. Completes with the run as the service answers, usually
    /// queued. Approvals carry the headers given with them, and no others.
    [[nodiscard]] asio::awaitable<thread_run> submit(std::string run_id, submission answers);
    /// Answers a run that waits for an action, begun by this process or another, and streams what
    /// comes of it. Approvals and handlers work as in `agent::run_stream` and `event_stream::submit`,
    /// with the errors named there; of `options` the handlers and the timeouts count.
    [[nodiscard]] asio::awaitable<event_stream> submit_stream(std::string run_id, submission answers,
                                                              mcp_header_source headers = {}, run_options options = {});

    [[nodiscard]] explicit operator bool() const noexcept { return object_ != nullptr; }

private:
    friend struct detail::handle_access;
    using object = detail::thread_object;
    std::shared_ptr<object> object_;
};

}  // namespace corun
