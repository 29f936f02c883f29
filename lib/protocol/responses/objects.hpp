#pragma once
#include "json/body.hpp"
#include "json/reader.hpp"
#include "protocol/responses/codec.hpp"
#include <corun/resources.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// The objects of the Responses protocol, read from JSON: those inside events and those in responses.
///
/// What has a shape that texts and calls hang on must have it (else `json::shape_error`); anything
/// else of a wrong type counts as missing.
namespace corun::codec::responses {

/// An output item, whatever its type: missing members are empty.
struct item {
    item() = default;

    std::string id, type, status, role, phase, call_id;
    tool_call call;  ///< Of an item that is one: all of it but `raw`.
    std::vector<message_content> content;
    std::vector<message_content> summary;  ///< Of reasoning; its content stands in `content`.
    mcp_tool_list tools;                   ///< Of `mcp_list_tools`.
    std::string approval_request_id;
    std::string execution;  ///< `client` or `server`: who carries it out; empty where the item does not say.
    std::string link;       ///< Of `oauth_consent_request`.
    std::optional<corun::last_error> error;
    std::string raw;
};
item read_item(json::object source);
/// Gives it and its call their ids. `place` is that in the output, which an item without an id is named after.
void set_ids(item& source, std::int64_t place);

/// `item_0`.
std::string id_from_place(std::int64_t index);

bool is_message(const item& source) noexcept;
/// The output of a call, as an item of its own.
bool is_output(const item& source) noexcept;
/// Anything else that the model or the service does: a call, reasoning, the listing of tools, a compaction. Not what
/// only asks the caller for something, or is the caller's answer.
bool is_step(const item& source) noexcept;

struct response {
    response() = default;

    thread_run run;  ///< With the status on the wire.
    std::vector<item> output;
    std::vector<std::string> custom_tools;  ///< The names of those that the caller has.
};
response read_response_object(json::object source);
void read(json::object source, text_annotation& out);
std::vector<command_result> read_command_results(json::array source);

/// The thread's names of a message's parts, and a step, from an item.
thread_message message_of(const item& source);
run_step step_of(const item& source);

/// A tool as it goes on the wire.
body to_json(const prompt_tool& tool);
/// The body of an agent's `definition`, without `kind`.
body definition_body(const prompt_agent_definition& source);
/// Input items.
body to_item(const message& source);

}  // namespace corun::codec::responses
