#include "json/body.hpp"
#include "protocol/responses/codec.hpp"
#include "text/ascii.hpp"
#include "text/escape.hpp"
#include <corun/error.hpp>

#include <algorithm>
#include <utility>

namespace corun::codec::responses {
namespace {

using detail::quote;

bool is_name_character(char c) noexcept {
    return ascii::is_alphanumeric(c) || c == '-';
}

/// The nearest name that the service takes.
std::string to_name(std::string_view from) {
    constexpr std::size_t longest = 63;
    std::string name;
    for (const char c : from) {
        const char next = is_name_character(c) ? c : '-';
        if (next != '-' || (!name.empty() && name.back() != '-')) name += next;
    }
    name = name.substr(0, longest);
    while (!name.empty() && name.back() == '-') name.pop_back();
    return name;
}

/// A tool that only its name sets apart: its type here, and what becomes of its connections.
struct renamed_tool {
    std::string_view classic, type;
};
constexpr renamed_tool carried_tools[] = {
    {"bing_grounding", "bing_grounding"},
    {"bing_custom_search", "bing_custom_search_preview"},
    {"sharepoint_grounding", "sharepoint_grounding_preview"},
    {"fabric_dataagent", "fabric_dataagent_preview"},
    {"browser_automation", "browser_automation_preview"},
    {"openapi", "openapi"},
    {"azure_function", "azure_function"},
};

/// Connections are those of the project, and are called so.
body with_project_connections(body value) {
    if (value.is_array()) {
        for (body& element : value) element = with_project_connections(std::move(element));
        return value;
    }
    if (!value.is_object()) return value;
    body renamed = body::object();
    for (auto& [key, member] : value.get_ref<body::object_t&>()) {
        const bool is_id = key == "connection_id" || key == "index_connection_id";
        wiped_string name = is_id ? wiped_string("project_connection_id") : key;
        if (key == "connections") name = "project_connections";
        renamed[name] = with_project_connections(std::move(member));
    }
    return renamed;
}

class migration {
public:
    explicit migration(const agent_definition& classic) : classic_(classic) {}

    migrated_agent migrate() {
        prompt_agent_definition& made = result_.definition;
        made.name = to_name(classic_.name.empty() ? classic_.id : classic_.name);
        if (made.name.empty())
            note("The agent has no valid name: set one.");
        else if (made.name != classic_.name)
            note("The agent's name is " + quote(made.name) + ", because " +
                 (classic_.name.empty() ? std::string("it had no name") : quote(classic_.name) + " is not valid") +
                 ": names consist of at most 63 letters, digits and hyphens.");
        made.description = classic_.description;
        made.model = classic_.model;
        made.instructions = classic_.instructions;
        made.temperature = classic_.temperature;
        made.top_p = classic_.top_p;
        // The service's own choice is not said.
        if (classic_.response_format && classic_.response_format->json() != R"("auto")")
            made.response_format = classic_.response_format;
        made.metadata = classic_.metadata;
        for (const tool& each : classic_.tools) std::visit(*this, each);
        note_unused_resources();
        return std::move(result_);
    }

    void operator()(const mcp_tool& tool) {
        prompt_mcp_tool carried(tool);
        for (const mcp_tool_resource& stored : classic_.tool_resources.mcp) {
            if (stored.server_label != tool.server_label) continue;
            carried.require_approval = stored.require_approval;
            if (stored.require_approval && stored.require_approval->type() != mcp_approval::kind::always)
                note("MCP server " + quote(tool.server_label) +
                     ": its stored approval, which the classic service ignored, now applies.");
            if (!stored.headers.empty())
                note("MCP server " + quote(tool.server_label) +
                     ": its stored headers are omitted, because the service does not store headers that may be secret. "
                     "Use a connection of the project, or give them with each run.");
        }
        result_.definition.tools.emplace_back(std::move(carried));
    }

    void operator()(const function_tool& tool) { result_.definition.tools.emplace_back(tool); }

    void operator()(const json_tool& tool) {
        const body source = parse_object(tool.json, "json_tool::json of type " + tool.type);
        if (tool.type == "code_interpreter") return add_code_interpreter();
        if (tool.type == "file_search") return add_file_search(source);
        if (tool.type == "azure_ai_search") return add_azure_ai_search();
        if (tool.type == "connected_agent")
            return note("Connected agent " + quote(tool.name) +
                        ": not supported. Call it as an agent-to-agent tool, or from a workflow agent or a function.");
        if (tool.type == "deep_research")
            return note("Deep research: the tool no longer exists. Use a deep research model with a web search tool.");
        for (const renamed_tool& each : carried_tools)
            if (each.classic == tool.type) return add_carried(source, tool.name, each);
        note("Tool " + quote(tool.type) + ": copied unchanged, because this tool is unknown.");
        result_.definition.tools.emplace_back(tool);
    }

private:
    void note(std::string sentence) { result_.notes.push_back(std::move(sentence)); }

    void add(std::string type, const body& object, std::string name = {}) {
        result_.definition.tools.emplace_back(json_tool(std::move(type), std::string(dump(object)), std::move(name)));
    }

