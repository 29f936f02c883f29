#pragma once
#include "protocol/common.hpp"
#include "protocol/delta_shape.hpp"
#include "protocol/event_class.hpp"
#include "protocol/raw_event.hpp"
#include "protocol/streamed_items.hpp"
#include "text/ascii.hpp"
#include <corun/event.hpp>
#include <corun/message.hpp>
#include <corun/model_input.hpp>
#include <corun/options.hpp>
#include <corun/prompt_agent.hpp>
#include <corun/resources.hpp>
#include <corun/secret.hpp>
#include <corun/submission.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

/// The Responses protocol (Foundry agents v2, OpenAI, vLLM, llama.cpp, Ollama): what its bytes mean.
///
/// A run is a response, and its id the response's; the run's next round, after its answers, is a
/// response of its own. A thread is a conversation, an agent goes by its name. An output item of
/// type `message` is a message, any other that the model or the service works on is a step with one
/// call. An id that is missing is made from the item's place: `item_0`.
namespace corun::codec::responses {

/// What has arrived of a response that decides what its last event means: calls that are not
/// answered yet, which some services leave out of the `output` of `response.completed`; and a
/// failure whose reason follows in an event of its own. One for each run.
class pending_calls {
public:
    /// Takes in an event as it arrives, before it is classified. Forgets all at `response.created`.
    void observe(std::string_view name, std::string_view data);

    // What `observe` does, by the kind of the event.
    void begin(std::string_view data);
    void add_failed(std::string_view data);
    void add_error(std::string_view data);
    void add_item(std::string_view data);
    void announce_item(std::string_view data);
    void add_consent(std::string_view data);

    /// The JSON of the items that wait for an answer, or show that another does not, in order. Of a message that alone.
    [[nodiscard]] const std::vector<std::string>& items() const noexcept { return items_; }
    /// The data of a `response.failed` that did not say why, if there is one.
    [[nodiscard]] const std::optional<std::string>& failed() const noexcept { return failed_; }
    /// The same failure has come twice: no reason follows it.
    [[nodiscard]] bool has_failed_twice() const noexcept { return failed_twice_; }
    /// The latest event repeats the status that is known.
    [[nodiscard]] bool status_repeats() const noexcept { return status_repeats_; }
    /// The data of the latest `error`; empty when there is none.
    [[nodiscard]] const std::string& reason() const noexcept { return reason_; }

private:
    void add(std::string item);

    std::vector<std::string> items_;
    std::optional<std::string> failed_;
    std::string reason_;
    std::string_view status_event_;  ///< The name of the latest event about the status.
    bool failed_twice_ = false, status_repeats_ = false;
};

/// What an event means for the run. `response.completed` is an action when its output, or `seen`, holds calls without
/// an answer; else the last. So is `response.incomplete` when a consent is asked for. `response.failed` without a
/// reason is an error, for the reason comes in an `error` after it, which then is the last; unless that has come
/// before, or the failure comes a second time. A status that only repeats the latest is a keep-alive.
///
/// An event goes by its `type`, whatever its name is; by its name where the type is not known; and where neither is, by
/// the status of the response in it.
event_class classify(std::string_view name, std::string_view data, const pending_calls& seen) noexcept;
/// The same for an event on its own.
event_class classify(std::string_view name, std::string_view data) noexcept;
/// True for nearly all of the events of which a stream has the most: pieces of a text.
inline bool is_text_delta(std::string_view data) noexcept {
    return ascii::begins_with(data, R"({"type":"response.output_text.delta")");
}
/// The name of the event that this one is, by the same rule; what it has of a name or a type if it is not known.
std::string_view event_name(std::string_view name, std::string_view data) noexcept;

/// The action that a response which ends with this event leaves to its caller; nothing if there is none.
std::optional<required_action> action_left_by(std::string_view name, std::string_view data, const pending_calls& seen);

/// The `sequence_number` of an event, by which a stream is taken up again where it broke; nothing
/// when there is none. Cheap: decodes nothing.
std::optional<std::int64_t> sequence_number_of(std::string_view data) noexcept;

/// Decodes events. One for each run, over all its responses: it remembers the items that have come and how much of
/// their texts, so that each text is delivered once, and what `pending_calls` remembers. The ids of items in its events
/// are those under which `streamed_items` knows them.
class decoder {
public:
    decoder();
    ~decoder();
    decoder(decoder&&) noexcept;
    decoder& operator=(decoder&&) noexcept;

