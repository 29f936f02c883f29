#include "api/fetch.hpp"
#include "api/listing.hpp"
#include "async/wait.hpp"
#include "client/handle_access.hpp"
#include <corun/vector_store.hpp>

#include <utility>

namespace corun {
namespace {

using detail::erase;
using detail::fetch;
using detail::path_of;
using detail::vector_store_object;
using store_pointer = std::shared_ptr<vector_store_object>;

store_pointer open(const vector_store& handle) {
    return detail::handle_access::open(handle, "the vector store");
}

const codec::vector_store_codec& codec_of(const vector_store_object& store) {
    return *store.api->resources.vector_stores;
}

std::string path_to_file(const vector_store_object& store, std::string_view id) {
    return store.path() + path_of("/files", id, "the file's id");
}

std::string path_to_batch(const vector_store_object& store, std::string_view id) {
    return store.path() + path_of("/file_batches", id, "the batch's id");
}

asio::awaitable<vector_store_info> refresh_info(store_pointer store) {
    std::string path = store->path();
    co_await detail::update(store, "GET", std::move(path));
    co_return store->value;
}

asio::awaitable<vector_store_file> fetch_file(const vector_store_object& store, std::string_view id) {
    return fetch(store.api, "GET", path_to_file(store, id), codec_of(store).decode_file);
}

asio::awaitable<vector_store_batch> add_batch(const vector_store_object& store, const std::vector<std::string>& ids,
                                              const std::vector<vector_store_data_source>& sources,
                                              const std::optional<static_chunking>& chunking) {
    if (ids.empty() && sources.empty())
        throw error(errc::invalid_argument, "neither file ids nor data sources are specified");
    secret body = codec_of(store).encode_batch(ids, sources, chunking);
    return fetch(store.api, "POST", store.path() + "/file_batches", codec_of(store).decode_batch, std::move(body));
}

asio::awaitable<vector_store_batch> fetch_batch(const vector_store_object& store, std::string_view id) {
    return fetch(store.api, "GET", path_to_batch(store, id), codec_of(store).decode_batch);
}

bool is_done(const std::string& status) {
    return status == "completed" || status == "failed" || status == "cancelled";
}

}  // namespace

const std::string& vector_store::id() const noexcept {
    return info().id;
}

const vector_store_info& vector_store::info() const noexcept {
    static const vector_store_info none;
    return object_ ? object_->value : none;
}

asio::awaitable<void> vector_store::refresh() {
    const store_pointer store = open(*this);
    return detail::update(store, "GET", store->path());
}

asio::awaitable<void> vector_store::update(vector_store_definition changes) {
    const store_pointer store = open(*this);
    return detail::update(store, "POST", store->path(), codec_of(*store).encode_changes(changes));
}

asio::awaitable<void> vector_store::remove() {
    const store_pointer store = open(*this);
    return erase(store->api, store->path());
}

asio::awaitable<vector_store_info> vector_store::wait(std::chrono::milliseconds timeout) {
    const store_pointer store = open(*this);
    const auto poll = [store] { return refresh_info(store); };
    const auto done = [](const vector_store_info& info) {
        return info.status == "completed" || info.status == "expired";
    };
    return detail::wait_until<vector_store_info>(store->api->clock, timeout, "vector store " + id(), poll, done);
}

asio::awaitable<vector_store_file> vector_store::add_file(std::string file_id,
                                                          std::optional<static_chunking> chunking) {
    const store_pointer store = open(*this);
    if (file_id.empty()) throw error(errc::invalid_argument, "the file's id is empty");
    return fetch(store->api, "POST", store->path() + "/files", codec_of(*store).decode_file,
                 codec_of(*store).encode_file(file_id, chunking));
}

asio::awaitable<vector_store_file> vector_store::get_file(std::string file_id) {
    return fetch_file(*open(*this), file_id);
}

paged<vector_store_file> vector_store::list_files(std::string status, list_options options) {
    const store_pointer store = open(*this);
    return detail::list<vector_store_file>(store->api, store->path() + "/files", std::move(options),
                                           codec_of(*store).decode_file, std::move(status));
}

asio::awaitable<void> vector_store::remove_file(std::string file_id) {
    const store_pointer store = open(*this);
    return erase(store->api, path_to_file(*store, file_id));
}

asio::awaitable<vector_store_file> vector_store::wait_for_file(std::string file_id, std::chrono::milliseconds timeout) {
    const store_pointer store = open(*this);
    const auto poll = [store, file_id] { return fetch_file(*store, file_id); };
    const auto done = [](const vector_store_file& file) { return is_done(file.status); };
    return detail::wait_until<vector_store_file>(store->api->clock, timeout, "file " + file_id, poll, done);
}

asio::awaitable<vector_store_batch> vector_store::add_files(std::vector<std::string> file_ids,
                                                            std::optional<static_chunking> chunking) {
    return add_batch(*open(*this), file_ids, {}, chunking);
}

asio::awaitable<vector_store_batch> vector_store::add_data_sources(std::vector<vector_store_data_source> sources,
                                                                   std::optional<static_chunking> chunking) {
    return add_batch(*open(*this), {}, sources, chunking);
}

asio::awaitable<vector_store_batch> vector_store::get_batch(std::string batch_id) {
    return fetch_batch(*open(*this), batch_id);
}

asio::awaitable<vector_store_batch> vector_store::cancel_batch(std::string batch_id) {
    const store_pointer store = open(*this);
    return fetch(store->api, "POST", path_to_batch(*store, batch_id) + "/cancel", codec_of(*store).decode_batch);
}

paged<vector_store_file> vector_store::list_batch_files(std::string batch_id, std::string status,
                                                        list_options options) {
    const store_pointer store = open(*this);
    return detail::list<vector_store_file>(store->api, path_to_batch(*store, batch_id) + "/files", std::move(options),
                                           codec_of(*store).decode_file, std::move(status));
}

asio::awaitable<vector_store_batch> vector_store::wait_for_batch(std::string batch_id,
                                                                 std::chrono::milliseconds timeout) {
    const store_pointer store = open(*this);
    const auto poll = [store, batch_id] { return fetch_batch(*store, batch_id); };
    const auto done = [](const vector_store_batch& batch) { return is_done(batch.status); };
    return detail::wait_until<vector_store_batch>(store->api->clock, timeout, "batch " + batch_id, poll, done);
}

}  // namespace corun
