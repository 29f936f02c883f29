// corun-gateway: the gateway as a program.
#include "gateway/json.hpp"
#include "gateway/user_file.hpp"
#include <corun/corun.hpp>
#include <corun/gateway/gateway.hpp>
#include <corun/version.hpp>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <asio/signal_set.hpp>
#include <sys/resource.h>

#include <chrono>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace corun;
using gateway::json;

enum exit_code { ended = 0, failed = 1, wrong_usage = 2 };

struct seconds_of_options {
    double drain = 30, heartbeat = 15, stall = 60, answer = 1800, keep_ended = 600, lease = 10, patience = 5;
};

/// The settings of the command line, the environment and the file, in this order.
struct settings {
    std::string endpoint, protocol = "responses", agent, model, instructions, token_file, users, user_header;
    std::string redis_password_file;
    std::vector<std::string> mcp;
    bool no_access_log = false, insecure_cookie = false, mcp_by_gateway = false;
    seconds_of_options seconds;
    gateway::gateway_options options;

    void add_to(CLI::App& app) {
        const auto text = [&](const std::string& name, std::string& target, const char* value, const char* help) {
            std::string variable = "CORUN_GATEWAY_";
            for (const char c : name.substr(2)) variable += c == '-' ? '_' : static_cast<char>(std::toupper(c));
            app.add_option(name, target, help)->type_name(value)->envname(variable)->take_last();
        };
        const auto number = [&](const std::string& name, auto& target, const char* value, const char* help) {
            app.add_option(name, target, help)->type_name(value)->take_last()->check(CLI::NonNegativeNumber);
        };
        options.port = 8080;
        app.set_config("--config", "", "read options from this file, as NAME = VALUE")->type_name("FILE");
        text("--endpoint", endpoint, "URL", "the AI service");
        text("--protocol", protocol, "P", "responses|threads");
        text("--agent", agent, "ID", "the stored agent whose runs are started");
        text("--model", model, "NAME", "without an agent: the model (responses)");
        text("--instructions", instructions, "TEXT", "without an agent: its instructions");
        app.add_option("--mcp", mcp, "without an agent: an MCP server; may be repeated")->type_name("LABEL=URL");
        app.add_flag("--mcp-by-gateway", mcp_by_gateway, "the gateway calls MCP servers itself, not the AI service");
        text("--token-file", token_file, "FILE", "the token for the service (or CORUN_GATEWAY_TOKEN)");
        text("--users", users, "FILE", "the users, with their tokens and MCP headers, as JSON");
        text("--user-header", user_header, "NAME", "a proxy signs users in: the header field that names them");
        text("--address", options.address, "A", "listen on this address (default: 127.0.0.1)");
        number("--port", options.port, "N", "listen on this port (default: 8080; 0: a free one)");
        text("--redis", options.redis.url, "URL", "keep logs in Redis, for several gateways (default: in memory)");
        text("--redis-password-file", redis_password_file, "FILE", "its password (or CORUN_GATEWAY_REDIS_PASSWORD)");
        text("--redis-prefix", options.redis.prefix, "NAME", "gateways with this one share runs (default: corun)");
        number("--redis-lease", seconds.lease, "S", "others take over runs of a dead gateway (default: 10)");
        number("--redis-patience", seconds.patience, "S", "show what Redis has not accepted for so long (default: 5)");
        app.add_flag("--redis-may-forget", options.redis.may_forget, "start even if Redis may lose logs");
        text("--pages", options.pages, "DIR", "serve the files in this folder");
        app.add_option("--allow-origin", options.allowed_origins, "a page's origin that may use the gateway")
            ->type_name("ORIGIN");
        app.add_flag("--insecure-cookie", insecure_cookie, "send the session's cookie over http, too");
        number("--heartbeat", seconds.heartbeat, "S", "seconds between comments of a quiet stream (default: 15)");
        number("--stall-timeout", seconds.stall, "S", "disconnect a viewer that does not read (default: 60)");
        number("--answer-timeout", seconds.answer, "S", "cancel a run that waits for answers (default: 1800)");
        number("--keep-ended", seconds.keep_ended, "S", "keep the log of a run that has ended (default: 600)");
        number("--drain-timeout", seconds.drain, "S", "on SIGTERM, wait for runs to end (default: 30)");
        number("--max-runs-per-user", options.max_runs_per_user, "N", "active runs of a user (default: 8)");
        number("--max-viewers-per-user", options.max_viewers_per_user, "N", "open streams of a user (default: 64)");
        number("--max-connections", options.max_connections, "N", "open connections (default: 20000)");
        number("--max-body-bytes", options.max_body_bytes, "N", "size of a request (default: 4 MiB)");
        number("--max-log-bytes", options.max_log_bytes, "N", "size of a run's log (default: 8 MiB)");
        number("--max-total-log-bytes", options.max_total_log_bytes, "N", "size of all logs (default: 1 GiB)");
        app.add_flag("--no-access-log", no_access_log, "do not log requests");
    }
};

