#include "api/api_client.hpp"
#include "async/wait.hpp"
#include "client/handle_access.hpp"
#include "protocol/threads/codec.hpp"
#include "protocol/threads/reconcile.hpp"
#include "stream/stream.hpp"
#include <corun/thread.hpp>

namespace corun {
namespace {

using detail::api_client;
using detail::handle_access;
using detail::path_of;
using detail::path_to;
namespace wire = codec::threads;

// The members of a handle are not coroutines themselves: a coroutine keeps `this`, and handles come and go.

/// For what conversations do not have.
auto open_classic(const thread& of, const char* call) {
    auto state = handle_access::open(of, "the thread");
    detail::require_protocol(*state->api, protocol::threads, call);
    return state;
}

template <class State>
asio::awaitable<void> update_thread(std::shared_ptr<State> of, thread_definition changes) {
    reconcile::validate(changes);
    secret body = of->api->speaks_responses() ? codec::responses::encode_conversation_changes(changes)
                                              : wire::encode_thread_changes(changes);
    co_await detail::change(std::move(of), std::move(body));
}

// Messages: objects of their own, or items of a conversation.

template <class State>
std::string path_to_messages(const State& of) {
    return path_to(of) + (of.api->speaks_responses() ? "/items" : "/messages");
}

template <class State>
std::string path_to_message(const State& of, std::string_view id) {
    return path_of(path_to_messages(of), id, "the message's id");
}

/// Nothing for an item that is no message.
template <class State>
std::optional<thread_message> read_message(const State& of, std::string_view json) {
    if (!of.api->speaks_responses()) return wire::decode_message(json);
    std::optional<thread_message> read = codec::responses::decode_if_message(json);
    if (read) read->thread_id = of.value.id;
    return read;
}

template <class State>
thread_message require_message(const State& of, std::string_view json) {
    if (!of.api->speaks_responses()) return wire::decode_message(json);
    thread_message read = codec::responses::decode_message(json);
    read.thread_id = of.value.id;
    return read;
}

template <class State>
asio::awaitable<thread_message> add_message_to(std::shared_ptr<State> of, message value) {
    const bool items = of->api->speaks_responses();
    secret body = items ? codec::responses::encode_items({std::move(value)}) : wire::encode_message(value);
    std::string json = co_await api_client::call(of->api, "POST", path_to_messages(*of), {}, std::move(body));
    if (items) {
        std::vector<std::string> added = codec::decode_page(json).items;
        if (added.size() != 1) throw error(errc::bad_response, "one item was added, and another number answered");
        json = std::move(added.front());
    }
    co_return require_message(*of, json);
}

template <class State>
asio::awaitable<thread_message> get_message_of(std::shared_ptr<State> of, std::string id) {
    std::string path = path_to_message(*of, id);
    const std::string json = co_await api_client::call(of->api, "GET", std::move(path));
    co_return require_message(*of, json);
}

template <class State>
asio::awaitable<thread_message> update_message_of(std::shared_ptr<State> of, std::string id, metadata pairs) {
    std::string path = path_to_message(*of, id);
    secret body = wire::encode_metadata(pairs, "the message");
    const std::string json = co_await api_client::call(of->api, "POST", std::move(path), {}, std::move(body));
    co_return wire::decode_message(json);
}

template <class State>
asio::awaitable<void> delete_message_of(std::shared_ptr<State> of, std::string id) {
    std::string path = path_to_message(*of, id);
    (void)co_await api_client::call(of->api, "DELETE", std::move(path));
}

template <class State>
std::string path_to_run(const State& of, std::string_view id) {
    return path_to(of) + path_of("/runs", id, "the run's id");
}

template <class State>
asio::awaitable<thread_run> get_run_of(std::shared_ptr<State> of, std::string id) {
    std::string path = path_to_run(*of, id);
    const std::string json = co_await api_client::call(of->api, "GET", std::move(path));
    co_return wire::decode_run(json);
}

template <class State>
asio::awaitable<thread_run> update_run_of(std::shared_ptr<State> of, std::string id, metadata pairs) {
    std::string path = path_to_run(*of, id);
    secret body = wire::encode_metadata(pairs, "the run");
    const std::string json = co_await api_client::call(of->api, "POST", std::move(path), {}, std::move(body));
    co_return wire::decode_run(json);
}

template <class State>
asio::awaitable<thread_run> cancel_run_of(std::shared_ptr<State> of, std::string id) {
    std::string path = path_to_run(*of, id) + "/cancel";
    const std::string json = co_await api_client::call(of->api, "POST", std::move(path));
    co_return wire::decode_run(json);
}

template <class State>
asio::awaitable<thread_run> submit_to(std::shared_ptr<State> of, std::string id, submission answers) {
    if (answers.empty()) throw error(errc::invalid_argument, "the submission is empty");
    detail::redactor secrets;
    for (const tool_approval& approval : answers.approvals()) {
        reconcile::validate(approval.headers, "the approval of " + detail::quote(approval.tool_call_id));
        for (const header& field : approval.headers) secrets.add(field.value);
    }
    std::string path = path_to_run(*of, id) + "/submit_tool_outputs";
    secret body = wire::encode_submission(answers, false);
    const std::string json =
        co_await api_client::call(of->api, "POST", std::move(path), {}, std::move(body), std::move(secrets));
    co_return wire::decode_run(json);
}

template <class State>
asio::awaitable<run_step> get_step_of(std::shared_ptr<State> of, std::string run_id, std::string id,
                                      std::vector<std::string> include) {
    std::string path = path_to_run(*of, run_id) + path_of("/steps", id, "the step's id");
    std::string query = detail::include_query(include);
    const std::string json = co_await api_client::call(of->api, "GET", std::move(path), std::move(query));
    co_return wire::decode_step(json);
}

asio::awaitable<event_stream> answer_waiting_run(std::shared_ptr<detail::run_context> run, std::string run_id,
                                                 submission answers) {
    std::unique_ptr<detail::run_protocol> protocol = co_await detail::find_threads_protocol(run, std::move(run_id));
    co_return co_await handle_access::resume_stream(std::move(run), std::move(protocol), std::move(answers));
}

}  // namespace

const std::string& thread::id() const noexcept {
    return definition().id;
}

const thread_definition& thread::definition() const noexcept {
    static const thread_definition none;
    return object_ ? object_->value : none;
}

asio::awaitable<void> thread::refresh() {
    return detail::refresh(handle_access::open(*this, "the thread"));
}

asio::awaitable<void> thread::update(thread_definition changes) {
    return update_thread(handle_access::open(*this, "the thread"), std::move(changes));
}

asio::awaitable<void> thread::remove() {
    return detail::erase(handle_access::open(*this, "the thread"));
}

asio::awaitable<thread_message> thread::add_message(message value) {
    return add_message_to(handle_access::open(*this, "the thread"), std::move(value));
}

asio::awaitable<thread_message> thread::get_message(std::string message_id) {
    return get_message_of(handle_access::open(*this, "the thread"), std::move(message_id));
}

paged<thread_message> thread::list_messages(list_options options) {
    const auto of = handle_access::open(*this, "the thread");
    if (of->api->speaks_responses() && !options.run_id.empty())
        throw error(errc::invalid_argument, "list_options::run_id has no counterpart in the Responses protocol");
    return detail::list<thread_message>(of->api, path_to_messages(*of), std::move(options),
                                        [of](std::string_view json) { return read_message(*of, json); });
}

asio::awaitable<thread_message> thread::update_message(std::string message_id, metadata pairs) {
    return update_message_of(open_classic(*this, "thread::update_message"), std::move(message_id), std::move(pairs));
}

asio::awaitable<void> thread::delete_message(std::string message_id) {
    return delete_message_of(handle_access::open(*this, "the thread"), std::move(message_id));
}

asio::awaitable<thread_run> thread::get_run(std::string run_id) {
    return get_run_of(open_classic(*this, "thread::get_run"), std::move(run_id));
}

paged<thread_run> thread::list_runs(list_options options) {
    const auto of = open_classic(*this, "thread::list_runs");
    return detail::list<thread_run>(of->api, path_to(*of) + "/runs", std::move(options), wire::decode_run);
}

asio::awaitable<thread_run> thread::update_run(std::string run_id, metadata pairs) {
    return update_run_of(open_classic(*this, "thread::update_run"), std::move(run_id), std::move(pairs));
}

asio::awaitable<thread_run> thread::cancel_run(std::string run_id) {
    return cancel_run_of(open_classic(*this, "thread::cancel_run"), std::move(run_id));
}

asio::awaitable<thread_run> thread::wait_for_run(std::string run_id, std::chrono::milliseconds timeout) {
    const auto of = open_classic(*this, "thread::wait_for_run");
    const auto look = [of, run_id] { return get_run_of(of, run_id); };
    const auto done = [](const thread_run& run) {
        return is_terminal(run.status) || run.status == run_state::requires_action;
    };
    return detail::wait_until<thread_run>(of->api->clock, timeout, "run " + run_id, look, done);
}

asio::awaitable<thread_run> thread::submit(std::string run_id, submission answers) {
    return submit_to(open_classic(*this, "thread::submit"), std::move(run_id), std::move(answers));
}

asio::awaitable<event_stream> thread::submit_stream(std::string run_id, submission answers, mcp_header_source headers,
                                                    run_options options) {
    auto run = std::make_shared<detail::run_context>();
    run->conversation = open_classic(*this, "thread::submit_stream");
    run->api = run->conversation->api;
    run->provider = headers.provider();
    run->headers = headers.fixed();
    run->options = std::move(options);
    return answer_waiting_run(std::move(run), std::move(run_id), std::move(answers));
}

asio::awaitable<run_step> thread::get_step(std::string run_id, std::string step_id, std::vector<std::string> include) {
    return get_step_of(open_classic(*this, "thread::get_step"), std::move(run_id), std::move(step_id),
                       std::move(include));
}

paged<run_step> thread::list_steps(std::string run_id, list_options options) {
    const auto of = open_classic(*this, "thread::list_steps");
    std::string path = path_to_run(*of, run_id) + "/steps";
    return detail::list<run_step>(of->api, std::move(path), std::move(options), wire::decode_step);
}

}  // namespace corun
