#pragma once
#include <corun/export.hpp>

#include <concepts>
#include <cstddef>
#include <iosfwd>
#include <string>
#include <string_view>
#include <utility>

namespace corun {

/// Converts values of a JSON library to text. json.hpp specializes it for nlohmann::json:
///
///     static std::string text_of(const T& value);
template <class T>
struct json_library {};

/// A value that a `json_library` converts to text.
template <class T>
concept json_library_value = requires(const T& value) {
    { json_library<T>::text_of(value) } -> std::same_as<std::string>;
};

/// A string, a view or a literal; not a JSON value, whose conversion to a string throws unless it is a JSON string.
template <class T>
concept plain_text = !std::same_as<T, std::nullptr_t> && std::convertible_to<const T&, std::string_view> &&
                     std::constructible_from<std::string, const T&>;

/// JSON as text, or a text for the model. Strings convert to it; with json.hpp included, nlohmann::json does too.
///
///     options.extra_json = R"({"seed": 7})";
///     options.extra_json = nlohmann::json{{"seed", 7}};  // with <corun/json.hpp>
class CORUN_API json_text {
public:
    json_text() = default;
    /// A text.
    template <class T>
    requires(!std::same_as<std::remove_cvref_t<T>, json_text> && plain_text<std::remove_cvref_t<T>>) json_text(T&& text)
        : text_(std::forward<T>(text)) {}
    /// Throws `errc::invalid_argument` if `value` contains text that is not UTF-8.
    template <json_library_value T>
    json_text(const T& value) : text_(json_library<T>::text_of(value)) {}

    [[nodiscard]] const std::string& text() const& noexcept { return text_; }
    [[nodiscard]] std::string& text() & noexcept { return text_; }
    [[nodiscard]] std::string text() && noexcept { return std::move(text_); }
    [[nodiscard]] bool empty() const noexcept { return text_.empty(); }
    /// The text.
    operator const std::string&() const noexcept { return text_; }
    /// The text.
    operator std::string_view() const noexcept { return text_; }

    /// Compares the texts.
    friend bool operator==(const json_text&, const json_text&) = default;
    /// Compares the texts.
    template <plain_text T>
    friend bool operator==(const json_text& a, const T& b) {
        return a.text_ == b;
    }

private:
    std::string text_;
};

/// Prints the text.
CORUN_API std::ostream& operator<<(std::ostream& out, const json_text& value);

}  // namespace corun
