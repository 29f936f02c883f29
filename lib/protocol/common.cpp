#include "protocol/common.hpp"

#include "json/members.hpp"

#include <nlohmann/json.hpp>

#include <utility>

namespace corun::codec {
namespace {

using json::each_element;
using json::each_member;

/// A string, or any other scalar as it is written.
void read_scalar(json::value source, std::string& out) {
    if (json::string_inside(source))
        json::read(source, out);
    else if (!json::is_null(source) && !json::object_if(source) && !json::array_if(source))
        out = json::token(source);
}

/// Members of an error, whichever object they are in.
void read_error(json::object source, error_body& out, int depth = 0) {
    constexpr int deepest = 3;
    each_member(source, [&out, depth](std::string_view key, json::value member) {
        if (key == "code" || (key == "statusCode" && out.code.empty())) {
            read_scalar(member, out.code);
        } else if (key == "message" || ((key == "detail" || key == "error_description") && out.message.empty())) {
            json::read(member, out.message);
        } else if (key == "type") {
            json::read(member, out.type);
        } else if (key == "param") {
            json::read(member, out.param);
        } else if (key == "request_id" || key == "requestId") {
            json::read(member, out.request_id);
        } else if (key == "error" && json::string_inside(member)) {
            json::read(member, out.code);
        } else if ((key == "error" || key == "additionalInfo") && depth < deepest) {
            if (const auto members = json::object_if(member)) read_error(*members, out, depth + 1);
        }
    });
}

/// The id of an item of a page.
std::string id_of(std::string_view item) {
    std::string id;
    const simdjson::padded_string padded(item);
    json::reader reader;
    each_member(reader.object(padded, simdjson::SIMDJSON_PADDING), [&id](std::string_view key, json::value member) {
        if (key == "id") json::read(member, id);
    });
    return id;
}

}  // namespace

page decode_page(std::string_view text) {
    return json::decode_body("list", text, [](json::object source) {
        page result;
        std::string last_id;
        bool has_data = false, has_more = false;
        each_member(source, [&](std::string_view key, json::value member) {
            if (key == "data") {
                const auto elements = json::array_in(member, key);
                if (!elements) return;
                has_data = true;
                result.items.clear();
                each_element(*elements, [&result](json::value item) { result.items.emplace_back(json::raw(item)); });
            } else if (key == "last_id") {
                json::read(member, last_id);
            } else if (key == "has_more") {
                has_more = json::is_true(member);
            }
        });
        if (!has_data) json::missing("data");
        if (has_more && last_id.empty() && !result.items.empty()) last_id = id_of(result.items.back());
        if (has_more) result.next = std::move(last_id);
        return result;
    });
}

error_body decode_error(std::string_view body) noexcept {
    try {
        error_body result;
        const simdjson::padded_string padded(body);
        json::reader reader;
        read_error(reader.object(padded, simdjson::SIMDJSON_PADDING), result);
        // {"error":"..."} holds a code or a sentence: nothing tells which.
        if (result.message.empty()) result.message = result.code;
        return result;
    } catch (...) {
        return {};
    }
}

bool is_text(std::string_view value) noexcept {
    return simdjson::validate_utf8(value.data(), value.size());
}

std::string encode_function_failure(std::string_view reason) {
    nlohmann::ordered_json object;
    object["error"] = reason;
    return object.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace corun::codec
