#pragma once
#include "gateway/json.hpp"
#include "gateway/run.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace corun::gateway {

/// The input of a response of the Responses protocol as items, the first one first: the question, or the answers that
/// its run had been waiting for.
json input_items(const run& of, std::size_t segment, std::string_view response_id);

/// The part of a list that a client asks for with the parameters of OpenAI's lists, which may be empty. Throws
/// `refusal` for others.
json page_of(json items, std::string_view limit, std::string_view order, std::string_view after);

}  // namespace corun::gateway
