#pragma once
#include <optional>
#include <string_view>

namespace corun::codec::json {

/// The text of the member `key` of an object, found without reading the rest: for what must be
/// known of an event before it is decoded. The first of that key; nothing when there is none before
/// the text ends or stops looking like JSON. Checks no more of it than it must to find its way.
std::optional<std::string_view> find_member(std::string_view object, std::string_view key) noexcept;

/// The same for a member that is the only one of its key; nothing also where the object does not end.
std::optional<std::string_view> find_only_member(std::string_view object, std::string_view key) noexcept;

/// The inside of a string that has no escapes; nothing when `value` is something else.
std::optional<std::string_view> plain_string(std::optional<std::string_view> value) noexcept;

}  // namespace corun::codec::json
