#include "stream/context.hpp"

#include "api/objects.hpp"
#include "async/task.hpp"
#include "async/wait.hpp"
#include "protocol/common.hpp"
#include "protocol/threads/codec.hpp"
#include "text/random.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace corun::detail {
namespace {

namespace wire = codec::threads;

// Agents that live for one run.

/// The metadata that tells a copy made by this library, with a value of its own for each.
constexpr const char* ephemeral_mark = "corun_ephemeral";

/// With delays that grow fourfold: the last comes a little over 20 seconds, or 85, after the first.
constexpr int delete_attempts = 4;
constexpr std::chrono::milliseconds first_delay = std::chrono::seconds(1);

asio::awaitable<bool> delete_agent(std::shared_ptr<api_client> api, std::string id) {
    const std::string path = path_of("/assistants", id, "the agent's id");
    std::chrono::milliseconds delay = first_delay;
    for (int attempt = 1;; ++attempt, delay *= 4) {
        std::optional<error> failure;
        try {
            (void)co_await api_client::call(api, "DELETE", path);
        } catch (const error& problem) {
            failure = problem;
        }
        if (!failure || failure->code() == errc::not_found) co_return true;
        if (attempt == delete_attempts || !is_retryable(failure->code())) co_return false;
        const auto pause = std::max(delay, failure->retry_after().value_or(delay));
        co_await sleep_until(api->clock, api->clock->now() + pause);
    }
}

asio::awaitable<std::string> find_marked(std::shared_ptr<api_client> api, std::string mark) {
    std::string id;
    const std::string json = co_await api_client::call(api, "GET", "/assistants", "limit=100&order=desc");
    for (const std::string& item : codec::decode_page(json).items) {
        const agent_definition found = wire::decode_agent(item);
        const auto value = found.metadata.find(ephemeral_mark);
        if (value != found.metadata.end() && value->second == mark) id = found.id;
    }
    co_return id;
}

/// The request may have been carried out though no answer came, or may still be: looks for what it
/// made, now and a few times later.
asio::awaitable<bool> delete_marked(std::shared_ptr<api_client> api, std::string mark) {
    std::string id;
    std::chrono::milliseconds delay = first_delay;
    for (int attempt = 1; attempt <= delete_attempts; ++attempt, delay *= 4) {
        bool failed = false;
        try {
            id = co_await find_marked(api, mark);
        } catch (const error&) {
            failed = true;
        }
        if (!failed && !id.empty()) co_return co_await delete_agent(std::move(api), std::move(id));
        if (attempt < delete_attempts) co_await sleep_until(api->clock, api->clock->now() + delay);
    }
    co_return false;
}

/// Nobody waits for it, and nobody can be told: a copy that stays bears `ephemeral_mark`.
template <class T>
void in_background(const asio::any_io_executor& executor, asio::awaitable<T> work) noexcept {
    try {
        (void)task<T>::start(executor, std::move(work));
    } catch (...) {
    }
}

asio::awaitable<std::shared_ptr<ephemeral_agent>> create_copy(std::shared_ptr<api_client> api, secret body,
                                                              std::string mark) {
    std::shared_ptr<ephemeral_agent> made;
    std::exception_ptr failure;
    try {
        const std::string json = co_await api_client::call(api, "POST", "/assistants", {}, std::move(body));
        made = std::make_shared<ephemeral_agent>(api, wire::decode_agent(json).id);
    } catch (const error& problem) {
        failure = std::current_exception();
        const bool refused = problem.status() >= 400 && problem.status() < 500;
        if (!refused) in_background(api->executor, delete_marked(api, std::move(mark)));
    }
    if (failure) std::rethrow_exception(failure);
    co_return made;
}

// MCP resources that are stored where they clash.

/// Removes `tool_resources.mcp` from what is stored at `path`; completes with it as read back.
template <class Definition>
asio::awaitable<Definition> detach(std::shared_ptr<api_client> api, std::string path,
                                   Definition (*decode)(std::string_view), errc problem) {
    Definition now;
    // The other kinds are sent as they stand there now, not as they were when they were last read.
    std::string json = co_await api_client::call(api, "GET", path);
    now = decode(json);
    // How an update clears it is not documented: the kind left out, or empty.
    for (const bool empty : {false, true}) {
        if (now.tool_resources.mcp.empty()) co_return now;
        secret body = wire::encode_without_mcp(now.tool_resources, empty);
        (void)co_await api_client::call(api, "POST", path, {}, std::move(body));
        json = co_await api_client::call(api, "GET", path);
        now = decode(json);
    }
    if (now.tool_resources.mcp.empty()) co_return now;
    throw error(problem, "tool_resources.mcp were removed from " + path + ", but are still there when read back");
}

asio::awaitable<void> detach_from_agent(std::shared_ptr<run_context> run) {
    std::string path = path_of("/assistants", run->given.agent.id, "the agent's id");
    agent_definition now =
        co_await detach(run->api, std::move(path), &wire::decode_agent, errc::agent_level_mcp_resources);
    run->given.agent.tool_resources = now.tool_resources;
    run->agent->value = std::move(now);
}

asio::awaitable<void> detach_from_thread(std::shared_ptr<run_context> run) {
    std::string path = path_of("/threads", run->conversation->value.id, "the thread's id");
    thread_definition now =
        co_await detach(run->api, std::move(path), &wire::decode_thread, errc::thread_level_mcp_resources);
    run->given.thread = now.tool_resources;
    run->conversation->value = std::move(now);
}

/// A provider is called by a coroutine that owns it: what its own coroutine captured then lives as
/// long as that does, also when nobody waits for it any more.
asio::awaitable<mcp_headers> headers_of(mcp_header_provider provider, mcp_header_request asked) {
    mcp_headers given = co_await provider(std::move(asked));
    co_return given;
}

}  // namespace

