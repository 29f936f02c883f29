#include "api/fetch.hpp"
#include "api/listing.hpp"
#include "async/wait.hpp"
#include "client/handle_access.hpp"
#include "client/protocols.hpp"
#include "protocol/reconcile_checks.hpp"
#include "text/escape.hpp"
#include <corun/agent_thread.hpp>

#include <utility>

namespace corun {
namespace {

using detail::fetch;
using detail::handle_access;
using detail::path_of;
using detail::require;
using detail::thread_object;
using thread_pointer = std::shared_ptr<thread_object>;

thread_pointer open(const agent_thread& handle) {
    return handle_access::open(handle, "the thread");
}

std::string path_to_message(const thread_object& conversation, std::string_view id) {
    return path_of(conversation.path_of_messages(), id, "the message's id");
}

thread_message in_thread(thread_message value, const thread_object& conversation) {
    if (value.thread_id.empty()) value.thread_id = conversation.value.id;
    return value;
}

/// `decode`, and tells the message its thread where the JSON does not.
template <class Decode>
auto decode_in_thread(thread_pointer conversation, Decode decode) {
    return [conversation = std::move(conversation), decode](std::string_view json) {
        return in_thread(decode(json), *conversation);
    };
}

/// The runs of a thread, for calls that need a protocol that has them.
struct thread_runs {
    thread_runs(const agent_thread& handle, const char* call)
        : conversation(open(handle)), codec(*require(*conversation->api, conversation->api->resources.runs, call)) {}

    [[nodiscard]] std::string path() const { return conversation->path() + "/runs"; }
    [[nodiscard]] std::string path(std::string_view id) const { return path_of(path(), id, "the run's id"); }
    [[nodiscard]] asio::awaitable<thread_run> fetch(std::string_view id) const {
        return detail::fetch(conversation->api, "GET", path(id), codec.decode);
    }

