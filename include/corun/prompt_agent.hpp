#pragma once
#include <corun/export.hpp>
#include <corun/headers.hpp>
#include <corun/json_text.hpp>
#include <corun/message.hpp>
#include <corun/resources.hpp>
#include <corun/response_format.hpp>
#include <corun/secret.hpp>
#include <corun/tools.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace corun {

/// A tool on an MCP server in the Responses protocol, with its headers and approval.
struct CORUN_API prompt_mcp_tool {
    prompt_mcp_tool(std::string server_label, std::string server_url, std::vector<std::string> allowed_tools = {});
    explicit prompt_mcp_tool(const mcp_tool& from);

    std::string server_label;
    std::string server_url;                  ///< Empty for a `connector_id`, a `tunnel_id` or a connection.
    std::vector<std::string> allowed_tools;  ///< Empty: all tools.
    /// Sent with each request. A stored tool cannot have headers with credentials. Values can be templates of
    /// structured inputs, such as `{{token}}`.
    corun::headers headers;
    std::optional<mcp_approval> require_approval;  ///< Absent: the service's default, `always`.
    std::string project_connection_id;             ///< A connection of the project; its credential is used.
    /// A connector of the service, such as `connector_gmail`. It accepts no headers: of a run's headers,
    /// `Authorization: Bearer <token>` is sent as `authorization`.
    std::string connector_id;
    std::string tunnel_id;  ///< A tunnel to the server.
    /// An OAuth access token, sent with each request. A stored tool cannot have one. For a token per run, use
    /// `mcp_headers`.
    secret authorization;
    std::string server_description;            ///< For the model.
    std::optional<bool> defer_loading;         ///< Whether the model finds the tools by tool search only.
    std::vector<std::string> allowed_callers;  ///< `direct`, `programmatic`; empty: the service's default.
    /// A JSON object with the tool's other members, or empty.
    json_text extra_json;
};

/// A tool of a prompt agent, or of a request. A `json_tool` contains the whole tool object of the Responses protocol.
using prompt_tool = std::variant<prompt_mcp_tool, function_tool, json_tool>;

/// The `type` of a tool in the protocol: `mcp`, `function`, `code_interpreter`, ...
CORUN_API std::string_view type_of(const prompt_tool& value) noexcept;

/// A value that each run can set; the agent's definition refers to it as `{{name}}`.
struct CORUN_API structured_input {
    structured_input() = default;

    std::string description;
    json_text default_value;  ///< JSON text, or empty.
    json_text schema;         ///< JSON schema, or empty.
    bool required = false;    ///< Whether each run must set it.
};

/// The definition of an agent of the Responses protocol (Foundry agents v2, kind `prompt`). Either the service stores
/// it under a name, in numbered versions, or the application keeps it and sends it with each request. The service may
/// echo headers in `raw`.
struct CORUN_API prompt_agent_definition {
    prompt_agent_definition();
    explicit prompt_agent_definition(std::string model);

    /// Letters, digits and hyphens, at most 63, with a letter or digit at both ends.
    std::string name;
    std::string description;
    std::string model;  ///< The name of a model deployment.
    std::string instructions;
    std::vector<prompt_tool> tools;
    std::optional<double> temperature;  ///< 0 to 2.
    std::optional<double> top_p;        ///< 0 to 1.
    std::optional<corun::response_format> response_format;
    std::optional<corun::tool_choice> tool_choice;
    json_text reasoning;  ///< A JSON object, such as `{"effort":"low"}`, or empty.
    std::map<std::string, structured_input> structured_inputs;  ///< By name.
    corun::metadata metadata;
    /// A JSON object with the definition's other members, or empty.
    json_text extra_json;

    // Received only.
    std::string id;
    std::string version;  ///< The number of the version.
    std::string kind;     ///< `prompt`. For other kinds, only the common members are read.
    std::optional<std::int64_t> created_at;
    std::string raw;
};

/// A classic agent converted to an agent of the Responses protocol.
struct CORUN_API migrated_agent {
    migrated_agent() = default;

    prompt_agent_definition definition;
    /// Sentences about what could not be converted or is different.
    std::vector<std::string> notes;
};
/// Converts a classic agent's definition. Sends no request.
///
/// *Errors:* Throws `errc::invalid_argument` if `classic` contains malformed JSON text.
CORUN_API migrated_agent migrate(const agent_definition& classic);

}  // namespace corun
