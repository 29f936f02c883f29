#pragma once
#include <corun/asio.hpp>
#include <corun/chrono.hpp>
#include <corun/event_stream.hpp>
#include <corun/export.hpp>
#include <corun/handlers.hpp>
#include <corun/message.hpp>
#include <corun/options.hpp>
#include <corun/paged.hpp>
#include <corun/resources.hpp>
#include <corun/submission.hpp>

#include <memory>
#include <string>
#include <vector>

namespace corun {

namespace detail {
class api_client;
struct thread_object;
struct handle_access;
}  // namespace detail

/// A conversation stored by the service.
///
/// Every function completes when the service has responded. In the Responses protocol, a thread is a conversation; its
/// messages are the items of type message, and have no metadata. The functions for runs, and `update_message`, fail
/// with `errc::invalid_argument`.
///
/// *Errors:* An empty handle, an empty id and other invalid arguments throw `errc::invalid_argument`, most of them when
/// the function is called: before its awaitable is awaited. Every function can fail with the network errors and the
/// service errors of `errc`.
///
/// *Cancellation:* Terminal, partial and total. The request is dropped; the service may still have carried it out.
///
/// *Lifetime:* A cheap handle; copies refer to the same thread. It keeps the client's connections alive.
///
/// *Threads:* Not thread-safe. Use it on the client's executor.
class CORUN_API agent_thread {
public:
    agent_thread() = default;

    [[nodiscard]] const std::string& id() const noexcept;
    /// The definition as last received through this handle or a copy: when the thread was created, fetched, refreshed
    /// or updated. Runs are reconciled with it, so call `refresh` after somebody else changed the thread.
    [[nodiscard]] const thread_definition& definition() const noexcept;

    /// Fetches the thread, and updates `definition`.
    [[nodiscard]] asio::awaitable<void> refresh();
    /// Changes the thread: sends the tool resources and the metadata of `changes` that are not empty.
    ///
    /// *Errors:* `errc::invalid_argument` if `changes` would store MCP headers or approvals.
    [[nodiscard]] asio::awaitable<void> update(thread_definition changes);
    /// Deletes the thread at the service.
    [[nodiscard]] asio::awaitable<void> remove();

    /// Adds a message. In the Responses protocol, an item of the conversation.
    [[nodiscard]] asio::awaitable<thread_message> add_message(message value);
    /// Fetches one message.
    [[nodiscard]] asio::awaitable<thread_message> get_message(std::string message_id);
    /// Lists the messages.
    [[nodiscard]] paged<thread_message> list_messages(list_options options = {});
    /// Replaces all metadata of the message.
    [[nodiscard]] asio::awaitable<thread_message> update_message(std::string message_id, metadata pairs);
    /// Deletes one message.
    [[nodiscard]] asio::awaitable<void> delete_message(std::string message_id);

    /// Fetches one run.
    [[nodiscard]] asio::awaitable<thread_run> get_run(std::string run_id);
    /// Lists the runs of the thread.
    [[nodiscard]] paged<thread_run> list_runs(list_options options = {});
    /// Replaces all metadata of the run.
    [[nodiscard]] asio::awaitable<thread_run> update_run(std::string run_id, metadata pairs);
    /// Asks the service to cancel the run. Completes with the run, which is usually `cancelling`.
    [[nodiscard]] asio::awaitable<thread_run> cancel_run(std::string run_id);
    /// Polls the run until it has ended or requires an action, and completes with it. Polls every 0.5 s, backing off to
    /// 8 s. Ignores up to three consecutive retryable failures (`is_retryable`). Cancellation and timeouts do not
    /// affect the run.
    ///
    /// *Errors:* `errc::total_timeout` after `timeout`; 0 means no limit, a negative value has expired already.
    [[nodiscard]] asio::awaitable<thread_run> wait_for_run(
        std::string run_id, std::chrono::milliseconds timeout = std::chrono::milliseconds{0});

    /// `include` requests additional members, such as `file_search_result_content`.
    [[nodiscard]] asio::awaitable<run_step> get_step(std::string run_id, std::string step_id,
                                                     std::vector<std::string> include = {});
    /// Lists the steps of a run.
    [[nodiscard]] paged<run_step> list_steps(std::string run_id, list_options options = {});

    /// Answers a run that waits for an action. Completes with the run as the service returns it, usually queued.
    /// Approvals are sent with their own headers only.
    [[nodiscard]] asio::awaitable<thread_run> submit(std::string run_id, submission answers);
    /// Answers a run that waits for an action, started by this process or another, and streams the events that follow.
    /// Approvals and handlers work as in `agent::run_stream` and `event_stream::submit`, with the same errors. Uses
    /// only the handlers, `answers_by_hand`, `on_abandon` and the timeouts of `options`.
    [[nodiscard]] asio::awaitable<event_stream> submit_stream(std::string run_id, submission answers,
                                                              mcp_header_source headers = {}, run_options options = {});

    [[nodiscard]] explicit operator bool() const noexcept { return object_ != nullptr; }

private:
    friend struct detail::handle_access;
    using object = detail::thread_object;
    std::shared_ptr<object> object_;
};

}  // namespace corun
