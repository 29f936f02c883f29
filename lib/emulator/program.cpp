#include "program.hpp"

#include <corun/emulator/emulator.hpp>
#include <corun/version.hpp>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <asio/io_context.hpp>
#include <asio/signal_set.hpp>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <fstream>
#include <functional>
#include <iostream>
#include <iterator>
#include <limits>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace corun::emulator {
namespace {

enum exit_code { ended = 0, failed = 1, wrong_usage = 2 };

/// Adds the options of the command line to an application. Each is given to its target when it is parsed.
class option_table {
public:
    explicit option_table(CLI::App& app) : app_(app) {}

    template <class T>
    void choice(const std::string& name, const char* help, T& target, std::vector<std::pair<std::string, T>> values) {
        choice<T>(name, help, std::vector<T*>{&target}, std::move(values));
    }

    template <class T>
    void choice(const std::string& name, const char* help, std::vector<T*> targets,
                std::vector<std::pair<std::string, T>> values) {
        std::string names;
        for (const auto& [value, meaning] : values) names += (names.empty() ? "" : "|") + value;
        add(name, names, help, [name, names, values, targets](const std::string& text) {
            const auto found =
                std::find_if(values.begin(), values.end(), [&](const auto& value) { return value.first == text; });
            if (found == values.end()) throw CLI::ValidationError(name, "'" + text + "' is none of " + names);
            for (T* target : targets) *target = found->second;
        });
    }

    template <class T, class Make>
    void number(const std::string& name, const char* value, const char* help, T& target, long most, Make make) {
        add(name, value, help, [name, most, make, &target](const std::string& text) {
            long parsed = -1;
            const auto end = text.data() + text.size();
            if (std::from_chars(text.data(), end, parsed).ptr != end || parsed < 0 || parsed > most)
                throw CLI::ValidationError(name, "'" + text + "' is not a number from 0 to " + std::to_string(most));
            target = make(parsed);
        });
    }

    void text(const std::string& name, const char* value, const char* help, std::string& target) {
        add(name, value, help, [&target](const std::string& text) { target = text; });
    }

    void flag(const std::string& name, const char* help, bool& target, bool meaning = true) {
        callback(name, help, [&target, meaning] { target = meaning; });
    }

    void callback(const std::string& name, const char* help, std::function<void()> set) {
        app_.add_flag_callback(name, std::move(set), help);
    }

private:
    void add(const std::string& name, const std::string& value, const char* help,
             std::function<void(const std::string&)> set) {
        app_.add_option_function(name, std::move(set), help)->type_name(value)->take_last();
    }

    CLI::App& app_;
};

/// The settings of the command line.
struct settings {
    service_options service;
    bool mcp = false;
    std::uint16_t mcp_port = 0;
    std::string mcp_token = "mcp-token", agent, scripts, faults;

    void add_to(CLI::App& app) {
        option_table table(app);
        add_server_options(table);
        add_threads_options(table);
        add_responses_options(table);
        table.flag("--mcp", "also run an MCP server, with a tool `echo`", mcp);
        table.number("--mcp-port", "N", "its port (default: a free one)", mcp_port, 65535,
                     [](long count) { return static_cast<std::uint16_t>(count); });
        table.text("--mcp-token", "T", "the bearer token of the MCP server (default: mcp-token)", mcp_token);
    }

private:
    static constexpr long hour = 3'600'000, year = 31'536'000;
    static std::chrono::milliseconds milliseconds(long count) { return std::chrono::milliseconds(count); }
    static std::chrono::seconds seconds(long count) { return std::chrono::seconds(count); }

