#pragma once
#include <corun/export.hpp>

#include <string>

namespace corun {

/// What form the model's answer has. A JSON value as it goes on the wire.
class CORUN_API response_format {
public:
    /// As the service likes; its default.
    static response_format automatic();
    static response_format text();
    /// Any JSON object. The instructions must ask for JSON.
    static response_format json_object();
    /// JSON that follows `schema`, a JSON schema as text. Throws `errc::invalid_argument` when that
    /// is not a JSON object.
    static response_format json_schema(std::string name, std::string schema, std::string description = {});
    /// Any other, as JSON text. What is not JSON is `errc::invalid_argument` where it would be sent.
    static response_format from_json(std::string json);

    [[nodiscard]] const std::string& json() const noexcept { return json_; }

    /// Compares the texts.
    friend bool operator==(const response_format&, const response_format&) = default;

private:
    explicit response_format(std::string json);
    std::string json_;
};

}  // namespace corun
