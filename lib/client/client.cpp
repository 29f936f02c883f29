#include "api/fetch.hpp"
#include "api/listing.hpp"
#include "async/asio_clock.hpp"
#include "async/executor_checks.hpp"
#include "client/handle_access.hpp"
#include "client/protocols.hpp"
#include "curl/curl_transport.hpp"
#include <corun/client.hpp>

namespace corun {
namespace {

using detail::api_client;
using detail::fetch;
using detail::handle_access;
using detail::require;

/// Decodes a handle of the object in a response.
template <class Handle>
auto decode_handle(std::shared_ptr<api_client> api) {
    return [api = std::move(api)](std::string_view json) { return handle_access::make<Handle>(api, json); };
}

auto decode_version(std::shared_ptr<api_client> api) {
    return [api = std::move(api)](std::string_view json) { return handle_access::make_version(api, json); };
}

std::shared_ptr<api_client> connect(asio::any_io_executor executor, std::string endpoint, credential credential,
                                    client_options options) {
    detail::check_executor(executor);
    auto transport = curl::make_transport(executor, curl::options(options));
    auto clock = detail::make_clock(executor);
    return detail::make_api_client(std::move(executor), endpoint, std::move(credential), std::move(options),
                                   std::move(transport), std::move(clock));
}

}  // namespace

client::client(asio::any_io_executor executor, std::string endpoint, corun::credential credential,
               client_options options)
    : api_(connect(std::move(executor), std::move(endpoint), std::move(credential), std::move(options))) {}

asio::any_io_executor client::get_executor() const noexcept {
    return api_->executor;
}

// Agents.

asio::awaitable<agent> client::create_agent(agent_definition definition) {
    if (definition.model.empty()) throw error(errc::invalid_argument, "agent_definition::model is empty");
    secret body = api_->resources.agents.encode(definition);
    return fetch(api_, "POST", path_of_agents(*api_), decode_handle<agent>(api_), std::move(body));
}

asio::awaitable<agent> client::create_agent(prompt_agent_definition definition) {
    const auto* agents =
        require(*api_, api_->resources.prompt_agents, "client::create_agent with a prompt_agent_definition");
    secret body = agents->encode(definition);
    return fetch(api_, "POST", path_of_agents(*api_), decode_handle<agent>(api_), std::move(body));
}

agent client::local_agent(prompt_agent_definition definition) {
    require(*api_, api_->resources.prompt_agents, "client::local_agent");
    if (definition.model.empty()) throw error(errc::invalid_argument, "prompt_agent_definition::model is empty");
    return handle_access::make_local(api_, std::move(definition));
}

asio::awaitable<agent> client::get_agent(std::string agent_id) {
    return fetch(api_, "GET", path_of_agent(*api_, agent_id), decode_handle<agent>(api_));
}

asio::awaitable<agent> client::get_agent_version(std::string agent_id, std::string version) {
    require(*api_, api_->resources.prompt_agents, "client::get_agent_version");
    return fetch(api_, "GET", path_of_version(*api_, agent_id, version), decode_version(api_));
}

paged<agent> client::list_agent_versions(std::string agent_id, list_options options) {
    require(*api_, api_->resources.prompt_agents, "client::list_agent_versions");
    return detail::list<agent>(api_, path_of_versions(*api_, agent_id), std::move(options), decode_version(api_));
}

paged<agent> client::list_agents(list_options options) {
    return detail::list<agent>(api_, path_of_agents(*api_), std::move(options), decode_handle<agent>(api_));
}

asio::awaitable<void> client::delete_agent(std::string agent_id) {
    return detail::erase(api_, path_of_agent(*api_, agent_id));
}

// Threads.

asio::awaitable<agent_thread> client::create_thread(thread_definition definition) {
    secret body = api_->resources.threads.encode(definition);
    return fetch(api_, "POST", path_of_threads(*api_), decode_handle<agent_thread>(api_), std::move(body));
}

asio::awaitable<agent_thread> client::get_thread(std::string thread_id) {
    return fetch(api_, "GET", path_of_thread(*api_, thread_id), decode_handle<agent_thread>(api_));
}

paged<agent_thread> client::list_threads(list_options options) {
    require(*api_, api_->resources.threads.can_be_listed, "client::list_threads");
    return detail::list<agent_thread>(api_, path_of_threads(*api_), std::move(options),
                                      decode_handle<agent_thread>(api_));
}

asio::awaitable<void> client::delete_thread(std::string thread_id) {
    return detail::erase(api_, path_of_thread(*api_, thread_id));
}

// Runs.

asio::awaitable<thread_run> client::get_run(run_position run) {
    return fetch(api_, "GET", path_of_run(*api_, run), api_->resources.decode_run);
}

asio::awaitable<thread_run> client::cancel_run(run_position run) {
    return fetch(api_, "POST", path_of_run(*api_, run) + "/cancel", api_->resources.decode_run);
}

// Vector stores.

asio::awaitable<vector_store> client::create_vector_store(vector_store_definition definition) {
    const auto* stores = require(*api_, api_->resources.vector_stores, "client::create_vector_store");
    secret body = stores->encode(definition);
    return fetch(api_, "POST", "/vector_stores", decode_handle<vector_store>(api_), std::move(body));
}

asio::awaitable<vector_store> client::get_vector_store(std::string vector_store_id) {
    require(*api_, api_->resources.vector_stores, "client::get_vector_store");
    return fetch(api_, "GET", detail::path_of_vector_store(vector_store_id), decode_handle<vector_store>(api_));
}

paged<vector_store> client::list_vector_stores(list_options options) {
    require(*api_, api_->resources.vector_stores, "client::list_vector_stores");
    return detail::list<vector_store>(api_, "/vector_stores", std::move(options), decode_handle<vector_store>(api_));
}

asio::awaitable<void> client::delete_vector_store(std::string vector_store_id) {
    require(*api_, api_->resources.vector_stores, "client::delete_vector_store");
    return detail::erase(api_, detail::path_of_vector_store(vector_store_id));
}

}  // namespace corun
