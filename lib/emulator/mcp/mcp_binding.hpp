#pragma once
#include "emulator/json.hpp"
#include <corun/emulator/emulator.hpp>

#include <string>

namespace corun::emulator {

/// An MCP server as a run or response uses it.
struct mcp_binding {
    mcp_binding() = default;

    std::string label, url;
    json allowed;  ///< `allowed_tools`; null allows all.
    header_fields headers;
    json approval;  ///< `require_approval`; null for the default.
    json tools;     ///< As the protocol lists them.

    /// `read_only`: the tool declares that it changes nothing.
    [[nodiscard]] bool needs_approval(const std::string& tool, bool read_only = false) const;
};

}  // namespace corun::emulator
