#pragma once
#include "json/reader.hpp"
#include <corun/error.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// JSON-RPC 2.0 messages.
namespace corun::mcp {

/// The codes of errors that a client must know.
namespace rpc_code {
inline constexpr std::int64_t method_not_found = -32601;
inline constexpr std::int64_t invalid_params = -32602;
inline constexpr std::int64_t header_mismatch = -32020;
inline constexpr std::int64_t missing_capability = -32021;
inline constexpr std::int64_t unsupported_version = -32022;
}  // namespace rpc_code

struct rpc_error {
    rpc_error() = default;

    std::int64_t code = 0;
    std::string message;
    std::vector<std::string> supported;  ///< `data.supported`
    std::string raw;
};

/// One message of a server.
struct message {
    message() = default;

    std::string id;      ///< The JSON of it, such as `7` or `"a"`; empty for none or null.
    std::string method;  ///< Of a request or a notification.
    std::string params;  ///< JSON; may be empty.
    std::string result;  ///< The JSON of an answer's result.
    std::optional<rpc_error> error;

    /// A result or an error.
    [[nodiscard]] bool is_answer() const noexcept { return method.empty() && (error || !result.empty()); }
    [[nodiscard]] bool is_request() const noexcept { return !method.empty() && !id.empty(); }
};

/// The messages in a JSON text: one, or an array of them (2025-03-26). Nothing if it is not JSON, or of another shape.
std::optional<std::vector<message>> read_messages(std::string_view json);

/// The text of any value; empty for null.
void read_raw(codec::json::value source, std::string& out);
void read_strings(codec::json::value source, std::vector<std::string>& out);

/// A text as a JSON string. Throws `errc::invalid_argument` if it is not UTF-8.
std::string json_string(std::string_view text);

/// `{"jsonrpc":"2.0","id":1,"method":...,"params":{...}}`. `members` are those of `params`, without braces.
std::string encode_request(std::int64_t id, std::string_view method, std::string_view members);
std::string encode_notification(std::string_view method, std::string_view members);
/// The answer to a server's request: to `ping`, that it has arrived; to any other, that it is not supported.
std::string encode_answer(const message& request);

/// Reads the object in `json` by `read(object)`, leniently: a member of the wrong type counts as missing. Throws
/// `errc::bad_response` if it is not an object; `subject` is what should have been one.
template <class Read>
void read_object(std::string_view json, std::string_view subject, Read read) {
    namespace reading = codec::json;
    const simdjson::padded_string padded(json);
    reading::reader reader;
    const reading::lenient_scope lenient;
    try {
        read(reader.object(padded, simdjson::SIMDJSON_PADDING));
    } catch (const reading::shape_error& problem) {
        throw error(errc::bad_response, "the MCP server's " + std::string(subject) + ": " + problem.what());
    }
}

}  // namespace corun::mcp
