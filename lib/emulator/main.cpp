// corun-emulator: the service as a program.
#include <corun/emulator/emulator.hpp>
#include <corun/version.hpp>

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

namespace {

using namespace corun::emulator;

enum exit_code { ended = 0, failed = 1, wrong_usage = 2 };

struct usage_error : std::invalid_argument {
    using std::invalid_argument::invalid_argument;
};

struct option {
    using setter = std::function<void(const std::string& value)>;

    option(std::string option_name, std::string value_name, std::string help_text, setter set_it)
        : name(std::move(option_name)),
          value(std::move(value_name)),
          help(std::move(help_text)),
          set(std::move(set_it)) {}

    std::string name, value, help;  // without a value's name it takes none
    setter set;
};

template <class T>
option choice(std::string name, std::string help, T& target, std::vector<std::pair<std::string, T>> values) {
    std::string names;
    for (const auto& [value, meaning] : values) names += (names.empty() ? "" : "|") + value;
    auto set = [name, names, values, &target](const std::string& given) {
        for (const auto& [value, meaning] : values)
            if (value == given) {
                target = meaning;
                return;
            }
        throw usage_error(name + ": '" + given + "' is none of " + names);
    };
    return {std::move(name), names, std::move(help), std::move(set)};
}

template <class T, class Make>
option number(std::string name, std::string value, std::string help, T& target, long most, Make make) {
    auto set = [name, most, make, &target](const std::string& given) {
        long parsed = -1;
        const auto end = given.data() + given.size();
        if (std::from_chars(given.data(), end, parsed).ptr != end || parsed < 0 || parsed > most)
            throw usage_error(name + ": '" + given + "' is not a number from 0 to " + std::to_string(most));
        target = make(parsed);
    };
    return {std::move(name), std::move(value), std::move(help), std::move(set)};
}

option text(std::string name, std::string value, std::string help, std::string& target) {
    return {std::move(name), std::move(value), std::move(help),
            [&target](const std::string& given) { target = given; }};
}

option flag(std::string name, std::string help, bool& target, bool meaning = true) {
    return {std::move(name), {}, std::move(help), [&target, meaning](const std::string&) { target = meaning; }};
}

/// What the command line says.
struct settings {
    service_options service;
    bool mcp = false, help = false, version = false;
    std::string mcp_token = "mcp-token", scripts, faults;

