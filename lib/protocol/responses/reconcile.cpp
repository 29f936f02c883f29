#include "protocol/responses/reconcile.hpp"

#include "protocol/responses/agent_members.hpp"
#include "protocol/tool_identity.hpp"
#include "text/escape.hpp"
#include <corun/error.hpp>

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

// What the service accepts, and where this library therefore puts things. In this protocol a tool
// carries its own headers and approval, but a request that names a stored agent may bring no tools.
//
//  row  the run                                              what is sent
//   21  nothing of these                                     the agent's name, or the application's definition
//   22  own definition, headers                              on its tool of that label
//   23  own definition, tools                                added to its own; those that it has are left out
//   24  own definition, approvals                            on the tool of that label
//   25  stored agent, headers that its tool takes from       * the inputs; the service may log them
//       structured inputs
//   26  stored agent, headers for a server that it reaches   * nothing: the connection's credential is used
//       through a connection of the project
//   27  stored agent, other headers, new tools, other        * its whole definition in place of its name, as 22
//       approvals, or options that only it may say             to 24
//   28  stored agent, other headers                          error mcp_headers_with_stored_agent
//   29  stored agent, tools that it has                      they are left out
//   30  stored agent, new tools, other approvals             error not_allowed_with_agent
//   31  stored agent, options that only it may say           * they are left out; else error not_allowed_with_agent
//   32  calls wait for answers                               the same again, with fresh headers
//
// * where the policy allows it, in this order.

namespace corun::reconcile {
namespace {

using detail::quote;

constexpr int plain = 21, on_tool = 22, added_tools = 23, approval_on_tool = 24, as_inputs = 25, by_connection = 26,
              inlined = 27, same_tool = 29, left_out = 31;

prompt_tool to_prompt_tool(const tool& value) {
    if (const auto* server = std::get_if<mcp_tool>(&value)) return prompt_mcp_tool(*server);
    if (const auto* function = std::get_if<function_tool>(&value)) return *function;
    return std::get<json_tool>(value);
}

/// A header value that one structured input stands in: `Bearer {{token}}`.
struct header_template {
    std::string_view before, input, after;
};
std::optional<header_template> parse_template(std::string_view value) noexcept {
    const std::size_t open = value.find("{{");
    const std::size_t close = value.find("}}", open == value.npos ? 0 : open);
    if (open == value.npos || close == value.npos || value.find("{{", open + 2) != value.npos) return std::nullopt;
    std::string_view name = value.substr(open + 2, close - open - 2);
    while (name.starts_with(' ')) name.remove_prefix(1);
    while (name.ends_with(' ')) name.remove_suffix(1);
    if (name.empty()) return std::nullopt;
    return header_template{value.substr(0, open), name, value.substr(close + 2)};
}

/// What the input must be for the header to have this value.
std::optional<std::string_view> fill(const header_template& form, std::string_view value) noexcept {
    if (value.size() < form.before.size() + form.after.size() || !value.starts_with(form.before) ||
        !value.ends_with(form.after))
        return std::nullopt;
    value.remove_prefix(form.before.size());
    value.remove_suffix(form.after.size());
    return value;
}

/// A JSON string. Header values hold no control character but tab.
secret to_json_string(std::string_view text) {
    std::string json;
    json.reserve(2 * text.size() + 2);
    json += '"';
    for (const char c : text) {
        if (c == '"' || c == '\\') json += '\\';
        if (c == '\t')
            json += "\\t";
        else
            json += c;
    }
    json += '"';
    return secret(std::move(json));
}

std::string names_of(const headers& fields) {
    return list(fields, [](const header& field) { return detail::escape(field.name); });
}

bool same_approval(const std::optional<mcp_approval>& a, const std::optional<mcp_approval>& b) {
    const bool a_waits = !a || is_default(*a), b_waits = !b || is_default(*b);
    return a_waits || b_waits ? a_waits == b_waits : *a == *b;
}

/// One decision: the steps of `make`, in their order, each with what the ones before have found.
class response_decision {
public:
    explicit response_decision(const response_input& run) : input_(run) {}

