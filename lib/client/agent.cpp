#include "api/api_client.hpp"
#include "client/handle_access.hpp"
#include "protocol/responses/reconcile.hpp"
#include "protocol/threads/codec.hpp"
#include "protocol/threads/reconcile.hpp"
#include "stream/stream.hpp"
#include <corun/agent.hpp>

namespace corun {
namespace {

using detail::api_client;
using detail::handle_access;
using detail::path_of;
namespace wire = codec::threads;

template <class State>
std::shared_ptr<detail::run_context> context_of(std::shared_ptr<State> of,
                                                std::shared_ptr<detail::thread_object> conversation, message text,
                                                mcp_header_source headers, run_options options, bool streams) {
    auto run = std::make_shared<detail::run_context>();
    run->api = of->api;
    run->provider = headers.provider();
    run->definition = of->value;
    run->agent = std::move(of);
    if (conversation) run->thread_resources = conversation->value.tool_resources;
    run->headers = headers.fixed();
    run->streams = streams;
    run->options = std::move(options);
    run->messages.push_back(std::move(text));
    run->conversation = std::move(conversation);
    return run;
}

asio::awaitable<event_stream> start_stream(std::shared_ptr<detail::run_context> run) {
    mcp_header_request asked;
    std::unique_ptr<detail::run_protocol> protocol =
        run->api->speaks_responses() ? detail::make_responses_protocol(run) : detail::make_threads_protocol(run);
    constexpr auto first = detail::run_protocol::start::first;
    detail::prepared_run request = co_await protocol->prepare(std::move(asked), first);
    co_return co_await handle_access::open_stream(std::move(run), std::move(protocol), std::move(request));
}

asio::awaitable<thread_run> post_run(std::shared_ptr<detail::run_context> run) {
    detail::require_protocol(*run->api, protocol::threads, "agent::create_run");
    mcp_header_request asked;
    constexpr auto first = detail::run_protocol::start::first;
    const std::unique_ptr<detail::run_protocol> protocol = detail::make_threads_protocol(run);
    detail::prepared_run request = co_await protocol->prepare(std::move(asked), first);
    const std::string json =
        co_await api_client::call(run->api, "POST", std::move(request.call.path), std::move(request.call.query),
                                  std::move(request.call.body), std::move(request.secrets));
    co_return wire::decode_run(json);
}

std::error_code outcome_of(run_state status) noexcept {
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
        case run_state::requires_action:
            return errc::action_required;
        default:
            return errc::premature_eof;
    }
}

asio::awaitable<run_result> gather(asio::awaitable<event_stream> started) {
    event_stream stream = co_await std::move(started);
    run_result result;
    std::error_code code;
    while (std::optional<event> arrived = co_await stream.next(code)) {
        result.apply(*arrived);
        while (std::optional<event> more = stream.try_next()) result.apply(*more);
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
        code = outcome_of(result.status);
        if (result.last_error) {
            details.service_code = result.last_error->code;
            details.service_message = result.last_error->message;
            details.retry_after = result.last_error->retry_after;
        }
    }
    if (code) throw run_error(code, std::move(details), std::move(result));
    co_return result;
}

template <class State>
asio::awaitable<void> update_agent(std::shared_ptr<State> of, agent_definition changes) {
    detail::require_protocol(*of->api, protocol::threads, "agent::update with an agent_definition");
    reconcile::validate(changes);
    secret body = wire::encode_agent_changes(changes);
    co_await detail::change(std::move(of), std::move(body));
}

template <class State>
asio::awaitable<void> store_version(std::shared_ptr<State> of, prompt_agent_definition whole) {
    detail::require_protocol(*of->api, protocol::responses, "agent::update with a prompt_agent_definition");
    detail::refuse_local(*of, "agent::update");
    reconcile::validate(whole);
    secret body = codec::responses::encode_agent_version(whole);
    std::string path = State::versions_of(*of->api, of->value.id);
    const std::string json = co_await api_client::call(of->api, "POST", std::move(path), {}, std::move(body));
    of->read(json);
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

asio::awaitable<event_stream> agent::run_stream(message text, mcp_header_source headers, run_options options) {
    return start_stream(context_of(handle_access::open(*this, "the agent"), nullptr, std::move(text),
                                   std::move(headers), std::move(options), true));
}

asio::awaitable<event_stream> agent::run_stream(thread conversation, message text, mcp_header_source headers,
                                                run_options options) {
    return start_stream(context_of(handle_access::open(*this, "the agent"),
                                   handle_access::open(conversation, "the thread"), std::move(text), std::move(headers),
                                   std::move(options), true));
}

asio::awaitable<run_result> agent::run(message text, mcp_header_source headers, run_options options) {
    return gather(run_stream(std::move(text), std::move(headers), std::move(options)));
}

asio::awaitable<run_result> agent::run(thread conversation, message text, mcp_header_source headers,
                                       run_options options) {
    return gather(run_stream(std::move(conversation), std::move(text), std::move(headers), std::move(options)));
}

asio::awaitable<thread_run> agent::create_run(message text, mcp_header_source headers, run_options options) {
    return post_run(context_of(handle_access::open(*this, "the agent"), nullptr, std::move(text), std::move(headers),
                               std::move(options), false));
}

asio::awaitable<thread_run> agent::create_run(thread conversation, message text, mcp_header_source headers,
                                              run_options options) {
    return post_run(context_of(handle_access::open(*this, "the agent"), handle_access::open(conversation, "the thread"),
                               std::move(text), std::move(headers), std::move(options), false));
}

asio::awaitable<void> agent::refresh() {
    auto of = handle_access::open(*this, "the agent");
    detail::refuse_local(*of, "agent::refresh");
    return detail::refresh(std::move(of));
}

asio::awaitable<void> agent::update(agent_definition changes) {
    return update_agent(handle_access::open(*this, "the agent"), std::move(changes));
}

asio::awaitable<void> agent::update(prompt_agent_definition whole) {
    return store_version(handle_access::open(*this, "the agent"), std::move(whole));
}

asio::awaitable<void> agent::remove() {
    auto of = handle_access::open(*this, "the agent");
    detail::refuse_local(*of, "agent::remove");
    return detail::erase(std::move(of));
}

}  // namespace corun
