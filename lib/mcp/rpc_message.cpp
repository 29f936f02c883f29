#include "mcp/rpc_message.hpp"

#include "json/body.hpp"
#include "json/members.hpp"
#include "json/text.hpp"

#include <algorithm>
#include <utility>

namespace corun::mcp {
namespace {

namespace json = codec::json;

constexpr std::string_view protocol_member = R"("jsonrpc":"2.0")";

void read_code(json::value source, std::int64_t& out) {
    std::optional<std::int64_t> code;
    json::read(source, code);
    out = code.value_or(0);
}

constexpr json::member<rpc_error> data_members[] = {
    {"supported", json::by<read_strings, &rpc_error::supported>},
};

void read_data(json::value source, rpc_error& out) {
    json::read_members_if(source, data_members, out);
}

constexpr json::member<rpc_error> error_members[] = {
    {"code", json::by<read_code, &rpc_error::code>},
    {"message", json::into<&rpc_error::message>},
    {"data", read_data},
};

void read_error(json::value source, std::optional<rpc_error>& out) {
    out.reset();
    auto object = json::object_if(source);
    if (!object) return;
    out.emplace();
    out->raw = json::raw(*object);
    json::read_members(*object, error_members, *out);
}

constexpr json::member<message> message_members[] = {
    {"id", json::by<read_raw, &message::id>},         {"method", json::into<&message::method>},
    {"params", json::by<read_raw, &message::params>}, {"result", json::by<read_raw, &message::result>},
    {"error", json::by<read_error, &message::error>},
};

}  // namespace

std::optional<std::vector<message>> read_messages(std::string_view text) {
    std::vector<message> messages;
    if (json::find_error(text, json::numbers::any)) return std::nullopt;
    // A reader takes an object.
    std::string batch = R"({"batch":)";
    batch.append(text).append("}");
    try {
        read_object(batch, "message", [&messages](json::object whole) {
            json::each_member(whole, [&messages](std::string_view key, json::value value) {
                if (key != "batch") return;
                const auto read = [&messages](json::object source) {
                    json::read_members(source, message_members, messages.emplace_back());
                    if (messages.back().error) messages.back().result.clear();
                };
                if (const auto one = json::object_if(value)) return read(*one);
                const auto several = json::array_if(value);
                if (!several) throw json::shape_error("neither an object nor an array");
                json::each_element(*several, [&read](json::value element) {
                    if (const auto one = json::object_if(element)) read(*one);
                });
            });
        });
    } catch (const error&) {
        return std::nullopt;
    }
    return messages;
}

void read_raw(json::value source, std::string& out) {
    out = json::raw(source);
    if (out == "null") out.clear();
}

void read_strings(json::value source, std::vector<std::string>& out) {
    out.clear();
    if (const auto elements = json::array_if(source))
        json::each_element(*elements, [&out](json::value element) { json::read(element, out.emplace_back()); });
}

std::string json_string(std::string_view text) {
    // Most names need no escapes.
    const bool is_plain = json::skip_plain(text.data(), text.data() + text.size()) == text.data() + text.size() &&
                          std::all_of(text.begin(), text.end(), [](char c) { return c > 0; });
    if (is_plain) return '"' + std::string(text) + '"';
    return std::string(codec::dump(codec::text(text)));
}

std::string encode_request(std::int64_t id, std::string_view method, std::string_view members) {
    std::string text = "{" + std::string(protocol_member) + ",\"id\":" + std::to_string(id) + ",\"method\":\"";
    return text.append(method).append(R"(","params":{)").append(members).append("}}");
}

std::string encode_notification(std::string_view method, std::string_view members) {
    std::string text = "{" + std::string(protocol_member) + ",\"method\":\"";
    text.append(method).append("\"");
    if (!members.empty()) text.append(R"(,"params":{)").append(members).append("}");
    return text += '}';
}

std::string encode_answer(const message& request) {
    std::string text = "{" + std::string(protocol_member) + ",\"id\":" + request.id;
    if (request.method == "ping") return text + R"(,"result":{}})";
    return text + R"(,"error":{"code":-32601,"message":"The client does not support this request."}})";
}

}  // namespace corun::mcp
