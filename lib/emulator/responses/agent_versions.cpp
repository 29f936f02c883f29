// Agents with versions: how they are stored and validated, and how structured inputs are filled in.
#include "emulator/responses/agent_versions.hpp"

#include "emulator/http/api_error.hpp"
#include "emulator/responses/response_record.hpp"
#include "text/ascii.hpp"

#include <algorithm>
#include <string_view>

namespace corun::emulator {
namespace {

bool has_template(const std::string& text) {
    return text.find("{{") != std::string::npos;
}

/// Whether a header of this name is likely to hold a secret.
bool is_sensitive(std::string name) {
    std::transform(name.begin(), name.end(), name.begin(), ascii::lower);
    static constexpr std::string_view parts[] = {"auth", "token", "key", "secret", "cookie", "password", "credential"};
    return std::any_of(std::begin(parts), std::end(parts),
                       [&](std::string_view part) { return name.find(part) != std::string::npos; });
}

bool is_url(const std::string& text) {
    const auto scheme = text.starts_with("https://") ? 8u : text.starts_with("http://") ? 7u : 0u;
    return scheme != 0 && text.size() > scheme && text[scheme] != '/' && !has_template(text);
}

/// The text that replaces an input of this value in a template.
std::string as_text(const json& value) {
    return value.is_string() ? value.get<std::string>() : value.is_null() ? std::string{} : text_of(value);
}

/// Replaces `{{name}}`, also with blanks inside. An undeclared name is replaced by nothing.
std::string filled(const std::string& text, const json& inputs) {
    std::string result;
    std::size_t at = 0;
    for (auto open = text.find("{{"); open != std::string::npos; open = text.find("{{", at)) {
        const auto close = text.find("}}", open);
        if (close == std::string::npos) break;
        result.append(text, at, open - at);
        std::string name = text.substr(open + 2, close - open - 2);
        std::erase(name, ' ');
        result += as_text(get(inputs, name.c_str()));
        at = close + 2;
    }
    return result.append(text, at);
}

void fill_in_text(json& object, const char* name, const json& inputs) {
    if (get(object, name).is_string()) object[name] = filled(get_string(object, name), inputs);
}

bool has_type(const json& value, const std::string& type) {
    if (type == "string") return value.is_string();
    if (type == "integer") return value.is_number_integer();
    if (type == "number") return value.is_number();
    if (type == "boolean") return value.is_boolean();
    if (type == "array") return value.is_array();
    return type != "object" || value.is_object();
}

}  // namespace

json structured_inputs(const json& definition, const json& inputs) {
    const json& declared = get(definition, "structured_inputs");
    for (const auto& [name, value] : inputs.items())
        if (!declared.contains(name))
            throw invalid_payload("Structured input '" + name + "' is not declared by the agent.",
                                  "structured_inputs." + name);
    json values = json::object();
    for (const auto& [name, declaration] : declared.items()) {
        const json& value = get(inputs, name.c_str());
        if (value.is_null() && get(declaration, "required") == true && get(declaration, "default_value").is_null())
            throw invalid_payload("Missing required structured input: '" + name + "'.", "structured_inputs." + name);
        values[name] = value.is_null() ? get(declaration, "default_value") : value;
        const std::string type = get_string(get(declaration, "schema"), "type");
        if (!value.is_null() && !has_type(value, type))
            throw invalid_payload("Structured input '" + name + "' does not match its schema: expected " + type + ".",
                                  "structured_inputs." + name);
    }
    return values;
}

void fill_in(json& definition, const json& inputs) {
    fill_in_text(definition, "instructions", inputs);
    if (!get(definition, "tools").is_array()) return;
    for (auto& tool : definition["tools"]) {
        for (const char* name : {"server_label", "server_url"}) fill_in_text(tool, name, inputs);
        if (get(tool, "headers").is_object())
            for (auto& value : tool["headers"]) value = filled(value.get<std::string>(), inputs);
        if (get(tool, "vector_store_ids").is_array())
            for (auto& id : tool["vector_store_ids"]) id = filled(as_text(id), inputs);
        if (get(get(tool, "container"), "file_ids").is_array())
            for (auto& id : tool["container"]["file_ids"]) id = filled(as_text(id), inputs);
    }
}

bool agent_versions::owns(const api_request& request) {
    return request.in_project && !request.segments.empty() && request.segments[0] == "agents";
}

json agent_versions::serve(const api_request& request) {
    if (request.parameter("api-version") != "v1") throw gateway_error(400, "BadRequest", "API version not supported");
    using api = agent_versions;
    static constexpr route<json (api::*)(const api_request&)> routes[] = {
        {"GET", "agents", &api::list_agents},
        {"POST", "agents", &api::create_agent},
        {"GET", "agents/*", &api::get_agent},
        {"POST", "agents/*", &api::update_agent},
        {"DELETE", "agents/*", &api::delete_agent},
        {"GET", "agents/*/versions", &api::list_versions},
        {"POST", "agents/*/versions", &api::create_version},
        {"GET", "agents/*/versions/*", &api::get_version},
        {"DELETE", "agents/*/versions/*", &api::delete_version},
    };
    if (request.method == "POST" && request.has_path("agents/*"))
        if (const auto colon = request.segments[1].find(':'); colon != std::string::npos)
            return act(request.segments[1].substr(0, colon), request.segments[1].substr(colon + 1));
    if (const auto handler = find_route(routes, request)) return (this->*handler)(request);
    throw no_such_route();
}

std::shared_ptr<versioned_agent> agent_versions::find_agent(const api_request& request) const {
    return find_or_throw(agents_, request.segments[1], "agent");
}

std::shared_ptr<versioned_agent> agent_versions::add_agent(const std::string& name) {
    json object;
    object["id"] = name;
    auto added = std::make_shared<versioned_agent>(std::move(object));
    agents_.add(added);
    return added;
}

json agent_versions::list_agents(const api_request& request) {
    return list_page(agents_, page_of(request), "agent", all,
                     [this](const versioned_agent& agent) { return shown(agent); });
}

json agent_versions::create_agent(const api_request& request) {
    const json body = body_of(request, bodies_.create_agent);
    const std::string name = get_string(body, "name");
    if (agents_.find(name)) {
        json problem =
            error_envelope("Agent '" + name + "' already exists.", "invalid_request_error", "name", "conflict");
        throw api_error(409, std::move(problem));
    }
    check_tools(body["definition"]);
    const auto agent = add_agent(name);
    add_version(*agent, body);
    return shown(*agent);
}

json agent_versions::get_agent(const api_request& request) {
    return shown(*find_agent(request));
}

json agent_versions::update_agent(const api_request& request) {
    const json body = body_of(request, bodies_.create_version);
    check_tools(body["definition"]);
    const auto agent = find_agent(request);
    add_version(*agent, body);
    return shown(*agent);
}

json agent_versions::delete_agent(const api_request& request) {
    const auto agent = find_agent(request);
    agents_.erase(agent->id);
    json body;
    body["object"] = "agent.deleted";
    body["name"] = agent->id;
    body["deleted"] = true;
    return body;
}

json agent_versions::act(const std::string& name, const std::string& action) const {
    if (action != "enable" && action != "disable") throw no_such_route();
    find_or_throw(agents_, name, "agent")->enabled = action == "enable";
    return nullptr;
}

json agent_versions::list_versions(const api_request& request) {
    return list_page(find_agent(request)->versions, page_of(request), "agent version", all,
                     [this](const record& version) { return shown_version(version); });
}

json agent_versions::create_version(const api_request& request) {
    const json body = body_of(request, bodies_.create_version);
    check_tools(body["definition"]);
    auto agent = agents_.find(request.segments[1]);
    if (!agent) {
        json named;
        named["name"] = request.segments[1];
        named["definition"] = body["definition"];
        bodies_.create_agent(named, "");
        agent = add_agent(request.segments[1]);
    }
    return add_version(*agent, body);
}

std::shared_ptr<record> agent_versions::find_version(const versioned_agent& agent, const api_request& request) const {
    return find_or_throw(agent.versions, agent.id + ":" + request.segments[3], "agent version");
}

json agent_versions::get_version(const api_request& request) {
    return shown_version(*find_version(*find_agent(request), request));
}

json agent_versions::delete_version(const api_request& request) {
    const auto agent = find_agent(request);
    const auto version = find_version(*agent, request);
    agent->versions.erase(version->id);
    // An agent without versions does not exist.
    if (agent->versions.items().empty()) agents_.erase(agent->id);
    json body;
    body["object"] = "agent.version.deleted";
    body["name"] = agent->id;
    body["version"] = request.segments[3];
    body["deleted"] = true;
    return body;
}

const record& agent_versions::find(const json& reference) const {
    const std::string name = get_string(reference, "name"), version = get_string(reference, "version");
    const auto agent = agents_.find(name);
    const auto found = !agent            ? nullptr
                       : version.empty() ? std::prev(agent->versions.items().end())->second
                                         : agent->versions.find(name + ":" + version);
    if (found && !agent->enabled)
        throw api_error(409, error_envelope("Agent '" + name + "' is disabled.", "invalid_request_error", nullptr,
                                            "agent_disabled"));
    if (found) return *found;
    json body =
        error_envelope("Agent '" + name + (version.empty() ? "'" : "' with version '" + version + "'") + " not found.",
                       "invalid_request_error", nullptr, "not_found");
    throw api_error(404, std::move(body));
}

json agent_versions::add_version(versioned_agent& agent, const json& body) {
    json definition = body["definition"];
    if (!agent.versions.items().empty()) {
        const auto latest = std::prev(agent.versions.items().end())->second;
        const bool same = latest->object["definition"] == definition &&
                          latest->object["metadata"] == get(body, "metadata") &&
                          latest->object["description"] == get(body, "description");
        if (same) return shown_version(*latest);
    }
    const std::string number = std::to_string(++agent.last_version);
    json object;
    object["metadata"] = get(body, "metadata");
    object["object"] = "agent.version";
    object["id"] = agent.id + ":" + number;
    object["name"] = agent.id;
    object["version"] = number;
    object["description"] = get(body, "description");
    object["created_at"] = environment_.now();
    object["draft"] = get(body, "draft") == true;
    object["definition"] = std::move(definition);
    auto added = std::make_shared<record>(std::move(object));
    agent.versions.add(added);
    return shown_version(*added);
}

void agent_versions::check_tools(const json& definition) const {
    const service_options& options = environment_.options;
    const json& tools = get(definition, "tools");
    for (std::size_t i = 0; i != tools.size(); ++i) {
        const json& tool = tools[i];
        if (get_string(tool, "type") != "mcp") continue;
        const std::string path = "definition.tools[" + std::to_string(i) + "]";
        const auto is_rejected = [&](const json& value) {
            if (options.agent_headers == agent_headers::accepted || value.is_null()) return false;
            return options.agent_headers == agent_headers::refused || !has_template(as_text(value));
        };
        bool rejected = is_rejected(get(tool, "authorization"));
        for (const auto& [name, value] : get(tool, "headers").items())
            rejected = rejected || (is_sensitive(name) && is_rejected(value));
        if (rejected)
            throw invalid_payload(
                "Headers that can include sensitive information are not allowed in the headers property for MCP tools. "
                "Use project_connection_id instead.",
                path + ".headers");
        const std::string url = get_string(tool, "server_url");
        if (url.empty() || is_url(url) || (options.templated_server_url && has_template(url))) continue;
        throw invalid_payload("Invalid '" + path + ".server_url': '" + url + "' is not a valid URI.",
                              path + ".server_url");
    }
}

json agent_versions::shown(const versioned_agent& agent) const {
    json object;
    object["object"] = "agent";
    object["id"] = agent.id;
    object["name"] = agent.id;
    object["state"] = agent.enabled ? "enabled" : "disabled";
    object["versions"]["latest"] = shown_version(*std::prev(agent.versions.items().end())->second);
    return object;
}

json agent_versions::shown_version(const record& version) const {
    json object = version.object;
    if (get(object["definition"], "tools").is_array())
        for (auto& tool : object["definition"]["tools"]) redact(tool, environment_.options.echo_headers);
    return object;
}

}  // namespace corun::emulator
