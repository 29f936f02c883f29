#pragma once
#include "emulator/json.hpp"
#include "emulator/store.hpp"

#include <cstdint>
#include <string>
#include <utility>

namespace corun::emulator {

struct stored_file : record {
    stored_file(json value, std::string content) : record(std::move(value)), bytes(std::move(content)) {}
    std::string bytes;
};

/// A file in a vector store. Its id is the file's.
struct ingested_file : record {
    using record::record;

    [[nodiscard]] std::string status() const { return get_string(object, "status"); }

    std::string batch;  ///< The id of its batch, empty when it was added alone.
    std::size_t reads_to_go = 0;
    std::string error_code, error_message;  ///< Why its ingestion will fail; empty when it will not.
    std::size_t bytes = 0;
};

struct stored_batch : record {
    using record::record;
    bool cancelled = false;
};

struct stored_vector_store : record {
    using record::record;

    /// Continues the ingestion of files. To be called before each read.
    void advance();
    void cancel(stored_batch& batch);
    [[nodiscard]] bool has_expired(std::int64_t now) const;

    [[nodiscard]] json shown(std::int64_t now) const;
    [[nodiscard]] json shown(const stored_batch& batch) const;

    store<ingested_file> files;
    store<stored_batch> batches;
};

/// A file that a vector store begins to ingest.
std::shared_ptr<ingested_file> ingestion_of(const stored_file& file, const std::string& store_id, const json& chunking,
                                            std::int64_t now);

}  // namespace corun::emulator
