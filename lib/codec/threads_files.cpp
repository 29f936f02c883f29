#include "codec/threads_files.hpp"

#include "codec/json_reader.hpp"
#include "codec/threads.hpp"
#include <corun/error.hpp>

#include <nlohmann/json.hpp>

#include <limits>
#include <utility>

namespace corun::codec::threads {
namespace {

using body = nlohmann::ordered_json;

secret encode(const body& object) {
    try {
        return secret(object.dump());
    } catch (const body::type_error&) {
        // The only one that writing can throw. Its text quotes bytes, so it goes no further.
        throw error(errc::invalid_argument, "a text of the request is not valid UTF-8");
    }
}

[[noreturn]] void refuse(std::string message) {
    throw error(errc::invalid_argument, std::move(message));
}

body to_json(const static_chunking& what) {
    if (what.max_chunk_size_tokens < 100 || what.max_chunk_size_tokens > 4096)
        refuse("static_chunking::max_chunk_size_tokens must be from 100 to 4096");
    if (what.chunk_overlap_tokens < 0 || what.chunk_overlap_tokens > what.max_chunk_size_tokens / 2)
        refuse("static_chunking::chunk_overlap_tokens must be from 0 to half of max_chunk_size_tokens");
    body object;
    object["type"] = "static";
    object["static"]["max_chunk_size_tokens"] = what.max_chunk_size_tokens;
    object["static"]["chunk_overlap_tokens"] = what.chunk_overlap_tokens;
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
body changeable(const vector_store_definition& what) {
    body object = body::object();
    if (!what.name.empty()) object["name"] = what.name;
    if (what.expires_after_days) {
        if (*what.expires_after_days < 1 || *what.expires_after_days > 365)
            refuse("vector_store_definition::expires_after_days must be from 1 to 365");
        object["expires_after"]["anchor"] = "last_active_at";
        object["expires_after"]["days"] = *what.expires_after_days;
    }
    if (!what.metadata.empty()) {
        // For its checks alone: the limits are those of all metadata.
        (void)encode_metadata(what.metadata, "vector_store_definition");
        object["metadata"] = what.metadata;
    }
    return object;
}

using json::each_member;

void read(json::value source, std::int64_t& out) {
    std::optional<std::int64_t> number;
    json::read(source, number);
    out = number.value_or(0);
}

std::optional<int> small_number(json::value source) {
    std::optional<std::int64_t> number;
    json::read(source, number);
    if (!number || *number < 0 || *number > std::numeric_limits<int>::max()) return std::nullopt;
    return static_cast<int>(*number);
}

void read(json::value source, file_counts& out) {
    out = {};
    const auto members = json::object_if(source);
    if (!members) return;
    each_member(*members, [&out](std::string_view key, json::value member) {
        if (key == "in_progress")
            read(member, out.in_progress);
        else if (key == "completed")
            read(member, out.completed);
        else if (key == "failed")
            read(member, out.failed);
        else if (key == "cancelled")
            read(member, out.cancelled);
        else if (key == "total")
            read(member, out.total);
    });
}

void read(json::value source, std::optional<last_error>& out) {
    out.reset();
    const auto members = json::object_if(source);
    if (!members) return;
    out.emplace();
    each_member(*members, [&out](std::string_view key, json::value member) {
        if (key == "code")
            json::read(member, out->code);
        else if (key == "message")
            json::read(member, out->message);
    });
}

/// The member `name` of an object, when it is a whole number.
std::optional<int> number_in(json::value source, std::string_view name) {
    std::optional<int> found;
    if (const auto members = json::object_if(source))
        each_member(*members, [&](std::string_view key, json::value member) {
            if (key == name) found = small_number(member);
        });
    return found;
}

void read(json::value source, std::optional<static_chunking>& out) {
    out.reset();
    const auto members = json::object_if(source);
    if (!members) return;
    each_member(*members, [&out](std::string_view key, json::value member) {
        if (key != "static") return;
        std::optional<int> size, overlap;
        if (const auto numbers = json::object_if(member))
            each_member(*numbers, [&](std::string_view name, json::value number) {
                if (name == "max_chunk_size_tokens") size = small_number(number);
                if (name == "chunk_overlap_tokens") overlap = small_number(number);
            });
        if (size && overlap) out.emplace(*size, *overlap);
    });
}

void read_member(std::string_view key, json::value member, file_info& out) {
    if (key == "filename")
        json::read(member, out.filename);
    else if (key == "purpose")
        json::read(member, out.purpose);
    else if (key == "status")
        json::read(member, out.status);
    else if (key == "status_details")
        json::read(member, out.status_details);
    else if (key == "bytes")
        read(member, out.bytes);
}

void read_member(std::string_view key, json::value member, vector_store_info& out) {
    if (key == "name")
        json::read(member, out.name);
    else if (key == "status")
        json::read(member, out.status);
    else if (key == "file_counts")
        read(member, out.file_counts);
    else if (key == "usage_bytes")
        read(member, out.usage_bytes);
    else if (key == "expires_after")
        out.expires_after_days = number_in(member, "days");
    else if (key == "metadata")
        json::read(member, out.metadata);
    else if (key == "last_active_at")
        json::read(member, out.last_active_at);
    else if (key == "expires_at")
        json::read(member, out.expires_at);
}

void read_member(std::string_view key, json::value member, vector_store_file& out) {
    if (key == "vector_store_id")
        json::read(member, out.vector_store_id);
    else if (key == "status")
        json::read(member, out.status);
    else if (key == "last_error")
        read(member, out.last_error);
    else if (key == "usage_bytes")
        read(member, out.usage_bytes);
    else if (key == "chunking_strategy")
        read(member, out.chunking);
}

void read_member(std::string_view key, json::value member, vector_store_batch& out) {
    if (key == "vector_store_id")
        json::read(member, out.vector_store_id);
    else if (key == "status")
        json::read(member, out.status);
    else if (key == "file_counts")
        read(member, out.file_counts);
}

template <class T>
T decode(std::string_view what, std::string_view text) {
    // simdjson reads past the end, and a response body may end where its memory does.
    const simdjson::padded_string padded(text);
    json::reader reader;
    try {
        T result;
        bool has_id = false;
        each_member(reader.object(padded, simdjson::SIMDJSON_PADDING), [&](std::string_view key, json::value member) {
            if (key == "id") {
                json::read_id(member, key, result.id);
                has_id = true;
            } else if (key == "created_at") {
                json::read(member, result.created_at);
            } else {
                read_member(key, member, result);
            }
        });
        if (!has_id) throw json::shape_error("\"id\" is missing");
        result.raw = text;
        return result;
    } catch (const json::shape_error& problem) {
        throw error(errc::bad_response, "the service's " + std::string(what) + ": " + problem.what());
    }
}

}  // namespace

secret encode_vector_store(const vector_store_definition& what) {
    body object = changeable(what);
    if (!what.file_ids.empty()) object["file_ids"] = what.file_ids;
    if (!what.data_sources.empty()) object["configuration"]["data_sources"] = to_json(what.data_sources);
    if (what.chunking) object["chunking_strategy"] = to_json(*what.chunking);
    return encode(object);
}

secret encode_vector_store_changes(const vector_store_definition& what) {
    if (!what.file_ids.empty() || !what.data_sources.empty() || what.chunking)
        refuse("files, data sources and chunking of a vector store that exists cannot be changed: add files to it");
    return encode(changeable(what));
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
    return decode<file_info>("file", text);
}
vector_store_info decode_vector_store(std::string_view text) {
    return decode<vector_store_info>("vector store", text);
}
vector_store_file decode_vector_store_file(std::string_view text) {
    return decode<vector_store_file>("vector store file", text);
}
vector_store_batch decode_vector_store_batch(std::string_view text) {
    return decode<vector_store_batch>("file batch", text);
}

}  // namespace corun::codec::threads
