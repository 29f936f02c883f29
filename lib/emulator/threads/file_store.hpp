#pragma once
#include "emulator/environment.hpp"
#include "emulator/http/api_request.hpp"
#include "emulator/http/responder.hpp"
#include "emulator/store.hpp"
#include "emulator/threads/vector_store_records.hpp"

#include <memory>
#include <string>
#include <utility>

namespace corun::emulator {

/// Files and vector stores, and the routes to them. The handlers throw `api_error`.
class file_store {
public:
    explicit file_store(std::shared_ptr<environment> shared) : environment_(std::move(shared)) {}

    /// Returns false if there is no route for the request.
    bool serve(const api_request& request, responder& responder);
    std::shared_ptr<stored_file> add_file(std::string filename, std::string bytes, std::string purpose);

private:
    [[nodiscard]] std::string content(const api_request& request) const;
    json upload(const api_request& request);
    json list_files(const api_request& request);
    json get_file(const api_request& request);
    json delete_file(const api_request& request);

    json create_store(const api_request& request);
    json list_stores(const api_request& request);
    json get_store(const api_request& request);
    json update_store(const api_request& request);
    json delete_store(const api_request& request);
    json create_store_file(const api_request& request);
    json list_store_files(const api_request& request);
    json get_store_file(const api_request& request);
    json delete_store_file(const api_request& request);
    json create_batch(const api_request& request);
    json get_batch(const api_request& request);
    json list_batch_files(const api_request& request);
    json cancel_batch(const api_request& request);

    /// The vector store whose id is in the path. Reading it continues the ingestion of files.
    [[nodiscard]] std::shared_ptr<stored_vector_store> find_store(const api_request& request) const;
    /// Adds files to a vector store.
    void ingest(stored_vector_store& store, const json& files, const std::string& batch);

    std::shared_ptr<environment> environment_;
    store<stored_file> files_;
    store<stored_vector_store> stores_;
};

}  // namespace corun::emulator
