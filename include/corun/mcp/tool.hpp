#pragma once
#include <corun/chrono.hpp>
#include <corun/export.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// The tools of MCP servers, and their results.
namespace corun::mcp {

/// A tool, as its server describes it. All texts are the server's words.
struct CORUN_API tool {
    tool() = default;

    std::string name;
    std::string title;          ///< For display; empty if the server gives none.
    std::string description;    ///< May be empty.
    std::string input_schema;   ///< A JSON schema of the arguments; empty if the server gives none.
    std::string output_schema;  ///< A JSON schema of `tool_result::structured_content`; empty if there is none.
    /// Hints of the server about what the tool does. Nobody checks them.
    std::optional<bool> read_only, destructive, idempotent, open_world;
    std::string raw;  ///< The JSON of the tool as received.
};

/// All tools of a server, in the server's order.
struct CORUN_API tool_list {
    tool_list() = default;

    std::vector<tool> tools;
    /// Why tools were left out: one sentence for each tool whose definition is invalid, or that cannot be called
    /// without an extension of the protocol.
    std::vector<std::string> problems;
    /// How long the server allows to use the list again (2026-07-28, `ttlMs`). Absent if it does not say.
    std::optional<std::chrono::milliseconds> ttl;
};

/// One block of the result of a tool.
struct CORUN_API content {
    content() = default;

    std::string type;       ///< `text`, `image`, `audio`, `resource_link`, `resource` or another.
    std::string text;       ///< Of a text, or of a resource that is text.
    std::string data;       ///< Base64, of an image, audio, or a resource that is not text.
    std::string mime_type;  ///< Of `data`, or of a resource.
    std::string uri, name;  ///< Of a resource, or of a link to one.
    std::string raw;        ///< The JSON of the block as received.
};

/// What a tool call has returned. A tool's own failure is a result too.
struct CORUN_API tool_result {
    tool_result() = default;

    std::vector<mcp::content> content;
    std::string structured_content;  ///< JSON; empty if there is none.
    bool is_error = false;           ///< The tool has failed, or was not called; the content says why.
    /// The JSON-RPC error code, such as -32602 for an unknown tool, if the server did not call the tool.
    std::optional<std::int64_t> error_code;
    std::string raw;  ///< The JSON of the result or of the error as received.

    /// The content as one text for a model: texts as they are, and a line for each other block, which names it. Without
    /// any content, the structured content.
    [[nodiscard]] std::string text() const;
};

/// How far a call has got, as its server reports it.
struct CORUN_API progress {
    progress() = default;

    double value = 0;             ///< Increases with each report.
    std::optional<double> total;  ///< The last `value`, if the server knows it.
    std::string message;
};

/// A challenge of a response with status 401 or 403 (RFC 9110, 11.6.1).
struct CORUN_API challenge {
    challenge() = default;

    std::string scheme;             ///< `Bearer`
    std::string realm;              ///< Of the resource.
    std::string error;              ///< `invalid_token` or `insufficient_scope` (RFC 6750).
    std::string error_description;  ///< For developers.
    std::string scope;              ///< The scopes that a token needs, separated by spaces.
    std::string resource_metadata;  ///< The URL of the protected resource's metadata (RFC 9728).
};

/// Reads the value of a `WWW-Authenticate` field, such as `diagnostics::challenge`: of its challenges, the first with
/// the scheme Bearer, otherwise the first. Nothing if there is none.
CORUN_API std::optional<challenge> parse_challenge(std::string_view www_authenticate);

}  // namespace corun::mcp
