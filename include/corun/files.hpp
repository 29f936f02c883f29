#pragma once
#include <corun/export.hpp>
#include <corun/message.hpp>
#include <corun/resources.hpp>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

/// Files and vector stores, as sent and as received. The sets of statuses are open.
namespace corun {

/// A file to upload: its name, and its bytes or path.
struct CORUN_API file_upload {
    /// A file in memory.
    [[nodiscard]] static file_upload from_bytes(std::string filename, std::string bytes);
    /// A file on disk; `filename` is the last part of `path`. It is opened when the upload begins, and read in pieces
    /// of at most 64 KiB as the connection accepts them. Disk reads block the executor.
    [[nodiscard]] static file_upload from_file(std::string path);

    std::string filename;  ///< UTF-8. CR and LF are escaped as browsers do; other control characters are invalid.
    std::string purpose = "assistants";                     ///< Such as `assistants` or `vision`.
    std::string content_type = "application/octet-stream";  ///< The media type.
    std::string bytes;                                      ///< The content of the file.
    std::string path;                                       ///< If set, this file is sent instead of `bytes`.
    /// Called on the executor with the number of bytes passed to the connection so far, at least with 0 and with
    /// `total`. If it throws, the upload ends.
    std::function<void(std::uint64_t sent, std::uint64_t total)> on_progress;

private:
    file_upload() = default;
};

/// A file stored by the service (object `file`).
struct CORUN_API file_info {
    file_info() = default;

    std::string id, filename;
    std::string purpose;         ///< `assistants`, `assistants_output`, `vision`.
    std::string status;          ///< `uploaded`, `pending`, `running`, `processed`, `error`, ...
    std::string status_details;  ///< The reason for status `error`.
    std::int64_t bytes = 0;      ///< The size.
    std::optional<std::int64_t> created_at;
    std::string raw;
};

/// The size of the chunks that a file is split into for search. By default, the service decides (`auto`).
struct CORUN_API static_chunking {
    static_chunking(int max_chunk_size_tokens, int chunk_overlap_tokens);

    int max_chunk_size_tokens;  ///< 100 to 4096.
    int chunk_overlap_tokens;   ///< 0 to half of `max_chunk_size_tokens`.
};

/// A vector store to create (`client::create_vector_store`), or the changes to one (`vector_store::update`).
struct CORUN_API vector_store_definition {
    vector_store_definition() = default;

    std::string name;
    std::vector<std::string> file_ids;
    std::vector<vector_store_data_source> data_sources;  ///< Files in Azure storage.
    std::optional<static_chunking> chunking;
    std::optional<int> expires_after_days;  ///< Days since last use; 1 to 365.
    corun::metadata metadata;
};

/// The number of files of a vector store or a batch, by status.
struct CORUN_API file_counts {
    file_counts() = default;

    std::int64_t in_progress = 0, completed = 0, failed = 0, cancelled = 0, total = 0;
};

/// A vector store as received (object `vector_store`).
struct CORUN_API vector_store_info {
    vector_store_info() = default;

    std::string id, name;
    std::string status;  ///< `in_progress`, `completed`, `expired`.
    corun::file_counts file_counts;
    std::int64_t usage_bytes = 0;
    std::optional<int> expires_after_days;
    corun::metadata metadata;
    std::optional<std::int64_t> created_at, last_active_at, expires_at;
    std::string raw;
};

/// A file in a vector store (object `vector_store.file`).
struct CORUN_API vector_store_file {
    vector_store_file() = default;

    std::string id;  ///< The id of the file.
    std::string vector_store_id;
    std::string status;  ///< `in_progress`, `completed`, `failed`, `cancelled`.
    std::optional<corun::last_error> last_error;
    std::int64_t usage_bytes = 0;
    std::optional<static_chunking> chunking;
    std::optional<std::int64_t> created_at;
    std::string raw;
};

/// Files added to a vector store together (object `vector_store.files_batch`).
struct CORUN_API vector_store_batch {
    vector_store_batch() = default;

    std::string id, vector_store_id;
    std::string status;  ///< `in_progress`, `completed`, `failed`, `cancelled`.
    corun::file_counts file_counts;
    std::optional<std::int64_t> created_at;
    std::string raw;
};

}  // namespace corun
