#pragma once
#include "emulator/json.hpp"

#include <exception>
#include <string>

namespace corun::emulator {

/// An error that answers a request: status and body.
class api_error : public std::exception {
public:
    api_error(int status, json body) : status_(status), body_(std::move(body)), text_(text_of(body_)) {}

    [[nodiscard]] int status() const noexcept { return status_; }
    [[nodiscard]] const json& body() const noexcept { return body_; }
    [[nodiscard]] const char* what() const noexcept override { return text_.c_str(); }

private:
    int status_;
    json body_;
    std::string text_;
};

/// The message of errors that name no cause.
inline constexpr const char* went_wrong = "Sorry, something went wrong.";

/// The service's error envelope.
inline json error_envelope(std::string message, std::string type, json param = nullptr, json code = nullptr) {
    json body;
    body["error"] = {{"message", std::move(message)},
                     {"type", std::move(type)},
                     {"param", std::move(param)},
                     {"code", std::move(code)}};
    return body;
}
/// HTTP 400 in the service's words.
inline api_error bad_request(std::string message, json param = nullptr, json code = nullptr) {
    return {400, error_envelope(std::move(message), "invalid_request_error", std::move(param), std::move(code))};
}
inline api_error not_found(const std::string& kind, const std::string& id) {
    return {404, error_envelope("No " + kind + " found with id '" + id + "'.", "invalid_request_error")};
}
/// HTTP 400 of the layer in front of the Responses API that knows agents. The server fills in `request_id`.
inline api_error invalid_payload(std::string message, json param) {
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
/// An error of the gateway in front of the service, which has a shape of its own.
inline api_error gateway_error(int status, const std::string& code, const std::string& message) {
    json body;
    body["error"] = {{"code", code}, {"message", message}};
    return {status, std::move(body)};
}

}  // namespace corun::emulator
