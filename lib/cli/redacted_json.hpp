#pragma once

#include <nlohmann/json_fwd.hpp>

#include <string_view>

namespace corun::cli {

/// The JSON of an object, with `***` for header values and authorizations that a service repeats; a string if the text
/// is not JSON.
[[nodiscard]] nlohmann::json redacted_json(std::string_view text);

}  // namespace corun::cli
