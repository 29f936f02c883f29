#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace corun::emulator {

/// A part of a form.
struct form_part {
    form_part() = default;

    std::string name, content_type;
    std::optional<std::string> filename;
    std::string_view body;  ///< Refers to the body of the request.
};

/// The parts of a `multipart/form-data` body (RFC 7578). Strict: no preamble, lines
/// end with CR LF, the closing delimiter is required. Throws `api_error`.
std::vector<form_part> parse_form(std::string_view content_type, std::string_view body);

}  // namespace corun::emulator
