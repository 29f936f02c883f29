#pragma once
#include "text/wipe.hpp"
#include <corun/headers.hpp>
#include <corun/message.hpp>
#include <corun/secret.hpp>
#include <corun/tools.hpp>

#include <nlohmann/json.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

/// JSON bodies of requests, whatever the protocol.
namespace corun::codec {

/// Zeroes what it frees: header values pass through here.
template <class T>
struct wiping_allocator {
    using value_type = T;

    wiping_allocator() = default;
    template <class Other>
    wiping_allocator(const wiping_allocator<Other>&) noexcept {}

    T* allocate(std::size_t count) { return std::allocator<T>{}.allocate(count); }
    void deallocate(T* memory, std::size_t count) noexcept {
        detail::wipe_memory(memory, count * sizeof(T));
        std::allocator<T>{}.deallocate(memory, count);
    }

    friend bool operator==(const wiping_allocator&, const wiping_allocator&) noexcept { return true; }
};

using wiped_string = std::basic_string<char, std::char_traits<char>, wiping_allocator<char>>;
/// nlohmann's JSON, in the order in which members are set, and with all its memory wiped.
using body = nlohmann::basic_json<nlohmann::ordered_map, std::vector, wiped_string, bool, std::int64_t, std::uint64_t,
                                  double, wiping_allocator>;

/// Throws `errc::invalid_argument`, saying that `member` is, has or must be what `why` says.
[[noreturn]] void refuse(std::string_view member, std::string_view why);

inline body text(std::string_view value) {
    return body(wiped_string(value));
}
body strings(const std::vector<std::string>& values);

/// A JSON text given by the caller as `member`; refuses what is none.
body parse(std::string_view json, std::string_view member);
body parse_object(std::string_view json, std::string_view member);

inline body& set(body& object, std::string_view key, body value) {
    return object[wiped_string(key)] = std::move(value);
}
template <class T>
void set_if(body& object, std::string_view key, const std::optional<T>& value) {
    if (!value) return;
    if constexpr (std::is_same_v<T, std::string>)
        set(object, key, text(*value));
    else
        set(object, key, body(*value));
}
/// What is a JSON text already.
template <class T>
void set_parsed(body& object, const char* key, const std::optional<T>& value, const char* owner) {
    if (value) object[key] = parse(value->json(), std::string(owner) + "::" + key);
}
inline void set_unless_empty(body& object, std::string_view key, std::string_view value) {
    if (!value.empty()) set(object, key, text(value));
}

void check_range(const std::optional<double>& value, double least, double most, const std::string& member);

/// `owner` is whose it is, for the error.
body to_json(const metadata& pairs, std::string_view owner);
body to_json(const mcp_approval& approval);
body to_json(const headers& fields);
/// The object of a `json_tool`, which must be of its type.
body to_json(const json_tool& tool);

/// The text of a body. Throws `errc::invalid_argument` when one of its texts is not UTF-8.
wiped_string dump(const body& json, int indent = -1);
secret encode(const body& json);
/// Replaces the values of every member of one of these names, wherever it is: the values of an object, or the whole.
void redact(body& json, const std::vector<std::string_view>& members);

}  // namespace corun::codec
