#pragma once
#include <corun/export.hpp>
#include <corun/headers.hpp>

#include <cstddef>
#include <iosfwd>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace corun {

/// The HTTP headers for one MCP server.
struct CORUN_API mcp_server_headers {
    mcp_server_headers(std::string server_label, headers fields);

    std::string server_label;
    headers fields;
};

/// HTTP headers for MCP servers, by server label, for one run.
///
///     corun::mcp_headers headers{{"bookings", {{"Authorization", "Bearer " + token}}},
///                                {"weather", {{"X-Api-Key", key}}}};
///
/// `agent::run_stream` sends them with its run only. They override the headers of the agent and the thread for the same
/// label, and are not stored. A label is the `server_label` of an MCP tool of the agent or the run.
///
/// *Errors:* The function that sends the headers validates them first: `errc::unknown_server_label`,
/// `invalid_server_label`, `invalid_header`.
class CORUN_API mcp_headers {
public:
    mcp_headers() = default;
    mcp_headers(std::string server_label, headers fields);
    /// Up to four servers in one expression; use `set` for more.
    mcp_headers(mcp_server_headers first, mcp_server_headers second);
    mcp_headers(mcp_server_headers first, mcp_server_headers second, mcp_server_headers third);
    mcp_headers(mcp_server_headers first, mcp_server_headers second, mcp_server_headers third,
                mcp_server_headers fourth);

    /// Sets one header of a server; replaces a header of the same name.
    mcp_headers& set(std::string server_label, std::string name, secret value);
    /// Replaces all headers of a server.
    mcp_headers& set(std::string server_label, headers fields);
    /// Removes a server, and returns the number of servers removed, 0 or 1.
    std::size_t erase(std::string_view server_label);

    /// The headers of a server, or null.
    [[nodiscard]] const headers* find(std::string_view server_label) const noexcept;
    /// The labels of all servers.
    [[nodiscard]] std::vector<std::string> labels() const;
    [[nodiscard]] bool empty() const noexcept { return servers_.empty(); }
    [[nodiscard]] std::size_t size() const noexcept { return servers_.size(); }
    [[nodiscard]] auto begin() const noexcept { return servers_.begin(); }
    [[nodiscard]] auto end() const noexcept { return servers_.end(); }

private:
    std::map<std::string, headers, std::less<>> servers_;
};

/// Prints labels and header names; never a value.
CORUN_API std::ostream& operator<<(std::ostream& out, const mcp_headers& servers);

}  // namespace corun
