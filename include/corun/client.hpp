#pragma once
#include <corun/agent.hpp>
#include <corun/agent_thread.hpp>
#include <corun/asio.hpp>
#include <corun/credential.hpp>
#include <corun/export.hpp>
#include <corun/files.hpp>
#include <corun/model_input.hpp>
#include <corun/options.hpp>
#include <corun/paged.hpp>
#include <corun/prompt_agent.hpp>
#include <corun/resources.hpp>
#include <corun/run_position.hpp>
#include <corun/vector_store.hpp>

#include <asio/any_io_executor.hpp>

#include <cstdint>
#include <functional>
#include <iosfwd>
#include <memory>
#include <string>
#include <string_view>

namespace corun {

namespace detail {
class api_client;
}  // namespace detail

/// A client of one project endpoint, or of any endpoint of the Responses protocol.
///
/// Every function completes when the service has responded. In the Responses protocol, `list_threads`, files and vector
/// stores are not supported; these functions fail with `errc::invalid_argument`.
///
/// *Errors:* An empty id and other invalid arguments throw `errc::invalid_argument`, most of them when the function is
/// called: before its awaitable is awaited. Every function can fail with the network errors and the service errors of
/// `errc`.
///
/// *Cancellation:* Terminal, partial and total. The request is dropped; the service may still have carried it out.
///
/// *Lifetime:* A cheap handle; copies share connections and options. Agents, threads and streams keep these alive.
///
/// *Threads:* Not thread-safe. Everything runs on the executor, which must be a single-threaded context or a strand. To
/// use more cores, create a client for each core. Requests from a coroutine on another execution context fail with
/// `errc::invalid_argument`. In debug builds of this library, concurrent use by two threads fails an assertion.
class CORUN_API client {
public:
    /// `endpoint` is the project's URL, `https://<resource>.services.ai.azure.com/api/projects/<project>`. In the
    /// Responses protocol it can also end in `/v1`, such as that of OpenAI, Azure OpenAI or a local server; such
    /// endpoints store no agents.
    ///
    /// *Errors:* Throws `errc::invalid_endpoint`; `errc::insecure_endpoint` if a credential would be sent over http to
    /// a host that is not loopback; `errc::invalid_argument` if an option is invalid, the executor is that of a thread
    /// pool with several threads, or the credential is an `api_key` for OpenAI, which accepts `bearer` only.
    client(asio::any_io_executor executor, std::string endpoint, corun::credential credential,
           client_options options = {});

    [[nodiscard]] asio::any_io_executor get_executor() const noexcept;

    /// Stores an agent.
    ///
    /// In the Responses protocol, stores the result of `migrate(definition)`. Fails with `errc::invalid_argument` and
    /// the notes of `migrate` if something cannot be converted or would change.
    [[nodiscard]] asio::awaitable<agent> create_agent(agent_definition definition);
    /// Stores version 1 of an agent. Its name is its id. Responses protocol only.
    [[nodiscard]] asio::awaitable<agent> create_agent(prompt_agent_definition definition);
    /// Returns an agent that the application keeps: each request contains its whole definition, so each run can add
    /// tools and headers. Sends and stores nothing. Its name can be empty.
    ///
    /// *Errors:* Throws `errc::invalid_argument` if its model is empty, and in the threads protocol.
    [[nodiscard]] agent local_agent(prompt_agent_definition definition);
    /// Fetches a stored agent.
    [[nodiscard]] asio::awaitable<agent> get_agent(std::string agent_id);
    /// Fetches one version of an agent, such as "3". Responses protocol only.
    ///
    /// The handle refers to this version: its runs use it, `refresh` fetches it, and `remove` deletes only it. `update`
    /// stores the agent's next version, which the handle refers to from then on. All other handles refer to the latest
    /// version at the time of each request.
    [[nodiscard]] asio::awaitable<agent> get_agent_version(std::string agent_id, std::string version);
    /// The versions of an agent, each as from `get_agent_version`. Responses protocol only.
    [[nodiscard]] paged<agent> list_agent_versions(std::string agent_id, list_options options = {});
    /// Lists the stored agents.
    [[nodiscard]] paged<agent> list_agents(list_options options = {});
    /// Deletes an agent, with all its versions.
    [[nodiscard]] asio::awaitable<void> delete_agent(std::string agent_id);

