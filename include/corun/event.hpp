#pragma once
#include <corun/chrono.hpp>
#include <corun/export.hpp>
#include <corun/resources.hpp>

#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

namespace corun {

namespace detail {
struct event_access;
}

/// The bodies of a run's events, for `event::get_if`.
///
/// *Lifetime:* The views in the deltas and in `part_completed` are valid while their `event`, or a copy of it,
/// lives. All other events own their data.
namespace events {

/// The run created its thread. Precedes `run_created`.
struct CORUN_API thread_created {
    thread_created() = default;
    std::string thread_id;
};

/// The run was created.
struct CORUN_API run_created {
    run_created() = default;
    std::string run_id, thread_id, agent_id;
};

/// The run is now queued, in_progress or cancelling, or in a state unknown to this version. May be repeated. A run that
/// waits for an action is reported by `action_required` instead.
struct CORUN_API run_status {
    run_status() = default;
    std::string run_id, thread_id;
    run_state status = run_state::unknown;
    std::string status_text;  ///< The status as received.
};

/// Text to append to content part `content_index` of message `message_id`.
struct CORUN_API text_delta {
    text_delta() = default;
    std::string_view text;
    std::string_view message_id;
    std::int32_t content_index = 0;
};

/// A citation or generated file in a text. Merge annotations by `message_id`, `content_index` and `index`.
struct CORUN_API annotation {
    annotation() = default;
    std::string message_id;
    std::int32_t content_index = 0;
    std::int32_t index = 0;
    text_annotation value;
};

/// An image in a message: content part `content_index` of message `message_id` is this file.
struct CORUN_API image_delta {
    image_delta() = default;
    std::string_view file_id;
    std::string_view message_id;
    std::int32_t content_index = 0;
};

/// A message begins. May be repeated.
struct CORUN_API message_created {
    message_created() = default;
    thread_message message;
};

/// The model is writing the message. May be repeated.
struct CORUN_API message_in_progress {
    message_in_progress() = default;
    thread_message message;
};

/// The complete message; it supersedes the accumulated deltas, unless it has less text than they do: some services
/// leave the text out. Its status is `completed` or `incomplete`.
struct CORUN_API message_completed {
    message_completed() = default;
    thread_message message;
};

/// A step begins. May be repeated. A step of type `activities` is complete when it is created: one `mcp_tools_listed`
/// follows for each server.
struct CORUN_API step_created {
    step_created() = default;
    run_step step;
};

/// The service is working on the step, or has just ended it: then the step's status is `completed` or `failed`, and
/// `step_completed` follows with all of it. May be repeated.
struct CORUN_API step_in_progress {
    step_in_progress() = default;
    run_step step;
};

/// The step ended with status completed, failed, cancelled or expired. May be repeated, the first time without the
/// output of the step's calls; the last one counts. Followed by `mcp_tools_listed` for each server, and by `mcp_call`
/// for each MCP call with output.
struct CORUN_API step_completed {
    step_completed() = default;
    run_step step;
};

/// A part of a tool call. Merge deltas by `step_id` and `index`: only the first one may have the id. Deltas may be
/// repeated, so take the final arguments from `action_required` or `step_completed`. Absent members are empty.
struct CORUN_API tool_call_delta {
    tool_call_delta() = default;
    std::string_view step_id;
    std::int32_t index = 0;
    std::string_view id, type, name, server_label;
    std::string_view arguments;     ///< Part of the JSON text, of the tool's input, or of a command.
    std::string_view output;        ///< Part of the output, or of a code interpreter's logs.
    std::string_view error_output;  ///< Shell: part of what a command wrote to stderr.
    std::int32_t output_index = 0;  ///< Code interpreter: the index of the output. Shell: of the command.
    std::string_view file_id;       ///< Code interpreter: a generated image.
    std::string_view agent_id, thread_id, run_id;  ///< Connected agent: see `tool_call`.
};

/// The service listed the tools of an MCP server; or corun did, if it calls the server (`run_options::mcp_callers`).
/// The event's `name()` is then `corun.mcp_tools_listed`, and `step_id` and `list.id` are empty.
struct CORUN_API mcp_tools_listed {
    mcp_tools_listed() = default;
    std::string step_id;
    mcp_tool_list list;
};

/// A call to an MCP server has its output. If corun calls the server, the event's `name()` is `corun.mcp_call`, and
/// `step_id` is empty.
struct CORUN_API mcp_call {
    mcp_call() = default;
    std::string step_id;
    tool_call call;
    // Only if corun calls the server.
    std::optional<std::string> error;  ///< Why the call failed; absent if the server returned a result.
    std::string challenge;             ///< Of a server that rejected the headers: see `mcp::parse_challenge`.
    std::chrono::nanoseconds duration{0};
};

/// The run waits for tool outputs or approvals. If the handlers of `run_options` can answer all of it, the stream
/// continues by itself; otherwise answer it with `event_stream::submit` before the next `event_stream::next`.
struct CORUN_API action_required {
    action_required() = default;
    std::string run_id, thread_id;
    required_action action;
};

/// Text to append to a refusal of the model.
struct CORUN_API refusal_delta {
    refusal_delta() = default;
    std::string_view text;
    std::string_view message_id;
    std::int32_t content_index = 0;
};

/// Text to append to the model's reasoning, or to its summary. The step `item_id` is the reasoning as a whole.
struct CORUN_API reasoning_delta {
    reasoning_delta() = default;
    std::string_view text;
    std::string_view item_id;
    std::int32_t content_index = 0;
    bool summary = false;
};

/// A piece of the model's speech: of its sound, or of its transcript.
struct CORUN_API audio_delta {
    audio_delta() = default;
    std::string_view base64;      ///< Bytes to append to the sound, in base64; each piece is encoded on its own.
    std::string_view transcript;  ///< Text to append to the transcript.
    std::string_view message_id;
    std::int32_t content_index = 0;
};

/// A part of a message, of reasoning or of a call is complete: its deltas have come. May be repeated, and is missing
/// where only the whole is shown, as after `reattached`.
struct CORUN_API part_completed {
    part_completed() = default;
    std::string_view item_id;  ///< The id of the message, or of the step.
    /// `text`, `refusal`, `reasoning`, `summary`, `arguments`, `output`, `audio`, `transcript`, or a type that this
    /// version does not know.
    std::string_view type;
    std::int32_t index = 0;  ///< As in the deltas: `content_index`, or the index of a shell's command.
};

/// The run completed. This and the next four are the events that end a run's stream.
struct CORUN_API run_completed {
    run_completed() = default;
    thread_run run;
};
/// The run failed; see `run.last_error`.
struct CORUN_API run_failed {
    run_failed() = default;
    thread_run run;
};
/// The run reached a limit; see `run.incomplete_reason`.
struct CORUN_API run_incomplete {
    run_incomplete() = default;
    thread_run run;
};
/// The run was cancelled.
struct CORUN_API run_cancelled {
    run_cancelled() = default;
    thread_run run;
};
/// The run expired, usually while waiting for an action.
struct CORUN_API run_expired {
    run_expired() = default;
    thread_run run;
};

/// A new run replaces the failed one in the same stream: an MCP server rejected the headers, and their provider
/// returned new ones, or the run was rate-limited (see `run_options::rate_limit_restarts`). The failed run had not done
/// anything. `run_created` follows, or the error of creating the run. Sent by corun; its `name()` is
/// `corun.run_restarted`.
struct CORUN_API run_restarted {
    run_restarted() = default;
    thread_run run;  ///< The failed run, with its error.
};

/// The connection was lost because of `cause`, and the run was found again. The missed events follow, each once; text
/// continues where it stopped. See `reattach_policy`. Sent by corun; its `name()` is `corun.reattached`.
struct CORUN_API reattached {
    reattached() = default;
    std::string run_id, thread_id;
    /// `errc::connection_lost`, `premature_eof`, `idle_timeout` or `event_timeout`; or the error of a request whose
    /// response was lost, such as `errc::server_failed`.
    std::error_code cause;
};

/// The model called a function of the application. Delivered when its handler has ended, before the output is sent;
/// also if the function failed or does not exist. Sent by corun; its `name()` is `corun.function_called`.
struct CORUN_API function_called {
    function_called() = default;
    std::string call_id, name, arguments;
    std::string output;                ///< The text for the model. After a failure, `{"error": "<text>"}`.
    std::optional<std::string> error;  ///< The text of the exception; absent if the handler returned an output.
    std::chrono::nanoseconds duration{0};
};

/// `run_options::on_mcp_approval` decided on a call to an MCP server, or failed. Delivered when the handler has ended,
/// before the decision is sent. Sent by corun; its `name()` is `corun.approval_decided`.
struct CORUN_API approval_decided {
    approval_decided() = default;
    std::string call_id, name, arguments, server_label;
    bool approved = false;
    std::string reason;                ///< Of a denial; may be empty.
    std::optional<std::string> error;  ///< The text of the exception; the stream then fails with it.
    std::chrono::nanoseconds duration{0};
};

/// The service reported an error of the stream; events of the run may still follow. If the error is not JSON, `message`
/// contains all of it.
struct CORUN_API stream_error {
    stream_error() = default;
    std::string code, message, type, param;
    std::optional<std::chrono::milliseconds> retry_after;  ///< The delay that the service asks for.
};

/// A preview of an image that is being generated. The next preview of the same item supersedes it. The final image is
/// the output of the call in `step_completed`.
struct CORUN_API image_partial {
    image_partial() = default;
    std::string_view base64;  ///< The image's bytes, in base64.
    std::string_view item_id;
    std::int32_t index = 0;  ///< The preview's index, from 0.
};

/// A tool needs the consent of the user: show the link. When the response has ended, the run waits for it: see
/// `action_required`.
struct CORUN_API oauth_consent_requested {
    oauth_consent_requested() = default;
    std::string item_id, server_label;
    std::string link;
};

/// An event that this version does not know, one without data, or one whose data makes no sense. See `event::name()`,
/// `event::raw()` and `event::problem()`.
struct CORUN_API unknown {
    unknown() = default;
};

}  // namespace events

namespace detail {

/// A body that is large or owns memory. It lies in its event's storage, which owns the event's bytes as well.
template <class Body>
struct stored_body {
    stored_body() = default;

