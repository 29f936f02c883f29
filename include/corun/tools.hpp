#pragma once
#include <corun/export.hpp>
#include <corun/headers.hpp>

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace corun {

/// A tool on an MCP server. Only these three fields exist on the wire: headers and approval belong
/// to the run (`mcp_headers`, `run_options::require_approval`).
struct CORUN_API mcp_tool {
    mcp_tool(std::string server_label, std::string server_url, std::vector<std::string> allowed_tools = {});

    std::string server_label;
    std::string server_url;
    std::vector<std::string> allowed_tools;  ///< Empty: all of them.

    friend bool operator==(const mcp_tool&, const mcp_tool&) = default;
};

/// A function that the application runs.
struct CORUN_API function_tool {
    /// `parameters` is a JSON schema as text.
    function_tool(std::string name, std::string description, std::string parameters);

    std::string name;
    std::string description;
    std::string parameters;

    friend bool operator==(const function_tool&, const function_tool&) = default;
};

/// Any other tool, as the JSON object that goes on the wire. Of type `mcp` or `function` it is
/// `errc::invalid_argument` where it would be sent.
struct CORUN_API json_tool {
    /// `json` is the whole tool object; its `type` must be `type`.
    json_tool(std::string type, std::string json);

    std::string type;
    std::string json;

    friend bool operator==(const json_tool&, const json_tool&) = default;
};

using tool = std::variant<mcp_tool, function_tool, json_tool>;

/// `code_interpreter` and `file_search` without options.
CORUN_API tool code_interpreter();
CORUN_API tool file_search();

/// The wire's `type` of a tool: `mcp`, `function`, `code_interpreter`, ...
CORUN_API std::string_view type_of(const tool& value) noexcept;

/// Which calls to an MCP server wait for the caller's approval. The service's default is `always`.
class CORUN_API mcp_approval {
public:
    enum class kind { always, never, by_tool };

    static mcp_approval always();
    static mcp_approval never();
    /// Tools in neither list follow the service's default, `always`.
    static mcp_approval by_tool(std::vector<std::string> always, std::vector<std::string> never);

    [[nodiscard]] kind type() const noexcept { return type_; }
    [[nodiscard]] const std::vector<std::string>& always_tools() const noexcept { return always_; }
    [[nodiscard]] const std::vector<std::string>& never_tools() const noexcept { return never_; }

    friend bool operator==(const mcp_approval&, const mcp_approval&) = default;

private:
    explicit mcp_approval(kind type);
    kind type_;
    std::vector<std::string> always_, never_;
};

/// What a run, an agent or a thread says about one MCP server: its headers and its approval.
struct CORUN_API mcp_tool_resource {
    explicit mcp_tool_resource(std::string server_label);

    std::string server_label;
    corun::headers headers;
    std::optional<mcp_approval> require_approval;
};

/// The wire's `tool_resources`: MCP by name, the other kinds as the JSON they are.
struct CORUN_API tool_resources {
    tool_resources() = default;

    std::vector<mcp_tool_resource> mcp;
    std::map<std::string, std::string> other;  ///< kind (`file_search`, ...) -> its JSON value.

    [[nodiscard]] bool empty() const noexcept { return mcp.empty() && other.empty(); }
};

}  // namespace corun
