#include "values/json_object.hpp"
#include <corun/tools.hpp>

#include <utility>

namespace corun {

using namespace detail;

mcp_tool::mcp_tool(std::string label, std::string url, std::vector<std::string> allowed)
    : server_label(std::move(label)), server_url(std::move(url)), allowed_tools(std::move(allowed)) {}

function_tool::function_tool(std::string function_name, std::string what_it_does, json_text schema)
    : name(std::move(function_name)), description(std::move(what_it_does)), parameters(std::move(schema)) {}

json_tool::json_tool(std::string wire_type, json_text text, std::string tool_name)
    : type(std::move(wire_type)), json(std::move(text)), name(std::move(tool_name)) {}

ranking_options::ranking_options(std::string name, double threshold)
    : ranker(std::move(name)), score_threshold(threshold) {}

bing_search::bing_search(std::string connection) : connection_id(std::move(connection)) {}
bing_search::bing_search(const char* connection) : connection_id(connection) {}

openapi_auth::openapi_auth(kind type, std::string value) : type_(type), value_(std::move(value)) {}

openapi_auth openapi_auth::anonymous() {
    return {kind::anonymous, {}};
}
openapi_auth openapi_auth::connection(std::string connection_id) {
    return {kind::connection, std::move(connection_id)};
}
openapi_auth openapi_auth::managed_identity(std::string audience) {
    return {kind::managed_identity, std::move(audience)};
}

storage_queue::storage_queue(std::string endpoint, std::string name)
    : queue_service_endpoint(std::move(endpoint)), queue_name(std::move(name)) {}

azure_ai_search_index::azure_ai_search_index(std::string connection_id, std::string name)
    : index_connection_id(std::move(connection_id)), index_name(std::move(name)) {}

std::string_view type_of(const tool& value) noexcept {
    if (const auto* other = std::get_if<json_tool>(&value)) return other->type;
    return std::holds_alternative<mcp_tool>(value) ? "mcp" : "function";
}

tool_choice::tool_choice(std::string json) : json_(std::move(json)) {}

tool_choice tool_choice::none() {
    return tool_choice(R"("none")");
}
tool_choice tool_choice::automatic() {
    return tool_choice(R"("auto")");
}
tool_choice tool_choice::of_type(std::string type) {
    return tool_choice(dump(object_with("type", std::move(type)), "tool_choice::of_type"));
}
tool_choice tool_choice::function(std::string name) {
    return tool_choice(dump(typed_object("function", object_with("name", std::move(name))), "tool_choice::function"));
}
tool_choice tool_choice::from_json(json_text json) {
    return tool_choice(std::move(json).text());
}

mcp_approval::mcp_approval(kind type) : type_(type) {}

mcp_approval mcp_approval::always() {
    return mcp_approval(kind::always);
}
mcp_approval mcp_approval::never() {
    return mcp_approval(kind::never);
}

mcp_approval mcp_approval::by_tool(std::vector<std::string> always, std::vector<std::string> never) {
    mcp_approval approval(kind::by_tool);
    approval.always_ = std::move(always);
    approval.never_ = std::move(never);
    return approval;
}

mcp_tool_resource::mcp_tool_resource(std::string label) : server_label(std::move(label)) {}

tool_resources& tool_resources::set_code_interpreter(std::vector<std::string> file_ids) {
    if (file_ids.size() > 20)
        throw_invalid_argument("tool_resources::set_code_interpreter", "accepts at most 20 files");
    other["code_interpreter"] =
        dump(object_with("file_ids", std::move(file_ids)), "tool_resources::set_code_interpreter");
    return *this;
}

tool_resources& tool_resources::set_file_search(std::vector<std::string> vector_store_ids) {
    if (vector_store_ids.size() > 1)
        throw_invalid_argument("tool_resources::set_file_search", "accepts at most 1 vector store");
    other["file_search"] =
        dump(object_with("vector_store_ids", std::move(vector_store_ids)), "tool_resources::set_file_search");
    return *this;
}

tool_resources& tool_resources::set_azure_ai_search(azure_ai_search_index index) {
    document object = document::object();
    set_unless_empty(object, "index_connection_id", std::move(index.index_connection_id));
    set_unless_empty(object, "index_name", std::move(index.index_name));
    set_unless_empty(object, "query_type", std::move(index.query_type));
    if (index.top_k) object["top_k"] = *index.top_k;
    set_unless_empty(object, "filter", std::move(index.filter));
    set_unless_empty(object, "index_asset_id", std::move(index.index_asset_id));
    other["azure_ai_search"] =
        dump(object_with("indexes", document::array({std::move(object)})), "tool_resources::set_azure_ai_search");
    return *this;
}

}  // namespace corun
