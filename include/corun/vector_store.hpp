#pragma once
#include <corun/export.hpp>
#include <corun/files.hpp>
#include <corun/paged.hpp>

#include <asio/awaitable.hpp>

#include <chrono>
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

/// Files that the tool `file_search` looks into. A cheap handle: copies mean the same vector store.
///
/// The service takes files in after it has answered: `wait` and its like tell when it is done.
///
/// Not thread-safe: everything runs on the client's executor. All calls complete when the service
/// has answered. Errors: an empty handle is `errc::invalid_argument`, thrown by the call itself; an
/// empty id, and chunking, expiry or metadata beyond their limits, are `errc::invalid_argument`; then
/// those of the network and of the service's answer. Cancellation: terminal, partial and total; the
/// request is dropped, and the service may have carried it out.
class CORUN_API vector_store {
public:
    vector_store() = default;

    [[nodiscard]] const std::string& id() const noexcept;
    /// The vector store as last received through this handle or a copy.
    [[nodiscard]] const vector_store_info& info() const noexcept;

    /// Reads the vector store again, so that `info` is what the service has now.
    [[nodiscard]] asio::awaitable<void> refresh();
    /// Sends name, expiry and metadata of `changes`; absent and empty members stay as they are. Its
    /// other members cannot change: `errc::invalid_argument` when they are given.
    [[nodiscard]] asio::awaitable<void> update(vector_store_definition changes);
    /// Deletes the vector store at the service. The files stay.
    [[nodiscard]] asio::awaitable<void> remove();

    /// Completes when no file is being taken in any more, and gives `info`: look at its status
    /// (`completed` or `expired`) and at how many files have failed. Reads the vector store again and
    /// again, at first twice a second and then less often, down to once in eight seconds. Failures that
    /// may pass (`is_retryable`) are looked past, up to three in a row. `errc::total_timeout` once
    /// `timeout` has passed, also while it is being read; 0 is no limit, and less has passed already.
    [[nodiscard]] asio::awaitable<vector_store_info> wait(std::chrono::milliseconds timeout = std::chrono::milliseconds{
                                                              0});

    /// Puts an uploaded file into the vector store.
    [[nodiscard]] asio::awaitable<vector_store_file> add_file(std::string file_id,
                                                              std::optional<static_chunking> chunking = {});
    [[nodiscard]] asio::awaitable<vector_store_file> get_file(std::string file_id);
    /// `status`: only files of this status; empty: all.
    [[nodiscard]] paged<vector_store_file> list_files(std::string status = {}, list_options options = {});
    /// Takes a file out of the vector store. The file itself stays.
    [[nodiscard]] asio::awaitable<void> remove_file(std::string file_id);
    /// As `wait`, until the file is `completed`, `failed` or `cancelled`: look at its status.
    [[nodiscard]] asio::awaitable<vector_store_file> wait_for_file(
        std::string file_id, std::chrono::milliseconds timeout = std::chrono::milliseconds{0});

    /// Puts many files into the vector store at once.
    [[nodiscard]] asio::awaitable<vector_store_batch> add_files(std::vector<std::string> file_ids,
                                                                std::optional<static_chunking> chunking = {});
    /// The same with files that are elsewhere in Azure.
    [[nodiscard]] asio::awaitable<vector_store_batch> add_data_sources(std::vector<vector_store_data_source> sources,
                                                                       std::optional<static_chunking> chunking = {});
    [[nodiscard]] asio::awaitable<vector_store_batch> get_batch(std::string batch_id);
    /// Stops taking in what has not been taken in yet.
    [[nodiscard]] asio::awaitable<vector_store_batch> cancel_batch(std::string batch_id);
    [[nodiscard]] paged<vector_store_file> list_batch_files(std::string batch_id, std::string status = {},
                                                            list_options options = {});
    /// As `wait`, until the batch is `completed`, `failed` or `cancelled`: look at its status and counts.
    [[nodiscard]] asio::awaitable<vector_store_batch> wait_for_batch(
        std::string batch_id, std::chrono::milliseconds timeout = std::chrono::milliseconds{0});

    [[nodiscard]] explicit operator bool() const noexcept { return object_ != nullptr; }

private:
    friend struct detail::handle_access;
    using object = detail::vector_store_object;
    std::shared_ptr<object> object_;
};

}  // namespace corun
