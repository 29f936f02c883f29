#include <corun/tools.hpp>

#include <utility>

namespace corun {

mcp_tool::mcp_tool(std::string label, std::string url, std::vector<std::string> allowed)
    : server_label(std::move(label)), server_url(std::move(url)), allowed_tools(std::move(allowed)) {}

function_tool::function_tool(std::string function_name, std::string what_it_does, std::string schema)
    : name(std::move(function_name)), description(std::move(what_it_does)), parameters(std::move(schema)) {}

json_tool::json_tool(std::string wire_type, std::string text) : type(std::move(wire_type)), json(std::move(text)) {}

tool code_interpreter() {
    return json_tool("code_interpreter", R"({"type":"code_interpreter"})");
}
tool file_search() {
    return json_tool("file_search", R"({"type":"file_search"})");
}

std::string_view type_of(const tool& value) noexcept {
    if (const auto* other = std::get_if<json_tool>(&value)) return other->type;
    return std::holds_alternative<mcp_tool>(value) ? "mcp" : "function";
}

mcp_approval::mcp_approval(kind type) : type_(type) {}

mcp_approval mcp_approval::always() {
    return mcp_approval(kind::always);
}
mcp_approval mcp_approval::never() {
    return mcp_approval(kind::never);
}

mcp_approval mcp_approval::by_tool(std::vector<std::string> always, std::vector<std::string> never) {
    mcp_approval approval(kind::by_tool);
    approval.always_ = std::move(always);
    approval.never_ = std::move(never);
    return approval;
}

mcp_tool_resource::mcp_tool_resource(std::string label) : server_label(std::move(label)) {}

}  // namespace corun