ephemeral_agent::ephemeral_agent(std::shared_ptr<api_client> api, std::string id)
    : api_(std::move(api)), id_(std::move(id)) {}

ephemeral_agent::~ephemeral_agent() {
    const asio::any_io_executor executor = api_->executor;
    in_background(executor, delete_agent(std::move(api_), std::move(id_)));
}

asio::awaitable<std::shared_ptr<ephemeral_agent>> ephemeral_agent::create(std::shared_ptr<api_client> api,
                                                                          agent_definition definition) {
    std::string mark = random_uuid();
    // The service takes no more than 16 pairs; the copy can spare one.
    while (definition.metadata.size() >= 16) definition.metadata.erase(std::prev(definition.metadata.end()));
    definition.metadata[ephemeral_mark] = mark;
    secret body = wire::encode_agent(definition);
    auto creation = task<std::shared_ptr<ephemeral_agent>>::start(api->executor,
                                                                  create_copy(api, std::move(body), std::move(mark)));
    co_return co_await task<std::shared_ptr<ephemeral_agent>>::outcome_of_shielded(std::move(creation));
}

stream_options limits_of(const run_context& run) noexcept {
    stream_options limits;
    const run_options& own = run.given.options;
    const client_options& common = run.api->options;
    limits.connect_timeout = own.connect_timeout.value_or(common.connect_timeout);
    limits.idle_timeout = own.idle_timeout.value_or(common.idle_timeout);
    limits.event_timeout = own.event_timeout.value_or(common.event_timeout);
    limits.total_timeout = own.total_timeout.value_or(common.total_timeout);
    limits.retry = own.retry.value_or(common.retry);
    limits.reattach = own.reattach.value_or(common.reattach);
    return limits;
}

asio::awaitable<mcp_headers> ask_for_headers(std::shared_ptr<run_context> run, mcp_header_request asked) {
    std::optional<mcp_headers> given;
    const std::chrono::milliseconds limit = run->given.options.mcp_header_timeout;
    std::exception_ptr failure;
    try {
        auto asking = task<mcp_headers>::start(run->api->executor, headers_of(run->provider, std::move(asked)));
        given = co_await task<mcp_headers>::outcome_within(std::move(asking), run->api->clock, limit);
    } catch (...) {
        failure = std::current_exception();
    }
    const auto state = co_await asio::this_coro::cancellation_state;
    if (state.cancelled() != asio::cancellation_type::none) throw std::system_error(asio::error::operation_aborted);
    if (failure) throw error(errc::mcp_headers_failed, what_of(failure));
    if (!given) throw error(errc::mcp_headers_timeout, "it gave none within " + std::to_string(limit.count()) + " ms");
    co_return std::move(*given);
}

