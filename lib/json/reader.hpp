#pragma once
#include <corun/message.hpp>

#include <simdjson.h>

#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

/// Reading JSON with simdjson On-Demand, tolerant where the service is: any order of members, a
/// later duplicate wins, null is the same as missing.
///
/// On-Demand looks only at what is asked of it, so a whole text is checked before it is read
/// (`reader::object`). After that only shapes can be wrong.
namespace corun::codec::json {

using simdjson::ondemand::array;
using simdjson::ondemand::object;
using simdjson::ondemand::value;

/// A text is not JSON, or not of the shape it must have. Says what is wrong in words of ours.
class shape_error : public std::exception {
public:
    explicit shape_error(std::string message) : message_(std::move(message)) {}
    const char* what() const noexcept override { return message_.c_str(); }

private:
    std::string message_;
};

/// While one lives, whatever has a wrong shape counts as missing: readers on its thread note the first such problem
/// here and read on. Without one, they throw `shape_error`.
class lenient_scope {
public:
    lenient_scope() noexcept;
    ~lenient_scope();
    lenient_scope(const lenient_scope&) = delete;
    lenient_scope& operator=(const lenient_scope&) = delete;

    [[nodiscard]] static lenient_scope* current() noexcept;

    void note(std::string_view problem);
    /// Empty if there is none.
    [[nodiscard]] const std::string& problem() const noexcept { return problem_; }

private:
    lenient_scope* outer_;
    std::string problem_;
};

/// Notes the problem in the current `lenient_scope`, or throws it.
void note_problem(std::string problem);
/// The problem that a member is not of its kind.
void expected(std::string_view member, std::string_view kind);
/// The problem that a member is missing.
void missing(std::string_view member);

/// Parses one text at a time. The readers of a thread use the same memory, one after the other.
class reader {
public:
    reader();
    ~reader();
    reader(const reader&) = delete;
    reader& operator=(const reader&) = delete;

    /// The text's object; throws `shape_error` when the text is not exactly one JSON object. In a `lenient_scope`,
    /// `NaN` and `Infinity` pass as values of a wrong type: Python's writer emits them. `padding` more bytes behind it
    /// are readable, at least `simdjson::SIMDJSON_PADDING`. What is read is valid until the next call, and as long as
    /// `text`.
    json::object object(std::string_view text, std::size_t padding);

private:
    std::unique_ptr<simdjson::ondemand::parser> parser_;
    simdjson::ondemand::document document_;
};

/// The text of a scalar as it stands, without the whitespace behind it.
std::string_view token(value source);

inline bool is_null(value source) {
    return token(source) == "null";
}

/// The inside of a string, still escaped; nothing when the value is something else.
std::optional<std::string_view> string_inside(value source);

/// Sets `out` to the string, or clears it when the value is something else.
void read(value source, std::string& out);
/// Sets `out` to the number, or clears it when the value is no integer that fits.
void read(value source, std::optional<std::int64_t>& out);
/// The same for any number.
void read(value source, std::optional<double>& out);
void read(value source, std::optional<bool>& out);
/// Takes the members that are strings.
void read(value source, metadata& out);
bool is_true(value source);

/// The id that everything hangs on: must be a string.
void read_id(value source, std::string_view member, std::string& out);

/// The object or array; nothing when null. Anything else is a problem.
std::optional<json::object> object_in(value source, std::string_view member);
std::optional<json::array> array_in(value source, std::string_view member);
/// The object; nothing when the value is something else.
std::optional<json::object> object_if(value source);
std::optional<json::array> array_if(value source);

/// The text of an object or array as received. It can be read afterwards.
std::string_view raw(json::object& source);
std::string_view raw(json::array& source);
/// The text of any value as received. The value cannot be read afterwards.
std::string_view raw(value source);

/// The key of a member; in `unescaped` when it has escapes.
std::string_view key_of(const simdjson::ondemand::field& member, std::string& unescaped);

/// The value or `shape_error`.
template <class T>
T checked(simdjson::simdjson_result<T> result) {
    T taken;
    if (const simdjson::error_code code = std::move(result).get(taken))
        throw shape_error(simdjson::error_message(code));
    return taken;
}

/// Calls `use(key, value)` for each member.
template <class Use>
void each_member(json::object source, Use use) {
    std::string unescaped;
    for (auto member : source) {
        auto field = checked(std::move(member));
        use(key_of(field, unescaped), field.value());
    }
}

/// Calls `use(value)` for each element.
template <class Use>
void each_element(json::array source, Use use) {
    for (auto element : source) use(checked(std::move(element)));
}

}  // namespace corun::codec::json
