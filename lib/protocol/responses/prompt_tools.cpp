// The functions that make a tool of this protocol.
#include "protocol/responses/objects.hpp"
#include "protocol/responses/requests.hpp"
#include <corun/prompt_tools.hpp>

#include <utility>

namespace corun::prompt_tools {
namespace {

using namespace codec;

/// A tool that is being made.
class maker {
public:
    explicit maker(std::string_view type) : object_(body::object()) { object_["type"] = text(type); }

    body& operator[](const char* key) { return object_[key]; }
    maker& set_text(std::string_view key, std::string_view value) {
        set_unless_empty(object_, key, value);
        return *this;
    }
    /// What must be there.
    maker& require_text(const char* key, std::string_view value) {
        if (value.empty()) refuse(name() + ": " + key, "is empty");
        object_[key] = text(value);
        return *this;
    }
    maker& set_list(const char* key, const std::vector<std::string>& values) {
        if (!values.empty()) object_[key] = strings(values);
        return *this;
    }
    maker& add(std::string_view members) {
        responses::add_extra(object_, members, name() + ": members");
        return *this;
    }

    [[nodiscard]] std::string name() const { return std::string(object_["type"].get_ref<const wiped_string&>()); }
    [[nodiscard]] json_tool make(std::string tool_name = {}) const {
        return json_tool(name(), std::string(dump(object_)), std::move(tool_name));
    }

private:
    body object_;
};

json_tool connected(std::string_view type, const std::string& project_connection_id) {
    return maker(type).require_text("project_connection_id", project_connection_id).make(project_connection_id);
}

}  // namespace

json_tool of_type(std::string type, json_text members, std::string name) {
    if (type.empty()) refuse("prompt_tools::of_type: type", "is empty");
    return maker(type).add(members).make(std::move(name));
}

json_tool with(json_tool tool, json_text members) {
    body object = to_json(tool);
    responses::add_extra(object, members, tool.type + ": members");
    tool.json = std::string(dump(object));
    return tool;
}

prompt_tool from_classic(const tool& classic) {
    agent_definition definition("any");
    definition.name = "any";
    definition.tools.push_back(classic);
    migrated_agent migrated = migrate(definition);
    std::string notes;
    for (const std::string& note : migrated.notes) notes += (notes.empty() ? "" : " ") + note;
    if (!notes.empty() || migrated.definition.tools.size() != 1)
        refuse("prompt_tools::from_classic: the tool " + std::string(type_of(classic)),
               "cannot be converted" + (notes.empty() ? "" : ": " + notes));
    return std::move(migrated.definition.tools.front());
}

json_tool computer() {
    return maker("computer").make();
}

json_tool computer_use_preview(int display_width, int display_height, std::string environment) {
    maker tool("computer_use_preview");
    if (display_width < 1 || display_height < 1)
        refuse("computer_use_preview: the size of the display", "must be at least 1 by 1");
    tool["display_width"] = display_width;
    tool["display_height"] = display_height;
    return tool.require_text("environment", environment).make();
}

json_tool apply_patch() {
    return maker("apply_patch").make();
}

json_tool shell() {
    maker tool("shell");
    tool["environment"]["type"] = "local";
    return tool.make();
}

json_tool shell(json_text environment) {
    maker tool("shell");
    tool["environment"] = parse_object(environment, "shell: environment");
    return tool.make();
}

json_tool local_shell() {
    return maker("local_shell").make();
}

grammar::grammar(std::string its_syntax, std::string its_definition)
    : syntax(std::move(its_syntax)), definition(std::move(its_definition)) {}

json_tool custom(std::string name, std::string description, std::optional<grammar> format) {
    maker tool("custom");
    tool.require_text("name", name).set_text("description", description);
    if (format) {
        body& object = tool["format"];
        object["type"] = "grammar";
        object["syntax"] = text(format->syntax);
        object["definition"] = text(format->definition);
    }
    return tool.make(std::move(name));
}

json_tool tool_namespace(std::string name, std::string description, std::vector<prompt_tool> tools) {
    maker space("namespace");
    space.require_text("name", name).require_text("description", description);
    body& members = space["tools"] = body::array();
    for (const prompt_tool& each : tools) {
        if (type_of(each) != "function" && type_of(each) != "custom")
            refuse("namespace " + name,
                   "has a tool of type " + std::string(type_of(each)) + "; it can have functions and custom tools");
        members.push_back(responses::to_json(each));
    }
    return space.make(std::move(name));
}

json_tool tool_search() {
    return maker("tool_search").make();
}

json_tool client_tool_search(std::string description, json_text parameters) {
    maker tool("tool_search");
    tool["execution"] = "client";
    tool.set_text("description", description);
    if (!parameters.empty()) tool["parameters"] = parse_object(parameters, "tool_search: parameters");
    return tool.make();
}

json_tool programmatic_tool_calling() {
    return maker("programmatic_tool_calling").make();
}

json_tool web_search(web_search_options options) {
    maker tool("web_search");
    if (!options.allowed_domains.empty()) tool["filters"]["allowed_domains"] = strings(options.allowed_domains);
    tool.set_text("search_context_size", options.search_context_size);
    const std::pair<const char*, const std::string&> places[] = {{"city", options.city},
                                                                 {"country", options.country},
                                                                 {"region", options.region},
                                                                 {"timezone", options.timezone}};
    for (const auto& [key, value] : places) {
        if (value.empty()) continue;
        tool["user_location"]["type"] = "approximate";
        tool["user_location"][key] = text(value);
    }
    if (options.external_web_access) tool["external_web_access"] = *options.external_web_access;
    return tool.make();
}

json_tool file_search(std::vector<std::string> vector_store_ids, std::optional<int> max_num_results) {
    maker tool("file_search");
    if (vector_store_ids.empty()) refuse("file_search: vector_store_ids", "are empty");
    tool.set_list("vector_store_ids", vector_store_ids);
    if (max_num_results) {
        check_range(*max_num_results, 1, 50, "file_search: max_num_results");
        tool["max_num_results"] = *max_num_results;
    }
    return tool.make();
}

json_tool code_interpreter(std::vector<std::string> file_ids) {
    maker tool("code_interpreter");
    tool["container"]["type"] = "auto";
    if (!file_ids.empty()) tool["container"]["file_ids"] = strings(file_ids);
    return tool.make();
}

json_tool code_interpreter_in(std::string container_id) {
    return maker("code_interpreter").require_text("container", container_id).make();
}

json_tool image_generation(json_text members) {
    return maker("image_generation").add(members).make();
}

json_tool browser_automation(std::string project_connection_id) {
    maker tool("browser_automation");
    if (project_connection_id.empty()) refuse("browser_automation: project_connection_id", "is empty");
    tool["browser_automation"]["connection"]["project_connection_id"] = text(project_connection_id);
    return tool.make();
}

json_tool a2a(std::string project_connection_id, std::string a2a_version) {
    return maker("a2a")
        .require_text("project_connection_id", project_connection_id)
        .require_text("a2a_version", a2a_version)
        .make(project_connection_id);
}

json_tool memory_search_preview(std::string memory_store_name, std::string scope) {
    return maker("memory_search_preview")
        .require_text("memory_store_name", memory_store_name)
        .require_text("scope", scope)
        .make(memory_store_name);
}

json_tool work_iq_preview(std::string project_connection_id) {
    return connected("work_iq_preview", project_connection_id);
}

json_tool fabric_iq_preview(std::string project_connection_id) {
    return connected("fabric_iq_preview", project_connection_id);
}

json_tool web_iq_preview(std::string project_connection_id) {
    return connected("web_iq_preview", project_connection_id);
}

json_tool toolbox_search_preview() {
    return maker("toolbox_search_preview").make();
}

json_tool github_copilot_toolset_preview() {
    return maker("github_copilot_toolset_preview").make();
}

json_tool microsoft_copilot_toolset_preview() {
    return maker("microsoft_copilot_toolset_preview").make();
}

json_tool capture_structured_outputs(std::string name, std::string description, json_text schema,
                                     std::optional<bool> strict) {
    maker tool("capture_structured_outputs");
    if (name.empty()) refuse("capture_structured_outputs: name", "is empty");
    body& outputs = tool["outputs"];
    outputs["name"] = text(name);
    outputs["description"] = text(description);
    outputs["schema"] = parse_object(schema, "capture_structured_outputs: schema");
    set_if(outputs, "strict", strict);
    return tool.make(std::move(name));
}

}  // namespace corun::prompt_tools
