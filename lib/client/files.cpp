// The members of the client for files and vector stores.
#include "protocol/threads/files.hpp"

#include "api/api_client.hpp"
#include "client/handle_access.hpp"
#include "http/multipart_body.hpp"
#include "text/escape.hpp"
#include "text/random.hpp"
#include "text/url.hpp"
#include <corun/client.hpp>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <optional>
#include <ostream>
#include <system_error>
#include <utility>

namespace corun {
namespace {

using detail::api_client;
using detail::handle_access;
using detail::path_of;
using detail::system_error;
namespace wire = codec::threads;

using sink = std::function<void(std::string_view)>;

using count_listener = std::function<void(std::uint64_t)>;

/// Tells of the file's own bytes what it hears of all of the body's.
count_listener in_file_bytes(std::function<void(std::uint64_t, std::uint64_t)> progress, std::uint64_t head_size,
                             std::uint64_t file_size) {
    return [=, told = std::optional<std::uint64_t>()](std::uint64_t sent) mutable {
        const std::uint64_t now = std::min(sent - std::min(sent, head_size), file_size);
        if (now == told) return;
        if (!told && now != 0) progress(0, file_size);
        told = now;
        progress(now, file_size);
    };
}

asio::awaitable<file_info> upload_at(std::shared_ptr<api_client> api, file_upload what) {
    auto progress = std::move(what.on_progress);
    auto source = std::make_unique<detail::multipart_body>(std::move(what));
    detail::prepared_request request =
        co_await api_client::make_request(api, detail::random_uuid(), "POST", "/files", {}, {}, {});
    request.request.headers.set("Content-Type", source->content_type());
    detail::call_handlers handlers;
    if (progress) handlers.on_sent = in_file_bytes(std::move(progress), source->head_size(), source->file_size());
    request.request.source = std::move(source);
    const std::string json = co_await api_client::send(std::move(api), std::move(request), std::move(handlers));
    co_return wire::decode_file(json);
}

asio::awaitable<file_info> get_file_at(std::shared_ptr<api_client> api, std::string id) {
    std::string path = path_of("/files", id, "the file's id");
    const std::string json = co_await api_client::call(std::move(api), "GET", std::move(path));
    co_return wire::decode_file(json);
}

/// The service gives all files at once. Should it say that there are more, they are asked for as elsewhere.
asio::awaitable<paged<file_info>::page> list_files_at(std::shared_ptr<api_client> api, std::string purpose,
                                                      std::string cursor) {
    paged<file_info>::page result;
    std::string query;
    if (!purpose.empty()) query = "purpose=" + detail::percent_encoded(purpose);
    if (!cursor.empty()) query += (query.empty() ? "after=" : "&after=") + detail::percent_encoded(cursor);
    const std::string json = co_await api_client::call(std::move(api), "GET", "/files", std::move(query));
    codec::page decoded = codec::decode_page(json);
    for (const std::string& item : decoded.items) result.items.push_back(wire::decode_file(item));
    if (decoded.next != cursor) result.next = std::move(decoded.next);
    co_return result;
}

asio::awaitable<std::uint64_t> download_at(std::shared_ptr<api_client> api, std::string id, sink receiver) {
    if (!receiver) throw error(errc::invalid_argument, "the sink is empty");
    std::string path = path_of("/files", id, "the file's id") + "/content";
    detail::prepared_request request =
        co_await api_client::make_request(api, detail::random_uuid(), "GET", std::move(path), {}, {}, {});
    request.request.headers.set("Accept", "application/octet-stream");
    // A connection of its own: a sink that takes its time holds back this sender and nobody else.
    request.request.streams = true;
    request.request.unshared = true;
    std::uint64_t count = 0;
    detail::call_handlers handlers;
    handlers.on_body = [&count, &receiver](std::string_view bytes) {
        receiver(bytes);
        count += bytes.size();
    };
    (void)co_await api_client::send(std::move(api), std::move(request), std::move(handlers));
    co_return count;
}

/// A file that is written beside its place under a name of its own, and put there when it is complete.
class part_file {
public:
    explicit part_file(std::filesystem::path path) : path_(std::move(path)), part_(path_) {
        part_ += '.' + detail::random_hex(16) + ".part";
        // Exclusively: what has this name already, be it a link, is somebody else's. Not by mkostemps, whose files
        // nobody but their owner can read.
        file_ = std::fopen(part_.c_str(), "wbxe");
        if (!file_) throw failure("cannot be created");
    }
    part_file(const part_file&) = delete;
    part_file& operator=(const part_file&) = delete;
    ~part_file() {
        if (file_) std::fclose(file_);
        std::error_code ignored;
        if (!complete_) std::filesystem::remove(part_, ignored);
    }