    /// Creates a thread. In the Responses protocol, a conversation.
    [[nodiscard]] asio::awaitable<agent_thread> create_thread(thread_definition definition = {});
    /// Fetches a thread.
    [[nodiscard]] asio::awaitable<agent_thread> get_thread(std::string thread_id);
    /// Lists the threads.
    [[nodiscard]] paged<agent_thread> list_threads(list_options options = {});
    /// Deletes a thread.
    [[nodiscard]] asio::awaitable<void> delete_thread(std::string thread_id);

    /// Fetches a run by its id and, in the threads protocol, the id of its thread. In the Responses protocol, a run is
    /// a response.
    [[nodiscard]] asio::awaitable<thread_run> get_run(run_position run);
    /// Asks the service to cancel a run, started by this process or another one. Completes with the run, which in the
    /// threads protocol is usually still `cancelling`.
    ///
    /// *Errors:* `errc::bad_request` or `conflict` for a run that has ended, and in the Responses protocol for a
    /// response that is not in the background.
    [[nodiscard]] asio::awaitable<thread_run> cancel_run(run_position run);

    /// The input items of a response, messages and others: also those that it has from an earlier response or its
    /// thread. Responses protocol only.
    [[nodiscard]] paged<response_item> list_input_items(std::string response_id, list_options options = {});
    /// Compacts a conversation: the result replaces the input and continues in another run
    /// (`run_options::input_items`). Responses protocol only.
    [[nodiscard]] asio::awaitable<compacted_response> compact(model_input input);
    /// Counts the tokens of an input. Responses protocol only.
    [[nodiscard]] asio::awaitable<std::int64_t> count_input_tokens(model_input input);

    /// Uploads a file. The request is never retried.
    ///
    /// *Errors:* Before anything is sent: `errc::invalid_argument` for a path that is not a file, or for a name,
    /// purpose or content type that cannot be sent; the system's error if the file cannot be opened.
    /// `std::errc::io_error` if the file becomes shorter during the upload. If it grows, its original size is sent.
    [[nodiscard]] asio::awaitable<file_info> upload_file(file_upload file);
    /// Fetches what the service knows about a file, without its bytes.
    [[nodiscard]] asio::awaitable<file_info> get_file(std::string file_id);
    /// Lists the files of one purpose, or all files if it is empty.
    [[nodiscard]] paged<file_info> list_files(std::string purpose = {});
    /// Deletes a file.
    [[nodiscard]] asio::awaitable<void> delete_file(std::string file_id);

    /// Downloads a file: passes its bytes to `sink` as they arrive, and completes with their number. Buffers at most
    /// `client_options::high_water_bytes` and one network read. Calls `sink` on the executor, and not after the
    /// function has completed.
    ///
    /// *Errors:* `errc::connection_lost` if the connection breaks, or the exception that `sink` throws.
    [[nodiscard]] asio::awaitable<std::uint64_t> download_file(std::string file_id,
                                                               std::function<void(std::string_view)> sink);
    /// Downloads a file to `out`, which must live until the function has completed. Fails with `std::errc::io_error` if
    /// writing to `out` fails.
    [[nodiscard]] asio::awaitable<std::uint64_t> download_file(std::string file_id, std::ostream& out);
    /// Downloads a file to `path`. Writes to a new file `<path>.<random>.part`, which replaces `path` when it is
    /// complete and is removed on failure. Of concurrent downloads to one path, the last to complete wins. Disk writes
    /// block the executor.
    [[nodiscard]] asio::awaitable<std::uint64_t> download_file(std::string file_id, std::string path);

    /// Download a file of a code interpreter's container, as `download_file` does. Responses protocol only.
    [[nodiscard]] asio::awaitable<std::uint64_t> download_container_file(std::string container_id, std::string file_id,
                                                                         std::function<void(std::string_view)> sink);
    [[nodiscard]] asio::awaitable<std::uint64_t> download_container_file(std::string container_id, std::string file_id,
                                                                         std::ostream& out);
    [[nodiscard]] asio::awaitable<std::uint64_t> download_container_file(std::string container_id, std::string file_id,
                                                                         std::string path);

    /// Creates a vector store. Its files are ingested afterwards: see `vector_store::wait`.
    [[nodiscard]] asio::awaitable<vector_store> create_vector_store(vector_store_definition definition = {});
    /// Fetches a vector store.
    [[nodiscard]] asio::awaitable<vector_store> get_vector_store(std::string vector_store_id);
    /// Lists the vector stores.
    [[nodiscard]] paged<vector_store> list_vector_stores(list_options options = {});
    /// Deletes a vector store. Its files are kept.
    [[nodiscard]] asio::awaitable<void> delete_vector_store(std::string vector_store_id);

private:
    std::shared_ptr<detail::api_client> api_;
};

}  // namespace corun
