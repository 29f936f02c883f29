#include "settings.hpp"

#include "exit_code.hpp"
#include <corun/prompt_agent.hpp>
#include <corun/tools.hpp>

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <utility>

namespace corun::cli {
namespace {

bool is_set(const char* variable) {
    const char* const value = std::getenv(variable);
    return value != nullptr && *value != '\0';
}

bool ends_in_v1(std::string_view endpoint) {
    while (endpoint.ends_with('/')) endpoint.remove_suffix(1);
    return endpoint.ends_with("/v1");
}

std::vector<mcp_header_option> header_options(const connection_settings& options) {
    std::vector<mcp_header_option> all;
    for (const std::string& text : options.mcp_headers) all.push_back(mcp_header_option::parse("--mcp-header", text));
    for (const std::string& text : options.mcp_tokens)
        all.push_back(mcp_header_option::parse_token("--mcp-token", text));
    return all;
}

bool reconcile_policy::*policy_of(const std::string& name) {
    static const std::map<std::string, bool reconcile_policy::*> policies{
        {"ephemeral_agent", &reconcile_policy::ephemeral_agent},
        {"polling", &reconcile_policy::polling},
        {"approval_headers", &reconcile_policy::approval_headers},
        {"detach_from_agent", &reconcile_policy::detach_from_agent},
        {"detach_from_thread", &reconcile_policy::detach_from_thread},
        {"structured_inputs", &reconcile_policy::structured_inputs},
        {"project_connection", &reconcile_policy::project_connection},
        {"inline_definition", &reconcile_policy::inline_definition},
        {"drop_not_allowed", &reconcile_policy::drop_not_allowed},
    };
    const auto found = policies.find(name);
    if (found == policies.end()) throw usage_error("--reconcile: there is no policy '" + name + "'");
    return found->second;
}

}  // namespace

protocol protocol_of(const connection_settings& options) {
    if (options.protocol.empty()) return ends_in_v1(options.endpoint) ? protocol::responses : protocol::threads;
    return options.protocol == "responses" ? protocol::responses : protocol::threads;
}

credential make_credential(const asio::any_io_executor& executor, const connection_settings& options) {
    if (!options.api_key.empty()) return credential::api_key(secret_source::parse("--api-key", options.api_key).read());
    if (options.credential == "none") return {};
    if (options.credential == "azure") return default_credential(executor);
    if (!options.credential.empty())
        return credential::bearer(secret_source::parse("--credential", options.credential).read());
    for (const char* variable : {"AZURE_AI_TOKEN", "OPENAI_API_KEY"})
        if (is_set(variable) && ends_in_v1(options.endpoint) == (std::string_view(variable) == "OPENAI_API_KEY"))
            return credential::bearer(std::getenv(variable));
    return default_credential(executor);
}

client make_client(const asio::any_io_executor& executor, const connection_settings& options, observer hooks) {
    if (options.endpoint.empty())
        throw usage_error("there is no endpoint: use --endpoint URL, CORUN_ENDPOINT or a profile");
    client_options settings;
    settings.protocol = protocol_of(options);
    settings.ca_file = options.ca_file;
    settings.proxy = options.proxy;
    settings.application_id = "corun-cli";
    settings.observer = std::move(hooks);
    if (options.trace) settings.observer.on_wire = [](const wire_message& message) { std::cerr << message; };
    settings.total_timeout = std::chrono::milliseconds(static_cast<std::int64_t>(options.timeout_seconds * 1000));
    return client(executor, options.endpoint, make_credential(executor, options), std::move(settings));
}

headers headers_of(const connection_settings& options, std::string_view server_label) {
    headers found;
    for (const mcp_header_option& each : header_options(options))
        if (each.server_label == server_label) found.set(each.name, each.value());
    return found;
}

mcp_header_source make_mcp_headers(const connection_settings& options, used_secrets used) {
    std::vector<mcp_header_option> all = header_options(options);
    if (all.empty()) return {};
    return mcp_header_provider([all = std::move(all), used = std::move(used)](const mcp_header_request&) {
        mcp_headers found;
        for (const mcp_header_option& each : all) {
            used->push_back(each.value());
            found.set(each.server_label, each.name, used->back());
        }
        return found;
    });
}

std::map<std::string, std::string> mcp_urls(const connection_settings& options) {
    std::map<std::string, std::string> urls;
    for (const std::string& text : options.mcp_servers) {
        const auto equals = text.find('=');
        if (equals == text.npos || equals == 0) throw usage_error("--mcp: write LABEL=URL");
        urls[text.substr(0, equals)] = text.substr(equals + 1);
    }
    return urls;
}

asio::awaitable<agent> find_agent(client service, const connection_settings& options) {
    client handle = std::move(service);
    if (!options.agent.empty() && ends_in_v1(options.endpoint))
        throw usage_error("an endpoint that ends in /v1 stores no agents: use --model NAME instead of --agent");
    if (!options.agent.empty()) co_return co_await handle.get_agent(options.agent);
    if (options.model.empty() && protocol_of(options) == protocol::threads)
        throw usage_error("there is no agent: use --agent ID; 'corun agents list' shows those that there are");
    if (options.model.empty()) throw usage_error("there is no agent: use --agent ID, or --model NAME without an agent");
    if (protocol_of(options) == protocol::threads)
        throw usage_error("the threads protocol has no runs without an agent: use --agent ID");
    prompt_agent_definition definition;
    definition.model = options.model;
    definition.instructions = options.instructions;
    for (const auto& [label, url] : mcp_urls(options)) definition.tools.push_back(prompt_mcp_tool(label, url));
    co_return handle.local_agent(std::move(definition));
}

run_options make_run_options(const settings& options) {
    run_options run;
    if (!options.connection.agent.empty()) {
        if (!options.connection.model.empty()) run.model = options.connection.model;
        if (!options.connection.instructions.empty()) run.instructions = options.connection.instructions;
        for (const auto& [label, url] : mcp_urls(options.connection)) run.tools.push_back(mcp_tool(label, url));
    }
    if (options.run.approve == "all") run.default_approval = mcp_approval::never();
    if (options.run.approve == "none") run.on_mcp_approval = [](const mcp_approval_request&) { return false; };
    run.approvals_one_by_one = true;
    if (options.run.mcp_caller == "client") run.default_mcp_caller = mcp_caller::client;
    if (options.run.mcp_caller == "automatic") run.default_mcp_caller = mcp_caller::automatic;
    for (const std::string& name : options.run.reconcile) run.reconcile.*policy_of(name) = true;
    if (options.run.background) run.background = true;
    run.previous_response_id = options.run.previous_response;
    run.on_abandon = options.run.keep_running ? abandoned_run::goes_on : abandoned_run::cancelled;
    return run;
}

}  // namespace corun::cli
