#include "emulator/threads/vector_store_records.hpp"

#include "emulator/http/api_error.hpp"
#include "text/ascii.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <string_view>

namespace corun::emulator {
namespace {

/// The file name extensions that the service can ingest.
constexpr std::array<std::string_view, 26> readable{"c",    "cpp", "cs",   "css", "csv",  "doc", "docx", "go", "html",
                                                    "java", "js",  "json", "md",  "pdf",  "php", "pptx", "py", "rb",
                                                    "sh",   "tex", "ts",   "txt", "xlsx", "xml", "yaml", "h"};

bool is_readable(const std::string& filename) {
    const auto dot = filename.rfind('.');
    if (dot == filename.npos) return false;
    std::string extension = filename.substr(dot + 1);
    std::transform(extension.begin(), extension.end(), extension.begin(), ascii::lower);
    return std::find(readable.begin(), readable.end(), extension) != readable.end();
}

/// Chunking as the service shows it, including its own default.
json shown_chunking(const json& chunking) {
    if (get_string(chunking, "type") == "static") return chunking;
    json object;
    object["type"] = "static";
    object["static"]["max_chunk_size_tokens"] = 800;
    object["static"]["chunk_overlap_tokens"] = 400;
    return object;
}

/// How many of the files have each status.
template <class Wanted>
json counts(const store<ingested_file>& files, Wanted wanted) {
    json found;
    for (const char* name : {"in_progress", "completed", "failed", "cancelled", "total"}) found[name] = 0;
    for (const auto& [place, one] : files.items()) {
        if (!wanted(*one)) continue;
        for (const std::string& name : {one->status(), std::string("total")}) found[name] = found[name].get<int>() + 1;
    }
    return found;
}

}  // namespace

std::shared_ptr<ingested_file> ingestion_of(const stored_file& file, const std::string& store_id, const json& chunking,
                                            std::int64_t now) {
    json object;
    object["id"] = file.id;
    object["object"] = "vector_store.file";
    object["usage_bytes"] = 0;
    object["created_at"] = now;
    object["vector_store_id"] = store_id;
    object["status"] = "in_progress";
    object["last_error"] = nullptr;
    object["chunking_strategy"] = shown_chunking(chunking);
    auto added = std::make_shared<ingested_file>(std::move(object));
    added->bytes = file.bytes.size();
    const std::string name = get_string(file.object, "filename");
    if (!is_readable(name)) {
        added->error_code = "unsupported_file";
        added->error_message = "The file type of '" + name + "' is not supported.";
    }
    return added;
}

void stored_vector_store::advance() {
    for (const auto& [place, file] : files.items()) {
        if (file->status() != "in_progress") continue;
        if (file->reads_to_go > 0) {
            --file->reads_to_go;
            continue;
        }
        if (file->error_code.empty()) {
            file->object["status"] = "completed";
            file->object["usage_bytes"] = file->bytes;
        } else {
            file->object["status"] = "failed";
            file->object["last_error"]["code"] = file->error_code;
            file->object["last_error"]["message"] = file->error_message;
        }
    }
}

void stored_vector_store::cancel(stored_batch& batch) {
    if (const std::string status = get_string(shown(batch), "status"); status != "in_progress")
        throw bad_request("Cannot cancel a file batch with status '" + status + "'.");
    batch.cancelled = true;
    for (const auto& [place, file] : files.items())
        if (file->batch == batch.id && file->status() == "in_progress") file->object["status"] = "cancelled";
}

bool stored_vector_store::has_expired(std::int64_t now) const {
    return get_string(shown(now), "status") == "expired";
}

json stored_vector_store::shown(std::int64_t now) const {
    constexpr std::int64_t day = 24 * 3600;
    json copy = object;
    std::size_t usage = 0;
    for (const auto& [place, file] : files.items()) usage += file->object["usage_bytes"].get<std::size_t>();
    copy["usage_bytes"] = usage;
    copy["file_counts"] = counts(files, [](const ingested_file&) { return true; });
    copy["expires_at"] = nullptr;
    if (const json& days = get(get(copy, "expires_after"), "days"); days.is_number())
        copy["expires_at"] = copy["last_active_at"].get<std::int64_t>() + days.get<std::int64_t>() * day;
    const json& expires_at = copy["expires_at"];
    const bool is_expired = expires_at.is_number() && now >= expires_at.get<std::int64_t>();
    const bool is_complete = copy["file_counts"]["in_progress"] == 0;
    copy["status"] = is_expired ? "expired" : is_complete ? "completed" : "in_progress";
    return copy;
}

json stored_vector_store::shown(const stored_batch& batch) const {
    json copy = batch.object;
    json found = counts(files, [&](const ingested_file& file) { return file.batch == batch.id; });
    copy["status"] = found["in_progress"] != 0                         ? "in_progress"
                     : batch.cancelled                                 ? "cancelled"
                     : found["completed"] == 0 && found["failed"] != 0 ? "failed"
                                                                       : "completed";
    copy["file_counts"] = std::move(found);
    return copy;
}

}  // namespace corun::emulator
