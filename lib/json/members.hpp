#pragma once
#include "json/reader.hpp"
#include <corun/error.hpp>
#include <corun/json_text.hpp>

#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

/// Reading objects by tables of their members.
namespace corun::codec::json {

/// How a member of an object is read into a `T`.
template <class T>
struct member {
    std::string_view name;
    void (*read)(json::value source, T& out);
};

/// As a text, a number or metadata, whatever `Member` is.
template <auto Member, class T>
void into(json::value source, T& out) {
    json::read(source, out.*Member);
}

/// By a function of its own; JSON text as a string.
template <auto Read, auto Member, class T>
void by(json::value source, T& out) {
    if constexpr (std::is_same_v<decltype(out.*Member), json_text&>)
        Read(source, (out.*Member).text());
    else
        Read(source, out.*Member);
}

template <class T, std::size_t Size>
void read_member(std::string_view key, json::value source, const member<T> (&members)[Size], T& out) {
    for (const member<T>& each : members)
        if (each.name == key) return each.read(source, out);
}

template <class T, std::size_t Size>
void read_members(json::object source, const member<T> (&members)[Size], T& out) {
    each_member(source, [&](std::string_view key, json::value member) { read_member(key, member, members, out); });
}

/// Reads nothing when the value is not an object.
template <class T, std::size_t Size>
void read_members_if(json::value source, const member<T> (&members)[Size], T& out) {
    if (const auto found = json::object_if(source)) read_members(*found, members, out);
}

/// Calls `read_object(object, T&)` for the elements that are objects, and ignores all others.
template <class T, class Read>
void read_objects_if(json::value source, std::vector<T>& out, Read read_object) {
    out.clear();
    const auto elements = json::array_if(source);
    if (!elements) return;
    each_element(*elements, [&](json::value element) {
        if (auto found = json::object_if(element)) read_object(*found, out.emplace_back());
    });
}
template <class T, std::size_t Size>
void read_objects_if(json::value source, const member<T> (&members)[Size], std::vector<T>& out) {
    read_objects_if(source, out, [&](json::object found, T& each) { read_members(found, members, each); });
}

/// The elements that are objects; null is none. Anything else is a problem.
template <class T, class Read>
void read_objects(json::value source, std::string_view name, std::vector<T>& out, Read read_object) {
    out.clear();
    const auto elements = json::array_in(source, name);
    if (!elements) return;
    each_element(*elements, [&](json::value element) {
        if (auto members = json::object_in(element, std::string(name) + "[]"))
            read_object(*members, out.emplace_back());
    });
}

/// An object that must have an id.
template <class T, std::size_t Size>
void read_identified(json::object source, const member<T> (&members)[Size], T& out) {
    bool has_id = false;
    each_member(source, [&](std::string_view key, json::value member) {
        if (key != "id") return read_member(key, member, members, out);
        json::read_id(member, key, out.id);
        has_id = true;
    });
    if (!has_id) missing("id");
}

/// Reads the body of a response with `read_object`; a wrong shape becomes `errc::bad_response`. `kind` names the object
/// in the error's message.
template <class Read>
auto decode_body(std::string_view kind, std::string_view text, Read read_object) {
    // simdjson reads past the end, and a response body may end where its memory does.
    const simdjson::padded_string padded(text);
    json::reader reader;
    try {
        return read_object(reader.object(padded, simdjson::SIMDJSON_PADDING));
    } catch (const json::shape_error& problem) {
        throw error(errc::bad_response, "the service's " + std::string(kind) + ": " + problem.what());
    }
}

/// The object in the body of a response, with its JSON.
template <class T, std::size_t Size>
T decode_object(std::string_view kind, std::string_view text, const member<T> (&members)[Size]) {
    return decode_body(kind, text, [&](json::object source) {
        T result;
        read_identified(source, members, result);
        result.raw = text;
        return result;
    });
}

}  // namespace corun::codec::json
