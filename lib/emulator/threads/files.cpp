#include "emulator/threads/files.hpp"

#include "emulator/http/multipart.hpp"
#include "emulator/http/refusal.hpp"
#include "emulator/threads/schema.hpp"
#include "text/ascii.hpp"
#include "text/utf8.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace corun::emulator {
namespace {

using schema::check;
using schema::required;
using members = std::vector<schema::member>;

check chunking() {
    const check fixed = [inner = schema::object(members{required("max_chunk_size_tokens", schema::integer(100, 4096)),
                                                        required("chunk_overlap_tokens", schema::integer(0, 2048))})](
                            const json& value, const std::string& path) {
        inner(value, path);
        if (value["chunk_overlap_tokens"].get<int>() * 2 > value["max_chunk_size_tokens"].get<int>())
            throw bad_request("Invalid '" + path + "': 'chunk_overlap_tokens' exceeds half of 'max_chunk_size_tokens'.",
                              path + ".chunk_overlap_tokens", "invalid_value");
    };
    std::vector<std::pair<std::string, check>> types;
    types.emplace_back("auto", schema::object(members{required("type", schema::string())}));
    types.emplace_back("static",
                       schema::object(members{required("type", schema::string()), required("static", fixed)}));
    return schema::nullable(schema::by_type(std::move(types)));
}

check data_source() {
    return schema::object(
        members{required("uri", schema::string()), required("type", schema::one_of({"uri_asset", "id_asset"}))});
}

check expires_after() {
    return schema::nullable(schema::object(
        members{required("anchor", schema::one_of({"last_active_at"})), required("days", schema::integer(1, 365))}));
}

members changeable() {
    return members{{"name", schema::nullable(schema::string(256))},
                   {"expires_after", expires_after()},
                   {"metadata", schema::metadata()}};
}

check new_store() {
    members all = changeable();
    all.emplace_back("file_ids", schema::nullable(schema::array(schema::string(), 500)));
    all.emplace_back("configuration",
                     schema::nullable(schema::object(members{required("data_sources", schema::array(data_source()))})));
    all.emplace_back("chunking_strategy", chunking());
    return schema::object(std::move(all));
}

check new_store_file() {
    return schema::object(members{{"file_id", schema::nullable(schema::string())},
                                  {"data_source", schema::nullable(data_source())},
                                  {"chunking_strategy", chunking()}});
}

check new_batch() {
    return schema::object(members{{"file_ids", schema::nullable(schema::array(schema::string(), 500))},
                                  {"data_sources", schema::nullable(schema::array(data_source(), 500))},
                                  {"chunking_strategy", chunking()}});
}

/// What the service can read, by the ends of names.
constexpr std::array<std::string_view, 26> readable{"c",    "cpp", "cs",   "css", "csv",  "doc", "docx", "go", "html",
                                                    "java", "js",  "json", "md",  "pdf",  "php", "pptx", "py", "rb",
                                                    "sh",   "tex", "ts",   "txt", "xlsx", "xml", "yaml", "h"};

bool is_readable(const std::string& filename) {
    const auto dot = filename.rfind('.');
    if (dot == filename.npos) return false;
    std::string end = filename.substr(dot + 1);
    std::transform(end.begin(), end.end(), end.begin(), ascii::lower);
    return std::find(readable.begin(), readable.end(), end) != readable.end();
}

/// Chunking as the service shows it: also what it decided itself.
json shown_chunking(const json& given) {
    if (get_string(given, "type") == "static") return given;
    json object;
    object["type"] = "static";
    object["static"]["max_chunk_size_tokens"] = 800;
    object["static"]["chunk_overlap_tokens"] = 400;
    return object;
}

/// How many of `files` stand where.
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

json object_or_empty(const json& value) {
    return value.is_null() ? json::object() : value;
}

}  // namespace

bool file_service::owns(const call& what) {
    return !what.segments.empty() && (what.segments[0] == "files" || what.segments[0] == "vector_stores");
}

