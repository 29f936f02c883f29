#include "api/fetch.hpp"
#include "async/executor_checks.hpp"
#include "client/handle_access.hpp"
#include "client/protocols.hpp"
#include "stream/client_servers.hpp"
#include "values/run_progress.hpp"
#include <corun/agent.hpp>

#include <asio/this_coro.hpp>

#include <utility>

namespace corun {
namespace {

using detail::agent_object;
using detail::api_client;
using detail::fetch;
using detail::handle_access;
using detail::require;
using detail::run_context;
using shared_options = detail::copy_on_write<run_options>;
using agent_pointer = std::shared_ptr<agent_object>;

agent_pointer open(const agent& handle) {
    return handle_access::open(handle, "the agent");
}

/// For calls that need an agent at the service.
agent_pointer open_stored(const agent& handle, const char* call) {
    agent_pointer stored = open(handle);
    if (stored->local)
        throw error(errc::invalid_argument, std::string(call) + " requires a stored agent; this agent is local");
    return stored;
}

std::shared_ptr<run_context> make_context(agent_pointer agent, std::shared_ptr<detail::thread_object> conversation,
                                          message text, mcp_header_source headers, shared_options options,
                                          bool streams) {
    auto run = std::make_shared<run_context>();
    run->api = detail::api_client::for_run(agent->api, *options);
    run->provider = headers.provider();
    run->definition = agent->value;
    run->prompt = agent->prompt;
    run->agent = std::move(agent);
    if (conversation) run->thread_resources = conversation->value.tool_resources;
    run->headers = headers.fixed();
    run->streams = streams;
    run->options = std::move(options);
    run->messages.push_back(std::move(text));
    run->conversation = std::move(conversation);
    return run;
}

/// What was received of a run means nothing in the other protocol.
void check_protocol(const api_client& api, const run_position& position) {
    if (!position.progress || !position.progress->spoken || *position.progress->spoken == api.options.protocol) return;
    const bool threads = *position.progress->spoken == protocol::threads;
    throw error(errc::invalid_argument,
                std::string("the run's position is one of the ") + (threads ? "threads" : "Responses") +
                    " protocol; attach with a client of that protocol (client_options::protocol)");
}

std::shared_ptr<detail::thread_object> open_thread(const agent_thread& handle) {
    return handle_access::open(handle, "the thread");
}

asio::awaitable<detail::prepared_run> first_request(detail::run_protocol& protocol) {
    return protocol.prepare(mcp_header_request(), detail::run_protocol::start::first);
}

asio::awaitable<event_stream> start_stream(std::shared_ptr<run_context> run) {
    const asio::any_io_executor caller = co_await asio::this_coro::executor;
    detail::check_caller(run->api->executor, caller);
    std::unique_ptr<detail::run_protocol> protocol = detail::make_run_protocol(run);
    co_await detail::open_client_servers(run);
    detail::prepared_run prepared = co_await first_request(*protocol);
    detail::stream_owner stream =
        co_await detail::run_stream::open(std::move(run), std::move(protocol), std::move(prepared));
    co_return handle_access::make_stream(std::move(stream));
}

asio::awaitable<event_stream> attach(std::shared_ptr<run_context> run, run_position position) {
    const asio::any_io_executor caller = co_await asio::this_coro::executor;
    detail::check_caller(run->api->executor, caller);
    std::unique_ptr<detail::run_protocol> protocol = co_await detail::attach_run_protocol(run, std::move(position));
    co_await detail::open_client_servers(run);
    co_return handle_access::make_stream(detail::run_stream::attach(std::move(run), std::move(protocol)));
}

asio::awaitable<thread_run> create_only(std::shared_ptr<run_context> run, thread_run (*decode)(std::string_view)) {
    const asio::any_io_executor caller = co_await asio::this_coro::executor;
    detail::check_caller(run->api->executor, caller);
    const std::unique_ptr<detail::run_protocol> protocol = detail::make_run_protocol(run);
    detail::prepared_run prepared = co_await first_request(*protocol);
    detail::run_call& call = prepared.call;
    co_return co_await fetch(run->api, "POST", std::move(call.path), decode, std::move(call.body),
                             std::move(call.query), std::move(prepared.secrets));
}

/// A run that is created and not streamed.
asio::awaitable<thread_run> create(std::shared_ptr<run_context> run) {
    const codec::run_codec* runs = require(*run->api, run->api->resources.runs, "agent::create_run");
    detail::refuse_client_servers(*run->options, "agent::create_run");
    return create_only(std::move(run), runs->decode);
}

std::error_code error_of(run_state status) noexcept {
    switch (status) {
        case run_state::completed:
            return {};
        case run_state::failed:
            return errc::run_failed;
        case run_state::incomplete:
            return errc::run_incomplete;
        case run_state::cancelled:
            return errc::run_cancelled;
        case run_state::expired:
            return errc::run_expired;
        default:
            return errc::premature_eof;
    }
}

asio::awaitable<run_result> gather(asio::awaitable<event_stream> started) {
    event_stream stream = co_await std::move(started);
    run_result result;
    std::error_code code;
    for (bool ended = false; !ended;) {
        const std::span<const event> batch = co_await stream.next_batch(code);
        for (const event& each : batch) result.apply(each);
        ended = batch.empty();
    }
    if (code == asio::error::operation_aborted) throw std::system_error(code);
    result.report = stream.report();
    // The result may become a part of an error.
    const detail::redactor& secrets = handle_access::secrets_of(stream);
    if (result.last_error) secrets.redact(*result.last_error);
    for (run_step& step : result.steps)
        if (step.last_error) secrets.redact(*step.last_error);
    diagnostics details = stream.details();
    if (!code) {
        code = error_of(result.status);
        if (result.last_error) {
            details.service_code = result.last_error->code;
            details.service_message = result.last_error->message;
            details.retry_after = result.last_error->retry_after;
        }
    }
    if (code) throw run_error(code, std::move(details), std::move(result));
    co_return result;
}

}  // namespace

const std::string& agent::id() const noexcept {
    return definition().id;
}

const agent_definition& agent::definition() const noexcept {
    static const agent_definition none;
    return object_ ? object_->value : none;
}

const prompt_agent_definition& agent::prompt_definition() const noexcept {
    static const prompt_agent_definition none;
    return object_ ? object_->prompt : none;
}

asio::awaitable<event_stream> agent::run_stream(message text, mcp_header_source headers) {
    return start_stream(
        make_context(open(*this), nullptr, std::move(text), std::move(headers), shared_options(), true));
}

asio::awaitable<event_stream> agent::run_stream(message text, mcp_header_source headers, run_options options) {
    return start_stream(make_context(open(*this), nullptr, std::move(text), std::move(headers),
                                     shared_options(std::move(options)), true));
}

asio::awaitable<event_stream> agent::run_stream(agent_thread conversation, message text, mcp_header_source headers) {
    return start_stream(make_context(open(*this), open_thread(conversation), std::move(text), std::move(headers),
                                     shared_options(), true));
}

asio::awaitable<event_stream> agent::run_stream(agent_thread conversation, message text, mcp_header_source headers,
                                                run_options options) {
    return start_stream(make_context(open(*this), open_thread(conversation), std::move(text), std::move(headers),
                                     shared_options(std::move(options)), true));
}

asio::awaitable<event_stream> agent::attach_stream(run_position position, mcp_header_source headers,
                                                   run_options options) {
    const agent_pointer agent = open(*this);
    (void)path_of_run(*agent->api, position);
    check_protocol(*agent->api, position);
    auto run =
        make_context(agent, nullptr, std::string(), std::move(headers), shared_options(std::move(options)), true);
    run->messages.clear();
    return attach(std::move(run), std::move(position));
}

asio::awaitable<run_result> agent::run(message text, mcp_header_source headers, run_options options) {
    options.answers_by_hand = false;
    return gather(run_stream(std::move(text), std::move(headers), std::move(options)));
}

asio::awaitable<run_result> agent::run(agent_thread conversation, message text, mcp_header_source headers,
                                       run_options options) {
    options.answers_by_hand = false;
    return gather(run_stream(std::move(conversation), std::move(text), std::move(headers), std::move(options)));
}

asio::awaitable<thread_run> agent::create_run(message text, mcp_header_source headers, run_options options) {
    return create(make_context(open(*this), nullptr, std::move(text), std::move(headers),
                               shared_options(std::move(options)), false));
}

asio::awaitable<thread_run> agent::create_run(agent_thread conversation, message text, mcp_header_source headers,
                                              run_options options) {
    return create(make_context(open(*this), open_thread(conversation), std::move(text), std::move(headers),
                               shared_options(std::move(options)), false));
}

asio::awaitable<void> agent::refresh() {
    const agent_pointer stored = open_stored(*this, "agent::refresh");
    return detail::update(stored, "GET", stored->path());
}

asio::awaitable<void> agent::update(agent_definition changes) {
    const agent_pointer stored = open(*this);
    const auto encode =
        require(*stored->api, stored->api->resources.agents.encode_changes, "agent::update with an agent_definition");
    return detail::update(stored, "POST", stored->path(), encode(changes));
}

asio::awaitable<void> agent::update(prompt_agent_definition whole) {
    const std::shared_ptr<api_client> api = open(*this)->api;
    const auto* agents = require(*api, api->resources.prompt_agents, "agent::update with a prompt_agent_definition");
    const agent_pointer stored = open_stored(*this, "agent::update");
    return detail::update(stored, "POST", path_of_versions(*api, stored->value.id), agents->encode_version(whole));
}

asio::awaitable<void> agent::remove() {
    const agent_pointer stored = open_stored(*this, "agent::remove");
    return detail::erase(stored->api, stored->path());
}

}  // namespace corun
