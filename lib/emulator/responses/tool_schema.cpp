// The tools of a request or an agent, and the choice among them.
#include "emulator/http/api_error.hpp"
#include "emulator/responses/body_parts.hpp"
#include "text/ascii.hpp"
#include <corun/headers.hpp>

#include <algorithm>
#include <iterator>
#include <set>

namespace corun::emulator::schema {

bool is_label_character(char c) {
    return ascii::is_alphanumeric(c) || c == '-' || c == '_';
}

namespace {

check server_label() {
    return [](const json& value, const std::string& path) {
        string()(value, path);
        const auto& label = value.get_ref<const std::string&>();
        if (label.empty() || !ascii::is_letter(label.front()) ||
            !std::all_of(label.begin(), label.end(), is_label_character))
            throw bad_request(
                "Invalid '" + path + "': '" + label +
                    "'. Expected to start with a letter and consist of only letters, digits, '-' and '_'.",
                path, "invalid_value");
    };
}

/// As an agent stores it, a label may be made from structured inputs.
check templated(check inner) {
    return [inner = std::move(inner)](const json& value, const std::string& path) {
        if (value.is_string() && value.get_ref<const std::string&>().find("{{") != std::string::npos) return;
        inner(value, path);
    };
}

check tool_filter() {
    return object(members{{"tool_names", array(string())}, {"read_only", boolean()}});
}

check mcp_tool(bool in_project, bool stored) {
    const check allowed = [names = array(string()), filter = tool_filter()](const json& value,
                                                                            const std::string& path) {
        (value.is_array() ? names : filter)(value, path);
    };
    const check by_tool = object(members{{"always", nullable(tool_filter())}, {"never", nullable(tool_filter())}});
    members all{required("server_label", stored ? templated(server_label()) : server_label()),
                {"server_url", string()},
                {"connector_id", string()},
                {"server_description", nullable(string())},
                {"authorization", nullable(string())},
                {"headers", nullable(headers())},
                {"allowed_tools", nullable(allowed)},
                {"require_approval", nullable(string_or(one_of({"always", "never"}), by_tool))},
                {"defer_loading", boolean()},
                {"allowed_callers", nullable(array(string()))},
                {"tunnel_id", string()}};
    if (in_project) {
        all.emplace_back("project_connection_id", nullable(string()));
        all.emplace_back("tool_configs", opaque());
    }
    return [shape = typed_object(std::move(all))](const json& value, const std::string& path) {
        shape(value, path);
        const char* servers[] = {"server_url", "connector_id", "project_connection_id", "tunnel_id"};
        if (std::none_of(std::begin(servers), std::end(servers),
                         [&](const char* name) { return !get(value, name).is_null(); }))
            throw bad_request("Missing required parameter: '" + path + ".server_url'.", path + ".server_url",
                              "missing_required_parameter");
        const json& fields = get(value, "headers");
        for (const auto& [name, field] : fields.items())
            if (equal_ignoring_case(name, "authorization") && !get(value, "authorization").is_null())
                throw bad_request("Only one of 'authorization' and the header 'Authorization' can be given.",
                                  path + ".authorization", "mutually_exclusive_parameters");
    };
}

check tool(bool in_project, bool stored) {
    types all;
    all.emplace_back("function", typed_object(members{required("name", string(64)),
                                                      {"description", nullable(string())},
                                                      {"parameters", nullable(opaque())},
                                                      {"strict", nullable(boolean())},
                                                      {"async", boolean()},
                                                      {"defer_loading", boolean()},
                                                      {"allowed_callers", nullable(array(string()))},
                                                      {"output_schema", nullable(opaque())}}));
    all.emplace_back("mcp", mcp_tool(in_project, stored));
    all.emplace_back("custom", typed_object(members{required("name", string()),
                                                    {"description", nullable(string())},
                                                    {"format", opaque()},
                                                    {"async", boolean()},
                                                    {"defer_loading", boolean()},
                                                    {"allowed_callers", nullable(array(string()))}}));
    all.emplace_back("code_interpreter", typed_object(members{{"container", string_or(string(), opaque())},
                                                              {"allowed_callers", nullable(array(string()))}}));
    for (const char* name :
         {"file_search", "web_search", "web_search_2025_08_26", "web_search_preview", "web_search_preview_2025_03_11",
          "image_generation", "computer", "computer_use_preview", "local_shell", "shell", "apply_patch", "namespace",
          "tool_search", "programmatic_tool_calling"})
        all.emplace_back(name, opaque());
    if (in_project)
        for (const char* name :
             {"bing_grounding", "bing_custom_search_preview", "fabric_dataagent_preview",
              "sharepoint_grounding_preview", "azure_ai_search", "azure_function", "openapi",
              "browser_automation_preview", "browser_automation", "capture_structured_outputs", "a2a_preview", "a2a",
              "memory_search_preview", "work_iq_preview", "fabric_iq_preview", "web_iq_preview",
              "toolbox_search_preview", "github_copilot_toolset_preview", "microsoft_copilot_toolset_preview"})
            all.emplace_back(name, opaque());
    return by_type(std::move(all));
}

}  // namespace

check tools(bool in_project, bool stored) {
    return nullable([list = array(tool(in_project, stored), 128)](const json& value, const std::string& path) {
        list(value, path);
        std::set<std::string> labels;
        for (std::size_t i = 0; i != value.size(); ++i) {
            const std::string label = get_string(value[i], "server_label");
            if (!label.empty() && !labels.insert(label).second)
                throw bad_request("Duplicate server label: '" + label + "'.",
                                  path + "[" + std::to_string(i) + "].server_label", "invalid_value");
        }
    });
}

check tool_choice() {
    types all;
    all.emplace_back("function", typed_object(members{required("name", string())}));
    all.emplace_back("custom", typed_object(members{required("name", string())}));
    all.emplace_back("mcp", typed_object(members{{"server_label", string()}, {"name", nullable(string())}}));
    all.emplace_back("allowed_tools", typed_object(members{{"mode", one_of({"none", "auto", "required"})},
                                                           required("tools", array(opaque()))}));
    for (const char* name : {"file_search", "web_search", "web_search_preview", "web_search_preview_2025_03_11",
                             "code_interpreter", "image_generation", "computer", "computer_use_preview", "computer_use",
                             "shell", "local_shell", "apply_patch", "programmatic_tool_calling"})
        all.emplace_back(name, typed_object({}));
    return nullable(string_or(one_of({"none", "auto", "required"}), by_type(std::move(all))));
}

}  // namespace corun::emulator::schema
