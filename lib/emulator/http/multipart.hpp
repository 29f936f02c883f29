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
    std::string_view body;  ///< Lies in the request's body.
};

/// The parts of a `multipart/form-data` body (RFC 7578). Strict: nothing before the first part, all
/// lines ended by CR LF, the closing delimiter there. Throws `refusal`.
std::vector<form_part> parse_form(std::string_view content_type, std::string_view body);

}  // namespace corun::emulator
