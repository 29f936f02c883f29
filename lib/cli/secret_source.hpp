#pragma once

#include <corun/secret.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace corun::cli {

/// Where a secret comes from, so that none is on a command line, which other processes and the shell's history show.
class secret_source {
public:
    /// Reads `@env:NAME`, `@file:PATH` or `@command:COMMAND`. `option` is how errors name the option.
    ///
    /// *Errors:* Throws `usage_error` for any other text, without repeating it: it may be a secret.
    static secret_source parse(const std::string& option, std::string_view text);

    /// The secret, without line ends behind it. A command runs in `sh`, each time.
    ///
    /// *Errors:* Throws `errc::credential_failed` if there is none.
    [[nodiscard]] secret read() const;

private:
    enum class kind { environment, file, command };
    secret_source(std::string option, kind type, std::string name);

    std::string option_;
    kind type_;
    std::string name_;
};

/// A header for an MCP server.
struct mcp_header_option {
    /// The value of `--mcp-header`: `LABEL:NAME=SOURCE`.
    static mcp_header_option parse(const std::string& option, std::string_view text);
    /// The value of `--mcp-token`: `LABEL=SOURCE`, a bearer token.
    static mcp_header_option parse_token(const std::string& option, std::string_view text);

    /// Reads the source.
    [[nodiscard]] secret value() const;

    std::string server_label, name, prefix;
    secret_source source;
};

/// Values of headers that were sent. Output that repeats what a service says must not contain them.
using used_secrets = std::shared_ptr<std::vector<secret>>;

}  // namespace corun::cli
