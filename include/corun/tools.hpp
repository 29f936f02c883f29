#pragma once
#include <corun/export.hpp>
#include <corun/headers.hpp>
#include <corun/json_text.hpp>

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace corun {

/// An MCP server as a tool. Headers and approval are part of the run (`mcp_headers`, `run_options::require_approval`).
struct CORUN_API mcp_tool {
    mcp_tool(std::string server_label, std::string server_url, std::vector<std::string> allowed_tools = {});

    std::string server_label;
    std::string server_url;
    std::vector<std::string> allowed_tools;  ///< Empty: all tools.

    friend bool operator==(const mcp_tool&, const mcp_tool&) = default;
};

/// A function of the application.
struct CORUN_API function_tool {
    /// `parameters` is a JSON schema; empty for a function without parameters.
    function_tool(std::string name, std::string description, json_text parameters);

    std::string name;
    std::string description;
    json_text parameters;
    std::optional<bool> strict;  ///< Whether arguments must match the schema exactly.

    // Responses protocol only; fail with `errc::invalid_argument` in the threads protocol.
    json_text output_schema;                   ///< A JSON schema of the output, or empty.
    std::optional<bool> async;                 ///< Whether the response continues before the output is there.
    std::optional<bool> defer_loading;         ///< Whether the model finds the function by tool search only.
    std::vector<std::string> allowed_callers;  ///< `direct`, `programmatic`; empty: the service's default.

    friend bool operator==(const function_tool&, const function_tool&) = default;
};

/// Any other tool, as a JSON object of the protocol. Sending one of type `mcp` or `function` fails with
/// `errc::invalid_argument`.
struct CORUN_API json_tool {
    /// `json` is the whole tool object; its member `type` must be equal to `type`. `name` distinguishes several tools
    /// of one type: `openapi`, `azure_function`, `connected_agent`.
    json_tool(std::string type, json_text json, std::string name = {});

    std::string type;
    json_text json;
    std::string name;

    friend bool operator==(const json_tool&, const json_tool&) = default;
};

using tool = std::variant<mcp_tool, function_tool, json_tool>;

/// The service's own tools. Each function returns a `json_tool` with the type of its name. To set other members, create
/// a `json_tool` yourself.
///
/// *Errors:* These functions throw `errc::invalid_argument` for values that are out of range, not JSON or not UTF-8.

/// Runs code. It can read the files of `tool_resources::set_code_interpreter`.
CORUN_API tool code_interpreter();

/// How the results of a file search are ranked.
struct CORUN_API ranking_options {
    ranking_options(std::string ranker, double score_threshold);

    std::string ranker;      ///< `auto`, or the name of a ranker.
    double score_threshold;  ///< 0 to 1. Results below it are omitted.
};

/// Searches the vector stores of `tool_resources::set_file_search`. Returns at most `max_num_results` results, 1 to 50.
CORUN_API tool file_search(std::optional<int> max_num_results = std::nullopt,
                           std::optional<ranking_options> ranking = std::nullopt);

/// Searches the index of `tool_resources::set_azure_ai_search`.
CORUN_API tool azure_ai_search();

/// A connection to Bing and its search options. Empty and absent members mean the service's defaults.
struct CORUN_API bing_search {
    bing_search(std::string connection_id);
    bing_search(const char* connection_id);

    std::string connection_id;
    std::string market;        ///< Such as `en-US`.
    std::string set_lang;      ///< The language of Bing's user interface.
    std::string freshness;     ///< `day`, `week`, `month`, or a range of dates.
    std::optional<int> count;  ///< The number of results, 1 to 50.
};

/// Searches the web with Bing.
CORUN_API tool bing_grounding(bing_search search);
/// Searches with the Bing custom search `instance_name`.
CORUN_API tool bing_custom_search(bing_search search, std::string instance_name);

/// How an OpenAPI tool authenticates to its server.
class CORUN_API openapi_auth {
public:
    enum class kind { anonymous, connection, managed_identity };

    /// Without authentication.
    static openapi_auth anonymous();
    /// With the secrets of a connection of the project.
    static openapi_auth connection(std::string connection_id);
    /// With a token of the project's managed identity for `audience`.
    static openapi_auth managed_identity(std::string audience);

    [[nodiscard]] kind type() const noexcept { return type_; }
    /// The connection's id or the audience.
    [[nodiscard]] const std::string& value() const noexcept { return value_; }

private:
    openapi_auth(kind type, std::string value);
    kind type_;
    std::string value_;
};

/// Calls the API that `spec` describes, an OpenAPI document as JSON text. The parameters in `default_params` use the
/// defaults of the document.
CORUN_API tool openapi(std::string name, std::string description, json_text spec, openapi_auth auth,
                       std::vector<std::string> default_params = {});

/// A queue of Azure Storage.
struct CORUN_API storage_queue {
    storage_queue(std::string queue_service_endpoint, std::string queue_name);

    std::string queue_service_endpoint;  ///< The URL of the storage account's queues.
    std::string queue_name;              ///< The name of the queue.
};

/// Calls an Azure function. Its arguments are written to the queue `input`, and its result is read from `output`.
CORUN_API tool azure_function(function_tool function, storage_queue input, storage_queue output);

/// Calls another agent. The model knows it as `name`; `description` explains when to call it.
CORUN_API tool connected_agent(std::string agent_id, std::string name, std::string description);

/// Queries a Microsoft Fabric data agent through a connection of the project.
CORUN_API tool fabric_dataagent(std::string connection_id);
/// Searches SharePoint through a connection of the project.
CORUN_API tool sharepoint_grounding(std::string connection_id);
/// Researches with `model`, the name of a model deployment, and a connection to Bing.
CORUN_API tool deep_research(std::string model, std::string bing_connection_id);
/// Controls a browser through a connection of the project.
CORUN_API tool browser_automation(std::string connection_id);

/// The `type` of a tool in the protocol: `mcp`, `function`, `code_interpreter`, ...
CORUN_API std::string_view type_of(const tool& value) noexcept;

/// Whether the model must call a tool, and which one. A JSON value of the protocol.
class CORUN_API tool_choice {
public:
    /// No tool.
    static tool_choice none();
    /// The model decides. This is the default.
    static tool_choice automatic();
    /// A tool of this type: `file_search`, `code_interpreter`, `mcp`, ...
    static tool_choice of_type(std::string type);
    /// The function of this name.
    static tool_choice function(std::string name);
    /// Any other choice, as JSON text.
    static tool_choice from_json(json_text json);

    [[nodiscard]] const std::string& json() const noexcept { return json_; }

    friend bool operator==(const tool_choice&, const tool_choice&) = default;

private:
    explicit tool_choice(std::string json);
    std::string json_;
};

/// Which calls to an MCP server need approval. The service's default is `always`.
class CORUN_API mcp_approval {
public:
    enum class kind { always, never, by_tool };

    /// All calls need approval.
    static mcp_approval always();
    /// No call needs approval.
    static mcp_approval never();
    /// For tools in neither list, the service's default applies.
    static mcp_approval by_tool(std::vector<std::string> always, std::vector<std::string> never);

    [[nodiscard]] kind type() const noexcept { return type_; }
    /// Of `by_tool`: those that need approval.
    [[nodiscard]] const std::vector<std::string>& always_tools() const noexcept { return always_; }
    /// Of `by_tool`: those that need none.
    [[nodiscard]] const std::vector<std::string>& never_tools() const noexcept { return never_; }

    friend bool operator==(const mcp_approval&, const mcp_approval&) = default;

private:
    explicit mcp_approval(kind type);
    kind type_;
    std::vector<std::string> always_, never_;
};

/// The headers and the approval for one MCP server, of a run, an agent or a thread.
struct CORUN_API mcp_tool_resource {
    explicit mcp_tool_resource(std::string server_label);

    std::string server_label;
    corun::headers headers;
    std::optional<mcp_approval> require_approval;  ///< Absent: the service's default.
};

/// An index of Azure AI Search: by connection and name, or by asset. Empty and absent members mean the service's
/// defaults.
struct CORUN_API azure_ai_search_index {
    azure_ai_search_index() = default;
    azure_ai_search_index(std::string index_connection_id, std::string index_name);

    std::string index_connection_id, index_name;  ///< The connection of the project, and the index there.
    std::string index_asset_id;                   ///< Instead of connection and name.
    std::string query_type;    ///< `simple`, `semantic`, `vector`, `vector_simple_hybrid`, `vector_semantic_hybrid`.
    std::string filter;        ///< An OData expression.
    std::optional<int> top_k;  ///< The number of results.
};

/// The `tool_resources` of a run, an agent or a thread.
struct CORUN_API tool_resources {
    tool_resources() = default;

    /// Sets or replaces one kind in `other`. Throws `errc::invalid_argument` for more than 20 files, more than 1 vector
    /// store, or text that is not UTF-8.
    tool_resources& set_code_interpreter(std::vector<std::string> file_ids);
    /// Sets the vector stores to search.
    tool_resources& set_file_search(std::vector<std::string> vector_store_ids);
    /// Sets the index to search.
    tool_resources& set_azure_ai_search(azure_ai_search_index index);

    std::vector<mcp_tool_resource> mcp;      ///< By server.
    std::map<std::string, json_text> other;  ///< JSON values by kind (`file_search`, ...).

    [[nodiscard]] bool empty() const noexcept { return mcp.empty() && other.empty(); }
};

}  // namespace corun