std::shared_ptr<const stored_file> file_service::content_asked_for(const call& what) const {
    if (!what.is("GET", {"files", "*", "content"})) return nullptr;
    auto file = find_or_refuse(files_, what.segments[1], "file");
    const std::string purpose = get_string(file->object, "purpose");
    if (!core_.options.uploads_downloadable && purpose != "assistants_output")
        throw bad_request("Not allowed to download files of purpose: " + purpose);
    return file;
}

json file_service::answer(const call& what) {
    const auto& at = what.segments;
    if (what.is("POST", {"files"})) return upload(what);
    if (what.is("GET", {"files"})) return list_files(what);
    if (what.is("GET", {"files", "*"})) return find_or_refuse(files_, at[1], "file")->object;
    if (what.is("DELETE", {"files", "*"})) return delete_file(at[1]);

    if (what.is("POST", {"vector_stores"})) return create_store(body_of(what, new_store(), false));
    if (what.is("GET", {"vector_stores"}))
        return page_or_refuse(stores_, page_of(what), "vector store", all,
                              [this](const stored_vector_store& one) { return shown(one); });
    if (at.size() < 2 || at[0] != "vector_stores") throw gateway_error(404, "404", "Resource not found");
    const auto in = find_or_refuse(stores_, at[1], "vector store");
    if (what.is("DELETE", {"vector_stores", "*"})) {
        stores_.erase(at[1]);
        return deleted(at[1], "vector_store.deleted");
    }
    if (what.method == "GET") advance(*in);
    return answer_within(what, *in);
}

json file_service::answer_within(const call& what, stored_vector_store& in) {
    const auto& at = what.segments;
    if (what.is("GET", {"vector_stores", "*"})) return shown(in);
    if (what.is("POST", {"vector_stores", "*"}))
        return update_store(in, body_of(what, schema::object(changeable()), false));

    const auto files_of = [&](const std::string& batch) {
        const std::string status = what.parameter("filter");
        if (!status.empty()) schema::one_of({"in_progress", "completed", "failed", "cancelled"})(status, "filter");
        const auto wanted = [&](const ingested_file& one) {
            return (status.empty() || one.status() == status) && (batch.empty() || one.batch == batch);
        };
        return page_or_refuse(in.files, page_of(what), "file", wanted,
                              [](const ingested_file& one) { return one.object; });
    };
    if (what.is("POST", {"vector_stores", "*", "files"})) {
        const json body = body_of(what, new_store_file());
        if (get(body, "file_id").is_null() == get(body, "data_source").is_null())
            throw bad_request("Exactly one of 'file_id' and 'data_source' must be given.", "file_id",
                              "missing_required_parameter");
        json list;
        if (body.contains("file_id")) list["file_ids"].push_back(body["file_id"]);
        if (body.contains("data_source")) list["data_sources"].push_back(body["data_source"]);
        list["chunking_strategy"] = get(body, "chunking_strategy");
        take_in(in, list, {});
        return in.files.items().rbegin()->second->object;
    }
    if (what.is("GET", {"vector_stores", "*", "files"})) return files_of({});
    if (what.is("GET", {"vector_stores", "*", "files", "*"})) return find_or_refuse(in.files, at[3], "file")->object;
    if (what.is("DELETE", {"vector_stores", "*", "files", "*"})) {
        (void)find_or_refuse(in.files, at[3], "file");
        in.files.erase(at[3]);
        return deleted(at[3], "vector_store.file.deleted");
    }

    if (what.is("POST", {"vector_stores", "*", "file_batches"})) {
        const json body = body_of(what, new_batch());
        if (get(body, "file_ids").empty() && get(body, "data_sources").empty())
            throw bad_request("Missing required parameter: 'file_ids'.", "file_ids", "missing_required_parameter");
        json object;
        object["id"] = core_.make_id("vsfb_");
        object["object"] = "vector_store.files_batch";
        object["created_at"] = core_.now();
        object["vector_store_id"] = in.id;
        const auto batch = std::make_shared<stored_batch>(std::move(object));
        take_in(in, body, batch->id);
        in.batches.add(batch);
        return shown(in, *batch);
    }
    if (at.size() < 4 || at[2] != "file_batches") throw gateway_error(404, "404", "Resource not found");
    const auto batch = find_or_refuse(in.batches, at[3], "file batch");
    if (what.is("GET", {"vector_stores", "*", "file_batches", "*"})) return shown(in, *batch);
    if (what.is("GET", {"vector_stores", "*", "file_batches", "*", "files"})) return files_of(batch->id);
    if (what.is("POST", {"vector_stores", "*", "file_batches", "*", "cancel"})) {
        cancel(in, *batch);
        return shown(in, *batch);
    }
    throw gateway_error(404, "404", "Resource not found");
}

