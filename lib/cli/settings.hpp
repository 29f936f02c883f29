#pragma once

#include "secret_source.hpp"
#include <corun/client.hpp>
#include <corun/credential.hpp>
#include <corun/handlers.hpp>
#include <corun/headers.hpp>
#include <corun/options.hpp>

#include <asio/any_io_executor.hpp>

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace corun::cli {

/// The options that all commands share: how to reach the service, the agent, and its MCP servers.
struct connection_settings {
    std::string endpoint, protocol, credential, api_key;
    std::string ca_file;
    std::optional<std::string> proxy;
    std::string agent, model, instructions;
    std::vector<std::string> mcp_servers, mcp_headers, mcp_tokens;
    double timeout_seconds = 0;
    bool trace = false;
};

/// How all commands print.
struct output_settings {
    bool json = false, quiet = false, verbose = false;
    std::string colour = "auto";
};

/// The options of a run.
struct run_settings {
    std::string question, thread, previous_response;
    std::string approve = "ask", mcp_caller = "service";
    std::vector<std::string> reconcile;
    bool background = false, plain = false, keep_running = false;
};

/// Which object a command is about.
struct object_settings {
    std::vector<std::string> ids, files;
    std::string thread, name, text, path, purpose = "assistants";
    std::string server, tool, arguments;
    int limit = 20;
};

/// Everything that the command line and the profile set.
struct settings {
    connection_settings connection;
    output_settings output;
    run_settings run;
    object_settings object;
};

/// The protocol: the one that is set, otherwise the one that the endpoint speaks.
[[nodiscard]] protocol protocol_of(const connection_settings& options);

/// *Errors:* Throws `usage_error` if there is no endpoint.
[[nodiscard]] client make_client(const asio::any_io_executor& executor, const connection_settings& options,
                                 observer hooks = {});

/// The credential that is set; otherwise AZURE_AI_TOKEN, for an endpoint that ends in /v1 OPENAI_API_KEY, or else
/// `default_credential`.
[[nodiscard]] credential make_credential(const asio::any_io_executor& executor, const connection_settings& options);

/// A source that reads the secrets again whenever the run needs headers, and adds them to `used`; none without
/// `--mcp-header` and `--mcp-token`.
[[nodiscard]] mcp_header_source make_mcp_headers(const connection_settings& options, used_secrets used);
/// The headers of one server.
[[nodiscard]] headers headers_of(const connection_settings& options, std::string_view server_label);
/// The URLs of `--mcp LABEL=URL`, by label.
[[nodiscard]] std::map<std::string, std::string> mcp_urls(const connection_settings& options);

/// The agent: stored at the service, or one that has only a model (`--model`) and is sent with each run.
[[nodiscard]] asio::awaitable<agent> find_agent(client service, const connection_settings& options);

/// The options of a run, without its handlers.
[[nodiscard]] run_options make_run_options(const settings& options);

}  // namespace corun::cli
