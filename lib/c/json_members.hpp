#pragma once
#include <corun/error.hpp>

#include <nlohmann/json.hpp>

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace corun::c {

/// Reads the members of a JSON object, and notices those that nobody asks for. *Errors:* `errc::invalid_argument`,
/// which names the member.
class json_members {
public:
    /// `where` names the object in errors.
    json_members(const nlohmann::json& value, std::string where);

    /// The member, or null if it is absent or null.
    [[nodiscard]] const nlohmann::json* find(const char* name);
    template <class T>
    [[nodiscard]] std::optional<T> get(const char* name) {
        const nlohmann::json* const member = find(name);
        if (!member) return {};
        return as<T>(*member, where_ + '.' + name);
    }
    template <class T>
    void read(const char* name, T& target) {
        if (auto value = get<T>(name)) target = std::move(*value);
    }
    template <class T>
    void read(const char* name, std::optional<T>& target) {
        if (auto value = get<T>(name)) target = std::move(value);
    }
    [[nodiscard]] std::string require(const char* name);
    [[nodiscard]] std::string path(const char* name) const { return where_ + '.' + name; }

    /// Fails if a member is left over.
    void done() const;

    template <class T>
    [[nodiscard]] static T as(const nlohmann::json& value, const std::string& where) {
        if constexpr (std::is_same_v<T, bool>) {
            if (value.is_boolean()) return value.get<T>();
            fail(where, "true or false");
        } else if constexpr (std::is_integral_v<T>) {
            if (value.is_number_integer()) return value.get<T>();
            fail(where, "an integer");
        } else if constexpr (std::is_floating_point_v<T>) {
            if (value.is_number()) return value.get<T>();
            fail(where, "a number");
        } else {
            static_assert(std::is_same_v<T, std::string>);
            if (value.is_string()) return value.get<T>();
            fail(where, "a string");
        }
    }
    [[noreturn]] static void fail(const std::string& where, std::string_view expected);

private:
    const nlohmann::json* value_;
    std::string where_;
    std::set<std::string, std::less<>> known_;
};

/// The value of a name, such as `protocol::responses` of "responses". *Errors:* lists the names.
template <class T>
[[nodiscard]] T named(const std::string& name, const std::string& where,
                      std::initializer_list<std::pair<std::string_view, T>> values) {
    std::string names;
    for (const auto& [each, value] : values) {
        if (name == each) return value;
        names += (names.empty() ? "" : ", ") + std::string(each);
    }
    json_members::fail(where, "one of " + names);
}

/// Parses an object or an array of the caller.
[[nodiscard]] nlohmann::json parse(std::string_view text, std::string_view where);

}  // namespace corun::c
