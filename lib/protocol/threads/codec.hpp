#pragma once
#include "protocol/common.hpp"
#include "protocol/delta_shape.hpp"
#include "protocol/event_class.hpp"
#include "protocol/raw_event.hpp"
#include "protocol/streamed_items.hpp"
#include "text/ascii.hpp"
#include <corun/event.hpp>
#include <corun/message.hpp>
#include <corun/options.hpp>
#include <corun/resources.hpp>
#include <corun/secret.hpp>
#include <corun/submission.hpp>
#include <corun/tools.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

/// The threads protocol (classic Azure AI Agents): what its bytes mean.
namespace corun::codec::threads {

/// What an event means for the run, from its name; from the object and its status, where the name is not known.
event_class classify(std::string_view name, std::string_view data) noexcept;
/// True for the events of which a stream has the most: pieces of a text.
inline bool is_text_delta(std::string_view name) noexcept {
    return ascii::equals(name, "thread.message.delta");
}
/// The names of all events that are known.
std::vector<std::string_view> known_event_names();
/// The name of the event that this one is, by the same rule.
std::string_view event_name(std::string_view name, std::string_view data) noexcept;

/// Decodes events. One for each run: it remembers the messages that have come and how much of their texts, so that each
/// text is delivered once. The ids of messages and steps in its events are those under which `streamed_items` knows
/// them.
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
    /// What has come of the run.
    [[nodiscard]] const streamed_items& items() const noexcept;
    /// These have come, elsewhere.
    void restore(streamed_items items);
    /// The shape of the latest text delta.
    [[nodiscard]] const delta_shape& text_shape() const noexcept;

    /// Text deltas in the service's usual form are read without a JSON parser. Off, all events go
    /// through it; the events are the same.
    void use_fast_path(bool enabled) noexcept;
    void be_strict(bool enabled) noexcept;

private:
    struct impl;
    std::unique_ptr<impl> impl_;
};

/// The body of `POST /threads/{t}/runs`, or of `POST /threads/runs` when `creates_thread`.
struct run_request {
    run_request() = default;

    std::string agent_id;
    bool creates_thread = true;
    bool stream = true;
    metadata thread_metadata;       ///< Of the thread that it creates.
    std::vector<message> messages;  ///< Sent after `options.additional_messages`.
    /// Absent: no `tools` member.
    std::optional<std::vector<tool>> tools;
    corun::tool_resources tool_resources;  ///< Empty: no `tool_resources` member.
    /// Its `tools` and approvals are not looked at here. `additional_instructions` are an
    /// `errc::invalid_argument` with `creates_thread`: that request has no such member.
    run_options options;
};

/// JSON bodies. `errc::invalid_argument` (as `corun::error`) when a JSON text given by the caller
/// (`extra_json`, `function_tool::parameters`, `json_tool::json`, ...) does not parse or is not of
/// the kind it must be, or when something is out of its range; the message names the member.
encoded_request encode_run(const run_request& run);
secret encode_agent(const agent_definition& agent);
secret encode_agent_changes(const agent_definition& agent);
secret encode_thread(const thread_definition& thread);
secret encode_thread_changes(const thread_definition& thread);
/// An update that leaves `stored` as they are but for `mcp`, which is left out or, on demand, empty.
secret encode_without_mcp(const tool_resources& stored, bool empty_mcp);
secret encode_message(const message& value);
/// Metadata alone; `owner` is whose it is, for the error.
secret encode_metadata(const metadata& pairs, std::string_view owner);
/// The body of `submit_tool_outputs`.
secret encode_submission(const submission& answers, bool stream);

/// JSON responses. All throw `corun::error` with `errc::bad_response` when the text is not the
/// object it must be. Unknown members are ignored, missing optional ones left empty.
agent_definition decode_agent(std::string_view json);
thread_definition decode_thread(std::string_view json);
thread_message decode_message(std::string_view json);
thread_run decode_run(std::string_view json);
run_step decode_step(std::string_view json);

}  // namespace corun::codec::threads