std::shared_ptr<stored_file> file_service::add_file(std::string filename, std::string bytes, std::string purpose) {
    json object;
    object["object"] = "file";
    object["id"] = core_.make_id("assistant-");
    object["purpose"] = std::move(purpose);
    object["filename"] = std::move(filename);
    object["bytes"] = bytes.size();
    object["created_at"] = core_.now();
    object["status"] = "processed";
    object["status_details"] = nullptr;
    auto made = std::make_shared<stored_file>(std::move(object), std::move(bytes));
    files_.add(made);
    return made;
}

json file_service::upload(const call& what) {
    const std::vector<form_part> parts = parse_form(http::find(what.fields, "content-type"), what.body_text);
    const form_part *file = nullptr, *purpose = nullptr;
    for (const form_part& part : parts) {
        const form_part** const place = part.name == "file" ? &file : part.name == "purpose" ? &purpose : nullptr;
        if (!place) throw bad_request("Unknown parameter: '" + part.name + "'.", part.name, "unknown_parameter");
        if (*place) throw bad_request("Duplicate parameter: '" + part.name + "'.", part.name, "invalid_value");
        *place = &part;
    }
    for (const auto& [name, part] : {std::pair{"file", file}, {"purpose", purpose}})
        if (!part)
            throw bad_request("Missing required parameter: '" + std::string(name) + "'.", name,
                              "missing_required_parameter");
    // `assistants_output` is what the service itself makes.
    schema::one_of({"assistants", "vision"})(json(purpose->body), "purpose");
    if (!file->filename || file->filename->empty() || !utf8::is_well_formed(*file->filename))
        throw bad_request("Invalid 'file': a file must have a name, in UTF-8.", "file", "invalid_value");
    if (file->body.size() > core_.options.max_file_bytes)
        throw bad_request(
            "The file is too large: the limit is " + std::to_string(core_.options.max_file_bytes) + " bytes.", "file",
            "file_size_exceeded");
    return add_file(*file->filename, std::string(file->body), std::string(purpose->body))->object;
}

json file_service::list_files(const call& what) const {
    const std::string purpose = what.parameter("purpose");
    if (!purpose.empty()) schema::one_of({"assistants", "assistants_output", "vision"})(purpose, "purpose");
    json list;
    list["object"] = "list";
    list["data"] = json::array();
    for (const auto& [place, one] : files_.items())
        if (purpose.empty() || get(one->object, "purpose") == purpose) list["data"].push_back(one->object);
    return list;
}

json file_service::delete_file(const std::string& id) {
    (void)find_or_refuse(files_, id, "file");
    files_.erase(id);
    for (const auto& [place, one] : stores_.items()) one->files.erase(id);
    return deleted(id, "file");
}

json file_service::create_store(const json& body) {
    json object;
    object["id"] = core_.make_id("vs_");
    object["object"] = "vector_store";
    object["created_at"] = core_.now();
    object["name"] = get_string(body, "name");
    object["expires_after"] = get(body, "expires_after");
    object["last_active_at"] = core_.now();
    object["metadata"] = object_or_empty(get(body, "metadata"));
    const auto made = std::make_shared<stored_vector_store>(std::move(object));
    json list;
    list["file_ids"] = get(body, "file_ids");
    list["data_sources"] = get(get(body, "configuration"), "data_sources");
    list["chunking_strategy"] = get(body, "chunking_strategy");
    take_in(*made, list, {});
    stores_.add(made);
    return shown(*made);
}

json file_service::update_store(stored_vector_store& what, const json& body) {
    for (const auto& [name, value] : body.items())
        what.object[name] = name == "metadata" ? object_or_empty(value) : value;
    return shown(what);
}

