#include "text/ascii.hpp"
#include "text/escape.hpp"
#include <corun/headers.hpp>

#include <algorithm>
#include <ostream>
#include <utility>

namespace corun {

namespace {

constexpr bool is_token_character(char c) noexcept {
    return ascii::is_alphanumeric(c) || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

constexpr bool is_value_character(char c) noexcept {
    const auto byte = static_cast<unsigned char>(c);
    return byte == '\t' || (byte >= 0x20 && byte != 0x7f);
}

constexpr bool is_blank(char c) noexcept {
    return c == ' ' || c == '\t';
}

auto has_name(std::string_view name) {
    return [name](const header& field) { return equal_ignoring_case(field.name, name); };
}

}  // namespace

header::header(std::string field_name, secret field_value)
    : name(std::move(field_name)), value(std::move(field_value)) {}

headers::headers(header first) {
    add(std::move(first));
}

headers::headers(header first, header second) : headers(std::move(first)) {
    add(std::move(second));
}

headers::headers(header first, header second, header third) : headers(std::move(first), std::move(second)) {
    add(std::move(third));
}

headers& headers::set(std::string name, secret value) {
    const auto found = std::find_if(fields_.begin(), fields_.end(), has_name(name));
    if (found == fields_.end()) return add(header(std::move(name), std::move(value)));
    fields_.erase(std::remove_if(found + 1, fields_.end(), has_name(name)), fields_.end());
    *found = header(std::move(name), std::move(value));
    return *this;
}

headers& headers::add(header field) {
    fields_.push_back(std::move(field));
    return *this;
}

std::size_t headers::erase(std::string_view name) {
    return std::erase_if(fields_, has_name(name));
}

const secret* headers::find(std::string_view name) const noexcept {
    const auto found = std::find_if(fields_.begin(), fields_.end(), has_name(name));
    return found == fields_.end() ? nullptr : &found->value;
}

std::ostream& operator<<(std::ostream& out, const headers& fields) {
    for (const header& field : fields) out << detail::escape(field.name) << ": " << field.value << '\n';
    return out;
}

bool is_header_name(std::string_view name) noexcept {
    return !name.empty() && std::all_of(name.begin(), name.end(), is_token_character);
}

bool is_header_value(std::string_view value) noexcept {
    return std::all_of(value.begin(), value.end(), is_value_character) &&
           (value.empty() || (!is_blank(value.front()) && !is_blank(value.back())));
}

bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept {
    return ascii::equal_ignoring_case(a, b);
}

}  // namespace corun
