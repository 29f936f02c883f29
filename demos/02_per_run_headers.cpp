// One long-lived agent, an MCP server protected by tokens that expire after an hour, and a separate token for every
// run.
#include "main.hpp"
#include <corun/corun.hpp>

#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <iomanip>
#include <iostream>
#include <optional>
#include <string>
#include <string_view>

namespace {

/// A terminal colour, unless the output is not a terminal or NO_COLOR is set (no-color.org).
std::string_view colour(std::string_view escape) {
    static const bool wanted = ::isatty(STDOUT_FILENO) && demo::environment("NO_COLOR").empty();
    return wanted ? escape : std::string_view();
}

/// Shows each event of a run: its name on the wire and its content; text as it arrives.
class screen {
public:
    void show(const corun::event& event) {
        if (const auto* delta = event.get_if<corun::events::text_delta>()) {
            if (!in_text_) std::cout << "  " << bold << std::left << std::setw(name_width) << "text" << plain;
            in_text_ = true;
            std::cout << green << delta->text << plain << std::flush;
            return;
        }
        end_text();
        // One event on the wire may give several events here: its name appears once.
        std::cout << "  " << grey << std::left << std::setw(name_width) << (event.continues() ? "" : event.name())
                  << plain;
        describe(event);
        std::cout << std::endl;
    }

    void end_text() {
        if (in_text_) std::cout << std::endl;
        in_text_ = false;
    }

    inline static const std::string_view plain = colour("\033[0m"), bold = colour("\033[1m"), grey = colour("\033[2m"),
                                         green = colour("\033[32m"), red = colour("\033[31m"),
                                         blue = colour("\033[34m");

private:
    static constexpr int name_width = 30;

    static void describe(const corun::event& event) {
        if (const auto* created = event.get_if<corun::events::run_created>()) std::cout << created->run_id;
        if (const auto* step = event.get_if<corun::events::step_created>()) std::cout << step->step.type;
        if (const auto* step = event.get_if<corun::events::step_completed>()) std::cout << step->step.type;
        if (const auto* listed = event.get_if<corun::events::mcp_tools_listed>()) {
            std::cout << "server " << listed->list.server_label << " offers";
            for (const auto& tool : listed->list.tools) std::cout << ' ' << tool.name;
        }
        if (const auto* delta = event.get_if<corun::events::tool_call_delta>())
            std::cout << delta->name << delta->arguments;
        if (const auto* call = event.get_if<corun::events::mcp_call>())
            std::cout << call->call.name << call->call.arguments << " -> " << call->call.output.value_or("");
        if (const auto* done = event.get_if<corun::events::run_completed>(); done && done->run.usage)
            std::cout << done->run.usage->total_tokens << " tokens used";
        if (const auto* failed = event.get_if<corun::events::run_failed>(); failed && failed->run.last_error)
            std::cout << red << failed->run.last_error->code << ": " << failed->run.last_error->message << plain;
    }

    bool in_text_ = false;
};

void title(std::string_view text) {
    std::cout << '\n' << screen::bold << text << screen::plain << "\n\n";
}

/// Streams one run and shows all of it. The agent does not keep the headers.
asio::awaitable<void> stream_run(corun::agent agent, corun::agent_thread thread, corun::mcp_headers headers) {
    corun::run_options options;
    options.default_approval = corun::mcp_approval::never();

    corun::event_stream stream = co_await agent.run_stream(thread, "Book seat 14A, please.", headers, options);
    std::cout << screen::blue << stream.report() << screen::plain << '\n';

    screen output;
    while (std::optional<corun::event> event = co_await stream.next()) output.show(*event);
    output.end_text();
}

asio::awaitable<void> story(demo::backend& backend) {
    corun::client client{co_await asio::this_coro::executor, backend.endpoint(), backend.credential(),
                         backend.options()};
    std::cout << "corun " << CORUN_VERSION << ", "
              << (backend.emulated() ? "the emulator inside this process" : "the real service") << " at "
              << backend.endpoint() << '\n';

    corun::agent agent = co_await backend.make_agent(client);
    corun::agent_thread thread = co_await backend.make_thread(client);
    std::cout << "Agent " << agent.id() << " and thread " << thread.id() << " are made once, without any header.\n";
    if (backend.speaks_responses()) std::cout << "The agent lives here, and is sent with each request.\n";

    const corun::mcp_headers first = backend.mcp_headers();
    title("Run 1, with the token of now");
    co_await stream_run(agent, thread, first);

    if (backend.emulated()) {
        backend.pass(std::chrono::hours(1));
        title("An hour later that token has expired. Who is bound to it gets this from now on");
        co_await stream_run(agent, thread, first);
    }

    const corun::mcp_headers second = backend.mcp_headers();
    title("Run 2, the same agent and thread, with a fresh token");
    co_await stream_run(agent, thread, second);

    if (backend.emulated()) {
        title("What the MCP server got to see");
        backend.show_mcp_calls();
    }

    // A local agent is not stored, so it cannot be read back.
    if (backend.speaks_responses()) co_return;
    co_await agent.refresh();
    co_await thread.refresh();
    title("Read back, agent and thread hold no header");
    std::cout << "  agent.tool_resources.mcp:  " << agent.definition().tool_resources.mcp.size() << " entries\n"
              << "  thread.tool_resources.mcp: " << thread.definition().tool_resources.mcp.size() << " entries\n";
}

}  // namespace

int main() {
    return demo::run("per_run_headers", story);
}
