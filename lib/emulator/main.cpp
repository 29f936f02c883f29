// corun-emulator: the service as a program.
#include <corun/emulator/emulator.hpp>
#include <corun/version.hpp>

#include <asio/io_context.hpp>
#include <asio/signal_set.hpp>

#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <memory>
#include <stdexcept>

namespace {

using namespace corun::emulator;

constexpr const char* usage = R"(usage: corun-emulator [option ...]

A local Azure AI Agents service. It prints its endpoint and runs until SIGINT or SIGTERM.

  --port N                 listen there (default: a free port)
  --address A              listen at this address (default: 127.0.0.1)
  --token T                the bearer token to accept (default: emulator; empty: any)
  --scripts FILE           what the model does, as JSON: [{"match": "...", "steps": [{"reply": "..."}]}]
  --pace MS                milliseconds between two deltas (default: 0)
  --precedence P           conflict | narrowest | merge
  --conflict-when W        any | headers-differ
  --tools-with-resources T reject-on-reuse | reject-duplicate-labels | accept
  --rejection R            failed-run | http-error, for both conflicts
  --echo-headers E         never | redacted | full
  --approval-headers A     replace | extend | ignore
  --mcp-failure F          named | anonymous
  --agent-approval         an agent's require_approval counts
  --no-stored-headers      MCP headers of agents and threads do not count
  --duplicate-events       created, queued and in_progress come twice
  --run-lifetime S         seconds until a run expires (default: 1800)
  --mcp                    runs an MCP server beside it, with a tool `echo`
  --mcp-token T            the bearer token that it accepts (default: mcp-token)
  --version, --help
)";

template <class T>
T choose(const std::string& option, const std::string& value, const std::map<std::string, T>& values) {
    const auto found = values.find(value);
    if (found != values.end()) return found->second;
    std::string names;
    for (const auto& [name, ignored] : values) names += (names.empty() ? "" : ", ") + name;
    throw std::invalid_argument(option + ": '" + value + "' is none of " + names);
}

long number(const std::string& option, const std::string& value, long most) {
    std::size_t used = 0;
    long parsed = -1;
    try {
        parsed = std::stol(value, &used);
    } catch (const std::exception&) {
    }
    if (used != value.size() || parsed < 0 || parsed > most)
        throw std::invalid_argument(option + ": '" + value + "' is not a number from 0 to " + std::to_string(most));
    return parsed;
}

int run(int argc, char** argv) {
    service_options options;
    bool with_mcp = false;
    std::string mcp_token = "mcp-token", scripts;
    for (int i = 1; i < argc; ++i) {
        const std::string option = argv[i];
        const auto value = [&]() -> std::string {
            if (i + 1 == argc) throw std::invalid_argument(option + " needs a value");
            return argv[++i];
        };
        if (option == "--help") {
            std::cout << usage;
            return EXIT_SUCCESS;
        }
        if (option == "--version") {
            std::cout << "corun-emulator " CORUN_VERSION "\n";
            return EXIT_SUCCESS;
        }
        if (option == "--port")
            options.port = static_cast<std::uint16_t>(number(option, value(), 65535));
        else if (option == "--address")
            options.address = value();
        else if (option == "--token")
            options.token = value();
        else if (option == "--scripts")
            scripts = value();
        else if (option == "--pace")
            options.pace = std::chrono::milliseconds(number(option, value(), 3'600'000));
        else if (option == "--precedence")
            options.precedence = choose<precedence>(option, value(),
                                                    {{"conflict", precedence::conflict},
                                                     {"narrowest", precedence::narrowest},
                                                     {"merge", precedence::merge}});
        else if (option == "--conflict-when")
            options.conflict_when = choose<conflict_when>(
                option, value(), {{"any", conflict_when::any}, {"headers-differ", conflict_when::headers_differ}});
        else if (option == "--tools-with-resources")
            options.tools_with_resources = choose<tools_with_resources>(
                option, value(),
                {{"reject-on-reuse", tools_with_resources::reject_on_reuse},
                 {"reject-duplicate-labels", tools_with_resources::reject_duplicate_labels},
                 {"accept", tools_with_resources::accept}});
        else if (option == "--rejection")
            options.conflict_rejection = options.tools_rejection = choose<rejection>(
                option, value(), {{"failed-run", rejection::failed_run}, {"http-error", rejection::http_error}});
        else if (option == "--echo-headers")
            options.echo_headers = choose<echo_headers>(
                option, value(),
                {{"never", echo_headers::never}, {"redacted", echo_headers::redacted}, {"full", echo_headers::full}});
        else if (option == "--approval-headers")
            options.approval_headers = choose<approval_headers>(option, value(),
                                                                {{"replace", approval_headers::replace},
                                                                 {"extend", approval_headers::extend},
                                                                 {"ignore", approval_headers::ignore}});
        else if (option == "--mcp-failure")
            options.mcp_failure = choose<mcp_failure>(
                option, value(), {{"named", mcp_failure::named}, {"anonymous", mcp_failure::anonymous}});
        else if (option == "--agent-approval")
            options.agent_level_approval_effective = true;
        else if (option == "--no-stored-headers")
            options.stored_headers_effective = false;
        else if (option == "--duplicate-events")
            options.duplicate_events = true;
        else if (option == "--run-lifetime")
            options.run_lifetime = std::chrono::seconds(number(option, value(), 31'536'000));
        else if (option == "--mcp")
            with_mcp = true;
        else if (option == "--mcp-token")
            mcp_token = value();
        else
            throw std::invalid_argument("unknown option " + option + " (--help lists them)");
    }

    asio::io_context context(1);
    service emulator(context, options);
    if (!scripts.empty()) {
        std::ifstream file(scripts);
        if (!file) throw std::invalid_argument("--scripts: cannot read " + scripts);
        emulator.load_scripts(std::string(std::istreambuf_iterator<char>(file), {}));
    }
    std::unique_ptr<mcp_server> mcp;
    if (with_mcp) {
        mcp = std::make_unique<mcp_server>(context);
        mcp->accept_token(mcp_token);
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
    return EXIT_SUCCESS;
}

}  // namespace

int main(int argc, char** argv) {
    try {
        return run(argc, argv);
    } catch (const std::exception& problem) {
        std::cerr << "corun-emulator: " << problem.what() << "\n";
        return EXIT_FAILURE;
    }
}
