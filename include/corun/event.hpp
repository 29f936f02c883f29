#pragma once
#include <corun/export.hpp>
#include <corun/resources.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <variant>
#include <vector>

namespace corun {

namespace detail {
struct event_access;
}

/// The events of a run. The views in the deltas point into the event that holds them: they are
/// valid while it, or a copy of it, lives. Everything else owns what it says.

/// The run made its thread. Comes before `run_created`.
struct CORUN_API thread_created {
    thread_created() = default;
    std::string thread_id;
};

/// The run exists.
struct CORUN_API run_created {
    run_created() = default;
    std::string run_id, thread_id, agent_id;
};

/// The run is now queued, in_progress or cancelling, or in a state unknown to this version. That it
/// waits for an action is said by `action_required`. The service may repeat itself.
struct CORUN_API run_status {
    run_status() = default;
    std::string run_id, thread_id;
    run_state status = run_state::unknown;
    std::string status_text;  ///< The status as the service wrote it.
};

/// A piece of text, to append to content piece `content_index` of message `message_id`.
struct CORUN_API text_delta {
    text_delta() = default;
    std::string_view text;
    std::string_view message_id;
    std::int32_t content_index = 0;
};

/// A citation or generated file in a text. Merge by (`message_id`, `content_index`, `index`).
struct CORUN_API annotation {
    annotation() = default;
    std::string message_id;
    std::int32_t content_index = 0;
    std::int32_t index = 0;
    text_annotation value;
};

/// An image in a message: content piece `content_index` of message `message_id` is this file.
struct CORUN_API image_delta {
    image_delta() = default;
    std::string_view file_id;
    std::string_view message_id;
    std::int32_t content_index = 0;
};

/// A message begins. The service may say so more than once.
struct CORUN_API message_created {
    message_created() = default;
    thread_message message;
};

/// The model is writing the message. The service may say so more than once.
struct CORUN_API message_in_progress {
    message_in_progress() = default;
    thread_message message;
};

/// The whole message; it stands over what the deltas added up to. Its status is `completed` or `incomplete`.
struct CORUN_API message_completed {
    message_completed() = default;
    thread_message message;
};

/// A step begins. The service may say so more than once. A step of type `activities` is whole when
/// it is created: `mcp_tools_listed` follows, one for each server.
struct CORUN_API step_created {
    step_created() = default;
    run_step step;
};

/// The service works on the step. It may say so more than once.
struct CORUN_API step_in_progress {
    step_in_progress() = default;
    run_step step;
};

/// The step ended: its status is completed, failed, cancelled or expired. The service may say so
/// twice for one step, the first time without the output of its calls; the last one counts. What
/// it holds follows on its own: `mcp_tools_listed` for each server, `mcp_call` for each MCP call
/// that has its output.
struct CORUN_API step_completed {
    step_completed() = default;
    run_step step;
};

/// A piece of a tool call. Key by (`step_id`, `index`): the id may come only with the first piece.
/// Take final arguments from `action_required` or `step_completed`: pieces may repeat. What the
/// piece does not say is empty.
struct CORUN_API tool_call_delta {
    tool_call_delta() = default;
    std::string_view step_id;
    std::int32_t index = 0;
    std::string_view id, type, name, server_label;
    std::string_view arguments;                    ///< Of the JSON text, or of the input of a tool that has one.
    std::string_view output;                       ///< Of the output, or of the logs of a code interpreter.
    std::int32_t output_index = 0;                 ///< Of a code interpreter: which of its outputs this adds to.
    std::string_view file_id;                      ///< Of a code interpreter: an image that it made.
    std::string_view agent_id, thread_id, run_id;  ///< Of a connected agent, see `tool_call`.
};

/// The service listed the tools of an MCP server.
struct CORUN_API mcp_tools_listed {
    mcp_tools_listed() = default;
    std::string step_id;
    mcp_tool_list list;
};

/// A call to an MCP server that has its output.
struct CORUN_API mcp_call {
    mcp_call() = default;
    std::string step_id;
    tool_call call;
};

/// The run waits for tool outputs or approvals. Where the handlers of `run_options` answer all of
/// it, the stream goes on by itself; otherwise it ends here until `event_stream::submit`.
struct CORUN_API action_required {
    action_required() = default;
    std::string run_id, thread_id;
    required_action action;
};

/// A piece of a refusal.
struct CORUN_API refusal_delta {
    refusal_delta() = default;
    std::string_view text;
    std::string_view message_id;
    std::int32_t content_index = 0;
};

/// A piece of the model's reasoning, or of its summary.
struct CORUN_API reasoning_delta {
    reasoning_delta() = default;
    std::string_view text;
    std::string_view item_id;
    std::int32_t content_index = 0;
    bool summary = false;
};

/// The five ways a run ends. One of them is the last event of a run's stream.
struct CORUN_API run_completed {
    run_completed() = default;
    thread_run run;
};
/// `run.last_error` says why.
struct CORUN_API run_failed {
    run_failed() = default;
    thread_run run;
};
/// `run.incomplete_reason` says which limit was met.
struct CORUN_API run_incomplete {
    run_incomplete() = default;
    thread_run run;
};
struct CORUN_API run_cancelled {
    run_cancelled() = default;
    thread_run run;
};
struct CORUN_API run_expired {
    run_expired() = default;
    thread_run run;
};

/// Made by corun, not by the service (`name()` is `corun.run_restarted`): an MCP server refused the
/// headers that the run began with, before the run had done anything. Their provider has been asked
/// for fresh ones, and another run takes this one's place in the stream: `run_created` follows, or the
/// failure to create it.
struct CORUN_API run_restarted {
    run_restarted() = default;
    thread_run run;  ///< The run that failed, and why.
};

/// Made by corun, not by the service (`name()` is `corun.reattached`): the connection was lost to `cause`, and the run
/// has been found again. What the stream had missed follows as ordinary events, each once; the pieces of a text go on
/// where the last one ended. See `reattach_policy`.
struct CORUN_API reattached {
    reattached() = default;
    std::string run_id, thread_id;
    /// `errc::connection_lost`, `premature_eof`, `idle_timeout` or `event_timeout`; of a request whose answer was lost
    /// also what came in its place, such as `errc::server_failed`.
    std::error_code cause;
};

/// The service reports an error of the stream itself; what it says of the run may still follow. An
/// error that is not JSON is all `message`.
struct CORUN_API stream_error {
    stream_error() = default;
    std::string code, message, type, param;
};

/// A preview of an image that is being generated; the next one of its item stands over it. The image
/// itself is the output of the item's call, in `step_completed`.
struct CORUN_API image_partial {
    image_partial() = default;
    std::string_view base64;  ///< The image's bytes, in base64.
    std::string_view item_id;
    std::int32_t index = 0;  ///< Which preview, from 0.
};

/// An event without a type of its own here, or one that says nothing beyond its name: see
/// `event::name()` and `event::raw()`.
struct CORUN_API unknown {
    unknown() = default;
};

/// One event of a run: what it says, its name on the wire, and its JSON as received.
///
/// A value: it may be moved, copied, kept and handed to another thread. It holds the bytes that
/// its views point to.
class CORUN_API event {
public:
    using body_type =
        std::variant<unknown, text_delta, tool_call_delta, refusal_delta, reasoning_delta, annotation, image_delta,
                     thread_created, run_created, run_status, message_created, message_in_progress, message_completed,
                     step_created, step_in_progress, step_completed, mcp_tools_listed, mcp_call, action_required,
                     run_completed, run_failed, run_incomplete, run_cancelled, run_expired, run_restarted, reattached,
                     stream_error, image_partial>;

    event() = default;

    /// The body if it is a `T`, else null. Valid while this event lives.
    template <class T>
    [[nodiscard]] const T* get_if() const noexcept {
        return std::get_if<T>(&body_);
    }
    [[nodiscard]] const body_type& body() const noexcept { return body_; }

    /// The event's name on the wire, such as `thread.message.delta`.
    [[nodiscard]] std::string_view name() const noexcept { return name_; }
    /// The event's data as received. JSON, but for a few (`keepalive` has none). May hold what the
    /// service echoes of the run's MCP headers: redact it before you log it.
    [[nodiscard]] std::string_view raw() const noexcept { return raw_; }
    /// True when this event was decoded from the same wire event as the one before it: one wire
    /// event may say several things.
    [[nodiscard]] bool continues() const noexcept { return continues_; }

private:
    friend struct detail::event_access;
    body_type body_;
    std::string_view name_, raw_;
    std::shared_ptr<const void> storage_;
    bool continues_ = false;
};

/// True for the five events that end a run.
CORUN_API bool is_terminal(const event& value) noexcept;

}  // namespace corun
