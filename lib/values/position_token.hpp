#pragma once
#include <corun/run_position.hpp>

#include <string>
#include <string_view>

namespace corun::detail {

/// See `run_position::to_string` and `run_position::parse`.
std::string encode_position(const run_position& position);
run_position decode_position(std::string_view token);

}  // namespace corun::detail
