#pragma once
#include "emulator/responses/response_record.hpp"
#include "emulator/script.hpp"

#include <vector>

namespace corun::emulator {

/// The items that precede the input of a response: its conversation, or the chain of earlier responses.
std::vector<json> context_of(const response& response);

/// Checks the input against the context, and gathers the approvals in it. Throws `api_error`.
void check_input(response& response, const std::vector<json>& context);

/// Takes from the context and the input what the model has to know.
void read_context(response& response, std::vector<json> context, bool lists_tools_each_time);

/// Plans the rest of the script: the steps after those that the context shows already.
void make_plan(response& response, const std::vector<script>& scripts);

}  // namespace corun::emulator
