#pragma once
#include <corun/agent.hpp>
#include <corun/credential.hpp>
#include <corun/export.hpp>
#include <corun/options.hpp>
#include <corun/paged.hpp>
#include <corun/resources.hpp>
#include <corun/thread.hpp>

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>

#include <memory>
#include <string>

namespace corun {

namespace detail {
class service;
}  // namespace detail

/// A connection to one project endpoint. A cheap handle: copies share connections and options;
/// agents, threads and streams keep what they need of it alive.
///
/// Not thread-safe: everything runs on the executor, which must be a single-threaded context or a
/// strand. To use more cores, make a client per core.
class CORUN_API client {
public:
    /// `endpoint` is the project's URL, `https://<resource>.services.ai.azure.com/api/projects/<project>`.
    /// Throws `corun::error`: `errc::invalid_endpoint`, or `errc::insecure_endpoint` when a
    /// credential would go over http to a host that is not loopback.
    client(asio::any_io_executor executor, std::string endpoint, corun::credential credential,
           client_options options = {});

    [[nodiscard]] asio::any_io_executor get_executor() const noexcept;

    /// All calls complete when the service has answered. Errors: an empty id is
    /// `errc::invalid_argument`; then those of the network and of the service's answer.
    /// Cancellation: terminal, partial and total; the request is dropped.
    [[nodiscard]] asio::awaitable<agent> create_agent(agent_definition definition);
    [[nodiscard]] asio::awaitable<agent> get_agent(std::string agent_id);
    [[nodiscard]] paged<agent> list_agents(list_options options = {});
    [[nodiscard]] asio::awaitable<void> delete_agent(std::string agent_id);

    [[nodiscard]] asio::awaitable<thread> create_thread(thread_definition definition = {});
    [[nodiscard]] asio::awaitable<thread> get_thread(std::string thread_id);
    [[nodiscard]] paged<thread> list_threads(list_options options = {});
    [[nodiscard]] asio::awaitable<void> delete_thread(std::string thread_id);

private:
    std::shared_ptr<detail::service> service_;
};

}  // namespace corun
