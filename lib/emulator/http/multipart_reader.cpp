#include "emulator/http/multipart_reader.hpp"

#include "emulator/http/api_error.hpp"
#include "text/ascii.hpp"
#include <corun/headers.hpp>

#include <algorithm>
#include <utility>

namespace corun::emulator {
namespace {

constexpr std::size_t max_parts = 16;
constexpr std::size_t max_head = 8 * 1024;

[[noreturn]] void malformed(const std::string& problem) {
    throw bad_request("We could not parse the multipart body of your request: " + problem + ".");
}

/// Takes a quoted string off the beginning of `rest` and returns its content. A quote may be escaped by a backslash
/// (RFC 9110, 5.6.4) or be `%22` (WHATWG), where a backslash is an ordinary character.
std::string take_quoted(std::string_view& rest) {
    std::string text;
    for (std::size_t i = 1; i < rest.size(); ++i) {
        const bool is_last = i + 1 == rest.size();
        if (rest[i] == '"') {
            rest.remove_prefix(i + 1);
            return text;
        }
        const bool escapes = rest[i] == '\\' && !is_last && (rest[i + 1] == '\\' || rest[i + 1] == '"');
        // At the end of the line, the quote after a backslash is the closing one.
        if (escapes && i + 2 < rest.size()) ++i;
        text += rest[i];
    }
    malformed("a quoted string does not end");
}

/// Undoes the escaping of names in the WHATWG encoding.
std::string unescaped(std::string text) {
    for (const auto& [code, character] : {std::pair{"%0A", '\n'}, {"%0D", '\r'}, {"%22", '"'}})
        for (auto at = text.find(code); at != text.npos; at = text.find(code, at + 1))
            text.replace(at, 3, 1, character);
    return text;
}

/// The parameters of a header value after its first word: `; name="value"; name=value`.
std::vector<std::pair<std::string, std::string>> parameters_of(std::string_view rest) {
    std::vector<std::pair<std::string, std::string>> found;
    while (!(rest = ascii::trim(rest)).empty()) {
        if (rest.front() != ';') malformed("a header field has no ';' before a parameter");
        rest = ascii::trim(rest.substr(1));
        const auto equals = rest.find('=');
        if (equals == rest.npos || !is_header_name(rest.substr(0, equals))) malformed("a parameter has no name");
        std::string name(rest.substr(0, equals));
        rest.remove_prefix(equals + 1);
        std::string value;
        if (rest.starts_with('"')) {
            value = take_quoted(rest);
        } else {
            value = ascii::trim(rest.substr(0, rest.find(';')));
            rest.remove_prefix(std::min(rest.find(';'), rest.size()));
        }
        found.emplace_back(std::move(name), std::move(value));
    }
    return found;
}

/// The first word of a header value, and what follows it.
std::pair<std::string_view, std::string_view> split(std::string_view value) {
    return {ascii::media_type(value), value.substr(std::min(value.find(';'), value.size()))};
}

std::string boundary_of(std::string_view content_type) {
    const auto [type, rest] = split(content_type);
    if (!equal_ignoring_case(type, "multipart/form-data"))
        throw api_error(415, error_envelope("Unsupported content type: '" + std::string(content_type) +
                                                "'. This API method only accepts 'multipart/form-data' requests.",
                                            "invalid_request_error"));
    for (auto& [name, value] : parameters_of(rest))
        if (equal_ignoring_case(name, "boundary") && !value.empty() && value.size() <= 70) return std::move(value);
    malformed("the content type has no boundary of 1 to 70 characters");
}

form_part part_of(std::string_view head) {
    form_part part;
    bool has_name = false;
    while (!head.empty()) {
        const std::string_view line = head.substr(0, head.find("\r\n"));
        head.remove_prefix(std::min(line.size() + 2, head.size()));
        const auto colon = line.find(':');
        if (colon == line.npos || !is_header_name(line.substr(0, colon))) malformed("a part has a malformed header");
        const std::string_view name = line.substr(0, colon), value = ascii::trim(line.substr(colon + 1));
        if (!is_header_value(value)) malformed("a part has a malformed header");
        if (equal_ignoring_case(name, "content-type")) part.content_type = value;
        if (!equal_ignoring_case(name, "content-disposition")) continue;
        const auto [type, rest] = split(value);
        if (!equal_ignoring_case(type, "form-data")) malformed("a part is not form-data");
        for (auto& [key, text] : parameters_of(rest)) {
            if (key == "name") {
                if (std::exchange(has_name, true)) malformed("a part has two names");
                part.name = unescaped(std::move(text));
            } else if (key == "filename") {
                if (part.filename) malformed("a part has two file names");
                part.filename = unescaped(std::move(text));
            }
        }
    }
    if (!has_name) malformed("a part has no name");
    return part;
}

}  // namespace

std::vector<form_part> parse_form(std::string_view content_type, std::string_view body) {
    const std::string delimiter = "\r\n--" + boundary_of(content_type);
    std::vector<form_part> parts;
    // The first delimiter has no line before it.
    const std::string_view first = std::string_view(delimiter).substr(2);
    if (!body.starts_with(first)) malformed("it does not begin with the boundary");
    body.remove_prefix(first.size());
    while (!body.starts_with("--")) {
        if (!body.starts_with("\r\n")) malformed("a boundary is not at the end of its line");
        const auto head_end = body.substr(0, max_head).find("\r\n\r\n");
        if (head_end == body.npos) malformed("a part has no end of its headers, or too many of them");
        if (parts.size() == max_parts) malformed("it has too many parts");
        form_part part = part_of(head_end == 0 ? std::string_view() : body.substr(2, head_end - 2));
        body.remove_prefix(head_end + 4);
        const auto end = body.find(delimiter);
        if (end == body.npos) malformed("the closing boundary is missing");
        part.body = body.substr(0, end);
        body.remove_prefix(end + delimiter.size());
        parts.push_back(std::move(part));
    }
    body.remove_prefix(2);
    if (!body.empty() && body != "\r\n" && body != "\r\n\r\n") malformed("something follows the closing boundary");
    return parts;
}

}  // namespace corun::emulator
