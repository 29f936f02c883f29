#include "api/api_client.hpp"
#include "async/wait.hpp"
#include "client/handle_access.hpp"
#include "protocol/threads/files.hpp"
#include <corun/vector_store.hpp>

#include <utility>

namespace corun {
namespace {

using detail::api_client;
using detail::handle_access;
using detail::path_of;
using detail::path_to;
namespace wire = codec::threads;

const char* const the_store = "the vector store";

template <class State>
std::string path_to_file(const State& of, const std::string& id) {
    return path_to(of) + path_of("/files", id, "the file's id");
}
template <class State>
std::string path_to_batch(const State& of, const std::string& id) {
    return path_to(of) + path_of("/file_batches", id, "the batch's id");
}

// The members of a handle are not coroutines themselves: a coroutine keeps `this`, and handles come and go.

template <class State>
asio::awaitable<vector_store_info> read_store(std::shared_ptr<State> of) {
    co_await detail::refresh(of);
    co_return of->value;
}

template <class State>
asio::awaitable<void> update_store(std::shared_ptr<State> of, vector_store_definition changes) {
    secret body = wire::encode_vector_store_changes(changes);
    co_await detail::change(std::move(of), std::move(body));
}

template <class State>
asio::awaitable<vector_store_file> add_file_to(std::shared_ptr<State> of, std::string id,
                                               std::optional<static_chunking> chunking) {
    if (id.empty()) throw error(errc::invalid_argument, "the file's id is empty");
    secret body = wire::encode_vector_store_file(id, chunking);
    const std::string json = co_await api_client::call(of->api, "POST", path_to(*of) + "/files", {}, std::move(body));
    co_return wire::decode_vector_store_file(json);
}

template <class State>
asio::awaitable<vector_store_file> get_file_of(std::shared_ptr<State> of, std::string id) {
    std::string path = path_to_file(*of, id);
    const std::string json = co_await api_client::call(of->api, "GET", std::move(path));
    co_return wire::decode_vector_store_file(json);
}

template <class State>
asio::awaitable<void> remove_file_of(std::shared_ptr<State> of, std::string id) {
    std::string path = path_to_file(*of, id);
    (void)co_await api_client::call(of->api, "DELETE", std::move(path));
}

template <class State>
asio::awaitable<vector_store_batch> add_batch_to(std::shared_ptr<State> of, std::vector<std::string> ids,
                                                 std::vector<vector_store_data_source> sources,
                                                 std::optional<static_chunking> chunking) {
    if (ids.empty() && sources.empty()) throw error(errc::invalid_argument, "there are no files to add");
    secret body = wire::encode_vector_store_batch(ids, sources, chunking);
    const std::string json =
        co_await api_client::call(of->api, "POST", path_to(*of) + "/file_batches", {}, std::move(body));
    co_return wire::decode_vector_store_batch(json);
}

template <class State>
asio::awaitable<vector_store_batch> call_batch(std::shared_ptr<State> of, std::string id, std::string method,
                                               std::string what) {
    std::string path = path_to_batch(*of, id) + what;
    const std::string json = co_await api_client::call(of->api, std::move(method), std::move(path));
    co_return wire::decode_vector_store_batch(json);
}

bool has_ended(const std::string& status) {
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
    return detail::refresh(handle_access::open(*this, the_store));
}

asio::awaitable<void> vector_store::update(vector_store_definition changes) {
    return update_store(handle_access::open(*this, the_store), std::move(changes));
}

asio::awaitable<void> vector_store::remove() {
    return detail::erase(handle_access::open(*this, the_store));
}

asio::awaitable<vector_store_info> vector_store::wait(std::chrono::milliseconds timeout) {
    const auto of = handle_access::open(*this, the_store);
    const auto look = [of] { return read_store(of); };
    const auto done = [](const vector_store_info& seen) {
        return seen.status == "completed" || seen.status == "expired";
    };
    return detail::wait_until<vector_store_info>(of->api->clock, timeout, "vector store " + id(), look, done);
}

asio::awaitable<vector_store_file> vector_store::add_file(std::string file_id,
                                                          std::optional<static_chunking> chunking) {
    return add_file_to(handle_access::open(*this, the_store), std::move(file_id), chunking);
}

asio::awaitable<vector_store_file> vector_store::get_file(std::string file_id) {
    return get_file_of(handle_access::open(*this, the_store), std::move(file_id));
}

paged<vector_store_file> vector_store::list_files(std::string status, list_options options) {
    const auto of = handle_access::open(*this, the_store);
    return detail::list<vector_store_file>(of->api, path_to(*of) + "/files", std::move(options),
                                           wire::decode_vector_store_file, std::move(status));
}

asio::awaitable<void> vector_store::remove_file(std::string file_id) {
    return remove_file_of(handle_access::open(*this, the_store), std::move(file_id));
}

asio::awaitable<vector_store_file> vector_store::wait_for_file(std::string file_id, std::chrono::milliseconds timeout) {
    const auto of = handle_access::open(*this, the_store);
    const auto look = [of, file_id] { return get_file_of(of, file_id); };
    const auto done = [](const vector_store_file& seen) { return has_ended(seen.status); };
    return detail::wait_until<vector_store_file>(of->api->clock, timeout, "file " + file_id, look, done);
}

asio::awaitable<vector_store_batch> vector_store::add_files(std::vector<std::string> file_ids,
                                                            std::optional<static_chunking> chunking) {
    return add_batch_to(handle_access::open(*this, the_store), std::move(file_ids), {}, chunking);
}

asio::awaitable<vector_store_batch> vector_store::add_data_sources(std::vector<vector_store_data_source> sources,
                                                                   std::optional<static_chunking> chunking) {
    return add_batch_to(handle_access::open(*this, the_store), {}, std::move(sources), chunking);
}

asio::awaitable<vector_store_batch> vector_store::get_batch(std::string batch_id) {
    return call_batch(handle_access::open(*this, the_store), std::move(batch_id), "GET", {});
}

asio::awaitable<vector_store_batch> vector_store::cancel_batch(std::string batch_id) {
    return call_batch(handle_access::open(*this, the_store), std::move(batch_id), "POST", "/cancel");
}

paged<vector_store_file> vector_store::list_batch_files(std::string batch_id, std::string status,
                                                        list_options options) {
    const auto of = handle_access::open(*this, the_store);
    return detail::list<vector_store_file>(of->api, path_to_batch(*of, batch_id) + "/files", std::move(options),
                                           wire::decode_vector_store_file, std::move(status));
}

asio::awaitable<vector_store_batch> vector_store::wait_for_batch(std::string batch_id,
                                                                 std::chrono::milliseconds timeout) {
    const auto of = handle_access::open(*this, the_store);
    const auto look = [of, batch_id] { return call_batch(of, batch_id, "GET", {}); };
    const auto done = [](const vector_store_batch& seen) { return has_ended(seen.status); };
    return detail::wait_until<vector_store_batch>(of->api->clock, timeout, "batch " + batch_id, look, done);
}

}  // namespace corun
