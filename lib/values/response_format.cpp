#include "values/json_object.hpp"
#include <corun/response_format.hpp>

#include <utility>

namespace corun {

using namespace detail;

response_format::response_format(std::string json) : json_(std::move(json)) {}

response_format response_format::automatic() {
    return response_format(R"("auto")");
}
response_format response_format::text() {
    return response_format(R"({"type":"text"})");
}
response_format response_format::json_object() {
    return response_format(R"({"type":"json_object"})");
}
response_format response_format::json_schema(std::string name, json_text schema, std::string description) {
    document body = object_with("name", std::move(name));
    set_unless_empty(body, "description", std::move(description));
    body["schema"] = parse_object(schema, "response_format::json_schema: schema");
    return response_format(dump(typed_object("json_schema", std::move(body)), "response_format::json_schema"));
}
response_format response_format::from_json(json_text json) {
    return response_format(std::move(json).text());
}

}  // namespace corun
