#pragma once
#include <corun/export.hpp>
#include <corun/secret.hpp>

#include <cstddef>
#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

namespace corun {

/// One HTTP header field. The value is a secret: it prints as `***` and is wiped on destruction.
struct CORUN_API header {
    header(std::string name, secret value);

    std::string name;
    secret value;
};

/// An ordered list of HTTP header fields. Names are case-insensitive (RFC 9110, 5.1).
///
/// *Errors:* The function that sends the headers validates them first (`errc::invalid_header`).
class CORUN_API headers {
public:
    headers() = default;
    headers(header first);
    headers(header first, header second);
    headers(header first, header second, header third);

    /// Replaces all fields of this name by one, or appends it.
    headers& set(std::string name, secret value);
    /// Appends a field and keeps others of the same name.
    headers& add(header field);
    /// Removes all fields of this name, and returns their number.
    std::size_t erase(std::string_view name);

    /// The value of the first field of this name, or null.
    [[nodiscard]] const secret* find(std::string_view name) const noexcept;
    [[nodiscard]] bool empty() const noexcept { return fields_.empty(); }
    [[nodiscard]] std::size_t size() const noexcept { return fields_.size(); }
    [[nodiscard]] auto begin() const noexcept { return fields_.begin(); }
    [[nodiscard]] auto end() const noexcept { return fields_.end(); }

private:
    std::vector<header> fields_;
};

/// Prints a line `name: ***` for each field; never a value.
CORUN_API std::ostream& operator<<(std::ostream& out, const headers& fields);

/// True if `name` is a header field name: one or more token characters (RFC 9110, 5.6.2).
CORUN_API bool is_header_name(std::string_view name) noexcept;
/// True if `value` is a valid field value: no control character except tab, and no space or tab at either end (RFC
/// 9110, 5.5).
CORUN_API bool is_header_value(std::string_view value) noexcept;
/// Compares ASCII text case-insensitively, as for header names and media types.
CORUN_API bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept;

}  // namespace corun
