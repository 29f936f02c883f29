#pragma once
#include "json/reader.hpp"
#include "protocol/retry_hint.hpp"
#include <corun/error.hpp>
#include <corun/resources.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

/// How the objects of the threads protocol are read: by tables of their members.
namespace corun::codec::threads {

using json::each_member;

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

/// By a function of its own.
template <auto Read, auto Member, class T>
void by(json::value source, T& out) {
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

/// Nothing when the value is no object.
template <class T, std::size_t Size>
void read_members_if(json::value source, const member<T> (&members)[Size], T& out) {
    if (const auto found = json::object_if(source)) read_members(*found, members, out);
}

[[noreturn]] inline void missing(std::string_view member) {
    throw json::shape_error("\"" + std::string(member) + "\" is missing");
}

/// An object that must say its id.
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

constexpr member<last_error> last_error_members[] = {
    {"code", into<&last_error::code>},
    {"message", into<&last_error::message>},
};

inline void read_last_error(json::value source, std::optional<last_error>& out) {
    out.reset();
    const auto members = json::object_if(source);
    if (!members) return;
    read_members(*members, last_error_members, out.emplace());
    if (out->code == "rate_limit_exceeded") out->retry_after = retry_hint_in(out->message);
}

/// Reads a response with `read_object`; a wrong shape becomes `errc::bad_response`.
template <class Read>
auto read_response(std::string_view what, std::string_view text, Read read_object) {
    // simdjson reads past the end, and a response body may end where its memory does.
    const simdjson::padded_string padded(text);
    json::reader reader;
    try {
        return read_object(reader.object(padded, simdjson::SIMDJSON_PADDING));
    } catch (const json::shape_error& problem) {
        throw error(errc::bad_response, "the service's " + std::string(what) + ": " + problem.what());
    }
}

/// The object of a response, with its JSON.
template <class T, std::size_t Size>
T decode_object(std::string_view what, std::string_view text, const member<T> (&members)[Size]) {
    return read_response(what, text, [&](json::object source) {
        T result;
        read_identified(source, members, result);
        result.raw = text;
        return result;
    });
}

}  // namespace corun::codec::threads