    std::vector<option> options() {
        const auto milliseconds = [](long count) { return std::chrono::milliseconds(count); };
        const auto seconds = [](long count) { return std::chrono::seconds(count); };
        const auto as_it_is = [](long count) { return static_cast<std::size_t>(count); };
        const auto port_of = [](long count) { return static_cast<std::uint16_t>(count); };
        constexpr long hour = 3'600'000, year = 31'536'000;
        const std::vector<std::pair<std::string, rejection>> rejections{{"failed-run", rejection::failed_run},
                                                                        {"http-error", rejection::http_error}};
        return {
            number("--port", "N", "listen there (default: a free port)", service.port, 65535, port_of),
            text("--address", "A", "listen at this address (default: 127.0.0.1)", service.address),
            text("--token", "T", "the bearer token to accept (default: emulator; empty: any)", service.token),
            text("--scripts", "FILE", "what the model does: [{\"match\": \"...\", \"steps\": [{\"reply\": \"...\"}]}]",
                 scripts),
            text("--faults", "FILE", "what goes wrong: [{\"cut\": true, \"after_bytes\": 700}]", faults),
            number("--pace", "MS", "milliseconds between two deltas", service.pace, hour, milliseconds),
            number("--keepalive", "MS", "milliseconds between keep-alives of a waiting stream", service.keepalive, hour,
                   milliseconds),
            {"--keepalive-comments", "", "keep-alives are comments, not events",
             [this](const std::string&) { service.keepalive_frame = ": keepalive\n\n"; }},
            flag("--stage-a-read", "a run without a stream goes on one stage each time that it is read",
                 service.stage_a_read),
            number("--run-lifetime", "S", "seconds until a run expires (default: 1800)", service.run_lifetime, year,
                   seconds),
            number("--ingestion-reads", "N", "reads of a vector store until its files are taken in (default: 0)",
                   service.ingestion_reads, 1'000'000, as_it_is),
            number("--max-file-bytes", "N", "bytes that an uploaded file may have (default: 512 MiB)",
                   service.max_file_bytes, std::numeric_limits<long>::max(), as_it_is),
            flag("--no-upload-downloads", "only files that the service made can be downloaded",
                 service.uploads_downloadable, false),
            number("--mcp-timeout", "MS", "milliseconds that an MCP server has (default: 50000)", service.mcp_timeout,
                   hour, milliseconds),
            choice("--precedence", "MCP resources of the run and of its agent or thread", service.precedence,
                   {{"conflict", precedence::conflict},
                    {"narrowest", precedence::narrowest},
                    {"merge", precedence::merge}}),
            choice("--conflict-when", "what is a conflict of those", service.conflict_when,
                   {{"any", conflict_when::any}, {"headers-differ", conflict_when::headers_differ}}),
            choice("--conflict-rejection", "what comes of such a conflict", service.conflict_rejection, rejections),
            choice("--tools-with-resources", "streaming runs with tools beside MCP resources",
                   service.tools_with_resources,
                   {{"reject-on-reuse", tools_with_resources::reject_on_reuse},
                    {"reject-duplicate-labels", tools_with_resources::reject_duplicate_labels},
                    {"accept", tools_with_resources::accept}}),
            choice("--tools-rejection", "what comes of those", service.tools_rejection,
                   {rejections.rbegin(), rejections.rend()}),
            {"--rejection", "failed-run|http-error", "what comes of both",
             [this, rejections](const std::string& given) {
                 choice("--rejection", "", service.conflict_rejection, rejections).set(given);
                 service.tools_rejection = service.conflict_rejection;
             }},
            choice(
                "--echo-headers", "MCP headers in what is read", service.echo_headers,
                {{"never", echo_headers::never}, {"redacted", echo_headers::redacted}, {"full", echo_headers::full}}),
            choice("--approval-headers", "what they do to those of the run", service.approval_headers,
                   {{"replace", approval_headers::replace},
                    {"extend", approval_headers::extend},
                    {"ignore", approval_headers::ignore}}),
            choice("--mcp-failure", "how a run fails when its MCP server does", service.mcp_failure,
                   {{"named", mcp_failure::named}, {"anonymous", mcp_failure::anonymous}}),
            choice("--mcp-clearing", "how an update clears stored MCP resources", service.mcp_clearing,
                   {{"by-omission", mcp_clearing::by_omission},
                    {"by-empty-list", mcp_clearing::by_empty_list},
                    {"never", mcp_clearing::never}}),
            choice("--mcp-deltas", "what deltas of MCP calls hold", service.mcp_deltas,
                   {{"whole", mcp_deltas::whole}, {"bare", mcp_deltas::bare}}),
            flag("--mcp-delta-type", "they have type `mcp`, not `tool_calls`", service.mcp_delta_type),
            flag("--mixed-rounds", "calls of functions and MCP tools in one round", service.mixed_rounds),
            flag("--agent-approval", "an agent's require_approval counts", service.agent_level_approval_effective),
            flag("--no-stored-headers", "MCP headers of agents and threads do not count",
                 service.stored_headers_effective, false),
            flag("--duplicate-events", "created, queued and in_progress come twice", service.duplicate_events),
            flag("--steps-complete-once", "also after an approval", service.premature_step_completed, false),
            flag("--role-in-deltas", "message deltas carry role and annotations", service.role_in_deltas),
            flag("--omit-required-action", "where there is none, instead of null", service.null_required_action, false),
            flag("--expired-at-in-streams", "steps in streams say expired_at, as elsewhere",
                 service.expires_at_in_streamed_steps, false),
            choice("--agent-key", "the member of a request for a response that names its agent", service.agent_key,
                   {{"agent_reference", agent_key::agent_reference},
                    {"agent", agent_key::agent},
                    {"either", agent_key::either}}),
            choice("--agent-overrides", "model, tools, ... in a request that names an agent", service.agent_overrides,
                   {{"refused", agent_overrides::refused}, {"ignored", agent_overrides::ignored}}),
            choice("--agent-headers", "secret headers on an MCP tool of a stored agent", service.agent_headers,
                   {{"templates", agent_headers::templates},
                    {"refused", agent_headers::refused},
                    {"accepted", agent_headers::accepted}}),
            flag("--templated-server-url", "an agent's server_url may hold {{name}}", service.templated_server_url),
            flag("--listed-tools-as-input", "mcp_list_tools items may be sent as input", service.listed_tools_as_input),
            flag("--list-tools-each-time", "also where the context lists them", service.lists_tools_each_time),
            choice("--listing-failure", "when an MCP server does not list its tools to a response",
                   service.listing_failure,
                   {{"fails-response", listing_failure::fails_response}, {"goes-on", listing_failure::goes_on}}),
            choice("--stream-retrieval", "which responses can be retrieved as a stream", service.stream_retrieval,
                   {{"background-streams", stream_retrieval::background_streams}, {"any", stream_retrieval::any}}),
            choice("--error-events", "their shape", service.error_events,
                   {{"nested", error_events::nested}, {"flat", error_events::flat}}),
            choice("--rate-limits", "how a streamed response ends that is over its rate limit", service.rate_limits,
                   {{"error-after-failed", rate_limits::error_after_failed}, {"failed", rate_limits::failed}}),
            number("--retry-after", "S", "seconds that rate limits of responses tell to wait (default: none)",
                   service.retry_after, year, seconds),
            choice("--client-leaves", "what then comes of a stored response in the foreground", service.client_leaves,
                   {{"goes-on", client_leaves::goes_on}, {"is-cancelled", client_leaves::is_cancelled}}),
            flag("--no-event-lines", "events of responses are data only", service.event_lines, false),
            flag("--no-obfuscation", "deltas of responses are not padded", service.obfuscation, false),
            flag("--empty-output", "response.completed and the like have an empty output", service.whole_output, false),
            flag("--done-marker", "streams of responses end with data: [DONE]", service.done_marker),
            flag("--cancelled-event", "streams of cancelled responses end with response.cancelled",
                 service.cancelled_event),
            flag("--mcp", "run an MCP server beside it, with a tool `echo`", mcp),
            text("--mcp-token", "T", "the bearer token that it accepts (default: mcp-token)", mcp_token),
            flag("--version", "print it and end", version),
            flag("--help", "print this and end", help),
        };
    }
};

void print_usage(const std::vector<option>& options) {
    std::cout << "usage: corun-emulator [option ...]\n\n"
                 "A local Azure AI Agents service. It prints its endpoint and runs until SIGINT or SIGTERM.\n"
                 "Of several values the first is the default.\n\n";
    for (const auto& one : options) {
        std::string line = "  " + one.name + (one.value.empty() ? "" : " " + one.value);
        line += line.size() < 27 ? std::string(27 - line.size(), ' ') : "\n" + std::string(27, ' ');
        std::cout << line << one.help << "\n";
    }
    std::cout << "\nExit status: 0 after a signal, 1 when it cannot run, 2 for wrong options.\n";
}

void read_arguments(const std::vector<option>& options, const std::vector<std::string>& arguments) {
    for (auto argument = arguments.begin(); argument != arguments.end(); ++argument) {
        const auto known =
            std::find_if(options.begin(), options.end(), [&](const option& one) { return one.name == *argument; });
        if (known == options.end()) throw usage_error("unknown option " + *argument + " (--help lists them)");
        const bool has_value = !known->value.empty();
        if (has_value && ++argument == arguments.end()) throw usage_error(known->name + " needs a value");
        known->set(has_value ? *argument : std::string{});
    }
}

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
    std::cout << "corun-emulator listens at " << emulator.endpoint() << "\n";
    if (mcp) std::cout << "an MCP server listens at " << mcp->url() << "\n";
    std::cout << std::flush;
    context.run();
}

}  // namespace

int main(int argc, char** argv) {
    try {
        settings wanted;
        const auto options = wanted.options();
        read_arguments(options, std::vector<std::string>(argv + 1, argv + argc));
        if (wanted.help)
            print_usage(options);
        else if (wanted.version)
            std::cout << "corun-emulator " CORUN_VERSION "\n";
        else
            serve(wanted);
        return ended;
    } catch (const usage_error& problem) {
        std::cerr << "corun-emulator: " << problem.what() << "\n";
        return wrong_usage;
    } catch (const std::exception& problem) {
        std::cerr << "corun-emulator: " << problem.what() << "\n";
        return failed;
    }
}
