#include "emulator/threads/file_store.hpp"

#include "emulator/http/api_error.hpp"
#include "emulator/http/multipart_reader.hpp"
#include "emulator/http/schema.hpp"
#include "text/utf8.hpp"

#include <string_view>
#include <utility>
#include <vector>

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

json object_or_empty(const json& value) {
    return value.is_null() ? json::object() : value;
}

std::shared_ptr<stored_batch> find_batch(const stored_vector_store& store, const api_request& request) {
    return find_or_throw(store.batches, request.segments[3], "file batch");
}

/// A page of the files of a vector store; `batch` is the id of a batch, or empty.
json list_ingested(const stored_vector_store& store, const std::string& batch, const api_request& request) {
    const std::string status = request.parameter("filter");
    if (!status.empty()) schema::one_of({"in_progress", "completed", "failed", "cancelled"})(status, "filter");
    const auto wanted = [&](const ingested_file& file) {
        return (status.empty() || file.status() == status) && (batch.empty() || file.batch == batch);
    };
    return list_page(store.files, page_of(request), "file", wanted,
                     [](const ingested_file& file) { return file.object; });
}

}  // namespace

bool file_store::serve(const api_request& request, responder& responder) {
    if (request.method == "GET" && request.has_path("files/*/content")) {
        responder.respond_bytes(content(request));
        return true;
    }
    using api = file_store;
    static constexpr route<json (api::*)(const api_request&)> routes[] = {
        {"POST", "files", &api::upload},
        {"GET", "files", &api::list_files},
        {"GET", "files/*", &api::get_file},
        {"DELETE", "files/*", &api::delete_file},
        {"POST", "vector_stores", &api::create_store},
        {"GET", "vector_stores", &api::list_stores},
        {"GET", "vector_stores/*", &api::get_store},
        {"POST", "vector_stores/*", &api::update_store},
        {"DELETE", "vector_stores/*", &api::delete_store},
        {"POST", "vector_stores/*/files", &api::create_store_file},
        {"GET", "vector_stores/*/files", &api::list_store_files},
        {"GET", "vector_stores/*/files/*", &api::get_store_file},
        {"DELETE", "vector_stores/*/files/*", &api::delete_store_file},
        {"POST", "vector_stores/*/file_batches", &api::create_batch},
        {"GET", "vector_stores/*/file_batches/*", &api::get_batch},
        {"GET", "vector_stores/*/file_batches/*/files", &api::list_batch_files},
        {"POST", "vector_stores/*/file_batches/*/cancel", &api::cancel_batch},
    };
    const auto handler = find_route(routes, request);
    if (handler) responder.respond((this->*handler)(request));
    return handler != nullptr;
}

std::string file_store::content(const api_request& request) const {
    const auto file = find_or_throw(files_, request.segments[1], "file");
    const std::string purpose = get_string(file->object, "purpose");
    if (!environment_->options.uploads_downloadable && purpose != "assistants_output")
        throw bad_request("Not allowed to download files of purpose: " + purpose);
    return file->bytes;
}

std::shared_ptr<stored_file> file_store::add_file(std::string filename, std::string bytes, std::string purpose) {
    json object;
    object["object"] = "file";
    object["id"] = environment_->make_id("assistant-");
    object["purpose"] = std::move(purpose);
    object["filename"] = std::move(filename);
    object["bytes"] = bytes.size();
    object["created_at"] = environment_->now();
    object["status"] = "processed";
    object["status_details"] = nullptr;
    auto added = std::make_shared<stored_file>(std::move(object), std::move(bytes));
    files_.add(added);
    return added;
}

json file_store::upload(const api_request& request) {
    const std::vector<form_part> parts = parse_form(http::find(request.fields, "content-type"), request.body_text);
    const form_part *file = nullptr, *purpose = nullptr;
    for (const form_part& part : parts) {
        const form_part** const known = part.name == "file" ? &file : part.name == "purpose" ? &purpose : nullptr;
        if (!known) throw bad_request("Unknown parameter: '" + part.name + "'.", part.name, "unknown_parameter");
        if (*known) throw bad_request("Duplicate parameter: '" + part.name + "'.", part.name, "invalid_value");
        *known = &part;
    }
    for (const auto& [name, part] : {std::pair{"file", file}, {"purpose", purpose}})
        if (!part)
            throw bad_request("Missing required parameter: '" + std::string(name) + "'.", name,
                              "missing_required_parameter");
    // `assistants_output` is for files of the service itself.
    schema::one_of({"assistants", "vision"})(json(purpose->body), "purpose");
    if (!file->filename || file->filename->empty() || !utf8::is_well_formed(*file->filename))
        throw bad_request("Invalid 'file': a file must have a name, in UTF-8.", "file", "invalid_value");
    if (file->body.size() > environment_->options.max_file_bytes)
        throw bad_request(
            "The file is too large: the limit is " + std::to_string(environment_->options.max_file_bytes) + " bytes.",
            "file", "file_size_exceeded");
    return add_file(*file->filename, std::string(file->body), std::string(purpose->body))->object;
}

json file_store::list_files(const api_request& request) {
    const std::string purpose = request.parameter("purpose");
    if (!purpose.empty()) schema::one_of({"assistants", "assistants_output", "vision"})(purpose, "purpose");
    json list;
    list["object"] = "list";
    list["data"] = json::array();
    for (const auto& [place, file] : files_.items())
        if (purpose.empty() || get(file->object, "purpose") == purpose) list["data"].push_back(file->object);
    return list;
}

