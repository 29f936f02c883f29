#include "protocol/common.hpp"

#include "json/members.hpp"

#include <nlohmann/json.hpp>

#include <utility>

namespace corun::codec {
namespace {

using json::each_element;
using json::each_member;

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

bool is_text(std::string_view value) noexcept {
    return simdjson::validate_utf8(value.data(), value.size());
}

std::string encode_function_failure(std::string_view reason) {
    nlohmann::ordered_json object;
    object["error"] = reason;
    return object.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace corun::codec