asio::awaitable<prepared_run> prepare(std::shared_ptr<run_context> run, mcp_header_request asked) {
    prepared_run made;
    const run_options& asked_for = run->given.options;
    const std::pair<const char*, bool> of_responses[] = {
        {"background", asked_for.background.has_value()},
        {"previous_response_id", !asked_for.previous_response_id.empty()},
        {"store", asked_for.store.has_value()},
        {"structured_inputs", !asked_for.structured_inputs.empty()}};
    for (const auto& [name, is_given] : of_responses)
        if (is_given) require_protocol(*run->api, protocol::responses, std::string("run_options::") + name);
    if (run->provider) {
        for (const mcp_tool& server : reconcile::servers_of(run->given))
            asked.server_labels.push_back(server.server_label);
        run->given.headers = co_await ask_for_headers(run, std::move(asked));
        made.report.add(provider_asked_row,
                        "The provider of MCP headers was asked before the run, and is asked again for approvals.");
    }
    reconcile::plan plan = reconcile::make_plan(run->given);
    for (const reconcile_report::line& line : plan.report.lines()) made.report.add(line.row, line.text);
    run->servers = std::move(plan.servers);
    run->polls = plan.polls;

    const bool in_thread = run->conversation || !run->begun_in.empty();
    wire::run_request request;
    request.agent_id = run->given.agent.id;
    request.creates_thread = !in_thread;
    request.stream = run->given.mode == reconcile::mode::streaming && !plan.polls;
    request.messages = run->messages;
    request.tools = std::move(plan.tools);
    request.tool_resources = std::move(plan.tool_resources);
    request.options = run->given.options;
    if (const reattach_policy reattach = limits_of(*run).reattach; reattach.enabled && reattach.mark_runs) {
        run->mark = random_uuid();
        request.options.metadata[run_mark] = request.thread_metadata[run_mark] = run->mark;
    }
    made.call.path = "/threads/runs";
    if (in_thread) {
        const std::string& id = run->begun_in.empty() ? run->conversation->value.id : run->begun_in;
        made.call.path = path_of("/threads", id, "the thread's id") + "/runs";
    }
    if (!run->given.options.include.empty() && !in_thread)
        throw error(errc::invalid_argument, "run_options::include cannot be given to a run that creates its thread");
    made.call.query = include_query(run->given.options.include);
    made.call.body = wire::encode_run(request);

    run->bears_headers = std::any_of(request.tool_resources.mcp.begin(), request.tool_resources.mcp.end(),
                                     [](const mcp_tool_resource& entry) { return !entry.headers.empty(); });
    // What was stored is gone after this; a run begun again still needs it.
    if (plan.detach_from_agent || plan.detach_from_thread)
        for (const mcp_tool_resource& entry : request.tool_resources.mcp)
            if (entry.require_approval)
                run->given.options.require_approval.insert_or_assign(entry.server_label, *entry.require_approval);

    // Only now: what the caller got wrong has been said, and nothing has been changed.
    if (plan.detach_from_agent) co_await detach_from_agent(run);
    if (plan.detach_from_thread) co_await detach_from_thread(run);
    if (plan.ephemeral_agent) {
        run->copy = co_await ephemeral_agent::create(run->api, std::move(*plan.ephemeral_agent));
        request.agent_id = run->copy->id();
        made.call.body = wire::encode_run(request);
    }
    for (const mcp_tool_resource& server : request.tool_resources.mcp)
        for (const header& field : server.headers) made.secrets.add(field.value);
    made.report.set_request(made.call.path, wire::encode_run_redacted(request));
    co_return made;
}

}  // namespace corun::detail