    response_plan make() {
        validate_input();
        plan_.options = input_.options;
        plan_.definition = input_.agent;
        take_run_tools();
        refuse_unknown(plan_.servers, input_.headers, input_.options);
        if (input_.stored) {
            refuse_unknown_inputs();
            choose_form();
        } else {
            place_all();
        }
        if (plan_.report.lines().empty())
            plan_.report.add(plain, input_.stored ? "The request names the stored agent and adds nothing."
                                                  : "The application's definition is sent unchanged.");
        return std::move(plan_);
    }

private:
    void validate_input() const {
        reconcile::validate(input_.headers);
        validate_options(input_.options);
        for (const prompt_tool& value : input_.agent.tools)
            if (const auto* server = as_mcp(value)) validate_label(server->server_label, "the agent's tools");
    }

    void take_run_tools() {
        std::vector<prompt_tool> brought;
        for (const tool& each : input_.options.tools) brought.push_back(to_prompt_tool(each));
        add_servers(plan_.servers, input_.agent.tools);
        add_servers(plan_.servers, brought);
        new_tools_ = take_tools(
            input_.agent.tools, std::move(brought), input_.options,
            [this](const prompt_tool& value, const prompt_tool&) {
                plan_.report.add(input_.stored ? same_tool : added_tools,
                                 "The run's " + name_of(value) + " is omitted, because the agent already has it.");
            });
    }

    void refuse_unknown_inputs() const {
        // Of agents of other kinds, what they declare is not read.
        if (!input_.agent.kind.empty() && input_.agent.kind != "prompt") return;
        const auto& declared = input_.agent.structured_inputs;
        for (const auto& [name, value] : input_.options.structured_inputs)
            if (!declared.contains(name))
                throw error(errc::invalid_argument,
                            "run_options::structured_inputs has " + quote(name) + "; the agent declares " +
                                (declared.empty() ? "none" : list(declared, [](const auto& each) {
                                    return quote(each.first);
                                })));
    }

    const headers* headers_for(const std::string& label) const {
        const headers* const fields = input_.headers.find(label);
        if (fields == nullptr || fields->empty()) return nullptr;
        for (const mcp_tool& server : plan_.servers)
            // Where the service itself knows the server, it sees to that.
            if (has_label(server, label) && !server.server_url.empty()) refuse_insecure(server);
        return fields;
    }

    std::optional<mcp_approval> approval_for(const std::string& label) const {
        const auto found = input_.options.require_approval.find(label);
        return found == input_.options.require_approval.end() ? input_.options.default_approval : found->second;
    }

    // --- the application's own definition, or one that stands in for a stored agent's name ------

    void place_all() {
        if (!new_tools_.empty()) {
            plan_.definition.tools.insert(plan_.definition.tools.end(), new_tools_.begin(), new_tools_.end());
            plan_.report.add(added_tools, "The run's tools (" + list(new_tools_, name_of<prompt_tool>) +
                                              ") are sent with the agent's.");
        }
        for (prompt_tool& value : plan_.definition.tools)
            if (auto* const server = std::get_if<prompt_mcp_tool>(&value)) place(*server);
    }

    void place(prompt_mcp_tool& server) {
        const std::string subject = "MCP server " + quote(server.server_label) + ": ";
        if (const headers* const fields = headers_for(server.server_label)) {
            server.headers = *fields;
            const bool as_authorization = !server.connector_id.empty() && take_bearer_token(server);
            plan_.report.add(
                on_tool,
                subject + "headers " + names_of(*fields) +
                    " are sent on its tool in the request, for this run only; they are not stored" +
                    (as_authorization ? ". The token in Authorization is sent as the tool's authorization." : "."));
        }
        const std::optional<mcp_approval> approval = approval_for(server.server_label);
        if (!approval || same_approval(approval, server.require_approval)) return;
        server.require_approval = approval;
        plan_.report.add(approval_on_tool, subject + "approval " + std::string(reconcile::to_string(*approval)) +
                                               " is sent on its tool in the request.");
    }

    /// Connectors take a token, and no headers.
    static bool take_bearer_token(prompt_mcp_tool& server) {
        constexpr std::string_view scheme = "Bearer ";
        const secret* const value = server.headers.find("Authorization");
        if (value == nullptr || !equal_ignoring_case(value->reveal().substr(0, scheme.size()), scheme)) return false;
        server.authorization = secret(value->reveal().substr(scheme.size()));
        server.headers.erase("Authorization");
        return true;
    }

    // --- a stored agent -------------------------------------------------------------------------

