#include "codec/threads.hpp"
#include "handle_access.hpp"
#include "reconcile/reconcile.hpp"
#include "service.hpp"
#include <corun/thread.hpp>

namespace corun {
namespace {

using detail::handle_access;
using detail::path_of;
using detail::service;
namespace wire = codec::threads;

template <class State>
std::string path_to(const State& of) {
    return path_of("/threads", of.definition.id, "the thread's id");
}

// The members of a handle are not coroutines themselves: a coroutine keeps `this`, and handles come and go.

template <class State>
asio::awaitable<void> refresh_thread(std::shared_ptr<State> of) {
    const std::string json = co_await service::call(of->service, "GET", path_to(*of));
    of->definition = wire::decode_thread(json);
}

template <class State>
asio::awaitable<void> update_thread(std::shared_ptr<State> of, thread_definition changes) {
    reconcile::validate(changes);
    secret body = wire::encode_thread_changes(changes);
    const std::string json = co_await service::call(of->service, "POST", path_to(*of), {}, std::move(body));
    of->definition = wire::decode_thread(json);
}

template <class State>
asio::awaitable<void> remove_thread(std::shared_ptr<State> of) {
    std::string path = path_to(*of);
    (void)co_await service::call(of->service, "DELETE", std::move(path));
}

template <class State>
asio::awaitable<thread_message> add_message_to(std::shared_ptr<State> of, message value) {
    secret body = wire::encode_message(value);
    const std::string json =
        co_await service::call(of->service, "POST", path_to(*of) + "/messages", {}, std::move(body));
    co_return wire::decode_message(json);
}

template <class State>
asio::awaitable<thread_message> get_message_of(std::shared_ptr<State> of, std::string id) {
    std::string path = path_to(*of) + path_of("/messages", id, "the message's id");
    const std::string json = co_await service::call(of->service, "GET", std::move(path));
    co_return wire::decode_message(json);
}

template <class State>
asio::awaitable<thread_run> call_run(std::shared_ptr<State> of, std::string id, std::string method, std::string what) {
    std::string path = path_to(*of) + path_of("/runs", id, "the run's id") + what;
    const std::string json = co_await service::call(of->service, std::move(method), std::move(path));
    co_return wire::decode_run(json);
}

}  // namespace

const std::string& thread::id() const noexcept {
    return definition().id;
}

const thread_definition& thread::definition() const noexcept {
    static const thread_definition none;
    return state_ ? state_->definition : none;
}

asio::awaitable<void> thread::refresh() {
    return refresh_thread(handle_access::open(*this, "the thread"));
}

asio::awaitable<void> thread::update(thread_definition changes) {
    return update_thread(handle_access::open(*this, "the thread"), std::move(changes));
}

asio::awaitable<void> thread::remove() {
    return remove_thread(handle_access::open(*this, "the thread"));
}

asio::awaitable<thread_message> thread::add_message(message value) {
    return add_message_to(handle_access::open(*this, "the thread"), std::move(value));
}

asio::awaitable<thread_message> thread::get_message(std::string message_id) {
    return get_message_of(handle_access::open(*this, "the thread"), std::move(message_id));
}

paged<thread_message> thread::list_messages(list_options options) {
    const auto of = handle_access::open(*this, "the thread");
    return detail::list<thread_message>(of->service, path_to(*of) + "/messages", std::move(options),
                                        wire::decode_message);
}

asio::awaitable<thread_run> thread::get_run(std::string run_id) {
    return call_run(handle_access::open(*this, "the thread"), std::move(run_id), "GET", {});
}

paged<thread_run> thread::list_runs(list_options options) {
    const auto of = handle_access::open(*this, "the thread");
    return detail::list<thread_run>(of->service, path_to(*of) + "/runs", std::move(options), wire::decode_run);
}

asio::awaitable<thread_run> thread::cancel_run(std::string run_id) {
    return call_run(handle_access::open(*this, "the thread"), std::move(run_id), "POST", "/cancel");
}

paged<run_step> thread::list_steps(std::string run_id, list_options options) {
    const auto of = handle_access::open(*this, "the thread");
    std::string path = path_to(*of) + path_of("/runs", run_id, "the run's id") + "/steps";
    return detail::list<run_step>(of->service, std::move(path), std::move(options), wire::decode_step);
}

}  // namespace corun
