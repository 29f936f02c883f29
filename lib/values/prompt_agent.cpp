#include <corun/prompt_agent.hpp>

#include <utility>

namespace corun {

prompt_mcp_tool::prompt_mcp_tool(std::string label, std::string url, std::vector<std::string> allowed)
    : server_label(std::move(label)), server_url(std::move(url)), allowed_tools(std::move(allowed)) {}

prompt_mcp_tool::prompt_mcp_tool(const mcp_tool& from)
    : prompt_mcp_tool(from.server_label, from.server_url, from.allowed_tools) {}

prompt_agent_definition::prompt_agent_definition() = default;
prompt_agent_definition::prompt_agent_definition(std::string model_deployment) : model(std::move(model_deployment)) {}

std::string_view type_of(const prompt_tool& value) noexcept {
    if (const auto* other = std::get_if<json_tool>(&value)) return other->type;
    return std::holds_alternative<prompt_mcp_tool>(value) ? "mcp" : "function";
}

}  // namespace corun
