#pragma once
#include <corun/options.hpp>
#include <corun/tools.hpp>

#include <string>
#include <string_view>
#include <vector>

/// What reconciliation refuses in every protocol, and how it names things.
namespace corun::reconcile {

/// "'a', 'b'".
template <class Range, class Text>
std::string list(const Range& range, Text text) {
    std::string joined;
    for (const auto& item : range) joined += (joined.empty() ? "" : ", ") + text(item);
    return joined;
}

bool same_allowed_tools(std::vector<std::string> a, std::vector<std::string> b);

/// True when every call waits for approval, which is what the service does unasked.
bool is_default(const mcp_approval& approval) noexcept;
std::string_view to_string(const mcp_approval& approval) noexcept;

/// `errc::invalid_server_label`.
void validate_label(std::string_view label, std::string_view where);
/// The same for its label; `errc::invalid_argument` for a URL that is none.
void validate_server(std::string_view label, std::string_view url, std::string_view where);
/// `errc::invalid_argument` for one without a name.
void validate_function(const function_tool& function, std::string_view where);
/// Bad servers and functions, and an MCP tool or a function given as `json_tool`.
void validate_tools(const std::vector<tool>& tools, const std::string& where);

/// What a run asks for, but for its headers: the above, functions without a handler, negative times.
void validate_options(const run_options& options);

bool has_label(const mcp_tool& server, std::string_view label) noexcept;
/// `errc::unknown_server_label`, with the known ones.
void refuse_unknown(const std::vector<mcp_tool>& known, const std::string& label, const char* where);
/// `errc::insecure_endpoint` for a server that headers must not go to.
void refuse_insecure(const mcp_tool& server);

}  // namespace corun::reconcile