    /// The stored resources of a kind; null when there are none.
    body resources(const char* kind) {
        const auto found = classic_.tool_resources.other.find(kind);
        if (found == classic_.tool_resources.other.end()) return nullptr;
        used_.push_back(kind);
        return parse(found->second, "tool_resources::other[\"" + std::string(kind) + "\"]");
    }

    static const body* member_of(const body& object, const char* key) {
        if (!object.is_object()) return nullptr;
        const auto found = object.find(key);
        return found == object.end() || found->is_null() || (found->is_array() && found->empty()) ? nullptr : &*found;
    }

    void add_code_interpreter() {
        const body stored = resources("code_interpreter");
        body object = body::object();
        object["type"] = "code_interpreter";
        object["container"]["type"] = "auto";
        if (const body* files = member_of(stored, "file_ids")) object["container"]["file_ids"] = *files;
        if (member_of(stored, "data_sources") != nullptr)
            note("Code interpreter: its data sources are omitted; a container accepts only uploaded files.");
        add("code_interpreter", object);
    }

    void add_file_search(const body& source) {
        const body stored = resources("file_search");
        body object = body::object();
        object["type"] = "file_search";
        const body* stores = member_of(stored, "vector_store_ids");
        if (stores != nullptr) object["vector_store_ids"] = *stores;
        if (const body* settings = member_of(source, "file_search"))
            for (const auto& [key, value] : settings->get_ref<const body::object_t&>()) object[key] = value;
        if (member_of(stored, "vector_stores") != nullptr)
            note("File search: vector stores defined in the agent are omitted; create them, and list their ids.");
        if (stores == nullptr) {
            note(
                "File search: omitted, because the agent lists no vector store, and the tool requires one. "
                "Those of threads stay with their threads.");
            return;
        }
        add("file_search", object);
    }

    void add_azure_ai_search() {
        const body stored = resources("azure_ai_search");
        if (member_of(stored, "indexes") == nullptr)
            return note("Azure AI Search: omitted, because the agent specifies no index.");
        body object = body::object();
        object["type"] = "azure_ai_search";
        object["azure_ai_search"] = with_project_connections(stored);
        add("azure_ai_search", object);
    }

    void add_carried(const body& source, const std::string& name, const renamed_tool& as) {
        const body* settings = member_of(source, std::string(as.classic).c_str());
        body object = body::object();
        object["type"] = text(as.type);
        body carried = settings == nullptr ? body::object() : *settings;
        if (as.classic == "openapi") {
            // The document is the caller's: nothing in it is a connection.
            carried.erase("functions");
            if (member_of(carried, "auth") != nullptr) {
                body auth = with_project_connections(carried["auth"]);
                const body* type = member_of(auth, "type");
                if (type != nullptr && *type == "connection") auth["type"] = "project_connection";
                carried["auth"] = std::move(auth);
            }
        } else {
            carried = with_project_connections(std::move(carried));
        }
        if (as.classic == "browser_automation" && member_of(carried, "connection") != nullptr) {
            if (const body* id = member_of(carried["connection"], "id")) {
                body connection = body::object();
                connection["project_connection_id"] = *id;
                carried["connection"] = std::move(connection);
            }
        }
        set(object, as.type, std::move(carried));
        add(std::string(as.type), object, name);
    }

    void note_unused_resources() {
        for (const auto& [kind, json] : classic_.tool_resources.other)
            if (std::find(used_.begin(), used_.end(), kind) == used_.end())
                note("The stored resources " + quote(kind) + " are omitted: the agent has no tool for them.");
        for (const mcp_tool_resource& stored : classic_.tool_resources.mcp)
            if (std::none_of(classic_.tools.begin(), classic_.tools.end(), [&stored](const tool& each) {
                    const auto* server = std::get_if<mcp_tool>(&each);
                    return server != nullptr && server->server_label == stored.server_label;
                }))
                note("What is stored for MCP server " + quote(stored.server_label) +
                     " is omitted: the agent has no tool with that label.");
    }

    const agent_definition& classic_;
    std::vector<std::string> used_;
    migrated_agent result_;
};

struct classic_tool {
    tool operator()(const prompt_mcp_tool& from) const {
        return mcp_tool(from.server_label, from.server_url, from.allowed_tools);
    }
    tool operator()(const function_tool& from) const { return from; }
    tool operator()(const json_tool& from) const { return from; }
};

}  // namespace

agent_definition to_classic(const prompt_agent_definition& agent) {
    agent_definition classic(agent.model);
    // Agents go by their names.
    classic.id = classic.name = agent.name;
    classic.description = agent.description;
    classic.instructions = agent.instructions;
    classic.temperature = agent.temperature;
    classic.top_p = agent.top_p;
    classic.response_format = agent.response_format;
    classic.metadata = agent.metadata;
    for (const prompt_tool& each : agent.tools) classic.tools.push_back(std::visit(classic_tool{}, each));
    classic.created_at = agent.created_at;
    classic.raw = agent.raw;
    return classic;
}

}  // namespace corun::codec::responses

namespace corun {

migrated_agent migrate(const agent_definition& classic) {
    return codec::responses::migration(classic).migrate();
}

}  // namespace corun
