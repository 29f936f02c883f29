#pragma once
#include <corun/export.hpp>
#include <corun/json_text.hpp>

#include <string>

namespace corun {

/// The format of the model's reply. A JSON value of the protocol.
class CORUN_API response_format {
public:
    /// The service decides. This is the default.
    static response_format automatic();
    static response_format text();
    /// Any JSON object. The instructions must request JSON.
    static response_format json_object();
    /// JSON that conforms to `schema`, a JSON schema. Throws `errc::invalid_argument` if `schema` is not a JSON object.
    static response_format json_schema(std::string name, json_text schema, std::string description = {});
    /// Any other format, as JSON text. If it is not JSON, sending it fails with `errc::invalid_argument`.
    static response_format from_json(json_text json);

    [[nodiscard]] const std::string& json() const noexcept { return json_; }

    /// Compares the JSON texts.
    friend bool operator==(const response_format&, const response_format&) = default;

private:
    explicit response_format(std::string json);
    std::string json_;
};

}  // namespace corun
