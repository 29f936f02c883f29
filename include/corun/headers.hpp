#pragma once
#include <corun/export.hpp>
#include <corun/secret.hpp>

#include <cstddef>
#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

namespace corun {

/// One HTTP header field. The value is a secret: it prints redacted and is zeroed when it goes.
struct CORUN_API header {
    header(std::string name, secret value);

    std::string name;
    secret value;
};

/// An ordered list of HTTP header fields. Names compare without regard to case (RFC 9110, 5.1).
///
/// Nothing is validated here; the call that sends the headers does, before it sends anything.
class CORUN_API headers {
public:
    headers() = default;
    headers(header first);
    headers(header first, header second);
    headers(header first, header second, header third);

    /// Replaces every field of this name by one, or appends it.
    headers& set(std::string name, secret value);
    /// Appends a field, keeping others of the same name.
    headers& add(header field);
    /// Removes every field of this name; returns how many there were.
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

/// Prints `name: ***` lines: names only, never a value.
CORUN_API std::ostream& operator<<(std::ostream& out, const headers& fields);

/// True when `name` is a header field name: one or more token characters (RFC 9110, 5.6.2).
CORUN_API bool is_header_name(std::string_view name) noexcept;
/// True when `value` may be sent as a field value: no CR, LF, NUL or other control character but
/// tab, and no space or tab at either end (RFC 9110, 5.5).
CORUN_API bool is_header_value(std::string_view value) noexcept;
/// ASCII comparison without regard to case, as header names and media types compare.
CORUN_API bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept;

}  // namespace corun