    void write(std::string_view bytes) {
        if (std::fwrite(bytes.data(), 1, bytes.size(), file_) != bytes.size()) throw failure("cannot be written");
    }

    void complete() {
        if (std::fclose(std::exchange(file_, nullptr)) != 0) throw failure("cannot be written");
        if (std::rename(part_.c_str(), path_.c_str()) != 0) throw failure("cannot be put in its place");
        complete_ = true;
    }

private:
    error failure(const char* what) const {
        const int number = errno;
        return system_error(number, detail::quote(part_.string()) + ' ' + what);
    }

    std::filesystem::path path_, part_;
    std::FILE* file_ = nullptr;
    bool complete_ = false;
};

asio::awaitable<std::uint64_t> download_to(std::shared_ptr<api_client> api, std::string id,
                                           std::filesystem::path path) {
    (void)path_of({}, id, "the file's id");
    if (!path.has_filename()) throw error(errc::invalid_argument, "the path to write to names no file");
    part_file file(std::move(path));
    sink receiver = [&file](std::string_view bytes) { file.write(bytes); };
    const std::uint64_t count = co_await download_at(std::move(api), std::move(id), std::move(receiver));
    file.complete();
    co_return count;
}

asio::awaitable<void> delete_file_at(std::shared_ptr<api_client> api, std::string id) {
    std::string path = path_of("/files", id, "the file's id");
    (void)co_await api_client::call(std::move(api), "DELETE", std::move(path));
}

asio::awaitable<vector_store> create_vector_store_at(std::shared_ptr<api_client> api, vector_store_definition what) {
    secret body = wire::encode_vector_store(what);
    co_return co_await handle_access::create<vector_store>(std::move(api), std::move(body));
}

}  // namespace

asio::awaitable<file_info> client::upload_file(file_upload what) {
    detail::require_protocol(*api_, protocol::threads, "client::upload_file");
    return upload_at(api_, std::move(what));
}

asio::awaitable<file_info> client::get_file(std::string file_id) {
    detail::require_protocol(*api_, protocol::threads, "client::get_file");
    return get_file_at(api_, std::move(file_id));
}

paged<file_info> client::list_files(std::string purpose) {
    detail::require_protocol(*api_, protocol::threads, "client::list_files");
    auto get_page = [api = api_, purpose = std::move(purpose)](std::string cursor) {
        return list_files_at(api, purpose, std::move(cursor));
    };
    return paged<file_info>(std::move(get_page));
}

asio::awaitable<void> client::delete_file(std::string file_id) {
    detail::require_protocol(*api_, protocol::threads, "client::delete_file");
    return delete_file_at(api_, std::move(file_id));
}

asio::awaitable<std::uint64_t> client::download_file(std::string file_id, std::function<void(std::string_view)> to) {
    detail::require_protocol(*api_, protocol::threads, "client::download_file");
    return download_at(api_, std::move(file_id), std::move(to));
}

asio::awaitable<std::uint64_t> client::download_file(std::string file_id, std::ostream& out) {
    detail::require_protocol(*api_, protocol::threads, "client::download_file");
    return download_at(api_, std::move(file_id), [&out](std::string_view bytes) {
        if (!out.write(bytes.data(), static_cast<std::streamsize>(bytes.size())))
            throw system_error(EIO, "the stream takes no more");
    });
}

asio::awaitable<std::uint64_t> client::download_file(std::string file_id, std::filesystem::path path) {
    detail::require_protocol(*api_, protocol::threads, "client::download_file");
    return download_to(api_, std::move(file_id), std::move(path));
}

asio::awaitable<vector_store> client::create_vector_store(vector_store_definition definition) {
    detail::require_protocol(*api_, protocol::threads, "client::create_vector_store");
    return create_vector_store_at(api_, std::move(definition));
}

asio::awaitable<vector_store> client::get_vector_store(std::string vector_store_id) {
    detail::require_protocol(*api_, protocol::threads, "client::get_vector_store");
    return handle_access::get<vector_store>(api_, std::move(vector_store_id));
}

paged<vector_store> client::list_vector_stores(list_options options) {
    detail::require_protocol(*api_, protocol::threads, "client::list_vector_stores");
    return handle_access::list<vector_store>(api_, std::move(options));
}

asio::awaitable<void> client::delete_vector_store(std::string vector_store_id) {
    detail::require_protocol(*api_, protocol::threads, "client::delete_vector_store");
    return handle_access::remove<vector_store>(api_, std::move(vector_store_id));
}

}  // namespace corun