    void add_server_options(option_table& table) {
        const auto as_size = [](long count) { return static_cast<std::size_t>(count); };
        const auto as_port = [](long count) { return static_cast<std::uint16_t>(count); };
        table.number("--port", "N", "listen on this port (default: a free one)", service.port, 65535, as_port);
        table.text("--address", "A", "listen on this address (default: 127.0.0.1)", service.address);
        table.text("--token", "T", "the bearer token to accept (default: emulator; empty: any)", service.token);
        table.text("--agent", "FILE", "create an agent: {\"model\": \"gpt-4o\", \"tools\": [...]}", agent);
        table.text("--scripts", "FILE",
                   "what the model does: [{\"match\": \"...\", \"steps\": [{\"reply\": \"...\"}]}]", scripts);
        table.text("--faults", "FILE", "what goes wrong: [{\"cut\": true, \"after_bytes\": 700}]", faults);
        table.number("--pace", "MS", "milliseconds between two deltas", service.pace, hour, milliseconds);
        table.number("--keepalive", "MS", "milliseconds between keep-alives of a waiting stream", service.keepalive,
                     hour, milliseconds);
        table.callback("--keepalive-comments", "send keep-alives as comments, not events",
                       [this] { service.keepalive_frame = ": keepalive\n\n"; });
        table.flag("--stage-a-read", "a run without a stream advances by one stage each time that it is read",
                   service.stage_a_read);
        table.number("--run-lifetime", "S", "seconds until a run expires (default: 1800)", service.run_lifetime, year,
                     seconds);
        table.number("--ingestion-reads", "N", "reads of a vector store until its files are ingested (default: 0)",
                     service.ingestion_reads, 1'000'000, as_size);
        table.number("--max-file-bytes", "N", "maximum size of an uploaded file in bytes (default: 512 MiB)",
                     service.max_file_bytes, std::numeric_limits<long>::max(), as_size);
        table.flag("--no-upload-downloads", "only files created by the service can be downloaded",
                   service.uploads_downloadable, false);
        table.number("--mcp-timeout", "MS", "timeout of MCP servers in milliseconds (default: 50000)",
                     service.mcp_timeout, hour, milliseconds);
    }

    void add_threads_options(option_table& table) {
        const std::vector<std::pair<std::string, rejection>> rejections{{"failed-run", rejection::failed_run},
                                                                        {"http-error", rejection::http_error}};
        table.choice(
            "--precedence", "if a run and its agent or thread both have MCP resources", service.precedence,
            {{"conflict", precedence::conflict}, {"narrowest", precedence::narrowest}, {"merge", precedence::merge}});
        table.choice("--conflict-when", "what counts as a conflict of those", service.conflict_when,
                     {{"any", conflict_when::any}, {"headers-differ", conflict_when::headers_differ}});
        table.choice("--conflict-rejection", "how such a conflict is rejected", service.conflict_rejection, rejections);
        table.choice("--tools-with-resources", "streaming runs with tools beside MCP resources",
                     service.tools_with_resources,
                     {{"reject-on-reuse", tools_with_resources::reject_on_reuse},
                      {"reject-duplicate-labels", tools_with_resources::reject_duplicate_labels},
                      {"accept", tools_with_resources::accept}});
        table.choice("--tools-rejection", "how those are rejected", service.tools_rejection,
                     {rejections.rbegin(), rejections.rend()});
        table.choice<rejection>("--rejection", "how both are rejected",
                                {&service.conflict_rejection, &service.tools_rejection}, rejections);
        table.choice(
            "--echo-headers", "MCP headers of agents, threads and runs that are read", service.echo_headers,
            {{"never", echo_headers::never}, {"redacted", echo_headers::redacted}, {"full", echo_headers::full}});
        table.choice("--approval-headers", "what headers of an approval do to those of the run",
                     service.approval_headers,
                     {{"replace", approval_headers::replace},
                      {"extend", approval_headers::extend},
                      {"ignore", approval_headers::ignore}});
        table.choice("--mcp-failure", "how a run fails when its MCP server does", service.mcp_failure,
                     {{"named", mcp_failure::named}, {"anonymous", mcp_failure::anonymous}});
        table.choice("--mcp-clearing", "how an update clears stored MCP resources", service.mcp_clearing,
                     {{"by-omission", mcp_clearing::by_omission},
                      {"by-empty-list", mcp_clearing::by_empty_list},
                      {"never", mcp_clearing::never}});
        table.choice("--mcp-deltas", "what deltas of MCP calls contain", service.mcp_deltas,
                     {{"whole", mcp_deltas::whole}, {"bare", mcp_deltas::bare}});
        table.flag("--mcp-delta-type", "deltas of MCP calls have type `mcp`, not `tool_calls`", service.mcp_delta_type);
        table.flag("--mixed-rounds", "calls of functions and MCP tools in one round", service.mixed_rounds);
        table.flag("--agent-approval", "an agent's require_approval counts", service.agent_level_approval_effective);
        table.flag("--no-stored-headers", "ignore MCP headers of agents and threads", service.stored_headers_effective,
                   false);
        table.flag("--duplicate-events", "created, queued and in_progress are sent twice", service.duplicate_events);
        table.flag("--steps-complete-once", "steps complete once after an approval, too",
                   service.premature_step_completed, false);
        table.flag("--role-in-deltas", "message deltas carry role and annotations", service.role_in_deltas);
        table.flag("--omit-required-action", "no required_action instead of null", service.null_required_action, false);
        table.flag("--expired-at-in-streams", "steps in streams have expired_at, as in listings",
                   service.expires_at_in_streamed_steps, false);
    }

