#pragma once
#include <corun/resources.hpp>

#include <optional>
#include <string_view>

namespace corun::codec::responses {

/// Why the response of a `response.failed` has failed, wherever the event says it: in the response, beside it, as an
/// object or as a sentence. Nothing where it does not.
std::optional<last_error> failure_reason(std::string_view data);

}  // namespace corun::codec::responses
