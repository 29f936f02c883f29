#pragma once
#include <corun/files.hpp>
#include <corun/secret.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// The threads protocol: files and vector stores.
namespace corun::codec::threads {

/// JSON bodies. `errc::invalid_argument` when a text is not UTF-8, or a number or metadata beyond its
/// limits.
secret encode_vector_store(const vector_store_definition& definition);
/// Also when it has members that cannot change.
secret encode_vector_store_changes(const vector_store_definition& definition);
secret encode_vector_store_file(std::string_view file_id, const std::optional<static_chunking>& chunking);
secret encode_vector_store_batch(const std::vector<std::string>& file_ids,
                                 const std::vector<vector_store_data_source>& sources,
                                 const std::optional<static_chunking>& chunking);

/// JSON responses: `errc::bad_response` when the text is not the object it must be.
file_info decode_file(std::string_view json);
vector_store_info decode_vector_store(std::string_view json);
vector_store_file decode_vector_store_file(std::string_view json);
vector_store_batch decode_vector_store_batch(std::string_view json);

}  // namespace corun::codec::threads
