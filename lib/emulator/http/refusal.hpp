#pragma once
#include "emulator/json.hpp"

#include <exception>
#include <string>

namespace corun::emulator {

/// A request that the service refuses: status and body of the answer.
class refusal : public std::exception {
public:
    refusal(int status, json body) : status_(status), body_(std::move(body)), text_(text_of(body_)) {}

    [[nodiscard]] int status() const noexcept { return status_; }
    [[nodiscard]] const json& body() const noexcept { return body_; }
    [[nodiscard]] const char* what() const noexcept override { return text_.c_str(); }

private:
    int status_;
    json body_;
    std::string text_;
};

/// The service's error envelope.
inline json error_envelope(std::string message, std::string type, json param = nullptr, json code = nullptr) {
    json body;
    body["error"] = {{"message", std::move(message)},
                     {"type", std::move(type)},
                     {"param", std::move(param)},
                     {"code", std::move(code)}};
    return body;
}
/// HTTP 400 as the service words it.
inline refusal bad_request(std::string message, json param = nullptr, json code = nullptr) {
    return {400, error_envelope(std::move(message), "invalid_request_error", std::move(param), std::move(code))};
}
inline refusal not_found(const std::string& kind, const std::string& id) {
    return {404, error_envelope("No " + kind + " found with id '" + id + "'.", "invalid_request_error")};
}
/// HTTP 400 of what stands in front of the responses and knows agents. Whoever answers puts the request's id in.
inline refusal invalid_payload(std::string message, json param) {
    json body;
    json& error = body["error"];
    error["code"] = "invalid_payload";
    error["message"] = std::move(message);
    error["param"] = std::move(param);
    error["type"] = "invalid_request_error";
    error["details"] = json::array();
    error["additionalInfo"]["request_id"] = nullptr;
    return {400, std::move(body)};
}
/// The gateway in front of the service has its own shape.
inline refusal gateway_error(int status, const std::string& code, const std::string& message) {
    json body;
    body["error"] = {{"code", code}, {"message", message}};
    return {status, std::move(body)};
}

}  // namespace corun::emulator
