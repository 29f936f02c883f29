#pragma once
#include "server/http_server.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace corun::http {

/// Replaces the percent-encoded bytes; those that are malformed stay.
std::string percent_decoded(std::string_view text, bool plus_is_space = false);

/// The segments of a path, decoded: `/a/b%20c` has `a` and `b c`.
std::vector<std::string> path_segments(std::string_view path);

/// The parameters of a query, decoded.
fields query_parameters(std::string_view query);

}  // namespace corun::http
