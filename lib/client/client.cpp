#include "api/api_client.hpp"
#include "async/asio_clock.hpp"
#include "client/handle_access.hpp"
#include "curl/curl_transport.hpp"
#include "protocol/responses/reconcile.hpp"
#include "protocol/threads/codec.hpp"
#include "protocol/threads/reconcile.hpp"
#include <corun/client.hpp>

namespace corun {
namespace {

using detail::api_client;
using detail::handle_access;
namespace wire = codec::threads;

asio::awaitable<agent> create_prompt_agent_at(std::shared_ptr<api_client> api, prompt_agent_definition definition) {
    detail::require_protocol(*api, protocol::responses, "client::create_agent with a prompt_agent_definition");
    if (definition.name.empty()) throw error(errc::invalid_argument, "prompt_agent_definition::name is empty");
    reconcile::validate(definition);
    secret body = codec::responses::encode_agent(definition);
    co_return co_await handle_access::create<agent>(std::move(api), std::move(body));
}

asio::awaitable<agent> create_agent_at(std::shared_ptr<api_client> api, agent_definition definition) {
    if (definition.model.empty()) throw error(errc::invalid_argument, "agent_definition::model is empty");
    reconcile::validate(definition);
    if (api->speaks_responses()) {
        migrated_agent migrated = migrate(definition);
        std::string notes;
        for (const std::string& note : migrated.notes) notes += (notes.empty() ? "" : " ") + note;
        if (!notes.empty())
            throw error(errc::invalid_argument,
                        "agent_definition cannot be carried over as it is: " + notes +
                            " Take what migrate() makes of it, and give that as prompt_agent_definition");
        co_return co_await create_prompt_agent_at(std::move(api), std::move(migrated.definition));
    }
    secret body = wire::encode_agent(definition);
    co_return co_await handle_access::create<agent>(std::move(api), std::move(body));
}

asio::awaitable<thread> create_thread_at(std::shared_ptr<api_client> api, thread_definition definition) {
    reconcile::validate(definition);
    secret body =
        api->speaks_responses() ? codec::responses::encode_conversation(definition) : wire::encode_thread(definition);
    co_return co_await handle_access::create<thread>(std::move(api), std::move(body));
}

curl::options transport_options(const client_options& from) {
    curl::options settings;
    settings.ca_file = from.ca_file;
    settings.client_certificate_file = from.client_certificate_file;
    settings.client_key_file = from.client_key_file;
    settings.client_key_passphrase = from.client_key_passphrase;
    settings.proxy = from.proxy;
    settings.unix_socket = from.unix_socket;
    settings.resolve = from.resolve;
    settings.multiplex_streams = from.multiplex_streams;
    settings.max_backlog_bytes = from.max_backlog_bytes;
    return settings;
}

std::shared_ptr<api_client> make_service(asio::any_io_executor executor, std::string endpoint, credential token,
                                         client_options options) {
    auto transport = curl::make_transport(executor, transport_options(options));
    auto clock = detail::make_clock(executor);
    return std::make_shared<api_client>(std::move(executor), endpoint, std::move(token), std::move(options),
                                        std::move(transport), std::move(clock));
}

}  // namespace

client::client(asio::any_io_executor executor, std::string endpoint, corun::credential credential,
               client_options options)
    : api_(make_service(std::move(executor), std::move(endpoint), std::move(credential), std::move(options))) {}

asio::any_io_executor client::get_executor() const noexcept {
    return api_->executor;
}

asio::awaitable<agent> client::create_agent(agent_definition definition) {
    return create_agent_at(api_, std::move(definition));
}

asio::awaitable<agent> client::create_agent(prompt_agent_definition definition) {
    return create_prompt_agent_at(api_, std::move(definition));
}

agent client::local_agent(prompt_agent_definition definition) {
    detail::require_protocol(*api_, protocol::responses, "client::local_agent");
    if (definition.model.empty()) throw error(errc::invalid_argument, "prompt_agent_definition::model is empty");
    return handle_access::make_local(api_, std::move(definition));
}

asio::awaitable<agent> client::get_agent(std::string agent_id) {
    return handle_access::get<agent>(api_, std::move(agent_id));
}

asio::awaitable<agent> client::get_agent_version(std::string agent_id, std::string version) {
    detail::require_protocol(*api_, protocol::responses, "client::get_agent_version");
    return handle_access::get_version(api_, std::move(agent_id), std::move(version));
}

paged<agent> client::list_agent_versions(std::string agent_id, list_options options) {
    detail::require_protocol(*api_, protocol::responses, "client::list_agent_versions");
    return handle_access::list_versions(api_, agent_id, std::move(options));
}

paged<agent> client::list_agents(list_options options) {
    return handle_access::list<agent>(api_, std::move(options));
}

asio::awaitable<void> client::delete_agent(std::string agent_id) {
    return handle_access::remove<agent>(api_, std::move(agent_id));
}

asio::awaitable<thread> client::create_thread(thread_definition definition) {
    return create_thread_at(api_, std::move(definition));
}

asio::awaitable<thread> client::get_thread(std::string thread_id) {
    return handle_access::get<thread>(api_, std::move(thread_id));
}

paged<thread> client::list_threads(list_options options) {
    detail::require_protocol(*api_, protocol::threads, "client::list_threads");
    return handle_access::list<thread>(api_, std::move(options));
}

asio::awaitable<void> client::delete_thread(std::string thread_id) {
    return handle_access::remove<thread>(api_, std::move(thread_id));
}

}  // namespace corun
