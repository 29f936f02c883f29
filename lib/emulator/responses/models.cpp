#include "emulator/responses/models.hpp"

#include "emulator/http/api_error.hpp"

#include <utility>

namespace corun::emulator {
namespace {

constexpr const char* listed_model = "emulated";

json model_object(const std::string& id) {
    json model;
    model["id"] = id;
    model["object"] = "model";
    model["created"] = 1'700'000'000;
    model["owned_by"] = "system";
    return model;
}

json deployment_object(const std::string& name) {
    json deployment;
    deployment["name"] = name;
    deployment["type"] = "ModelDeployment";
    deployment["modelName"] = name;
    deployment["modelVersion"] = "1";
    deployment["modelPublisher"] = "corun";
    deployment["capabilities"]["chat_completion"] = "true";
    deployment["sku"] = {{"name", "Standard"}, {"capacity", 1}};
    return deployment;
}

json list_models(const api_request&) {
    json list;
    list["object"] = "list";
    list["data"] = json::array();
    list["data"].push_back(model_object(listed_model));
    return list;
}

json get_model(const api_request& request) {
    return model_object(request.segments[3]);
}

json list_deployments(const api_request&) {
    json list;
    list["value"] = json::array();
    list["value"].push_back(deployment_object(listed_model));
    return list;
}

json get_deployment(const api_request& request) {
    return deployment_object(request.segments[1]);
}

json list_connections(const api_request&) {
    json list;
    list["value"] = json::array();
    return list;
}

json get_connection(const api_request& request) {
    throw gateway_error(404, "UserError", "Connection '" + request.segments[1] + "' could not be found.");
}

}  // namespace

std::optional<json> serve_models(const api_request& request) {
    static constexpr route<json (*)(const api_request&)> routes[] = {
        {"GET", "openai/v1/models", &list_models},
        {"GET", "openai/v1/models/*", &get_model},
        {"GET", "deployments", &list_deployments},
        {"GET", "deployments/*", &get_deployment},
        {"GET", "connections", &list_connections},
        {"GET", "connections/*", &get_connection},
        {"POST", "connections/*/getConnectionWithCredentials", &get_connection},
    };
    const auto handler = find_route(routes, request);
    return handler ? std::optional(handler(request)) : std::nullopt;
}

}  // namespace corun::emulator
