// The members of `client` that are about files.
#include "api/api_objects.hpp"
#include "api/fetch.hpp"
#include "api/listing.hpp"
#include "http/multipart_body.hpp"
#include "text/escape.hpp"
#include "text/random.hpp"
#include "text/url.hpp"
#include <corun/client.hpp>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <ostream>
#include <system_error>
#include <utility>

namespace corun {
namespace {

using detail::api_client;
using detail::require;
using detail::system_error;

using byte_sink = std::function<void(std::string_view)>;

using file_decoder = file_info (*)(std::string_view json);

/// Converts the progress of a whole body to that of the file in it.
std::function<void(std::uint64_t)> file_progress(std::function<void(std::uint64_t, std::uint64_t)> on_progress,
                                                 std::uint64_t head_size, std::uint64_t file_size) {
    return [=, reported = std::optional<std::uint64_t>()](std::uint64_t sent) mutable {
        const std::uint64_t now = std::min(sent - std::min(sent, head_size), file_size);
        if (now == reported) return;
        if (!reported && now != 0) on_progress(0, file_size);
        reported = now;
        on_progress(now, file_size);
    };
}

asio::awaitable<file_info> upload(std::shared_ptr<api_client> api, file_decoder decode, file_upload file) {
    auto on_progress = std::move(file.on_progress);
    auto source = std::make_unique<detail::multipart_body>(std::move(file));
    detail::prepared_request prepared =
        co_await api_client::make_request(api, detail::random_uuid(), "POST", "/files", {}, {}, {});
    prepared.request.headers.set("Content-Type", source->content_type());
    detail::call_handlers handlers;
    if (on_progress) handlers.on_sent = file_progress(std::move(on_progress), source->head_size(), source->file_size());
    prepared.request.source = std::move(source);
    const std::string json = co_await api_client::send(std::move(api), std::move(prepared), std::move(handlers));
    co_return decode(json);
}

asio::awaitable<std::uint64_t> download(std::shared_ptr<api_client> api, std::string path, byte_sink sink) {
    detail::prepared_request prepared =
        co_await api_client::make_request(api, detail::random_uuid(), "GET", std::move(path), {}, {}, {});
    prepared.request.headers.set("Accept", "application/octet-stream");
    // A connection of its own: a slow sink holds back this sender and nobody else.
    prepared.request.streams = true;
    prepared.request.unshared = true;
    std::uint64_t count = 0;
    detail::call_handlers handlers;
    handlers.on_body = [&count, &sink](std::string_view bytes) {
        sink(bytes);
        count += bytes.size();
    };
    (void)co_await api_client::send(std::move(api), std::move(prepared), std::move(handlers));
    co_return count;
}

/// A file that is written beside its path under a name of its own, and renamed when it is complete.
class part_file {
public:
    explicit part_file(std::filesystem::path path) : path_(std::move(path)), part_(path_) {
        part_ += '.' + detail::random_hex(16) + ".part";
        // Exclusively: a file or link of this name belongs to somebody else. Not by mkostemps, whose files nobody but
        // their owner can read.
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
        if (std::rename(part_.c_str(), path_.c_str()) != 0) throw failure("cannot be renamed");
        complete_ = true;
    }

private:
    error failure(const char* problem) const {
        const int number = errno;
        return system_error(number, detail::quote(part_.string()) + ' ' + problem);
    }

