#include "command_line.hpp"

#include "help.hpp"
#include "profile.hpp"
#include "run_command.hpp"
#include <corun/version.hpp>
#ifdef CORUN_CLI_EMULATOR
#include "emulator/program.hpp"
#endif

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <iostream>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace corun::cli {
namespace {

/// A check that the help does not repeat.
CLI::Validator one_of(std::vector<std::string> values) {
    return CLI::IsMember(std::move(values)).description("");
}

/// The options that all commands share. A profile can set each of them.
void add_connection_options(CLI::App& app, connection_settings& values) {
    app.add_option("--endpoint", values.endpoint, "the service: a project's URL, or one that ends in /v1")
        ->envname("CORUN_ENDPOINT")
        ->type_name("URL");
    app.add_option("--protocol", values.protocol, "threads or responses (default: what the endpoint speaks)")
        ->envname("CORUN_PROTOCOL")
        ->type_name("NAME")
        ->check(one_of({"threads", "responses"}));
    app.add_option("--credential", values.credential, "a bearer token: azure, none, or a source (see below)")
        ->envname("CORUN_CREDENTIAL")
        ->type_name("SOURCE");
    app.add_option("--api-key", values.api_key, "a key that is sent as api-key, for Azure OpenAI")->type_name("SOURCE");
    app.add_option("--agent", values.agent, "the id of the agent")->envname("CORUN_AGENT")->type_name("ID");
    app.add_option("--model", values.model, "a model for this run; without --agent, the whole agent (Responses)")
        ->type_name("NAME");
    app.add_option("--instructions", values.instructions, "replaces the agent's instructions")->type_name("TEXT");
    app.add_option("--mcp", values.mcp_servers, "an MCP server, by its label")->type_name("LABEL=URL");
    app.add_option("--mcp-header", values.mcp_headers, "a header for an MCP server, in this run only")
        ->type_name("LABEL:NAME=SOURCE");
    app.add_option("--mcp-token", values.mcp_tokens, "a bearer token for an MCP server, in this run only")
        ->type_name("LABEL=SOURCE");
    app.add_option("--ca-file", values.ca_file, "trust the CA certificates in this file")->type_name("FILE");
    app.add_option("--proxy", values.proxy, "use this proxy (empty: none; default: the environment's)")
        ->type_name("URL");
    app.add_option("--timeout", values.timeout_seconds, "the longest duration of a request or a run, in seconds")
        ->type_name("N")
        ->check(CLI::Range(0.0, 1e9).description(""));
}

void add_output_options(CLI::App& app, output_settings& values) {
    app.add_flag("--json", values.json, "print lines of JSON");
    app.add_flag("-q,--quiet", values.quiet, "print no notices");
    app.add_flag("-v,--verbose", values.verbose, "print more notices");
    app.add_option("--color", values.colour, "auto, always or never")
        ->type_name("WHEN")
        ->check(one_of({"auto", "always", "never"}));
}

void add_run_options(CLI::App& app, settings& values) {
    app.add_option("--thread", values.run.thread, "ask in this thread (Responses: conversation)")->type_name("ID");
    app.add_option("--previous-response", values.run.previous_response, "continue this response (Responses)")
        ->type_name("ID");
    app.add_option("--approve", values.run.approve, "calls to MCP servers: ask, all or none")
        ->type_name("WHICH")
        ->check(one_of({"ask", "all", "none"}));
    app.add_option("--mcp-caller", values.run.mcp_caller, "who calls MCP servers: service, client or automatic")
        ->type_name("WHO")
        ->check(one_of({"service", "client", "automatic"}));
    app.add_option("--reconcile", values.run.reconcile, "allow a policy of docs/reconciliation.md")
        ->type_name("POLICY");
    app.add_flag("--background", values.run.background, "run in the background (Responses)");
}

void add_question_options(CLI::App& app, settings& values) {
    app.add_option("question", values.run.question, "the question; without it or with -, standard input")
        ->type_name("QUESTION");
    add_run_options(app, values);
    app.add_flag("--keep-running", values.run.keep_running, "do not cancel the run when this program ends early");
}

/// The application of a command, below that of its group.
CLI::App& application_of(CLI::App& root, const command& entry) {
    CLI::App* parent = &root;
    std::string_view name = entry.name;
    for (auto space = name.find(' '); space != name.npos; space = name.find(' ')) {
        parent = parent->get_subcommand(std::string(name.substr(0, space)));
        name.remove_prefix(space + 1);
    }
    return *parent->add_subcommand(std::string(name), entry.help);
}

struct parsed_command_line {
    settings values;
    const command* chosen = nullptr;
};

void declare(CLI::App& app, parsed_command_line& line) {
    app.name("corun");
    app.formatter(std::make_shared<help_formatter>());
    app.set_help_flag("-h,--help", "print this and exit");
    app.set_version_flag("--version", "corun " CORUN_VERSION, "print the version and exit");
    app.fallthrough();
    app.require_subcommand(1);
    add_profile_option(app);
    add_connection_options(app, line.values.connection);
    add_output_options(app, line.values.output);
    for (const command& entry : commands()) {
        CLI::App& own = application_of(app, entry);
        own.formatter(app.get_formatter());
        own.fallthrough();
        if (entry.add_options != nullptr) entry.add_options(own, line.values);
        if (entry.run != nullptr)
            own.callback([&line, &entry] { line.chosen = &entry; });
        else
            own.require_subcommand(1);
    }
}

int fail(const std::string& problem, exit_code code) {
    std::cerr << "corun: " << problem << '\n';
    return static_cast<int>(code);
}

int run_chosen(const parsed_command_line& line) {
    program self(line.values);
    try {
        return static_cast<int>(line.chosen->run(self));
    } catch (const left_by_user&) {
        return static_cast<int>(exit_code::interrupted);
    } catch (const std::ios_base::failure&) {
        return static_cast<int>(exit_code::failed);  // Nobody reads the output any more.
    } catch (const std::exception& failure) {
        report_failure(self, failure);
        return static_cast<int>(exit_code_of(failure));
    }
}

}  // namespace

const std::vector<command>& commands() {
    static const std::vector<command> table{
        {"run", "ask an agent, and print its answer as it arrives", add_question_options, coroutine<run_question>},
#ifdef CORUN_CLI_EMULATOR
        {"emulator", "run a local service for tests (corun emulator --help)", nullptr, nullptr},
#endif
    };
    return table;
}

int run_command_line(int argc, char** argv) {
#ifdef CORUN_CLI_EMULATOR
    if (argc > 1 && std::string_view(argv[1]) == "emulator")
        return emulator::run_program("corun emulator", argc - 1, argv + 1);
#endif
    CLI::App app("Runs AI agents from the command line.");
    try {
        parsed_command_line line;
        declare(app, line);
        app.parse(argc, argv);
        return run_chosen(line);
    } catch (const CLI::Success& help_or_version) {
        return app.exit(help_or_version);
    } catch (const CLI::ParseError& problem) {
        return fail(std::string(problem.what()) + " (corun --help)", exit_code::usage);
    } catch (const std::exception& problem) {
        return fail(problem.what(), exit_code_of(problem));
    }
}

}  // namespace corun::cli
