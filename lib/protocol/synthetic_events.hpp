#pragma once
#include <corun/event.hpp>

#include <string>
#include <string_view>
#include <system_error>

/// Events that never come over the wire: what corun itself has to tell, put among those of the service.
namespace corun::codec {

/// Its data is the run that failed.
inline constexpr std::string_view run_restarted_name = "corun.run_restarted";
inline constexpr std::string_view reattached_name = "corun.reattached";

std::string encode_reattached(const reattached& what);
/// Reads what `encode_reattached` wrote.
reattached decode_reattached(std::string_view data);

}  // namespace corun::codec
