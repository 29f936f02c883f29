#pragma once
#include <corun/event.hpp>

#include <string>
#include <string_view>

/// Events that never come over the wire: corun puts them among those of the service.
namespace corun::codec {

/// Its data is that of the failed run in the run's protocol: the protocol's decoder reads it.
inline constexpr std::string_view run_restarted_name = "corun.run_restarted";
/// The same in every protocol.
inline constexpr std::string_view reattached_name = "corun.reattached";

std::string encode_reattached(const reattached& body);
/// Decodes the data that `encode_reattached` wrote.
reattached decode_reattached(std::string_view data);

}  // namespace corun::codec
