#include "emulator/responses/containers.hpp"

#include "emulator/http/api_error.hpp"
#include "emulator/http/multipart_reader.hpp"
#include "emulator/http/schema.hpp"
#include "emulator/responses/conversations.hpp"
#include "text/utf8.hpp"

#include <vector>

namespace corun::emulator {
namespace {

using members = std::vector<schema::member>;

schema::check new_container() {
    return schema::object(members{schema::required("name", schema::string()),
                                  {"expires_after", schema::any()},
                                  {"file_ids", schema::array(schema::string())},
                                  {"memory_limit", schema::one_of({"1g", "4g", "16g", "64g"})},
                                  {"network_policy", schema::any()},
                                  {"skills", schema::array(schema::any())}});
}

/// The one part of a form.
form_part uploaded_file(const api_request& request) {
    const std::vector<form_part> parts = parse_form(http::find(request.fields, "content-type"), request.body_text);
    if (parts.size() != 1 || parts.front().name != "file")
        throw bad_request("Missing required parameter: 'file'.", "file", "missing_required_parameter");
    const form_part& file = parts.front();
    if (!file.filename || file.filename->empty() || !utf8::is_well_formed(*file.filename))
        throw bad_request("Invalid 'file': a file must have a name, in UTF-8.", "file", "invalid_value");
    return file;
}

}  // namespace

bool containers::serve(const api_request& request, responder& responder) {
    if (request.method == "GET" && request.has_path("openai/v1/containers/*/files/*/content")) {
        responder.respond_bytes(find_file(request)->bytes);
        return true;
    }
    using api = containers;
    static constexpr route<json (api::*)(const api_request&)> routes[] = {
        {"POST", "openai/v1/containers", &api::create},
        {"GET", "openai/v1/containers", &api::list},
        {"GET", "openai/v1/containers/*", &api::retrieve},
        {"DELETE", "openai/v1/containers/*", &api::remove},
        {"POST", "openai/v1/containers/*/files", &api::create_file},
        {"GET", "openai/v1/containers/*/files", &api::list_files},
        {"GET", "openai/v1/containers/*/files/*", &api::retrieve_file},
        {"DELETE", "openai/v1/containers/*/files/*", &api::remove_file},
    };
    const auto handler = find_route(routes, request);
    if (handler) responder.respond((this->*handler)(request));
    return handler != nullptr;
}

std::shared_ptr<container> containers::find(const api_request& request) const {
    auto found = containers_.find(request.segments[3]);
    if (!found) throw not_found_by_id("Container", request.segments[3]);
    return found;
}

std::shared_ptr<container_file> containers::find_file(const api_request& request) const {
    auto found = find(request)->files.find(request.segments[5]);
    if (!found) throw not_found_by_id("Container file", request.segments[5]);
    return found;
}

std::pair<std::string, std::string> containers::add_file(const std::string& filename, std::string bytes) {
    const std::string id = add_container({{"name", "code_interpreter"}})["id"];
    return {id, add_file(*containers_.find(id), filename, std::move(bytes), "assistant")["id"]};
}

json containers::create(const api_request& request) {
    return add_container(body_of(request, new_container()));
}

json containers::add_container(const json& members) {
    json object;
    object["id"] = environment_.make_id("cntr_");
    object["object"] = "container";
    object["created_at"] = environment_.now();
    object["status"] = "running";
    object["last_active_at"] = environment_.now();
    object["expires_after"] = {{"anchor", "last_active_at"}, {"minutes", 20}};
    for (const char* member : {"name", "expires_after", "memory_limit", "network_policy"})
        if (!get(members, member).is_null()) object[member] = get(members, member);
    containers_.add(std::make_shared<container>(object));
    return object;
}

json containers::list(const api_request& request) {
    return list_page(containers_, page_of(request), "container", all, [](const record& each) { return each.object; });
}

json containers::retrieve(const api_request& request) {
    return find(request)->object;
}

json containers::remove(const api_request& request) {
    const std::string id = find(request)->id;
    containers_.erase(id);
    return deleted(id, "container");
}

json containers::create_file(const api_request& request) {
    const auto container = find(request);
    const form_part file = uploaded_file(request);
    return add_file(*container, *file.filename, std::string(file.body), "user");
}

json containers::add_file(container& target, const std::string& filename, std::string bytes, const char* source) {
    json object;
    object["id"] = environment_.make_id("cfile_");
    object["object"] = "container.file";
    object["created_at"] = environment_.now();
    object["bytes"] = bytes.size();
    object["container_id"] = target.id;
    object["path"] = "/mnt/data/" + filename;
    object["source"] = source;
    target.files.add(std::make_shared<container_file>(object, std::move(bytes)));
    return object;
}

json containers::list_files(const api_request& request) {
    return list_page(find(request)->files, page_of(request), "container file", all,
                     [](const record& each) { return each.object; });
}

json containers::retrieve_file(const api_request& request) {
    return find_file(request)->object;
}

json containers::remove_file(const api_request& request) {
    const std::string id = find_file(request)->id;
    find(request)->files.erase(id);
    return deleted(id, "container.file");
}

}  // namespace corun::emulator
