// Agents with versions: what is stored, what is refused, and what structured inputs make of them.
#include "emulator/responses/agent_versions.hpp"

#include "emulator/http/refusal.hpp"
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

/// What a template says where an input of this value stands.
std::string as_text(const json& value) {
    return value.is_string() ? value.get<std::string>() : value.is_null() ? std::string{} : text_of(value);
}

/// `{{name}}`, also with blanks inside. A name that nobody declared gives nothing.
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

json structured_inputs(const json& definition, const json& given) {
    const json& declared = get(definition, "structured_inputs");
    for (const auto& [name, value] : given.items())
        if (!declared.contains(name))
            throw invalid_payload("Structured input '" + name + "' is not declared by the agent.",
                                  "structured_inputs." + name);
    json values = json::object();
    for (const auto& [name, about] : declared.items()) {
        const json& value = get(given, name.c_str());
        if (value.is_null() && get(about, "required") == true && get(about, "default_value").is_null())
            throw invalid_payload("Missing required structured input: '" + name + "'.", "structured_inputs." + name);
        values[name] = value.is_null() ? get(about, "default_value") : value;
        const std::string type = get_string(get(about, "schema"), "type");
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

bool agent_versions::owns(const call& what) {
    return what.in_project && !what.segments.empty() && what.segments[0] == "agents";
}

json agent_versions::answer(const call& what) {
    if (what.parameter("api-version") != "v1") throw gateway_error(400, "BadRequest", "API version not supported");
    const auto show = [this](const versioned_agent& one) { return shown(one); };
    const auto show_version = [this](const record& one) { return shown_version(one); };
    const auto& at = what.segments;
    if (what.is("GET", {"agents"})) return page_or_refuse(agents_, page_of(what), "agent", all, show);
    if (what.is("POST", {"agents"})) {
        const json body = body_of(what, bodies_.create_agent);
        const std::string name = get_string(body, "name");
        if (agents_.find(name)) {
            json problem =
                error_envelope("Agent '" + name + "' already exists.", "invalid_request_error", "name", "conflict");
            throw refusal(409, std::move(problem));
        }
        check_tools(body["definition"]);
        json object;
        object["id"] = name;
        auto made = std::make_shared<versioned_agent>(std::move(object));
        add_version(*made, body);
        agents_.add(made);
        return shown(*made);
    }
    if (what.is("POST", {"agents", "*", "versions"}) || what.is("POST", {"agents", "*"})) {
        const bool to_versions = at.size() == 3;
        json named;
        named["name"] = at[1];
        const json body = body_of(what, bodies_.create_version);
        check_tools(body["definition"]);
        auto agent = agents_.find(at[1]);
        if (!agent && !to_versions) throw not_found("agent", at[1]);
        if (!agent) {
            named["definition"] = body["definition"];
            bodies_.create_agent(named, "");
            json object;
            object["id"] = at[1];
            agent = std::make_shared<versioned_agent>(std::move(object));
            agents_.add(agent);
        }
        json version = add_version(*agent, body);
        return to_versions ? version : shown(*agent);
    }
    if (at.size() < 2) throw gateway_error(404, "404", "Resource not found");
    const auto agent = find_or_refuse(agents_, at[1], "agent");
    if (what.is("GET", {"agents", "*"})) return shown(*agent);
    if (what.is("DELETE", {"agents", "*"})) {
        agents_.erase(at[1]);
        json answer;
        answer["object"] = "agent.deleted";
        answer["name"] = at[1];
        answer["deleted"] = true;
        return answer;
    }
    if (what.is("GET", {"agents", "*", "versions"}))
        return page_or_refuse(agent->versions, page_of(what), "agent version", all, show_version);
    if (at.size() == 4 && at[2] == "versions" && (what.method == "GET" || what.method == "DELETE")) {
        const auto version = find_or_refuse(agent->versions, at[1] + ":" + at[3], "agent version");
        if (what.method == "GET") return shown_version(*version);
        agent->versions.erase(version->id);
        // An agent is its versions.
        if (agent->versions.items().empty()) agents_.erase(at[1]);
        json answer;
        answer["object"] = "agent.version.deleted";
        answer["name"] = at[1];
        answer["version"] = at[3];
        answer["deleted"] = true;
        return answer;
    }
    throw gateway_error(404, "404", "Resource not found");
}

const record& agent_versions::find(const json& reference) const {
    const std::string name = get_string(reference, "name"), version = get_string(reference, "version");
    const auto agent = agents_.find(name);
    const auto found = !agent            ? nullptr
                       : version.empty() ? std::prev(agent->versions.items().end())->second
                                         : agent->versions.find(name + ":" + version);
    if (found) return *found;
    json body =
        error_envelope("Agent '" + name + (version.empty() ? "'" : "' with version '" + version + "'") + " not found.",
                       "invalid_request_error", nullptr, "not_found");
    throw refusal(404, std::move(body));
}

json agent_versions::add_version(versioned_agent& to, const json& body) {
    json definition = body["definition"];
    if (!to.versions.items().empty()) {
        const auto latest = std::prev(to.versions.items().end())->second;
        const bool same = latest->object["definition"] == definition &&
                          latest->object["metadata"] == get(body, "metadata") &&
                          latest->object["description"] == get(body, "description");
        if (same) return shown_version(*latest);
    }
    const std::string number = std::to_string(++to.last_version);
    json object;
    object["metadata"] = get(body, "metadata");
    object["object"] = "agent.version";
    object["id"] = to.id + ":" + number;
    object["name"] = to.id;
    object["version"] = number;
    object["description"] = get(body, "description");
    object["created_at"] = core_.now();
    object["definition"] = std::move(definition);
    auto made = std::make_shared<record>(std::move(object));
    to.versions.add(made);
    return shown_version(*made);
}

void agent_versions::check_tools(const json& definition) const {
    const service_options& options = core_.options;
    const json& tools = get(definition, "tools");
    for (std::size_t i = 0; i != tools.size(); ++i) {
        const json& tool = tools[i];
        if (get_string(tool, "type") != "mcp") continue;
        const std::string path = "definition.tools[" + std::to_string(i) + "]";
        const auto is_refused = [&](const json& value) {
            if (options.agent_headers == agent_headers::accepted || value.is_null()) return false;
            return options.agent_headers == agent_headers::refused || !has_template(as_text(value));
        };
        bool refused = is_refused(get(tool, "authorization"));
        for (const auto& [name, value] : get(tool, "headers").items())
            refused = refused || (is_sensitive(name) && is_refused(value));
        if (refused)
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

json agent_versions::shown(const versioned_agent& what) const {
    json object;
    object["object"] = "agent";
    object["id"] = what.id;
    object["name"] = what.id;
    object["versions"]["latest"] = shown_version(*std::prev(what.versions.items().end())->second);
    return object;
}

json agent_versions::shown_version(const record& what) const {
    json object = what.object;
    if (get(object["definition"], "tools").is_array())
        for (auto& tool : object["definition"]["tools"]) redact(tool, core_.options.echo_headers);
    return object;
}

}  // namespace corun::emulator