class help_formatter : public CLI::Formatter {
public:
    help_formatter() { column_width(29); }

    std::string make_help(const CLI::App* app, std::string, CLI::AppFormatMode) const override {
        std::string text =
            "usage: corun-gateway --endpoint URL (--agent ID | --model NAME) --users FILE [option ...]\n\n"
            "Runs agents for signed-in users, and serves their event streams to browsers. It prints its URL, logs\n"
            "requests as JSON to standard error, and runs until SIGTERM or SIGINT, which drain it.\n\n";
        for (const CLI::Option* option : app->get_options()) text += make_option(option, false);
        return text +
               "\nTexts are also read from the environment: CORUN_GATEWAY_ENDPOINT and so on.\n"
               "Exit status: 0 after a signal, 1 when it cannot run, 2 for wrong options.\n";
    }
    std::string make_option_opts(const CLI::Option* option) const override {
        const std::string value = option->get_type_name();
        return value.empty() ? value : " " + value;
    }
};

std::string contents_of(const std::string& option_name, const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) throw std::runtime_error(option_name + ": cannot read " + path);
    return {std::istreambuf_iterator<char>(file), {}};
}

/// From a file, or the environment; empty if it is in neither.
std::string read_secret(const std::string& option_name, const std::string& path, const char* variable_name) {
    std::string found;
    if (!path.empty())
        found = contents_of(option_name, path);
    else if (const char* const variable = std::getenv(variable_name))
        found = variable;
    while (!found.empty() && (found.back() == '\n' || found.back() == '\r')) found.pop_back();
    return found;
}

std::string service_token(const settings& wanted) {
    std::string token = read_secret("--token-file", wanted.token_file, "CORUN_GATEWAY_TOKEN");
    if (token.empty()) throw std::runtime_error("set CORUN_GATEWAY_TOKEN, or --token-file");
    return token;
}

std::chrono::milliseconds milliseconds_of(double seconds) {
    return std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1000));
}

gateway::gateway_options options_of(const settings& wanted) {
    gateway::gateway_options options = wanted.options;
    options.heartbeat = milliseconds_of(wanted.seconds.heartbeat);
    options.stall_timeout = milliseconds_of(wanted.seconds.stall);
    options.answer_timeout = milliseconds_of(wanted.seconds.answer);
    options.keep_ended = milliseconds_of(wanted.seconds.keep_ended);
    options.secure_cookie = !wanted.insecure_cookie;
    options.redis.lease = milliseconds_of(wanted.seconds.lease);
    options.redis.patience = milliseconds_of(wanted.seconds.patience);
    options.redis.password =
        read_secret("--redis-password-file", wanted.redis_password_file, "CORUN_GATEWAY_REDIS_PASSWORD");
    // Only responses in the background go on without their connection, and can be cancelled.
    if (wanted.protocol == "responses") options.run.background = true;
    options.run.reconcile.inline_definition = true;
    if (wanted.mcp_by_gateway) options.run.default_mcp_caller = mcp_caller::client;
    const std::string users = wanted.users.empty() ? std::string() : contents_of("--users", wanted.users);
    auto known = std::make_shared<gateway::user_file>(users, wanted.user_header);
    options.sign_in = [known](gateway::request_head head) { return known->find(head); };
    options.find_user = [known](std::string id) { return known->find_id(id); };
    if (!wanted.no_access_log)
        options.on_access = [](const gateway::access_record& record) {
            json line = {{"time", std::chrono::duration_cast<std::chrono::milliseconds>(
                                      std::chrono::system_clock::now().time_since_epoch())
                                      .count()},
                         {"method", record.method},
                         {"path", record.path},
                         {"status", record.status},
                         {"user", record.user},
                         {"bytes", record.bytes},
                         {"microseconds", record.duration.count()}};
            if (!record.complete) line["complete"] = false;
            std::cerr << gateway::text_of(line) + "\n";
        };
    return options;
}

