#include "command_line.hpp"

#include "chat.hpp"
#include "description.hpp"
#include "doctor.hpp"
#include "help.hpp"
#include "mcp_commands.hpp"
#include "mistakes.hpp"
#include "profile.hpp"
#include "resource_commands.hpp"
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

/// Restricts an option to some values, which the help does not repeat, and completions offer.
void restrict(CLI::Option* option, const std::vector<std::string>& values) {
    set_choices(option->get_name(), values);
    option->check(CLI::IsMember(values).description(""));
}

/// The options that all commands share. A profile can set each of them.
void add_connection_options(CLI::App& app, connection_settings& values) {
    app.add_option("--endpoint", values.endpoint, "the service: a project's URL, or one that ends in /v1")
        ->envname("CORUN_ENDPOINT")
        ->type_name("URL");
    restrict(app.add_option("--protocol", values.protocol, "threads or responses (default: what the endpoint speaks)")
                 ->envname("CORUN_PROTOCOL")
                 ->type_name("NAME"),
             {"threads", "responses"});
    app.add_option("--credential", values.credential, "a bearer token: azure, none, or a source (see below)")
        ->envname("CORUN_CREDENTIAL")
        ->type_name("SOURCE");
    app.add_option("--api-key", values.api_key, "a key that is sent as api-key, for Azure OpenAI")->type_name("SOURCE");
    app.add_option("--agent", values.agent, "the id of the agent")->envname("CORUN_AGENT")->type_name("ID");
    app.add_option("--model", values.model, "a model for this run; without --agent, the whole agent (Responses)")
        ->type_name("NAME");
    app.add_option("--instructions", values.instructions, "replaces the agent's instructions")->type_name("TEXT");
    app.add_option("--mcp", values.mcp_servers, "an MCP server, by its label")
        ->type_name("LABEL=URL")
        ->allow_extra_args(false);
    app.add_option("--mcp-header", values.mcp_headers, "a header for an MCP server, in this run only")
        ->type_name("LABEL:NAME=SOURCE")
        ->allow_extra_args(false);
    app.add_option("--mcp-token", values.mcp_tokens, "a bearer token for an MCP server, in this run only")
        ->type_name("LABEL=SOURCE")
        ->allow_extra_args(false);
    app.add_option("--ca-file", values.ca_file, "trust the CA certificates in this file")->type_name("FILE");
    app.add_option("--proxy", values.proxy, "use this proxy (empty: none; default: the environment's)")
        ->type_name("URL");
    app.add_option("--timeout", values.timeout_seconds, "the longest duration of a request or a run, in seconds")
        ->type_name("N")
        ->check(CLI::Range(0.0, 1e9).description(""));
    app.add_flag("--trace", values.trace, "print the traffic, without secrets");
}

void add_output_options(CLI::App& app, output_settings& values) {
    app.add_flag("--json", values.json, "print lines of JSON");
    app.add_flag("-q,--quiet", values.quiet, "print no notices");
    app.add_flag("-v,--verbose", values.verbose, "print more notices");
    restrict(app.add_option("--color", values.colour, "auto, always or never")->type_name("WHEN"),
             {"auto", "always", "never"});
}

void add_run_options(CLI::App& app, settings& values) {
    app.add_option("--thread", values.run.thread, "ask in this thread (Responses: conversation)")->type_name("ID");
    app.add_option("--previous-response", values.run.previous_response, "continue this response (Responses)")
        ->type_name("ID");
    restrict(
        app.add_option("--approve", values.run.approve, "calls to MCP servers: ask, all or none")->type_name("WHICH"),
        {"ask", "all", "none"});
    restrict(
        app.add_option("--mcp-caller", values.run.mcp_caller, "who calls MCP servers: service, client or automatic")
            ->type_name("WHO"),
        {"service", "client", "automatic"});
    app.add_option("--reconcile", values.run.reconcile, "allow a policy of docs/reconciliation.md")
        ->type_name("POLICY")
        ->allow_extra_args(false);
    app.add_flag("--plain", values.run.plain, "print text as received, not as Markdown, on a terminal, too");
    app.add_flag("--background", values.run.background, "run in the background (Responses)");
}

void add_question_options(CLI::App& app, settings& values) {
    app.add_option("question", values.run.question, "the question; without it or with -, standard input")
        ->type_name("QUESTION");
    add_run_options(app, values);
    app.add_flag("--keep-running", values.run.keep_running, "do not cancel the run when this program ends early");
}

void add_chat_options(CLI::App& app, settings& values) {
    app.add_option("question", values.run.question, "the first message")->type_name("QUESTION");
    add_run_options(app, values);
}

void add_ids(CLI::App& app, settings& values) {
    app.add_option("id", values.object.ids, "the ids")->type_name("ID...")->required();
}

void add_id(CLI::App& app, settings& values) {
    app.add_option("id", values.object.ids, "the id")->type_name("ID")->required()->expected(1);
}

