// One long-lived agent, an MCP server guarded by tokens that live for an hour, and a token of its
// own for every run.
#include <corun/corun.hpp>

#include <iostream>
#include <string>
#include <string_view>

#include "main.hpp"

namespace {

/// Shows each event of a run: its name on the wire and what it says; text as it comes.
class screen {
public:
    void show(const corun::event& event) {
        if (const auto* delta = event.get_if<corun::text_delta>()) {
            if (!in_text_) std::cout << "  " << bold << "text                        " << plain;
            in_text_ = true;
            std::cout << green << delta->text << plain << std::flush;
            return;
        }
        end_text();
        std::cout << (event.continues() ? "    " : "  ") << grey << event.name() << plain;
        describe(event);
        std::cout << std::endl;
    }

    void end_text() {
        if (in_text_) std::cout << std::endl;
        in_text_ = false;
    }

    static constexpr std::string_view plain = "\033[0m", bold = "\033[1m", grey = "\033[2m", green = "\033[32m",
                                      red = "\033[31m", blue = "\033[34m";

private:
    static void describe(const corun::event& event) {
        if (const auto* created = event.get_if<corun::run_created>()) std::cout << "  " << created->run_id;
        if (const auto* status = event.get_if<corun::run_status>()) std::cout << "  " << to_string(status->status);
        if (const auto* step = event.get_if<corun::step_created>()) std::cout << "  " << step->step.type;
        if (const auto* listed = event.get_if<corun::mcp_tools_listed>()) {
            std::cout << "  mcp_tools_listed: " << listed->list.server_label << " offers";
            for (const auto& tool : listed->list.tools) std::cout << ' ' << tool.name;
        }
        if (const auto* call = event.get_if<corun::mcp_call>())
            std::cout << "  mcp_call: " << call->call.name << call->call.arguments << " -> "
                      << call->call.output.value_or("");
        if (const auto* done = event.get_if<corun::run_completed>(); done && done->run.usage)
            std::cout << "  " << done->run.usage->total_tokens << " tokens";
        if (const auto* failed = event.get_if<corun::run_failed>(); failed && failed->run.last_error)
            std::cout << "  " << red << failed->run.last_error->code << ": " << failed->run.last_error->message << plain;
    }

    bool in_text_ = false;
};

void title(std::string_view text) { std::cout << '\n' << screen::bold << text << screen::plain << "\n\n"; }

/// Streams one run and shows it all. The agent keeps nothing of the headers.
asio::awaitable<void> stream_run(corun::agent agent, corun::thread thread, std::string label, std::string token) {
    corun::mcp_headers headers;
    if (!agent.definition().tools.empty()) headers.set(std::move(label), "Authorization", "Bearer " + token);
    corun::run_options options;
    options.default_approval = corun::mcp_approval::never();

    corun::event_stream stream = co_await agent.run_stream(thread, "Book seat 14A, please.", headers, options);
    std::cout << screen::blue << "  sent, as reconciliation made it (values of headers redacted):" << screen::plain << '\n';
    std::cout << stream.report() << "\n";

    screen output;
    while (std::optional<corun::event> event = co_await stream.next()) output.show(*event);
    output.end_text();
}

asio::awaitable<void> story(demo::backend& backend) {
    corun::client client{co_await asio::this_coro::executor, backend.endpoint(), backend.credential()};
    std::cout << "corun " << CORUN_VERSION << ", "
              << (backend.emulated() ? "the emulator inside this process" : "the real service") << " at "
              << backend.endpoint() << '\n';

    corun::agent agent = co_await backend.make_agent(client);
    corun::thread thread = co_await client.create_thread();
    std::cout << "Agent " << agent.id() << " and thread " << thread.id() << " are made once, without any header.\n";

    const std::string first = backend.fresh_mcp_token();
    title("Run 1, with the token of now");
    co_await stream_run(agent, thread, backend.mcp_label(), first);

    if (backend.emulated()) {
        backend.pass_an_hour();
        title("An hour later the token has expired. A client bound to it would from now on get this:");
        co_await stream_run(agent, thread, backend.mcp_label(), first);
    }

    const std::string second = backend.fresh_mcp_token();
    title("Run 2, the same agent and thread, with a fresh token");
    co_await stream_run(agent, thread, backend.mcp_label(), second);

    if (backend.emulated()) {
        title("What the MCP server got to see");
        for (const auto& call : backend.mcp_calls())
            std::cout << "  " << call.method << std::string(28 - std::min<std::size_t>(call.method.size(), 28), ' ')
                      << call.authorization << "  ->  " << call.status << '\n';
    }

    co_await agent.refresh();
    co_await thread.refresh();
    title("Read back, agent and thread hold no header");
    std::cout << "  agent.tool_resources.mcp:  " << agent.definition().tool_resources.mcp.size() << " entries\n"
              << "  thread.tool_resources.mcp: " << thread.definition().tool_resources.mcp.size() << " entries\n";
    co_await thread.remove();
    co_await agent.remove();
}

}  // namespace

int main() { return demo::run("per_run_headers", story); }