    thread_pointer conversation;
    const corun::codec::run_codec& codec;
};

/// The values of the headers in approvals, checked.
detail::redactor secrets_of(const submission& answers) {
    detail::redactor secrets;
    for (const tool_approval& approval : answers.approvals()) {
        reconcile::validate(approval.headers, "the approval of " + detail::quote(approval.tool_call_id));
        for (const header& field : approval.headers) secrets.add(field.value);
    }
    return secrets;
}

asio::awaitable<thread_run> submit_answers(thread_runs runs, std::string run_id, submission answers) {
    if (answers.empty()) throw error(errc::invalid_argument, "the submission is empty");
    detail::redactor secrets = secrets_of(answers);
    std::string path = runs.path(run_id) + "/submit_tool_outputs";
    secret body = runs.codec.encode_submission(answers);
    co_return co_await fetch(runs.conversation->api, "POST", std::move(path), runs.codec.decode, std::move(body), {},
                             std::move(secrets));
}

asio::awaitable<event_stream> answer_run(std::shared_ptr<detail::run_context> run, std::string run_id,
                                         submission answers) {
    std::unique_ptr<detail::run_protocol> protocol = co_await detail::find_run_protocol(run, std::move(run_id));
    co_await detail::open_client_servers(run);
    detail::stream_owner stream =
        co_await detail::run_stream::resume(std::move(run), std::move(protocol), std::move(answers));
    co_return handle_access::make_stream(std::move(stream));
}

}  // namespace

const std::string& agent_thread::id() const noexcept {
    return definition().id;
}

const thread_definition& agent_thread::definition() const noexcept {
    static const thread_definition none;
    return object_ ? object_->value : none;
}

asio::awaitable<void> agent_thread::refresh() {
    const thread_pointer conversation = open(*this);
    return detail::update(conversation, "GET", conversation->path());
}

asio::awaitable<void> agent_thread::update(thread_definition changes) {
    const thread_pointer conversation = open(*this);
    secret body = conversation->api->resources.threads.encode_changes(changes);
    return detail::update(conversation, "POST", conversation->path(), std::move(body));
}

asio::awaitable<void> agent_thread::remove() {
    const thread_pointer conversation = open(*this);
    return detail::erase(conversation->api, conversation->path());
}

// Messages.

asio::awaitable<thread_message> agent_thread::add_message(message value) {
    const thread_pointer conversation = open(*this);
    const codec::message_codec& messages = conversation->api->resources.messages;
    return fetch(conversation->api, "POST", conversation->path_of_messages(),
                 decode_in_thread(conversation, messages.decode_added), messages.encode(value));
}

asio::awaitable<thread_message> agent_thread::get_message(std::string message_id) {
    const thread_pointer conversation = open(*this);
    return fetch(conversation->api, "GET", path_to_message(*conversation, message_id),
                 decode_in_thread(conversation, conversation->api->resources.messages.decode));
}

paged<thread_message> agent_thread::list_messages(list_options options) {
    const thread_pointer conversation = open(*this);
    const codec::message_codec& messages = conversation->api->resources.messages;
    if (!options.run_id.empty()) require(*conversation->api, messages.has_runs, "list_options::run_id");
    auto decode = [conversation, decode = messages.decode_listed](std::string_view json) {
        std::optional<thread_message> listed = decode(json);
        if (listed) listed = in_thread(std::move(*listed), *conversation);
        return listed;
    };
    return detail::list<thread_message>(conversation->api, conversation->path_of_messages(), std::move(options),
                                        std::move(decode));
}

asio::awaitable<thread_message> agent_thread::update_message(std::string message_id, metadata pairs) {
    const thread_pointer conversation = open(*this);
    const codec::message_codec& messages = conversation->api->resources.messages;
    const auto encode = require(*conversation->api, messages.encode_changes, "agent_thread::update_message");
    return fetch(conversation->api, "POST", path_to_message(*conversation, message_id), messages.decode, encode(pairs));
}

asio::awaitable<void> agent_thread::delete_message(std::string message_id) {
    const thread_pointer conversation = open(*this);
    return detail::erase(conversation->api, path_to_message(*conversation, message_id));
}

// Runs.

asio::awaitable<thread_run> agent_thread::get_run(std::string run_id) {
    return thread_runs(*this, "agent_thread::get_run").fetch(run_id);
}

paged<thread_run> agent_thread::list_runs(list_options options) {
    const thread_runs runs(*this, "agent_thread::list_runs");
    return detail::list<thread_run>(runs.conversation->api, runs.path(), std::move(options), runs.codec.decode);
}

asio::awaitable<thread_run> agent_thread::update_run(std::string run_id, metadata pairs) {
    const thread_runs runs(*this, "agent_thread::update_run");
    return fetch(runs.conversation->api, "POST", runs.path(run_id), runs.codec.decode,
                 runs.codec.encode_changes(pairs));
}

asio::awaitable<thread_run> agent_thread::cancel_run(std::string run_id) {
    const thread_runs runs(*this, "agent_thread::cancel_run");
    return fetch(runs.conversation->api, "POST", runs.path(run_id) + "/cancel", runs.codec.decode);
}

asio::awaitable<thread_run> agent_thread::wait_for_run(std::string run_id, std::chrono::milliseconds timeout) {
    const thread_runs runs(*this, "agent_thread::wait_for_run");
    const auto poll = [runs, run_id] { return runs.fetch(run_id); };
    const auto done = [](const thread_run& run) {
        return is_terminal(run.status) || run.status == run_state::requires_action;
    };
    return detail::wait_until<thread_run>(runs.conversation->api->clock, timeout, "run " + run_id, poll, done);
}

asio::awaitable<thread_run> agent_thread::submit(std::string run_id, submission answers) {
    return submit_answers(thread_runs(*this, "agent_thread::submit"), std::move(run_id), std::move(answers));
}

asio::awaitable<event_stream> agent_thread::submit_stream(std::string run_id, submission answers,
                                                          mcp_header_source headers, run_options options) {
    auto run = std::make_shared<detail::run_context>();
    run->conversation = thread_runs(*this, "agent_thread::submit_stream").conversation;
    run->api = detail::api_client::for_run(run->conversation->api, options);
    run->provider = headers.provider();
    run->headers = headers.fixed();
    run->options = detail::copy_on_write<run_options>(std::move(options));
    return answer_run(std::move(run), std::move(run_id), std::move(answers));
}

// Steps.

asio::awaitable<run_step> agent_thread::get_step(std::string run_id, std::string step_id,
                                                 std::vector<std::string> include) {
    const thread_runs runs(*this, "agent_thread::get_step");
    std::string path = runs.path(run_id) + path_of("/steps", step_id, "the step's id");
    return fetch(runs.conversation->api, "GET", std::move(path), runs.codec.decode_step, {},
                 detail::include_query(include));
}

paged<run_step> agent_thread::list_steps(std::string run_id, list_options options) {
    const thread_runs runs(*this, "agent_thread::list_steps");
    return detail::list<run_step>(runs.conversation->api, runs.path(run_id) + "/steps", std::move(options),
                                  runs.codec.decode_step);
}

}  // namespace corun
