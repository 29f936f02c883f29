#pragma once
#include <corun/export.hpp>
#include <corun/message.hpp>
#include <corun/resources.hpp>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

/// Files and vector stores: what goes out, and the service's objects as they were received. Statuses
/// are the service's words; new ones may come.
namespace corun {

/// A file to be uploaded: its name, and its bytes or where they are.
struct CORUN_API file_upload {
    [[nodiscard]] static file_upload from_bytes(std::string filename, std::string bytes);
    /// A file on disk, under the last part of its path as `filename`. It is opened when the upload
    /// begins and read in pieces of at most 64 KiB as the connection takes them, so its size costs no
    /// memory. Reading blocks the executor for as long as the disk takes.
    [[nodiscard]] static file_upload from_file(std::filesystem::path path);

    std::string filename;  ///< UTF-8 without control characters but CR and LF, which are escaped as a browser does.
    std::string purpose = "assistants";  ///< `assistants`, `vision`.
    std::string content_type = "application/octet-stream";
    std::string bytes;
    std::filesystem::path path;  ///< Unless empty, it is this file that is sent instead of `bytes`.
    /// Told how many of the file's bytes have been handed to the connection, from 0 to `total`; both
    /// numbers at least once. Called on the executor between the steps of the upload; what it throws
    /// ends the upload.
    std::function<void(std::uint64_t sent, std::uint64_t total)> on_progress;

private:
    file_upload() = default;
};

/// A file kept by the service (wire object `file`).
struct CORUN_API file_info {
    file_info() = default;

    std::string id, filename;
    std::string purpose;         ///< `assistants`, `assistants_output`, `vision`.
    std::string status;          ///< `uploaded`, `pending`, `running`, `processed`, `error`, ...
    std::string status_details;  ///< Why it is `error`.
    std::int64_t bytes = 0;
    std::optional<std::int64_t> created_at;
    std::string raw;
};

/// The pieces that a file is cut into, to be found one by one. Without it the service decides (`auto`).
struct CORUN_API static_chunking {
    static_chunking(int max_chunk_size_tokens, int chunk_overlap_tokens);

    int max_chunk_size_tokens;  ///< 100 to 4096.
    int chunk_overlap_tokens;   ///< 0 to half of that.
};

/// What a vector store is made of: given to `client::create_vector_store`. Given to
/// `vector_store::update`, it is what changes.
struct CORUN_API vector_store_definition {
    vector_store_definition() = default;

    std::string name;
    std::vector<std::string> file_ids;
    std::vector<vector_store_data_source> data_sources;
    std::optional<static_chunking> chunking;
    std::optional<int> expires_after_days;  ///< Since it was last used; 1 to 365.
    corun::metadata metadata;               ///< At most 16 pairs: names of 64 characters, values of 512.
};

/// How many files of a vector store, or of a batch, stand where.
struct CORUN_API file_counts {
    file_counts() = default;

    std::int64_t in_progress = 0, completed = 0, failed = 0, cancelled = 0, total = 0;
};

/// A vector store as received (wire object `vector_store`).
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

/// A file in a vector store (wire object `vector_store.file`).
struct CORUN_API vector_store_file {
    vector_store_file() = default;

    std::string id;  ///< That of the file.
    std::string vector_store_id;
    std::string status;  ///< `in_progress`, `completed`, `failed`, `cancelled`.
    std::optional<corun::last_error> last_error;
    std::int64_t usage_bytes = 0;
    std::optional<static_chunking> chunking;
    std::optional<std::int64_t> created_at;
    std::string raw;
};

/// Files put into a vector store together (wire object `vector_store.files_batch`).
struct CORUN_API vector_store_batch {
    vector_store_batch() = default;

    std::string id, vector_store_id;
    std::string status;  ///< `in_progress`, `completed`, `failed`, `cancelled`.
    corun::file_counts file_counts;
    std::optional<std::int64_t> created_at;
    std::string raw;
};

}  // namespace corun
