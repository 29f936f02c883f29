#include "clock.hpp"
#include "codec/threads.hpp"
#include "curl/transport.hpp"
#include "handle_access.hpp"
#include "reconcile/reconcile.hpp"
#include "service.hpp"
#include <corun/client.hpp>

namespace corun {
namespace {

using detail::delete_at;
using detail::handle_access;
using detail::path_of;
using detail::service;
namespace wire = codec::threads;

asio::awaitable<agent> create_agent_at(std::shared_ptr<service> owner, agent_definition definition) {
    if (definition.model.empty()) throw error(errc::invalid_argument, "agent_definition::model is empty");
    reconcile::validate(definition);
    secret body = wire::encode_agent(definition);
    const std::string json = co_await service::call(owner, "POST", "/assistants", {}, std::move(body));
    co_return handle_access::make(std::move(owner), wire::decode_agent(json));
}

asio::awaitable<agent> get_agent_at(std::shared_ptr<service> owner, std::string id) {
    std::string path = path_of("/assistants", id, "the agent's id");
    const std::string json = co_await service::call(owner, "GET", std::move(path));
    co_return handle_access::make(std::move(owner), wire::decode_agent(json));
}

asio::awaitable<thread> create_thread_at(std::shared_ptr<service> owner, thread_definition definition) {
    reconcile::validate(definition);
    secret body = wire::encode_thread(definition);
    const std::string json = co_await service::call(owner, "POST", "/threads", {}, std::move(body));
    co_return handle_access::make(std::move(owner), wire::decode_thread(json));
}

asio::awaitable<thread> get_thread_at(std::shared_ptr<service> owner, std::string id) {
    std::string path = path_of("/threads", id, "the thread's id");
    const std::string json = co_await service::call(owner, "GET", std::move(path));
    co_return handle_access::make(std::move(owner), wire::decode_thread(json));
}

curl::options transport_options(const client_options& from) {
    curl::options settings;
    settings.ca_file = from.ca_file;
    settings.proxy = from.proxy;
    return settings;
}

std::shared_ptr<service> make_service(asio::any_io_executor executor, std::string endpoint, credential token,
                                      client_options options) {
    auto transport = curl::make_transport(executor, transport_options(options));
    auto clock = detail::make_clock(executor);
    return std::make_shared<service>(std::move(executor), endpoint, std::move(token), std::move(options),
                                     std::move(transport), std::move(clock));
}

}  // namespace

client::client(asio::any_io_executor executor, std::string endpoint, corun::credential credential,
               client_options options)
    : service_(make_service(std::move(executor), std::move(endpoint), std::move(credential), std::move(options))) {}

asio::any_io_executor client::get_executor() const noexcept {
    return service_->executor;
}

asio::awaitable<agent> client::create_agent(agent_definition definition) {
    return create_agent_at(service_, std::move(definition));
}

asio::awaitable<agent> client::get_agent(std::string agent_id) {
    return get_agent_at(service_, std::move(agent_id));
}

paged<agent> client::list_agents(list_options options) {
    auto decode = [owner = service_](const std::string& json) {
        return handle_access::make(owner, wire::decode_agent(json));
    };
    return detail::list<agent>(service_, "/assistants", std::move(options), std::move(decode));
}

asio::awaitable<void> client::delete_agent(std::string agent_id) {
    return delete_at(service_, "/assistants", std::move(agent_id), "the agent's id");
}

asio::awaitable<thread> client::create_thread(thread_definition definition) {
    return create_thread_at(service_, std::move(definition));
}

asio::awaitable<thread> client::get_thread(std::string thread_id) {
    return get_thread_at(service_, std::move(thread_id));
}

paged<thread> client::list_threads(list_options options) {
    auto decode = [owner = service_](const std::string& json) {
        return handle_access::make(owner, wire::decode_thread(json));
    };
    return detail::list<thread>(service_, "/threads", std::move(options), std::move(decode));
}

asio::awaitable<void> client::delete_thread(std::string thread_id) {
    return delete_at(service_, "/threads", std::move(thread_id), "the thread's id");
}

}  // namespace corun