    void add_responses_options(option_table& table) {
        table.choice("--agent-key", "the member of a request for a response that names its agent", service.agent_key,
                     {{"agent_reference", agent_key::agent_reference},
                      {"agent", agent_key::agent},
                      {"either", agent_key::either}});
        table.choice("--agent-overrides", "model, tools, ... in a request that names an agent", service.agent_overrides,
                     {{"refused", agent_overrides::refused}, {"ignored", agent_overrides::ignored}});
        table.choice("--agent-headers", "secret headers on an MCP tool of a stored agent", service.agent_headers,
                     {{"templates", agent_headers::templates},
                      {"refused", agent_headers::refused},
                      {"accepted", agent_headers::accepted}});
        table.flag("--api-key-at-v1", "a bare /v1 also accepts the token as api-key", service.api_key_at_v1);
        table.flag("--templated-server-url", "an agent's server_url may contain {{name}}",
                   service.templated_server_url);
        table.flag("--listed-tools-as-input", "mcp_list_tools items may be sent as input",
                   service.listed_tools_as_input);
        table.flag("--list-tools-each-time", "list MCP tools even if the context lists them",
                   service.lists_tools_each_time);
        table.choice("--listing-failure", "if an MCP server fails to list its tools to a response",
                     service.listing_failure,
                     {{"fails-response", listing_failure::fails_response}, {"goes-on", listing_failure::goes_on}});
        table.choice("--stream-retrieval", "which responses can be retrieved as a stream", service.stream_retrieval,
                     {{"background-streams", stream_retrieval::background_streams}, {"any", stream_retrieval::any}});
        table.choice("--error-events", "shape of error events", service.error_events,
                     {{"nested", error_events::nested}, {"flat", error_events::flat}});
        table.choice("--rate-limits", "how a streamed response ends that exceeds its rate limit", service.rate_limits,
                     {{"error-after-failed", rate_limits::error_after_failed}, {"failed", rate_limits::failed}});
        table.number("--retry-after", "S", "Retry-After in seconds of rate limits of responses (default: none)",
                     service.retry_after, year, seconds);
        table.choice("--client-leaves", "what happens to a stored foreground response", service.client_leaves,
                     {{"goes-on", client_leaves::goes_on}, {"is-cancelled", client_leaves::is_cancelled}});
        table.flag("--no-event-lines", "events of responses are data only", service.event_lines, false);
        table.flag("--no-obfuscation", "deltas of responses are not padded", service.obfuscation, false);
        table.flag("--empty-output", "response.completed and the like have an empty output", service.whole_output,
                   false);
        table.flag("--done-marker", "streams of responses end with data: [DONE]", service.done_marker);
        table.flag("--cancelled-event", "streams of cancelled responses end with response.cancelled",
                   service.cancelled_event);
    }
};

class help_formatter : public CLI::Formatter {
public:
    explicit help_formatter(std::string program_name) : program_name_(std::move(program_name)) { column_width(27); }

