#pragma once
#include <corun/mcp_headers.hpp>
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
/// The same for all labels of a run's headers and approvals.
void refuse_unknown(const std::vector<mcp_tool>& known, const mcp_headers& headers, const run_options& options);
/// `errc::insecure_endpoint` for a server that headers must not go to.
void refuse_insecure(const mcp_tool& server);

/// Refuses headers and labels that must not be sent: `errc::invalid_server_label`,
/// `errc::invalid_header` (also for a name given twice: the wire holds one value for a name).
void validate(const mcp_headers& headers);
/// The same for the headers of one server; `owner` names it in the error.
void validate(const headers& fields, const std::string& owner);

/// The headers for one approval of a call to `server_label`, out of those that a provider gave for a run
/// with these servers. Refuses what `make_plan` refuses in headers: bad or unknown labels, bad
/// headers, plain http.
headers headers_for_approval(const mcp_headers& all, const std::vector<mcp_tool>& servers,
                             std::string_view server_label);

}  // namespace corun::reconcile
