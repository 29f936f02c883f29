#include "stream/threads_request.hpp"

#include "api/listing.hpp"
#include "protocol/threads/codec.hpp"
#include "protocol/threads/reconcile.hpp"
#include "stream/client_servers.hpp"
#include "stream/threads_ephemeral_agent.hpp"
#include "text/random.hpp"

#include <algorithm>
#include <utility>

namespace corun::detail {
namespace {

namespace wire = codec::threads;

void refuse_options_of_responses(const run_context& run) {
    const run_options& options = *run.options;
    const std::pair<const char*, bool> members[] = {{"background", options.background.has_value()},
                                                    {"previous_response_id", !options.previous_response_id.empty()},
                                                    {"store", options.store.has_value()},
                                                    {"structured_inputs", !options.structured_inputs.empty()},
                                                    {"input_items", !options.input_items.empty()},
                                                    {"reasoning", options.reasoning.has_value()},
                                                    {"verbosity", options.verbosity.has_value()},
                                                    {"context_management", !options.context_management.empty()},
                                                    {"prompt_cache_key", !options.prompt_cache_key.empty()},
                                                    {"prompt_cache_options", options.prompt_cache_options.has_value()},
                                                    {"max_tool_calls", options.max_tool_calls.has_value()},
                                                    {"service_tier", !options.service_tier.empty()},
                                                    {"moderation", options.moderation.has_value()},
                                                    {"safety_identifier", !options.safety_identifier.empty()},
                                                    {"include_obfuscation", options.include_obfuscation.has_value()},
                                                    {"top_logprobs", options.top_logprobs.has_value()},
                                                    {"access_programs", !options.access_programs.empty()}};
    for (const auto& [name, is_set] : members)
        if (is_set) throw_unavailable(*run.api, std::string("run_options::") + name);
}

reconcile::input input_of(const run_context& run) {
    reconcile::input input;
    input.agent = run.definition;
    input.thread = run.thread_resources;
    input.headers = run.headers;
    input.options = *run.options;
    input.mode = run.streams ? reconcile::mode::streaming : reconcile::mode::polling;
    return input;
}

/// The thread that the run is in; empty where the run creates it.
const std::string& thread_of(const run_context& run) noexcept {
    return run.conversation && run.threads.former_thread.empty() ? run.conversation->value.id
                                                                 : run.threads.former_thread;
}

std::string path_to_runs(const run_context& run) {
    const bool creates_thread = !run.conversation && run.threads.former_thread.empty();
    if (!creates_thread) return path_of("/threads", thread_of(run), "the thread's id") + "/runs";
    if (!run.options->include.empty())
        throw error(errc::invalid_argument, "run_options::include requires an existing thread");
    return "/threads/runs";
}

wire::run_request request_of(run_context& run, reconcile::plan& plan) {
    wire::run_request request;
    request.agent_id = run.definition.id;
    request.creates_thread = !run.conversation && run.threads.former_thread.empty();
    request.stream = run.streams && !plan.polls;
    request.messages = run.messages;
    request.tools = std::move(plan.tools);
    request.tool_resources = std::move(plan.tool_resources);
    request.options = *run.options;
    if (options_of(run).reattach.mark_runs) {
        run.threads.mark = random_uuid();
        request.options.metadata[run_mark] = request.thread_metadata[run_mark] = run.threads.mark;
    }
    run.sends_headers = std::any_of(request.tool_resources.mcp.begin(), request.tool_resources.mcp.end(),
                                    [](const mcp_tool_resource& entry) { return !entry.headers.empty(); });
    return request;
}

/// Removes `tool_resources.mcp` from what is stored at `path`; completes with it as read back.
template <class Definition>
asio::awaitable<Definition> detach(std::shared_ptr<api_client> api, std::string path,
                                   Definition (*decode)(std::string_view), errc problem) {
    Definition stored;
    // The other kinds are sent as they are stored now, not as they were when they were last read.
    std::string json = co_await api_client::call(api, "GET", path);
    stored = decode(json);
    // How an update clears it is not documented: the kind left out, or empty.
    for (const bool empty : {false, true}) {
        if (stored.tool_resources.mcp.empty()) co_return stored;
        secret body = wire::encode_without_mcp(stored.tool_resources, empty);
        (void)co_await api_client::call(api, "POST", path, {}, std::move(body));
        json = co_await api_client::call(api, "GET", path);
        stored = decode(json);
    }
    if (stored.tool_resources.mcp.empty()) co_return stored;
    throw error(problem, "tool_resources.mcp were removed from " + path + ", but the service still returns them");
}

asio::awaitable<void> detach_from_agent(std::shared_ptr<run_context> run) {
    std::string path = path_of("/assistants", run->definition.id, "the agent's id");
    agent_definition stored =
        co_await detach(run->api, std::move(path), &wire::decode_agent, errc::agent_level_mcp_resources);
    run->definition.tool_resources = stored.tool_resources;
    run->agent->value = std::move(stored);
}

asio::awaitable<void> detach_from_thread(std::shared_ptr<run_context> run) {
    std::string path = path_of("/threads", run->conversation->value.id, "the thread's id");
    thread_definition stored =
        co_await detach(run->api, std::move(path), &wire::decode_thread, errc::thread_level_mcp_resources);
    run->thread_resources = stored.tool_resources;
    run->conversation->value = std::move(stored);
}

/// The approvals that detaching removes: a run that is begun again still needs them.
void keep_approvals(run_context& run, const wire::run_request& request) {
    for (const mcp_tool_resource& entry : request.tool_resources.mcp)
        if (entry.require_approval)
            run.options.change().require_approval.insert_or_assign(entry.server_label, *entry.require_approval);
}

class threads_rules final : public server_rules {
public:
    [[nodiscard]] std::vector<mcp_tool> servers(const run_context& run) const override {
        return reconcile::servers_of(input_of(run));
    }
    void check(const run_context& run) const override { (void)reconcile::make_plan(input_of(run)); }
    [[nodiscard]] bool takes_new_functions(const run_context&) const noexcept override { return true; }
};

}  // namespace

const server_rules& threads_server_rules() noexcept {
    static const threads_rules rules;
    return rules;
}

asio::awaitable<prepared_run> prepare_threads_run(std::shared_ptr<run_context> run, mcp_header_request request) {
    prepared_run prepared;
    refuse_options_of_responses(*run);
    if (run->conversation && run->conversation->cleaning)
        (void)co_await task<bool>::outcome_of_shielded(run->conversation->cleaning);
    for (const mcp_tool& server : reconcile::servers_of(input_of(*run)))
        request.server_labels.push_back(server.server_label);
    // Servers that corun calls have their headers.
    if (run->provider && !(run->client && request.server_labels.empty())) {
        run->headers = co_await ask_for_headers(run, std::move(request));
        prepared.report.add(
            provider_asked_row,
            "The provider of MCP headers was called before the run, and is called again for approvals.");
    }
    reconcile::plan plan = reconcile::make_plan(input_of(*run));
    for (const reconcile_report::line& line : plan.report.lines()) prepared.report.add(line.row, line.text);
    run->servers = std::move(plan.servers);
    run->threads.polls = plan.polls;
    wire::run_request body = request_of(*run, plan);
    prepared.call.path = path_to_runs(*run);
    prepared.call.query = include_query(run->options->include);
    // Invalid input is reported before anything is changed at the service.
    codec::encoded_request encoded = wire::encode_run(body);

    if (plan.detach_from_agent || plan.detach_from_thread) keep_approvals(*run, body);
    if (plan.detach_from_agent) co_await detach_from_agent(run);
    if (plan.detach_from_thread) co_await detach_from_thread(run);
    if (plan.ephemeral_agent) {
        run->threads.copy = co_await ephemeral_agent::create(run->api, std::move(*plan.ephemeral_agent));
        body.agent_id = run->threads.copy->id();
        encoded = wire::encode_run(body);
    }
    for (const mcp_tool_resource& server : body.tool_resources.mcp)
        for (const header& field : server.headers) prepared.secrets.add(field.value);
    prepared.call.body = std::move(encoded.body);
    prepared.report.set_request(prepared.call.path, std::move(encoded.shown));
    co_return prepared;
}

}  // namespace corun::detail