json file_store::get_file(const api_request& request) {
    return find_or_throw(files_, request.segments[1], "file")->object;
}

json file_store::delete_file(const api_request& request) {
    const auto file = find_or_throw(files_, request.segments[1], "file");
    files_.erase(file->id);
    for (const auto& [place, store] : stores_.items()) store->files.erase(file->id);
    return deleted(file->id, "file");
}

std::shared_ptr<stored_vector_store> file_store::find_store(const api_request& request) const {
    auto found = find_or_throw(stores_, request.segments[1], "vector store");
    if (request.method == "GET") found->advance();
    return found;
}

json file_store::create_store(const api_request& request) {
    const json body = body_of(request, new_store(), false);
    json object;
    object["id"] = environment_->make_id("vs_");
    object["object"] = "vector_store";
    object["created_at"] = environment_->now();
    object["name"] = get_string(body, "name");
    object["expires_after"] = get(body, "expires_after");
    object["last_active_at"] = environment_->now();
    object["metadata"] = object_or_empty(get(body, "metadata"));
    const auto created = std::make_shared<stored_vector_store>(std::move(object));
    json files;
    files["file_ids"] = get(body, "file_ids");
    files["data_sources"] = get(get(body, "configuration"), "data_sources");
    files["chunking_strategy"] = get(body, "chunking_strategy");
    ingest(*created, files, {});
    stores_.add(created);
    return created->shown(environment_->now());
}

json file_store::list_stores(const api_request& request) {
    return list_page(stores_, page_of(request), "vector store", all,
                     [this](const stored_vector_store& store) { return store.shown(environment_->now()); });
}

json file_store::get_store(const api_request& request) {
    return find_store(request)->shown(environment_->now());
}

json file_store::update_store(const api_request& request) {
    const auto store = find_store(request);
    const json body = body_of(request, schema::object(changeable()), false);
    for (const auto& [name, value] : body.items())
        store->object[name] = name == "metadata" ? object_or_empty(value) : value;
    return store->shown(environment_->now());
}

json file_store::delete_store(const api_request& request) {
    const auto store = find_store(request);
    stores_.erase(store->id);
    return deleted(store->id, "vector_store.deleted");
}

json file_store::create_store_file(const api_request& request) {
    const auto store = find_store(request);
    const json body = body_of(request, new_store_file());
    if (get(body, "file_id").is_null() == get(body, "data_source").is_null())
        throw bad_request("Exactly one of 'file_id' and 'data_source' must be given.", "file_id",
                          "missing_required_parameter");
    json files;
    if (body.contains("file_id")) files["file_ids"].push_back(body["file_id"]);
    if (body.contains("data_source")) files["data_sources"].push_back(body["data_source"]);
    files["chunking_strategy"] = get(body, "chunking_strategy");
    ingest(*store, files, {});
    return store->files.items().rbegin()->second->object;
}

json file_store::list_store_files(const api_request& request) {
    return list_ingested(*find_store(request), {}, request);
}

json file_store::get_store_file(const api_request& request) {
    return find_or_throw(find_store(request)->files, request.segments[3], "file")->object;
}

json file_store::delete_store_file(const api_request& request) {
    const auto store = find_store(request);
    const auto file = find_or_throw(store->files, request.segments[3], "file");
    store->files.erase(file->id);
    return deleted(file->id, "vector_store.file.deleted");
}

json file_store::create_batch(const api_request& request) {
    const auto store = find_store(request);
    const json body = body_of(request, new_batch());
    if (get(body, "file_ids").empty() && get(body, "data_sources").empty())
        throw bad_request("Missing required parameter: 'file_ids'.", "file_ids", "missing_required_parameter");
    json object;
    object["id"] = environment_->make_id("vsfb_");
    object["object"] = "vector_store.files_batch";
    object["created_at"] = environment_->now();
    object["vector_store_id"] = store->id;
    const auto batch = std::make_shared<stored_batch>(std::move(object));
    ingest(*store, body, batch->id);
    store->batches.add(batch);
    return store->shown(*batch);
}

json file_store::get_batch(const api_request& request) {
    const auto store = find_store(request);
    return store->shown(*find_batch(*store, request));
}

json file_store::list_batch_files(const api_request& request) {
    const auto store = find_store(request);
    return list_ingested(*store, find_batch(*store, request)->id, request);
}

json file_store::cancel_batch(const api_request& request) {
    const auto store = find_store(request);
    const auto batch = find_batch(*store, request);
    store->cancel(*batch);
    return store->shown(*batch);
}

void file_store::ingest(stored_vector_store& store, const json& files, const std::string& batch) {
    if (store.has_expired(environment_->now())) throw bad_request("Vector store " + store.id + " is expired.");
    const auto add = [&](const stored_file& file) {
        auto added = ingestion_of(file, store.id, get(files, "chunking_strategy"), environment_->now());
        added->batch = batch;
        added->reads_to_go = environment_->options.ingestion_reads;
        store.files.erase(file.id);
        store.files.add(std::move(added));
    };
    // All of them or none.
    std::vector<std::shared_ptr<stored_file>> found;
    for (const auto& id : get(files, "file_ids")) found.push_back(find_or_throw(files_, id.get<std::string>(), "file"));
    for (const auto& file : found) add(*file);
    for (const auto& source : get(files, "data_sources")) {
        const std::string uri = get_string(source, "uri");
        add(*add_file(uri.substr(uri.rfind('/') + 1), {}, "assistants"));
    }
    store.object["last_active_at"] = environment_->now();
}

}  // namespace corun::emulator