    std::shared_ptr<const void> bytes;
    Body body;
};

/// Bodies of the most frequent events lie in the event itself.
inline constexpr std::size_t largest_small_body = 40;
template <class Body>
inline constexpr bool is_small_body = std::is_trivially_copyable_v<Body> && sizeof(Body) <= largest_small_body;
template <class Body>
using body_member = std::conditional_t<is_small_body<Body>, Body, stored_body<Body>*>;

template <class Member>
const Member* member_at(const std::byte* data) noexcept {
    return std::launder(reinterpret_cast<const Member*>(data));
}
template <class Member>
Member* member_at(std::byte* data) noexcept {
    return std::launder(reinterpret_cast<Member*>(data));
}

template <class Body>
const Body& body_of(const Body& member) noexcept {
    return member;
}
template <class Body>
const Body& body_of(stored_body<Body>* const& member) noexcept {
    return member->body;
}

template <class First, class...>
struct first_type {
    using type = First;
};

/// The types of an event's bodies. A `std::variant` of so many would take the compiler longer than the rest of corun.
template <class... Bodies>
struct body_list {
    static constexpr std::size_t size = sizeof...(Bodies);

    template <class Body>
    static constexpr std::size_t index_of() {
        static_assert((std::is_same_v<Body, Bodies> || ...), "no event has this body: see corun::events");
        std::size_t index = 0;
        static_cast<void>(((std::is_same_v<Body, Bodies> || (++index, false)) || ...));
        return index;
    }

