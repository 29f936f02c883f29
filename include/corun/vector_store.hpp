#pragma once
#include <corun/asio.hpp>
#include <corun/chrono.hpp>
#include <corun/export.hpp>
#include <corun/files.hpp>
#include <corun/paged.hpp>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace corun {

namespace detail {
class api_client;
struct vector_store_object;
struct handle_access;
}  // namespace detail

/// Files that the tool `file_search` searches.
///
/// Every function completes when the service has responded. The service ingests files afterwards; `wait`,
/// `wait_for_file` and `wait_for_batch` complete when it has finished.
///
/// *Errors:* An empty handle, an empty id, and chunking, expiry or metadata out of range throw
/// `errc::invalid_argument`, most of them when the function is called: before its awaitable is awaited. Every function
/// can fail with the network errors and the service errors of `errc`.
///
/// *Cancellation:* Terminal, partial and total. The request is dropped; the service may still have carried it out.
///
/// *Lifetime:* A cheap handle; copies refer to the same vector store. It keeps the client's connections alive.
///
/// *Threads:* Not thread-safe. Use it on the client's executor.
class CORUN_API vector_store {
public:
    vector_store() = default;

    [[nodiscard]] const std::string& id() const noexcept;
    /// The vector store as last received through this handle or a copy.
    [[nodiscard]] const vector_store_info& info() const noexcept;

    /// Fetches the vector store, and updates `info`.
    [[nodiscard]] asio::awaitable<void> refresh();
    /// Changes the vector store: sends name, expiry and metadata of `changes` that are neither absent nor empty.
    ///
    /// *Errors:* `errc::invalid_argument` if other members are set, which cannot change.
    [[nodiscard]] asio::awaitable<void> update(vector_store_definition changes);
    /// Deletes the vector store. Its files are kept.
    [[nodiscard]] asio::awaitable<void> remove();

    /// Polls the vector store until no file is being ingested, and completes with `info`: check its status (`completed`
    /// or `expired`) and the number of failed files. Polls every 0.5 s, backing off to 8 s. Ignores up to three
    /// consecutive retryable failures (`is_retryable`).
    ///
    /// *Errors:* `errc::total_timeout` after `timeout`; 0 means no limit, a negative value has expired already.
    [[nodiscard]] asio::awaitable<vector_store_info> wait(std::chrono::milliseconds timeout = std::chrono::milliseconds{
                                                              0});

    /// Adds an uploaded file.
    [[nodiscard]] asio::awaitable<vector_store_file> add_file(std::string file_id,
                                                              std::optional<static_chunking> chunking = {});
    /// Fetches the status of one file.
    [[nodiscard]] asio::awaitable<vector_store_file> get_file(std::string file_id);
    /// Lists the files with a status, or all files if it is empty.
    [[nodiscard]] paged<vector_store_file> list_files(std::string status = {}, list_options options = {});
    /// Removes a file from the vector store. The file itself is kept.
    [[nodiscard]] asio::awaitable<void> remove_file(std::string file_id);
    /// Polls a file, as `wait` does, until its status is `completed`, `failed` or `cancelled`.
    [[nodiscard]] asio::awaitable<vector_store_file> wait_for_file(
        std::string file_id, std::chrono::milliseconds timeout = std::chrono::milliseconds{0});

    /// Adds several uploaded files as a batch.
    [[nodiscard]] asio::awaitable<vector_store_batch> add_files(std::vector<std::string> file_ids,
                                                                std::optional<static_chunking> chunking = {});
    /// Adds files in Azure storage as a batch.
    [[nodiscard]] asio::awaitable<vector_store_batch> add_data_sources(std::vector<vector_store_data_source> sources,
                                                                       std::optional<static_chunking> chunking = {});
    /// Fetches a batch.
    [[nodiscard]] asio::awaitable<vector_store_batch> get_batch(std::string batch_id);
    /// Cancels the ingestion of the remaining files of a batch.
    [[nodiscard]] asio::awaitable<vector_store_batch> cancel_batch(std::string batch_id);
    /// Lists the files of a batch with a status, or all files if it is empty.
    [[nodiscard]] paged<vector_store_file> list_batch_files(std::string batch_id, std::string status = {},
                                                            list_options options = {});
    /// Polls a batch, as `wait` does, until its status is `completed`, `failed` or `cancelled`.
    [[nodiscard]] asio::awaitable<vector_store_batch> wait_for_batch(
        std::string batch_id, std::chrono::milliseconds timeout = std::chrono::milliseconds{0});

    [[nodiscard]] explicit operator bool() const noexcept { return object_ != nullptr; }

private:
    friend struct detail::handle_access;
    using object = detail::vector_store_object;
    std::shared_ptr<object> object_;
};

}  // namespace corun
