#pragma once
#include <corun/event.hpp>

#include <string>
#include <string_view>

/// Events that never come over the wire: corun puts them among those of the service.
namespace corun::codec {

/// Their names begin so.
inline constexpr std::string_view own_prefix = "corun.";
/// Its data is that of the failed run in the run's protocol: the protocol's decoder reads it.
inline constexpr std::string_view run_restarted_name = "corun.run_restarted";
/// The same in every protocol.
inline constexpr std::string_view reattached_name = "corun.reattached";

inline constexpr std::string_view function_called_name = "corun.function_called";
inline constexpr std::string_view approval_decided_name = "corun.approval_decided";

// Of MCP servers that corun calls.
inline constexpr std::string_view mcp_tools_listed_name = "corun.mcp_tools_listed";
inline constexpr std::string_view mcp_call_name = "corun.mcp_call";

std::string encode(const events::reattached& body);
std::string encode(const events::function_called& body);
std::string encode(const events::approval_decided& body);
std::string encode(const events::mcp_tools_listed& body);
std::string encode(const events::mcp_call& body);

/// Decodes the data that `encode` wrote.
template <class Body>
Body decode_synthetic(std::string_view data);
template <>
events::reattached decode_synthetic<events::reattached>(std::string_view data);
template <>
events::function_called decode_synthetic<events::function_called>(std::string_view data);
template <>
events::approval_decided decode_synthetic<events::approval_decided>(std::string_view data);
template <>
events::mcp_tools_listed decode_synthetic<events::mcp_tools_listed>(std::string_view data);
template <>
events::mcp_call decode_synthetic<events::mcp_call>(std::string_view data);

}  // namespace corun::codec