    /// Calls `visitor` with the member at `data`, which belongs to the body with this index.
    template <class Visitor, class Byte>
    static decltype(auto) visit(Visitor& visitor, std::size_t index, Byte* data) {
        using result = typename first_type<decltype(visitor(*member_at<body_member<Bodies>>(data)))...>::type;
        using call = result (*)(Visitor&, Byte*);
        static constexpr call calls[] = {
            [](Visitor& called, Byte* bytes) -> result { return called(*member_at<body_member<Bodies>>(bytes)); }...};
        return calls[index](visitor, data);
    }
};

}  // namespace detail

/// One event of a run: its typed body, its name, and its data as received.
///
/// *Lifetime:* A value, cheap to move. It owns the bytes that its views point to; copies share them.
///
/// *Threads:* Can be passed to another thread.
class CORUN_API event {
public:
    /// The types of the bodies.
    using body_types =
        detail::body_list<events::unknown, events::text_delta, events::tool_call_delta, events::refusal_delta,
                          events::reasoning_delta, events::annotation, events::image_delta, events::thread_created,
                          events::run_created, events::run_status, events::message_created, events::message_in_progress,
                          events::message_completed, events::step_created, events::step_in_progress,
                          events::step_completed, events::mcp_tools_listed, events::mcp_call, events::action_required,
                          events::run_completed, events::run_failed, events::run_incomplete, events::run_cancelled,
                          events::run_expired, events::run_restarted, events::reattached, events::stream_error,
                          events::image_partial, events::function_called, events::approval_decided, events::audio_delta,
                          events::part_completed, events::oauth_consent_requested>;

