#include <corun/files.hpp>

#include <utility>

namespace corun {

file_upload::file_upload(std::string name, std::string content)
    : filename(std::move(name)), bytes(std::move(content)) {}

file_upload::file_upload(std::filesystem::path from) : filename(from.filename().string()), path(std::move(from)) {}

static_chunking::static_chunking(int max_chunk_size, int chunk_overlap)
    : max_chunk_size_tokens(max_chunk_size), chunk_overlap_tokens(chunk_overlap) {}

}  // namespace corun
