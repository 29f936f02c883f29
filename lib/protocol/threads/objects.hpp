#pragma once
#include "json/reader.hpp"
#include "protocol/event_output.hpp"
#include <corun/resources.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// The objects of the threads protocol, read from JSON: those inside events and those in responses.
///
/// Ids must be strings, and what texts, calls and actions hang on must have its shape (else
/// `json::shape_error`); anything else of a wrong type counts as missing. None of these sets the
/// `raw` of the object itself.
namespace corun::codec::threads {

void read(json::object source, thread_run& out);
void read(json::object source, run_step& out);
void read(json::object source, thread_message& out);
void read(json::object source, agent_definition& out);
void read(json::object source, thread_definition& out);
void read(json::object source, text_annotation& out);

/// One of the outputs that a code interpreter lists.
struct call_output {
    std::int32_t index = 0;
    std::optional<json_piece> type, logs, file_id;
};

/// The fields of a tool call, whole or a piece of one, wherever its type puts them.
struct call_fields {
    std::optional<json_piece> id, type, name, server_label, arguments, output, agent_id, thread_id, run_id;
    std::vector<call_output> outputs;
    std::optional<std::int64_t> index;
};
call_fields read_call(json::object source);
void read_tool_call(json::object source, tool_call& out);
void read_required_action(json::value source, std::optional<required_action>& out);

}  // namespace corun::codec::threads