    event() = default;

    /// The body if it is a `T`, otherwise null. Valid while this event lives.
    template <class T>
    [[nodiscard]] const T* get_if() const noexcept {
        if (index_ != body_types::template index_of<T>()) return nullptr;
        return &detail::body_of<T>(*detail::member_at<detail::body_member<T>>(body_));
    }
    /// Calls `visitor` with the body, as `std::visit` does. It must accept every type of body.
    template <class Visitor>
    decltype(auto) visit(Visitor&& visitor) const {
        const auto call = [&visitor](const auto& member) -> decltype(auto) { return visitor(detail::body_of(member)); };
        return body_types::visit(call, index_, body_);
    }
    /// The number of the body's type; two events have the same if they have bodies of one type.
    [[nodiscard]] std::size_t index() const noexcept { return index_; }

    /// The event's name in the protocol, such as `thread.message.delta`.
    [[nodiscard]] std::string_view name() const noexcept { return name_; }
    /// The event's data as received: JSON, except for a few events such as `keepalive`. The service may echo MCP
    /// headers in it: redact it before logging.
    [[nodiscard]] std::string_view raw() const noexcept { return raw_; }
    /// What is wrong with the data, in a sentence that quotes none of it; empty if nothing is. Members of a wrong type
    /// count as missing. If too little is left, the body is `events::unknown`; but an event whose name ends the run
    /// always ends it. See `client_options::strict_events`.
    [[nodiscard]] std::string_view problem() const noexcept { return problem_; }
    /// True if this event was decoded from the same server-sent event as the one before it.
    [[nodiscard]] bool continues() const noexcept { return continues_; }

private:
    friend struct detail::event_access;
    alignas(void*) std::byte body_[detail::largest_small_body] = {};
    std::string_view name_, raw_, problem_;
    std::shared_ptr<const void> storage_;
    std::uint8_t index_ = 0;
    bool continues_ = false;
};

/// True for the five events that end a run.
CORUN_API bool is_terminal(const event& value) noexcept;

/// How a run ended.
enum class run_outcome { completed, failed, incomplete, cancelled, expired };

/// The name of the outcome, such as `completed`.
CORUN_API std::string_view to_string(run_outcome outcome) noexcept;
CORUN_API std::ostream& operator<<(std::ostream& out, run_outcome outcome);

/// The run of an event that ends it, otherwise null. Valid while the event lives.
CORUN_API const thread_run* ended_run(const event& value) noexcept;
/// The outcome of an event that ends a run; nothing for other events.
CORUN_API std::optional<run_outcome> outcome_of(const event& value) noexcept;
/// The outcome of a state in which a run has ended; nothing for other states.
CORUN_API std::optional<run_outcome> outcome_of(run_state state) noexcept;

/// Prints the event in one line: its name, and its text, ids and errors. Control characters are escaped. The text is
/// not redacted: it can contain texts of users and the model, and data that the service echoes.
CORUN_API std::ostream& operator<<(std::ostream& out, const event& value);

}  // namespace corun
