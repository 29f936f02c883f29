#pragma once
#include <corun/agent.hpp>
#include <corun/credential.hpp>
#include <corun/export.hpp>
#include <corun/files.hpp>
#include <corun/options.hpp>
#include <corun/paged.hpp>
#include <corun/prompt_agent.hpp>
#include <corun/resources.hpp>
#include <corun/thread.hpp>
#include <corun/vector_store.hpp>

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <iosfwd>
#include <memory>
#include <string>
#include <string_view>

namespace corun {

namespace detail {
class api_client;
}  // namespace detail

/// A connection to one project endpoint, or to any endpoint of the Responses protocol. A cheap handle: copies share
/// connections and options; agents, threads and streams keep what they need of it alive.
///
/// Not thread-safe: everything runs on the executor, which must be a single-threaded context or a
/// strand. To use more cores, make a client per core.
class CORUN_API client {
public:
    /// `endpoint` is the project's URL, `https://<resource>.services.ai.azure.com/api/projects/<project>`. In the
    /// Responses protocol it may also end in `/v1`, as that of OpenAI, of Azure OpenAI or of a local server does: such
    /// a one stores no agents.
    /// Throws `corun::error`: `errc::invalid_endpoint`, or `errc::insecure_endpoint` when a
    /// credential would go over http to a host that is not loopback.
    client(asio::any_io_executor executor, std::string endpoint, corun::credential credential,
           client_options options = {});

    [[nodiscard]] asio::any_io_executor get_executor() const noexcept;

    /// All calls complete when the service has answered. Errors: an empty id is
    /// `errc::invalid_argument`; then those of the network and of the service's answer.
    /// Cancellation: terminal, partial and total; the request is dropped.
    ///
    /// What `client_options::protocol` has no counterpart for is `errc::invalid_argument`, which names the call: in the
    /// Responses protocol `list_threads`, files and vector stores.
    ///
    /// In the Responses protocol a classic definition is stored as what `migrate` makes of it; one of which something
    /// could not be carried over, or would be different, is `errc::invalid_argument` with what `migrate` says of it.
    [[nodiscard]] asio::awaitable<agent> create_agent(agent_definition definition);
    /// Responses protocol only: stores version 1 of an agent under its name, which is its id.
    [[nodiscard]] asio::awaitable<agent> create_agent(prompt_agent_definition definition);
    /// Responses protocol only: an agent that lives in the application and is sent whole with each request, so that
    /// each run can bring tools and headers. Nothing is sent here, and nothing stored anywhere; its name may be empty.
    /// Throws `errc::invalid_argument`.
    [[nodiscard]] agent local_agent(prompt_agent_definition definition);
    [[nodiscard]] asio::awaitable<agent> get_agent(std::string agent_id);
    /// Responses protocol only: this version of the agent, such as "3". What the handle does is then for this version
    /// alone: its runs name it, `refresh` reads it, `remove` deletes it and no other. `update` stores the agent's next
    /// version, which the handle is for from then on. Every other handle is for the latest version, whichever that is
    /// when the service is asked.
    [[nodiscard]] asio::awaitable<agent> get_agent_version(std::string agent_id, std::string version);
    /// Responses protocol only: the versions of an agent, each as by `get_agent_version`.
    [[nodiscard]] paged<agent> list_agent_versions(std::string agent_id, list_options options = {});
    [[nodiscard]] paged<agent> list_agents(list_options options = {});
    [[nodiscard]] asio::awaitable<void> delete_agent(std::string agent_id);

    [[nodiscard]] asio::awaitable<thread> create_thread(thread_definition definition = {});
    [[nodiscard]] asio::awaitable<thread> get_thread(std::string thread_id);
    [[nodiscard]] paged<thread> list_threads(list_options options = {});
    [[nodiscard]] asio::awaitable<void> delete_thread(std::string thread_id);

    /// Sends a file, once: a connection that breaks on the way is an error, never a second try. Errors
    /// before anything is sent: a name, purpose or content type that cannot be sent, or a path that is
    /// no file, are `errc::invalid_argument`; a file that cannot be opened has the system's code. One
    /// that becomes shorter on the way is `std::errc::io_error`; of one that grows, what it was is sent.
    [[nodiscard]] asio::awaitable<file_info> upload_file(file_upload what);
    [[nodiscard]] asio::awaitable<file_info> get_file(std::string file_id);
    /// Only files of one purpose, when given.
    [[nodiscard]] paged<file_info> list_files(std::string purpose = {});
    [[nodiscard]] asio::awaitable<void> delete_file(std::string file_id);

    /// Hands the bytes of a file to `sink` as they come, and completes with their number when it has
    /// them all: a connection that breaks before is `errc::connection_lost`. Of a large file at most
    /// `client_options::high_water_bytes` and one network read wait in memory. `sink` is called on the
    /// executor, and not after the call has ended; what it throws ends the download.
    [[nodiscard]] asio::awaitable<std::uint64_t> download_file(std::string file_id,
                                                               std::function<void(std::string_view)> sink);
    /// Writes them to `out`, which must live until the call has ended. `std::errc::io_error` when it
    /// takes no more.
    [[nodiscard]] asio::awaitable<std::uint64_t> download_file(std::string file_id, std::ostream& out);
    /// Writes them to a new file beside `path`, `<path>.<random>.part`, which becomes `path` when it is
    /// complete, replacing what was there, and is removed otherwise. Of downloads to one path at the
    /// same time, the last to complete stays, whole. Writing blocks the executor for as long as the
    /// disk takes.
    [[nodiscard]] asio::awaitable<std::uint64_t> download_file(std::string file_id, std::filesystem::path path);

    [[nodiscard]] asio::awaitable<vector_store> create_vector_store(vector_store_definition definition = {});
    [[nodiscard]] asio::awaitable<vector_store> get_vector_store(std::string vector_store_id);
    [[nodiscard]] paged<vector_store> list_vector_stores(list_options options = {});
    [[nodiscard]] asio::awaitable<void> delete_vector_store(std::string vector_store_id);

private:
    std::shared_ptr<detail::api_client> api_;
};

}  // namespace corun
