#pragma once
#include <corun/headers.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// The header fields of requests: those that the caller may set, and those that repeat parts of the body (2026-07-28).
namespace corun::mcp {

/// Throws `errc::invalid_header` for malformed fields, and for those that HTTP or MCP sets. `origin` is the server's.
void check_headers(const headers& fields, std::string_view origin);

/// A value as the protocol sends it: as it is, or `=?base64?...?=`.
std::string encoded_header_value(std::string_view value);

/// A property of a tool's arguments that is also sent as a header field (`x-mcp-header`).
struct header_parameter {
    header_parameter() = default;

    std::vector<std::string> path;  ///< Of the property in the arguments.
    std::string name;               ///< Of the field: `Mcp-Param-Region`.
};

/// The annotated properties of an input schema. `problem` is why the tool must not be used; empty if nothing is wrong.
struct header_parameters {
    header_parameters() = default;

    std::vector<header_parameter> list;
    std::string problem;
};
header_parameters header_parameters_of(std::string_view input_schema);

/// Adds the fields for `arguments`, a JSON object.
void add_parameters(headers& fields, const std::vector<header_parameter>& parameters, std::string_view arguments);

}  // namespace corun::mcp
