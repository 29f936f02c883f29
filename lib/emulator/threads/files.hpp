#pragma once
#include "emulator/http/api_call.hpp"
#include "emulator/json.hpp"
#include "emulator/store.hpp"
#include "emulator/threads/core.hpp"

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace corun::emulator {

struct stored_file : record {
    stored_file(json value, std::string content) : record(std::move(value)), bytes(std::move(content)) {}
    std::string bytes;
};

/// A file in a vector store. Its id is the file's.
struct ingested_file : record {
    using record::record;
    std::string batch;  ///< The id of its batch, empty when it came alone.
    std::size_t reads_to_go = 0;
    std::string failure, why;  ///< What it will come to, when it cannot be taken in: code and message.
    std::size_t bytes = 0;

    [[nodiscard]] std::string status() const { return get_string(object, "status"); }
};

struct stored_batch : record {
    using record::record;
    bool cancelled = false;
};

struct stored_vector_store : record {
    using record::record;
    store<ingested_file> files;
    store<stored_batch> batches;
};

/// Files and vector stores, and the routes to them. Throws `refusal`.
class file_service {
public:
    explicit file_service(core& owner) : core_(owner) {}

    /// Whether a call is for one of its routes.
    static bool owns(const call& what);
    /// The file whose bytes a call asks for; null when it asks for something else.
    [[nodiscard]] std::shared_ptr<const stored_file> content_asked_for(const call& what) const;
    /// The answer to any other call.
    json answer(const call& what);

    std::shared_ptr<stored_file> add_file(std::string filename, std::string bytes, std::string purpose);

private:
    json upload(const call& what);
    [[nodiscard]] json list_files(const call& what) const;
    json delete_file(const std::string& id);

    json create_store(const json& body);
    json update_store(stored_vector_store& what, const json& body);
    json answer_within(const call& what, stored_vector_store& in);

    void take_in(stored_vector_store& to, const std::string& file_id, const json& chunking, const std::string& batch);
    void take_in(stored_vector_store& to, const json& body, const std::string& batch);
    /// What time and reading have done to it.
    void advance(stored_vector_store& what);
    void cancel(stored_vector_store& in, stored_batch& what);

    [[nodiscard]] bool expired(const stored_vector_store& what) const;
    [[nodiscard]] json shown(const stored_vector_store& what) const;
    [[nodiscard]] json shown(const stored_vector_store& in, const stored_batch& what) const;

    core& core_;
    store<stored_file> files_;
    store<stored_vector_store> stores_;
};

}  // namespace corun::emulator
