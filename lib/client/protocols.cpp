#include "client/protocols.hpp"

#include "protocol/responses/resource_table.hpp"
#include "protocol/threads/resource_table.hpp"
#include "stream/client_servers.hpp"

#include <utility>

namespace corun::detail {

std::shared_ptr<api_client> make_api_client(asio::any_io_executor executor, std::string_view endpoint,
                                            corun::credential credential, client_options options,
                                            std::shared_ptr<net::transport> transport,
                                            std::shared_ptr<net::clock> clock) {
    const codec::resource_codec& resources =
        options.protocol == protocol::responses ? codec::responses::resources : codec::threads::resources;
    return std::make_shared<api_client>(std::move(executor), endpoint, std::move(credential), std::move(options),
                                        resources, std::move(transport), std::move(clock));
}

asio::awaitable<void> open_client_servers(std::shared_ptr<run_context> run) {
    const bool responses = run->api->options.protocol == protocol::responses;
    const server_rules& rules = responses ? responses_server_rules() : threads_server_rules();
    return open_client_servers(std::move(run), &rules);
}

std::unique_ptr<run_protocol> make_run_protocol(std::shared_ptr<run_context> run) {
    return run->api->options.protocol == protocol::responses ? make_responses_protocol(std::move(run))
                                                             : make_threads_protocol(std::move(run));
}

asio::awaitable<std::unique_ptr<run_protocol>> attach_run_protocol(std::shared_ptr<run_context> run,
                                                                   run_position position) {
    return run->api->options.protocol == protocol::responses
               ? attach_responses_protocol(std::move(run), std::move(position))
               : attach_threads_protocol(std::move(run), std::move(position));
}

asio::awaitable<std::unique_ptr<run_protocol>> find_run_protocol(std::shared_ptr<run_context> run, std::string run_id) {
    return find_threads_protocol(std::move(run), std::move(run_id));
}

}  // namespace corun::detail
