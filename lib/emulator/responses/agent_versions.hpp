#pragma once
#include "emulator/environment.hpp"
#include "emulator/http/api_request.hpp"
#include "emulator/responses/responses_schema.hpp"
#include "emulator/store.hpp"

#include <memory>
#include <string>

namespace corun::emulator {

/// An agent of the Responses protocol: a name, and its versions. The id is the name.
struct versioned_agent : record {
    using record::record;
    store<record> versions;
    std::size_t last_version = 0;
    bool enabled = true;  ///< Otherwise it answers nothing.
};

/// Agents with versions, and the routes to them. The handlers throw `api_error`.
class agent_versions {
public:
    explicit agent_versions(environment& shared) : environment_(shared) {}

    [[nodiscard]] static bool owns(const api_request& request);
    /// Null when there is nothing to say.
    json serve(const api_request& request);
    /// The version that an `agent_reference` names, by default the latest. Throws `api_error`.
    [[nodiscard]] const record& find(const json& reference) const;

private:
    json list_agents(const api_request& request);
    json create_agent(const api_request& request);
    json get_agent(const api_request& request);
    json update_agent(const api_request& request);
    json delete_agent(const api_request& request);
    /// Enables an agent, or disables it: the action follows its name, after a colon.
    json act(const std::string& name, const std::string& action) const;
    json list_versions(const api_request& request);
    json create_version(const api_request& request);
    json get_version(const api_request& request);
    json delete_version(const api_request& request);

    [[nodiscard]] std::shared_ptr<versioned_agent> find_agent(const api_request& request) const;
    [[nodiscard]] std::shared_ptr<record> find_version(const versioned_agent& agent, const api_request& request) const;
    std::shared_ptr<versioned_agent> add_agent(const std::string& name);
    /// Adds a version, unless the latest is the same. Returns that version as the service shows it.
    json add_version(versioned_agent& agent, const json& body);
    void check_tools(const json& definition) const;
    [[nodiscard]] json shown(const versioned_agent& agent) const;
    [[nodiscard]] json shown_version(const record& version) const;

    environment& environment_;
    store<versioned_agent> agents_;
    schema::responses_bodies bodies_{true};
};

/// The value of each input that a definition declares, with defaults. Throws `api_error` when `inputs` are invalid.
json structured_inputs(const json& definition, const json& inputs);
/// Replaces `{{name}}` in a definition: in instructions, ids of vector stores and files, and label, URL and header
/// values of MCP tools.
void fill_in(json& definition, const json& inputs);

}  // namespace corun::emulator