    void choose_form() {
        const reconcile_policy& policy = input_.options.reconcile;
        std::string headers_refused, others_refused;
        const auto add = [](std::string& list, const std::string& reason) {
            list += (list.empty() ? "" : "; ") + reason;
        };
        for (const prompt_tool& value : input_.agent.tools) {
            const auto* const server = as_mcp(value);
            if (server == nullptr) continue;
            if (const headers* const fields = headers_for(server->server_label))
                if (std::string why = place_beside_reference(*server, *fields); !why.empty()) add(headers_refused, why);
            const std::optional<mcp_approval> approval = approval_for(server->server_label);
            if (approval && !same_approval(approval, server->require_approval))
                add(others_refused, "approval " + std::string(reconcile::to_string(*approval)) + " for MCP server " +
                                        quote(server->server_label) + ", which its tool stores otherwise");
        }
        for (const prompt_tool& value : new_tools_) {
            if (const auto* const server = as_mcp(value)) static_cast<void>(headers_for(server->server_label));
            add(others_refused, "the " + name_of(value) + ", which the agent does not have");
        }
        std::string members;
        for (const detail::agent_member& each : detail::agent_members)
            if (each.is_set(input_.options))
                members += (members.empty() ? "run_options::" : ", ") + std::string(each.name);

        if (headers_refused.empty() && others_refused.empty() && members.empty()) return refer();
        if (policy.inline_definition) return send_whole(headers_refused.empty());
        if (!headers_refused.empty())
            throw error(
                errc::mcp_headers_with_stored_agent,
                headers_refused +
                    ". Use client::local_agent, configure a project connection or structured inputs for the server, or "
                    "allow a policy in run_options::reconcile (inline_definition sends the whole stored definition)");
        if (!others_refused.empty())
            throw error(errc::not_allowed_with_agent,
                        "the run adds " + others_refused +
                            ", which a request with a stored agent cannot contain. Change the agent, use "
                            "client::local_agent, or allow reconcile_policy::inline_definition");
        if (!policy.drop_not_allowed)
            throw error(errc::not_allowed_with_agent,
                        members +
                            ": only the stored agent can set this. Change the agent, use client::local_agent, or allow "
                            "reconcile_policy::inline_definition or drop_not_allowed");
        for (const detail::agent_member& each : detail::agent_members) each.clear(plan_.options);
        plan_.report.add(left_out, members +
                                       " omitted, because the service accepts them only without a stored agent; "
                                       "the agent's own values apply.");
        refer();
    }

    void refer() {
        plan_.by_reference = true;
        for (reconcile_report::line& line : delayed_) plan_.report.add(line.row, std::move(line.text));
    }

    /// Why the headers cannot go beside the agent's name; empty when they can.
    std::string place_beside_reference(const prompt_mcp_tool& server, const headers& fields) {
        const reconcile_policy& policy = input_.options.reconcile;
        const std::string subject = "MCP server " + quote(server.server_label) + ": ";
        std::string why = "the stored agent's tool accepts no headers from a run";
        if (policy.structured_inputs) {
            why = fill_inputs(server, fields);
            if (why.empty()) return {};
        }
        if (!server.project_connection_id.empty()) {
            if (policy.project_connection) {
                delayed_.emplace_back(by_connection, subject + "headers " + names_of(fields) +
                                                         " are omitted, because the service uses the connection " +
                                                         quote(server.project_connection_id) + " of the project.");
                return {};
            }
            why += "; it has a project connection, which reconcile_policy::project_connection can use instead";
        } else if (!policy.structured_inputs && takes_inputs(server)) {
            why +=
                "; reconcile_policy::structured_inputs can send them as structured inputs, which the service may log";
        }
        return subject + why;
    }

    static bool takes_inputs(const prompt_mcp_tool& server) {
        return std::any_of(server.headers.begin(), server.headers.end(),
                           [](const header& field) { return parse_template(field.value.reveal()).has_value(); });
    }

