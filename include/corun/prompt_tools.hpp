#pragma once
#include <corun/export.hpp>
#include <corun/json_text.hpp>
#include <corun/prompt_agent.hpp>
#include <corun/tools.hpp>

#include <optional>
#include <string>
#include <vector>

/// The service's tools in the Responses protocol, for `prompt_agent_definition::tools` and `run_options::tools`. Each
/// function returns a tool of the type of its name.
///
/// *Errors:* These functions throw `errc::invalid_argument` for values that are out of range, not JSON or not UTF-8.
namespace corun::prompt_tools {

/// A tool of any type, for types and members that have no function here. `members` is a JSON object with its other
/// members, or empty: `of_type("reminder_preview")`. `name` distinguishes several tools of one type.
CORUN_API json_tool of_type(std::string type, json_text members = {}, std::string name = {});
/// Adds the members of a JSON object to a tool: `with(apply_patch(), R"({"allowed_callers":["programmatic"]})")`.
CORUN_API json_tool with(json_tool tool, json_text members);

/// Converts a tool of the threads protocol, such as `openapi(...)` or `bing_grounding(...)`, as `migrate` does. Throws
/// `errc::invalid_argument` with the notes of `migrate` if it cannot be converted or needs more than the tool says.
CORUN_API prompt_tool from_classic(const tool& classic);

// OpenAI's.

/// Controls a computer. Its calls, and those of the next three, wait for the application: see `call_output`.
CORUN_API json_tool computer();
/// The predecessor of `computer`. `environment` is `windows`, `mac`, `linux`, `ubuntu` or `browser`.
CORUN_API json_tool computer_use_preview(int display_width, int display_height, std::string environment);
/// Changes files of the application.
CORUN_API json_tool apply_patch();
/// Runs commands in a shell of the application.
CORUN_API json_tool shell();
/// Runs commands in the environment of this JSON object, such as `{"type":"container_auto"}`; the service executes
/// them.
CORUN_API json_tool shell(json_text environment);
/// The predecessor of `shell`.
CORUN_API json_tool local_shell();

/// The grammar of the input of a `custom` tool.
struct CORUN_API grammar {
    /// `syntax` is `lark` or `regex`.
    grammar(std::string syntax, std::string definition);

    std::string syntax, definition;  ///< As in the constructor.
};
/// A function of the application that takes a text, any or one of `format`, instead of JSON.
CORUN_API json_tool custom(std::string name, std::string description, std::optional<grammar> format = std::nullopt);

/// Functions and `custom` tools under one name.
CORUN_API json_tool tool_namespace(std::string name, std::string description, std::vector<prompt_tool> tools);
/// Lets the model search for the tools with `defer_loading`.
CORUN_API json_tool tool_search();
/// The same, but the application searches: each `tool_search_call` waits for its `call_output`. `parameters` is the
/// JSON schema of the search's arguments, or empty.
CORUN_API json_tool client_tool_search(std::string description = {}, json_text parameters = {});
/// Lets the model call tools from programs that it writes: those whose `allowed_callers` include `programmatic`.
CORUN_API json_tool programmatic_tool_calling();

/// Where a web search looks. Empty and absent members mean the service's defaults.
struct CORUN_API web_search_options {
    web_search_options() = default;

    std::vector<std::string> allowed_domains;     ///< Empty: all.
    std::string search_context_size;              ///< `low`, `medium`, `high`.
    std::string city, country, region, timezone;  ///< Where the user is, approximately.
    std::optional<bool> external_web_access;      ///< False: only what the service has stored.
};
/// Searches the web.
CORUN_API json_tool web_search(web_search_options options = {});
/// Searches vector stores. Returns at most `max_num_results` results, 1 to 50.
CORUN_API json_tool file_search(std::vector<std::string> vector_store_ids,
                                std::optional<int> max_num_results = std::nullopt);
/// Runs code in a new container with these files.
CORUN_API json_tool code_interpreter(std::vector<std::string> file_ids = {});
/// Runs code in this container.
CORUN_API json_tool code_interpreter_in(std::string container_id);
/// Generates images. `members` is a JSON object such as `{"quality":"high"}`, or empty.
CORUN_API json_tool image_generation(json_text members = {});

// Foundry's. Connections are those of the project.

/// Controls a browser through a connection.
CORUN_API json_tool browser_automation(std::string project_connection_id);
/// Calls another agent by the A2A protocol, of version 1.0 or another one.
CORUN_API json_tool a2a(std::string project_connection_id, std::string a2a_version = "1.0");
/// Searches the memories of a scope, such as a user's id.
CORUN_API json_tool memory_search_preview(std::string memory_store_name, std::string scope);
/// Searches the data of Microsoft 365 through a connection.
CORUN_API json_tool work_iq_preview(std::string project_connection_id);
/// Queries the data of Microsoft Fabric through a connection.
CORUN_API json_tool fabric_iq_preview(std::string project_connection_id);
/// Searches the web through a connection.
CORUN_API json_tool web_iq_preview(std::string project_connection_id);
/// Searches the tools of the project's toolbox.
CORUN_API json_tool toolbox_search_preview();
/// The tools of GitHub Copilot.
CORUN_API json_tool github_copilot_toolset_preview();
/// The tools of Microsoft Copilot.
CORUN_API json_tool microsoft_copilot_toolset_preview();
/// Makes the model report values of this JSON schema.
CORUN_API json_tool capture_structured_outputs(std::string name, std::string description, json_text schema,
                                               std::optional<bool> strict = std::nullopt);

}  // namespace corun::prompt_tools
