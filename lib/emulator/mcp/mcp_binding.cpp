#include "emulator/mcp/mcp_binding.hpp"

#include <algorithm>

namespace corun::emulator {

bool mcp_binding::needs_approval(const std::string& tool, bool read_only) const {
    if (approval.is_string()) return approval != "never";
    const json& never = get(approval, "never");
    const json& names = never.is_array() ? never : get(never, "tool_names");
    if (names.is_array() && std::find(names.begin(), names.end(), tool) != names.end()) return false;
    return get(never, "read_only") != true || !read_only;
}

}  // namespace corun::emulator