    /// Why the headers cannot be structured inputs; empty when they are.
    std::string fill_inputs(const prompt_mcp_tool& server, const headers& fields) {
        std::map<std::string, secret> inputs = plan_.structured_inputs;
        std::string names;
        for (const header& field : fields) {
            const secret* const stored = server.headers.find(field.name);
            const auto form = stored == nullptr ? std::nullopt : parse_template(stored->reveal());
            if (!form) return "its stored tool has no structured input for " + detail::escape(field.name);
            if (!input_.agent.structured_inputs.contains(std::string(form->input)))
                return "its stored tool takes " + detail::escape(field.name) + " from " + quote(form->input) +
                       ", which the agent does not declare among its structured inputs";
            const auto value = fill(*form, field.value.reveal());
            if (!value) return "the value of " + detail::escape(field.name) + " does not match its stored template";
            secret json = to_json_string(*value);
            const auto own = input_.options.structured_inputs.find(std::string(form->input));
            const bool differs = own != input_.options.structured_inputs.end() && own->second.text() != json.reveal();
            const auto [known, is_new] = inputs.emplace(std::string(form->input), json);
            if (differs || (!is_new && !(known->second == json)))
                return "structured input " + quote(form->input) + " would need two values";
            names += (names.empty() ? "" : ", ") + detail::escape(field.name) + " as " + quote(form->input);
        }
        plan_.structured_inputs = std::move(inputs);
        delayed_.emplace_back(as_inputs, "MCP server " + quote(server.server_label) +
                                             ": headers are sent as structured inputs (" + names +
                                             "), which the service may log.");
        return {};
    }

    void send_whole(bool headers_fit) {
        const std::string name = "agent " + quote(input_.agent.name);
        const errc code = headers_fit ? errc::not_allowed_with_agent : errc::mcp_headers_with_stored_agent;
        if (!input_.agent.kind.empty() && input_.agent.kind != "prompt")
            throw error(code, name + " is of kind " + quote(input_.agent.kind) +
                                  ", whose definition cannot be sent with a request; use another agent");
        if (!input_.agent.structured_inputs.empty())
            throw error(code, name +
                                  " declares structured inputs, which the service supports only for stored agents, so "
                                  "its definition cannot be sent instead of its name");
        plan_.structured_inputs.clear();
        plan_.report.add(inlined,
                         "The whole definition of " + name +
                             " is sent instead of its name, because the service accepts nothing else with a name.");
        place_all();
    }

    const response_input& input_;
    std::vector<prompt_tool> new_tools_;
    std::vector<reconcile_report::line> delayed_;  ///< Holds only if the agent is named.
    response_plan plan_;
};

/// Names of headers that the service does not store.
bool is_credential(std::string_view name) noexcept {
    constexpr std::string_view known[] = {
        "authorization", "proxy-authorization", "cookie",          "x-api-key",
        "api-key",       "x-auth-token",        "x-functions-key", "ocp-apim-subscription-key"};
    return std::any_of(std::begin(known), std::end(known),
                       [name](std::string_view each) { return equal_ignoring_case(name, each); });
}

}  // namespace

response_plan make_plan(const response_input& run) {
    return response_decision(run).make();
}

void validate(const prompt_agent_definition& definition) {
    for (const prompt_tool& value : definition.tools) {
        if (const auto* other = std::get_if<json_tool>(&value))
            if (other->type == "mcp" || other->type == "function")
                throw error(errc::invalid_argument, "prompt_agent_definition::tools has a json_tool of type " +
                                                        quote(other->type) +
                                                        "; use a prompt_mcp_tool or a function_tool");
        if (const auto* function = std::get_if<function_tool>(&value))
            validate_function(*function, "prompt_agent_definition::tools");
        const auto* server = as_mcp(value);
        if (server == nullptr) continue;
        validate_server(server->server_label, server->server_url, "prompt_agent_definition::tools");
        validate(server->headers, "MCP server " + quote(server->server_label));
        if (!server->authorization.empty() && !parse_template(server->authorization.reveal()))
            throw error(errc::invalid_argument,
                        "prompt_agent_definition::tools would store the authorization of MCP server " +
                            quote(server->server_label) + "; pass mcp_headers with each run");
        for (const header& field : server->headers)
            if (is_credential(field.name) && !parse_template(field.value.reveal()))
                throw error(errc::invalid_argument,
                            "prompt_agent_definition::tools would store " + quote(field.name) + " for MCP server " +
                                quote(server->server_label) +
                                "; pass mcp_headers with each run, or use a project connection");
    }
    refuse_duplicate_labels(definition.tools, "prompt_agent_definition::tools");
}

}  // namespace corun::reconcile