asio::awaitable<agent> find_agent(client service, settings wanted) {
    client connected = std::move(service);
    if (!wanted.agent.empty()) {
        agent stored = co_await connected.get_agent(wanted.agent);
        co_return stored;
    }
    prompt_agent_definition definition(wanted.model);
    definition.instructions = wanted.instructions;
    for (const std::string& each : wanted.mcp) {
        const auto equals = each.find('=');
        if (equals == std::string::npos) throw std::runtime_error("--mcp: '" + each + "' is not LABEL=URL");
        definition.tools.emplace_back(prompt_mcp_tool(each.substr(0, equals), each.substr(equals + 1)));
    }
    co_return connected.local_agent(std::move(definition));
}

asio::awaitable<void> drain(std::shared_ptr<gateway::gateway_server> server, std::chrono::milliseconds limit) {
    const std::shared_ptr<gateway::gateway_server> kept = std::move(server);
    co_await kept->drain(limit);
    kept->stop();
}

/// Runs until a signal has come and the server has been drained; a second signal ends it at once.
asio::awaitable<void> serve(asio::io_context& context, settings wanted) {
    client_options options;
    options.protocol = wanted.protocol == "threads" ? protocol::threads : protocol::responses;
    client service(context.get_executor(), wanted.endpoint, credential::bearer(service_token(wanted)), options);
    agent runner = co_await find_agent(service, wanted);
    auto server = std::make_shared<gateway::gateway_server>(context, service, runner, options_of(wanted));
    co_await server->ready();
    std::cout << "corun-gateway listens at " << server->url() << "\n" << std::flush;
    asio::signal_set signals(context, SIGINT, SIGTERM);
    co_await signals.async_wait(asio::use_awaitable);
    signals.async_wait([server](std::error_code code, int) {
        if (!code) server->stop();
    });
    co_await drain(server, milliseconds_of(wanted.seconds.drain));
}

/// As many connections as the system allows.
void raise_file_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
}

void check(const settings& wanted) {
    const auto require = [](bool fits, const char* problem) {
        if (!fits) throw CLI::ValidationError(problem);
    };
    require(!wanted.endpoint.empty(), "--endpoint is missing");
    require(wanted.protocol == "responses" || wanted.protocol == "threads", "--protocol is responses or threads");
    require(wanted.agent.empty() != wanted.model.empty(), "either --agent or --model is needed");
    require(wanted.model.empty() || wanted.protocol == "responses", "--model needs --protocol responses");
    require(!wanted.users.empty() || !wanted.user_header.empty(), "--users or --user-header is needed");
}

}  // namespace

int main(int argc, char** argv) {
    const auto fail = [](const std::string& problem, exit_code code) {
        std::cerr << "corun-gateway: " << problem << "\n";
        return code;
    };
    CLI::App app;
    try {
        settings wanted;
        app.formatter(std::make_shared<help_formatter>());
        app.set_help_flag("--help", "print this and exit");
        app.set_version_flag("--version", "corun-gateway " CORUN_VERSION, "print the version and exit");
        wanted.add_to(app);
        app.parse(argc, argv);
        check(wanted);
        raise_file_limit();
        asio::io_context context(1);
        std::exception_ptr problem;
        asio::co_spawn(context, serve(context, wanted), [&](std::exception_ptr failure) { problem = failure; });
        context.run();
        if (problem) std::rethrow_exception(problem);
        return ended;
    } catch (const CLI::Success& help_or_version) {
        return app.exit(help_or_version);
    } catch (const CLI::ParseError& problem) {
        return fail(problem.what(), wrong_usage);
    } catch (const std::exception& problem) {
        return fail(problem.what(), failed);
    }
}