    std::string make_help(const CLI::App* app, std::string, CLI::AppFormatMode) const override {
        std::string text = "usage: " + program_name_ +
                           " [option ...]\n\n"
                           "A local Azure AI Agents service. It prints its endpoint and runs until SIGINT or SIGTERM.\n"
                           "Of several values the first is the default.\n\n";
        for (const CLI::Option* option : app->get_options()) text += make_option(option, false);
        return text + "\nExit status: 0 after a signal, 1 when it cannot run, 2 for wrong options.\n";
    }
    std::string make_option_opts(const CLI::Option* option) const override {
        const std::string value = option->get_type_name();
        return value.empty() ? value : " " + value;
    }

private:
    std::string program_name_;
};

std::string contents_of(const std::string& option_name, const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) throw std::runtime_error(option_name + ": cannot read " + path);
    return {std::istreambuf_iterator<char>(file), {}};
}

void serve(const settings& wanted) {
    asio::io_context context(1);
    service emulator(context, wanted.service);
    if (!wanted.scripts.empty()) emulator.load_scripts(contents_of("--scripts", wanted.scripts));
    if (!wanted.faults.empty()) emulator.load_faults(contents_of("--faults", wanted.faults));
    std::unique_ptr<mcp_server> mcp;
    if (wanted.mcp) {
        mcp_server_options options;
        options.address = wanted.service.address;
        options.port = wanted.mcp_port;
        mcp = std::make_unique<mcp_server>(context, options);
        mcp->accept_token(wanted.mcp_token);
        mcp->add_tool("echo", "Gives back what it is given",
                      R"({"type":"object","properties":{"text":{"type":"string"}},"required":["text"]})",
                      [](std::string_view arguments) { return std::string(arguments); });
    }
    asio::signal_set signals(context, SIGINT, SIGTERM);
    signals.async_wait([&](std::error_code, int) {
        emulator.stop();
        if (mcp) mcp->stop();
    });
    std::string agent;
    if (!wanted.agent.empty()) agent = emulator.add_agent(contents_of("--agent", wanted.agent));
    std::cout << "corun-emulator listens at " << emulator.endpoint() << "\n";
    if (mcp) std::cout << "an MCP server listens at " << mcp->url() << "\n";
    if (!wanted.service.token.empty()) std::cout << "the bearer token is " << wanted.service.token << "\n";
    if (mcp) std::cout << "the bearer token of the MCP server is " << wanted.mcp_token << "\n";
    if (!agent.empty()) std::cout << "the agent is " << agent << "\n";
    std::cout << std::flush;
    context.run();
}

}  // namespace

int run_program(const std::string& name, int argc, char** argv) {
    const auto fail = [&name](const std::string& problem, exit_code code) {
        std::cerr << name << ": " << problem << "\n";
        return code;
    };
    CLI::App app;
    try {
        settings settings;
        app.formatter(std::make_shared<help_formatter>(name));
        app.set_help_flag("--help", "print this and exit");
        app.set_version_flag("--version", name + " " CORUN_VERSION, "print the version and exit");
        app.allow_extras();
        settings.add_to(app);
        app.parse(argc, argv);
        if (app.remaining_size() != 0)
            return fail("unknown option " + app.remaining().front() + " (--help lists them)", wrong_usage);
        serve(settings);
        return ended;
    } catch (const CLI::Success& help_or_version) {
        return app.exit(help_or_version);
    } catch (const CLI::ArgumentMismatch& problem) {
        const std::string message = problem.what();
        return fail(message.substr(0, message.find(':')) + " needs a value", wrong_usage);
    } catch (const CLI::ParseError& problem) {
        return fail(problem.what(), wrong_usage);
    } catch (const std::exception& problem) {
        return fail(problem.what(), failed);
    }
}

}  // namespace corun::emulator
