#include <corun/files.hpp>

#include <filesystem>
#include <utility>

namespace corun {

file_upload file_upload::from_bytes(std::string filename, std::string bytes) {
    file_upload upload;
    upload.filename = std::move(filename);
    upload.bytes = std::move(bytes);
    return upload;
}

file_upload file_upload::from_file(std::string path) {
    file_upload upload;
    upload.filename = std::filesystem::path(path).filename().string();
    upload.path = std::move(path);
    return upload;
}

static_chunking::static_chunking(int max_chunk_size, int chunk_overlap)
    : max_chunk_size_tokens(max_chunk_size), chunk_overlap_tokens(chunk_overlap) {}

}  // namespace corun