    /// Decodes `wire` into `first` and, when it says several things, the rest into `more`
    /// (appended, each with `continues()`). An unknown name gives `unknown`. Data that is not JSON of
    /// the shape it must have is read as far as it can be, see `event::problem`. When strict, it is
    /// `errc::bad_event` instead; then nothing is produced, and `problem` says what is wrong.
    std::error_code decode(raw_event&& wire, event& first, std::vector<event>& more, std::string& problem);

    /// Another one that goes on from here, to see what lies ahead.
    [[nodiscard]] decoder fork() const;
    /// What has come of the response.
    [[nodiscard]] const streamed_items& items() const noexcept;
    /// These have come, elsewhere.
    void restore(streamed_items items);
    /// The shape of the latest text delta.
    [[nodiscard]] const delta_shape& text_shape() const noexcept;

    /// Text deltas in their usual forms are read without a JSON parser. Off, all events go through
    /// it; the events are the same.
    void use_fast_path(bool enabled) noexcept;
    void be_strict(bool enabled) noexcept;

private:
    struct impl;
    std::unique_ptr<impl> impl_;
};

/// A stored agent, by its name.
struct agent_reference {
    agent_reference() = default;
    agent_reference(std::string name, std::string version = {});

    std::string name;
    std::string version;  ///< Empty: the latest.
    agent_key key = agent_key::agent_reference;
};

/// The body of `POST /responses`.
struct response_request {
    response_request() = default;

    /// A stored agent. Absent: `definition` is sent whole.
    std::optional<agent_reference> agent;
    prompt_agent_definition definition;

    std::string conversation;          ///< The id of one, or empty.
    std::string previous_response_id;  ///< Not with a conversation.
    std::vector<message> messages;     ///< Sent after `options.additional_messages`.
    /// Answers to `action`, which says what kind each of its calls is.
    submission answers;
    required_action action;

    bool stream = true;
    std::optional<bool> background, store;
    /// Headers as values of the agent's structured inputs, beside those of `options`: JSON texts by name.
    std::map<std::string, secret> structured_inputs;
    /// Its `tools`, functions and approvals are not looked at here: `definition` has them.
    run_options options;
};

/// JSON bodies. `errc::invalid_argument` (as `corun::error`) when a JSON text given by the caller
/// does not parse or is not of the kind it must be, when something is out of its range or has no
/// counterpart in this protocol; `errc::not_allowed_with_agent` when the service takes it only
/// without a stored agent. The message names the member.
/// Headers, `authorization` and structured inputs are secrets.
encoded_request encode_response(const response_request& response);

/// The body of `POST /agents`, with the agent's name, and of `POST /agents/{name}/versions`.
secret encode_agent(const prompt_agent_definition& agent);
secret encode_agent_version(const prompt_agent_definition& agent);
/// The body of `POST /conversations`: metadata, and messages as its first items. Refuses tool resources.
secret encode_conversation(const thread_definition& conversation);
secret encode_conversation_changes(const thread_definition& conversation);

/// The body of `POST /conversations/{id}/items`.
secret encode_items(const std::vector<message>& messages);

/// JSON responses. All throw `corun::error` with `errc::bad_response` when the text is not the
/// object it must be. Unknown members are ignored, missing optional ones left empty. Pages are those
/// of `codec::decode_page`, errors those of `codec::decode_error`.
///
/// A response that is completed but waits for answers has the status `requires_action`.
thread_run decode_response(std::string_view json);
/// The same for one that has just been streamed: `seen` has what its output may leave out.
thread_run decode_response(std::string_view json, const pending_calls& seen);
/// An agent with its latest version, or a version.
prompt_agent_definition decode_agent(std::string_view json);
thread_definition decode_conversation(std::string_view json);
/// An item of a conversation or of a response's input that is a message.
thread_message decode_message(std::string_view json);
/// The same for one that may be something else: nothing then.
std::optional<thread_message> decode_if_message(std::string_view json);

/// The bodies of `POST /responses/compact` and `POST /responses/input_tokens`, and their responses.
secret encode_compact(const model_input& input);
compacted_response decode_compacted(std::string_view json);
secret encode_count(const model_input& input);
std::int64_t decode_count(std::string_view json);
/// An item of `GET /responses/{id}/input_items`.
response_item decode_input_item(std::string_view json);

/// An agent of this protocol as the classic one that it looks like: what that has no member for is left out.
agent_definition to_classic(const prompt_agent_definition& agent);

}  // namespace corun::codec::responses