void add_limit(CLI::App& app, settings& values) {
    app.add_option("--limit", values.object.limit, "print at most this many (default: 20; 0: all)")
        ->type_name("N")
        ->check(CLI::Range(0, 1'000'000'000).description(""));
}

void add_name(CLI::App& app, settings& values) {
    app.add_option("--name", values.object.name, "its name")->type_name("NAME");
}

void add_thread(CLI::App& app, settings& values) {
    app.add_option("thread", values.object.thread, "the id of the thread")->type_name("THREAD")->required();
}

void add_thread_and_limit(CLI::App& app, settings& values) {
    add_thread(app, values);
    add_limit(app, values);
}

void add_thread_and_id(CLI::App& app, settings& values) {
    add_thread(app, values);
    add_id(app, values);
}

void add_thread_and_ids(CLI::App& app, settings& values) {
    add_thread(app, values);
    add_ids(app, values);
}

void add_message_options(CLI::App& app, settings& values) {
    add_thread(app, values);
    app.add_option("text", values.object.text, "the message")->type_name("TEXT")->required();
}

void add_run_id(CLI::App& app, settings& values) {
    add_id(app, values);
    app.add_option("--thread", values.run.thread, "the id of its thread (threads)")->type_name("ID");
}

void add_paths(CLI::App& app, settings& values) {
    app.add_option("path", values.object.ids, "the files")->type_name("PATH...")->required();
    app.add_option("--purpose", values.object.purpose, "assistants, vision, ...")->type_name("NAME");
}

void add_download_options(CLI::App& app, settings& values) {
    add_id(app, values);
    app.add_option("-o,--output", values.object.path, "write to this file (default: standard output)")
        ->type_name("PATH");
}

void add_store_options(CLI::App& app, settings& values) {
    add_name(app, values);
    app.add_option("--file", values.object.files, "the id of a file in it")->type_name("ID")->allow_extra_args(false);
}

void add_server(CLI::App& app, settings& values) {
    app.add_option("server", values.object.server, "a label of --mcp or of the agent, or a URL")
        ->type_name("SERVER")
        ->required();
}

void add_tool_call(CLI::App& app, settings& values) {
    add_server(app, values);
    app.add_option("tool", values.object.tool, "the name of the tool")->type_name("TOOL")->required();
    app.add_option("arguments", values.object.arguments, "a JSON object")->type_name("ARGUMENTS");
}

void add_shell(CLI::App& app, settings& values) {
    app.add_option("shell", values.object.name, "bash, zsh or fish")
        ->type_name("SHELL")
        ->required()
        ->check(CLI::IsMember({"bash", "zsh", "fish"}).description(""));
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
        if (entry.run != nullptr) own.callback([&line, &entry] { line.chosen = &entry; });
        if (entry.is_group()) own.require_subcommand(1);
    }
}

exit_code print_completion(program& self) {
    CLI::App app;
    parsed_command_line line;
    declare(app, line);
    self.out.text(completion_script(describe(app), self.options.object.name));
    return exit_code::completed;
}

exit_code print_manual(program& self) {
    CLI::App app("Runs AI agents from the command line.");
    parsed_command_line line;
    declare(app, line);
    self.out.text(manual_page(describe(app), CORUN_VERSION));
    return exit_code::completed;
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
        {"chat", "talk to an agent at the terminal", add_chat_options, chat},
        {"agents", "agents that the service stores", nullptr, nullptr},
        {"agents list", "list them, the newest first", add_limit, coroutine<list_agents>},
        {"agents show", "print one as JSON", add_id, coroutine<show_agent>},
        {"agents create", "create one, of --model, --instructions and --mcp", add_name, coroutine<create_agent>},
        {"agents delete", "delete agents", add_ids, coroutine<delete_agents>},
        {"threads", "threads (Responses: conversations)", nullptr, nullptr},
        {"threads list", "list them, the newest first", add_limit, coroutine<list_threads>},
        {"threads show", "print one as JSON", add_id, coroutine<show_thread>},
        {"threads create", "create one", nullptr, coroutine<create_thread>},
        {"threads delete", "delete threads", add_ids, coroutine<delete_threads>},
        {"messages", "messages of a thread", nullptr, nullptr},
        {"messages list", "list them, the oldest first", add_thread_and_limit, coroutine<list_messages>},
        {"messages show", "print one as JSON", add_thread_and_id, coroutine<show_message>},
        {"messages create", "add one", add_message_options, coroutine<create_message>},
        {"messages delete", "delete messages", add_thread_and_ids, coroutine<delete_messages>},
        {"runs", "runs (Responses: responses)", nullptr, nullptr},
        {"runs list", "list those of a thread, the newest first", add_thread_and_limit, coroutine<list_runs>},
        {"runs show", "print one as JSON", add_run_id, coroutine<show_run_object>},
        {"runs cancel", "cancel one, and print its state", add_run_id, coroutine<cancel_run>},
        {"files", "files", nullptr, nullptr},
        {"files list", "list them", add_limit, coroutine<list_files>},
        {"files show", "print one as JSON", add_id, coroutine<show_file>},
        {"files upload", "upload files", add_paths, coroutine<upload_files>},
        {"files download", "download one", add_download_options, coroutine<download_file>},
        {"files delete", "delete files", add_ids, coroutine<delete_files>},
        {"stores", "vector stores", nullptr, nullptr},
        {"stores list", "list them, the newest first", add_limit, coroutine<list_stores>},
        {"stores show", "print one as JSON", add_id, coroutine<show_store>},
        {"stores create", "create one, and wait until its files can be searched", add_store_options,
         coroutine<create_store>},
        {"stores delete", "delete vector stores", add_ids, coroutine<delete_stores>},
        {"mcp", "MCP servers", nullptr, nullptr},
        {"mcp list", "list the tools of a server", add_server, coroutine<list_mcp_tools>},
        {"mcp call", "call a tool, and print its result", add_tool_call, coroutine<call_mcp_tool>},
        {"doctor", "check the endpoint, the credential, the agent and its MCP servers", nullptr,
         coroutine<check_everything>},
        {"completion", "print the script that completes command lines in a shell", add_shell, print_completion},
        {"manual", "print the manual page (corun manual | man -l -)", nullptr, print_manual},
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
        return fail(explain_mistake(app, problem), exit_code::usage);
    } catch (const std::exception& problem) {
        return fail(problem.what(), exit_code_of(problem));
    }
}

}  // namespace corun::cli
