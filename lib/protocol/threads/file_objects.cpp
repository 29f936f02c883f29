#include "protocol/threads/file_objects.hpp"

#include "protocol/readers.hpp"
#include "protocol/threads/codec.hpp"
#include <corun/error.hpp>

#include <nlohmann/json.hpp>

#include <limits>
#include <utility>

namespace corun::codec::threads {
namespace {

using body = nlohmann::ordered_json;
using json::by;
using json::decode_object;
using json::into;
using json::member;

secret encode(const body& object) {
    try {
        return secret(object.dump());
    } catch (const body::type_error&) {
        // The only one that writing can throw. Its text quotes bytes, so it goes no further.
        throw error(errc::invalid_argument, "a string in the request is not valid UTF-8");
    }
}

[[noreturn]] void refuse(std::string message) {
    throw error(errc::invalid_argument, std::move(message));
}

body to_json(const static_chunking& chunking) {
    if (chunking.max_chunk_size_tokens < 100 || chunking.max_chunk_size_tokens > 4096)
        refuse("static_chunking::max_chunk_size_tokens must be from 100 to 4096");
    if (chunking.chunk_overlap_tokens < 0 || chunking.chunk_overlap_tokens > chunking.max_chunk_size_tokens / 2)
        refuse("static_chunking::chunk_overlap_tokens must be from 0 to half of max_chunk_size_tokens");
    body object;
    object["type"] = "static";
    object["static"]["max_chunk_size_tokens"] = chunking.max_chunk_size_tokens;
    object["static"]["chunk_overlap_tokens"] = chunking.chunk_overlap_tokens;
    return object;
}

body to_json(const std::vector<vector_store_data_source>& sources) {
    body list = body::array();
    for (const vector_store_data_source& each : sources) {
        body object;
        object["uri"] = each.uri;
        object["type"] = each.type;
        list.push_back(std::move(object));
    }
    return list;
}

/// The members that can change later.
body changeable(const vector_store_definition& definition) {
    body object = body::object();
    if (!definition.name.empty()) object["name"] = definition.name;
    if (definition.expires_after_days) {
        if (*definition.expires_after_days < 1 || *definition.expires_after_days > 365)
            refuse("vector_store_definition::expires_after_days must be from 1 to 365");
        object["expires_after"]["anchor"] = "last_active_at";
        object["expires_after"]["days"] = *definition.expires_after_days;
    }
    if (!definition.metadata.empty()) {
        // For its checks alone: the limits are those of all metadata.
        (void)encode_metadata(definition.metadata, "vector_store_definition");
        object["metadata"] = definition.metadata;
    }
    return object;
}

void read_small(json::value source, std::optional<int>& out) {
    std::optional<std::int64_t> number;
    json::read(source, number);
    out.reset();
    if (number && *number >= 0 && *number <= std::numeric_limits<int>::max()) out = static_cast<int>(*number);
}

constexpr member<file_counts> file_counts_members[] = {
    {"in_progress", by<read_count, &file_counts::in_progress>},
    {"completed", by<read_count, &file_counts::completed>},
    {"failed", by<read_count, &file_counts::failed>},
    {"cancelled", by<read_count, &file_counts::cancelled>},
    {"total", by<read_count, &file_counts::total>},
};

void read_file_counts(json::value source, file_counts& out) {
    out = {};
    read_members_if(source, file_counts_members, out);
}

struct expiry {
    std::optional<int> days;
};
constexpr member<expiry> expiry_members[] = {{"days", by<read_small, &expiry::days>}};

void read_expiry(json::value source, std::optional<int>& out) {
    expiry read;
    read_members_if(source, expiry_members, read);
    out = read.days;
}

struct chunk_sizes {
    std::optional<int> size, overlap;
};
constexpr member<chunk_sizes> chunk_size_members[] = {
    {"max_chunk_size_tokens", by<read_small, &chunk_sizes::size>},
    {"chunk_overlap_tokens", by<read_small, &chunk_sizes::overlap>},
};
constexpr member<chunk_sizes> chunking_members[] = {
    {"static", [](json::value source, chunk_sizes& out) { read_members_if(source, chunk_size_members, out); }},
};

void read_chunking(json::value source, std::optional<static_chunking>& out) {
    chunk_sizes read;
    read_members_if(source, chunking_members, read);
    out.reset();
    if (read.size && read.overlap) out.emplace(*read.size, *read.overlap);
}

constexpr member<file_info> file_members[] = {
    {"filename", into<&file_info::filename>},     {"purpose", into<&file_info::purpose>},
    {"status", into<&file_info::status>},         {"status_details", into<&file_info::status_details>},
    {"bytes", by<read_count, &file_info::bytes>}, {"created_at", into<&file_info::created_at>},
};

constexpr member<vector_store_info> vector_store_members[] = {
    {"name", into<&vector_store_info::name>},
    {"status", into<&vector_store_info::status>},
    {"file_counts", by<read_file_counts, &vector_store_info::file_counts>},
    {"usage_bytes", by<read_count, &vector_store_info::usage_bytes>},
    {"expires_after", by<read_expiry, &vector_store_info::expires_after_days>},
    {"metadata", into<&vector_store_info::metadata>},
    {"created_at", into<&vector_store_info::created_at>},
    {"last_active_at", into<&vector_store_info::last_active_at>},
    {"expires_at", into<&vector_store_info::expires_at>},
};

constexpr member<vector_store_file> vector_store_file_members[] = {
    {"vector_store_id", into<&vector_store_file::vector_store_id>},
    {"status", into<&vector_store_file::status>},
    {"last_error", by<read_last_error, &vector_store_file::last_error>},
    {"usage_bytes", by<read_count, &vector_store_file::usage_bytes>},
    {"chunking_strategy", by<read_chunking, &vector_store_file::chunking>},
    {"created_at", into<&vector_store_file::created_at>},
};

constexpr member<vector_store_batch> vector_store_batch_members[] = {
    {"vector_store_id", into<&vector_store_batch::vector_store_id>},
    {"status", into<&vector_store_batch::status>},
    {"file_counts", by<read_file_counts, &vector_store_batch::file_counts>},
    {"created_at", into<&vector_store_batch::created_at>},
};

}  // namespace

secret encode_vector_store(const vector_store_definition& definition) {
    body object = changeable(definition);
    if (!definition.file_ids.empty()) object["file_ids"] = definition.file_ids;
    if (!definition.data_sources.empty()) object["configuration"]["data_sources"] = to_json(definition.data_sources);
    if (definition.chunking) object["chunking_strategy"] = to_json(*definition.chunking);
    return encode(object);
}

secret encode_vector_store_changes(const vector_store_definition& definition) {
    if (!definition.file_ids.empty() || !definition.data_sources.empty() || definition.chunking)
        refuse(
            "files, data sources and chunking of an existing vector store cannot be changed; use "
            "vector_store::add_files");
    return encode(changeable(definition));
}

secret encode_vector_store_file(std::string_view file_id, const std::optional<static_chunking>& chunking) {
    body object;
    object["file_id"] = file_id;
    if (chunking) object["chunking_strategy"] = to_json(*chunking);
    return encode(object);
}

secret encode_vector_store_batch(const std::vector<std::string>& file_ids,
                                 const std::vector<vector_store_data_source>& sources,
                                 const std::optional<static_chunking>& chunking) {
    body object = body::object();
    if (!file_ids.empty()) object["file_ids"] = file_ids;
    if (!sources.empty()) object["data_sources"] = to_json(sources);
    if (chunking) object["chunking_strategy"] = to_json(*chunking);
    return encode(object);
}

file_info decode_file(std::string_view text) {
    return decode_object("file", text, file_members);
}
vector_store_info decode_vector_store(std::string_view text) {
    return decode_object("vector store", text, vector_store_members);
}
vector_store_file decode_vector_store_file(std::string_view text) {
    return decode_object("vector store file", text, vector_store_file_members);
}
vector_store_batch decode_vector_store_batch(std::string_view text) {
    return decode_object("file batch", text, vector_store_batch_members);
}

}  // namespace corun::codec::threads