void file_service::take_in(stored_vector_store& to, const json& body, const std::string& batch) {
    if (expired(to)) throw bad_request("Vector store " + to.id + " is expired.");
    const json& chunking = get(body, "chunking_strategy");
    // All of them or none.
    for (const auto& id : get(body, "file_ids")) (void)find_or_refuse(files_, id.get<std::string>(), "file");
    for (const auto& id : get(body, "file_ids")) take_in(to, id.get<std::string>(), chunking, batch);
    for (const auto& source : get(body, "data_sources")) {
        const std::string uri = get_string(source, "uri");
        take_in(to, add_file(uri.substr(uri.rfind('/') + 1), {}, "assistants")->id, chunking, batch);
    }
    to.object["last_active_at"] = core_.now();
}

void file_service::take_in(stored_vector_store& to, const std::string& file_id, const json& chunking,
                           const std::string& batch) {
    const auto file = files_.find(file_id);
    json object;
    object["id"] = file_id;
    object["object"] = "vector_store.file";
    object["usage_bytes"] = 0;
    object["created_at"] = core_.now();
    object["vector_store_id"] = to.id;
    object["status"] = "in_progress";
    object["last_error"] = nullptr;
    object["chunking_strategy"] = shown_chunking(chunking);
    auto added = std::make_shared<ingested_file>(std::move(object));
    added->batch = batch;
    added->reads_to_go = core_.options.ingestion_reads;
    added->bytes = file->bytes.size();
    const std::string name = get_string(file->object, "filename");
    if (!is_readable(name)) {
        added->failure = "unsupported_file";
        added->why = "The file type of '" + name + "' is not supported.";
    }
    to.files.erase(file_id);
    to.files.add(std::move(added));
}

void file_service::advance(stored_vector_store& what) {
    for (const auto& [place, one] : what.files.items()) {
        if (one->status() != "in_progress") continue;
        if (one->reads_to_go > 0) {
            --one->reads_to_go;
            continue;
        }
        if (one->failure.empty()) {
            one->object["status"] = "completed";
            one->object["usage_bytes"] = one->bytes;
        } else {
            one->object["status"] = "failed";
            one->object["last_error"]["code"] = one->failure;
            one->object["last_error"]["message"] = one->why;
        }
    }
}

void file_service::cancel(stored_vector_store& in, stored_batch& what) {
    if (const std::string status = get_string(shown(in, what), "status"); status != "in_progress")
        throw bad_request("Cannot cancel a file batch with status '" + status + "'.");
    what.cancelled = true;
    for (const auto& [place, one] : in.files.items())
        if (one->batch == what.id && one->status() == "in_progress") one->object["status"] = "cancelled";
}

bool file_service::expired(const stored_vector_store& what) const {
    const json until = get(shown(what), "expires_at");
    return until.is_number() && core_.now() >= until.get<std::int64_t>();
}

json file_service::shown(const stored_vector_store& what) const {
    constexpr std::int64_t day = 24 * 3600;
    json object = what.object;
    std::size_t usage = 0;
    for (const auto& [place, one] : what.files.items()) usage += one->object["usage_bytes"].get<std::size_t>();
    object["usage_bytes"] = usage;
    object["file_counts"] = counts(what.files, all);
    object["expires_at"] = nullptr;
    if (const json& days = get(get(object, "expires_after"), "days"); days.is_number())
        object["expires_at"] = object["last_active_at"].get<std::int64_t>() + days.get<std::int64_t>() * day;
    const json& until = object["expires_at"];
    if (until.is_number() && core_.now() >= until.get<std::int64_t>())
        object["status"] = "expired";
    else
        object["status"] = object["file_counts"]["in_progress"] == 0 ? "completed" : "in_progress";
    return object;
}

json file_service::shown(const stored_vector_store& in, const stored_batch& what) const {
    json object = what.object;
    json found = counts(in.files, [&](const ingested_file& one) { return one.batch == what.id; });
    object["status"] = found["in_progress"] != 0                         ? "in_progress"
                       : what.cancelled                                  ? "cancelled"
                       : found["completed"] == 0 && found["failed"] != 0 ? "failed"
                                                                         : "completed";
    object["file_counts"] = std::move(found);
    return object;
}

}  // namespace corun::emulator