    std::filesystem::path path_, part_;
    std::FILE* file_ = nullptr;
    bool complete_ = false;
};

asio::awaitable<std::uint64_t> download_to_file(std::shared_ptr<api_client> api, std::string path,
                                                std::filesystem::path target) {
    part_file file(std::move(target));
    byte_sink sink = [&file](std::string_view bytes) { file.write(bytes); };
    const std::uint64_t count = co_await download(std::move(api), std::move(path), std::move(sink));
    file.complete();
    co_return count;
}

std::string path_of_content(const api_client& api, std::string_view file_id) {
    require(api, api.resources.decode_file, "client::download_file");
    return detail::path_of_file(file_id) + "/content";
}

std::string path_of_container_file(const api_client& api, std::string_view container_id, std::string_view file_id) {
    require(api, api.resources.responses, "client::download_container_file");
    const std::string container =
        detail::path_of(api.openai_path() + "/containers", container_id, "the container's id");
    return detail::path_of(container + "/files", file_id, "the file's id") + "/content";
}

asio::awaitable<std::uint64_t> download_to_sink(std::shared_ptr<api_client> api, std::string path, byte_sink sink) {
    if (!sink) throw error(errc::invalid_argument, "the sink is empty");
    return download(std::move(api), std::move(path), std::move(sink));
}

/// `out` must live until it completes.
asio::awaitable<std::uint64_t> download_to_stream(std::shared_ptr<api_client> api, std::string path,
                                                  std::ostream& out) {
    return download(std::move(api), std::move(path), [&out](std::string_view bytes) {
        if (!out.write(bytes.data(), static_cast<std::streamsize>(bytes.size())))
            throw system_error(EIO, "writing to the stream failed");
    });
}

asio::awaitable<std::uint64_t> download_to_path(std::shared_ptr<api_client> api, std::string path,
                                                std::filesystem::path target) {
    if (!target.has_filename()) throw error(errc::invalid_argument, "the path to write to has no file name");
    return download_to_file(std::move(api), std::move(path), std::move(target));
}

}  // namespace

asio::awaitable<file_info> client::upload_file(file_upload file) {
    return upload(api_, require(*api_, api_->resources.decode_file, "client::upload_file"), std::move(file));
}

asio::awaitable<file_info> client::get_file(std::string file_id) {
    const file_decoder decode = require(*api_, api_->resources.decode_file, "client::get_file");
    return detail::fetch(api_, "GET", detail::path_of_file(file_id), decode);
}

paged<file_info> client::list_files(std::string purpose) {
    const file_decoder decode = require(*api_, api_->resources.decode_file, "client::list_files");
    // The service lists all files at once, and knows none of the options of other listings. Should it say that there
    // are more, they are asked for as elsewhere.
    auto make_query = [purpose = std::move(purpose)](const std::string& cursor) {
        std::string query;
        if (!purpose.empty()) query = "purpose=" + detail::percent_encoded(purpose);
        if (!cursor.empty()) query += (query.empty() ? "after=" : "&after=") + detail::percent_encoded(cursor);
        return query;
    };
    return detail::list_pages<file_info>(api_, "/files", {}, std::move(make_query), decode);
}

asio::awaitable<void> client::delete_file(std::string file_id) {
    require(*api_, api_->resources.decode_file, "client::delete_file");
    return detail::erase(api_, detail::path_of_file(file_id));
}

asio::awaitable<std::uint64_t> client::download_file(std::string file_id, std::function<void(std::string_view)> sink) {
    return download_to_sink(api_, path_of_content(*api_, file_id), std::move(sink));
}

asio::awaitable<std::uint64_t> client::download_file(std::string file_id, std::ostream& out) {
    return download_to_stream(api_, path_of_content(*api_, file_id), out);
}

asio::awaitable<std::uint64_t> client::download_file(std::string file_id, std::string path) {
    return download_to_path(api_, path_of_content(*api_, file_id), std::move(path));
}

asio::awaitable<std::uint64_t> client::download_container_file(std::string container_id, std::string file_id,
                                                               std::function<void(std::string_view)> sink) {
    return download_to_sink(api_, path_of_container_file(*api_, container_id, file_id), std::move(sink));
}

asio::awaitable<std::uint64_t> client::download_container_file(std::string container_id, std::string file_id,
                                                               std::ostream& out) {
    return download_to_stream(api_, path_of_container_file(*api_, container_id, file_id), out);
}

asio::awaitable<std::uint64_t> client::download_container_file(std::string container_id, std::string file_id,
                                                               std::string path) {
    return download_to_path(api_, path_of_container_file(*api_, container_id, file_id), std::move(path));
}

}  // namespace corun
