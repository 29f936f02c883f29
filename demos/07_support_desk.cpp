// A support desk: one agent for everybody, two MCP servers that know each user by a token of their own, refunds that
// wait for an approval, a file that goes in and a chart that comes out.
//
// The program contains the service and both servers, and checks what they have seen.
#include "main.hpp"
#include <corun/corun.hpp>
#include <corun/emulator/emulator.hpp>

#include <chrono>
#include <iostream>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using corun::emulator::step;

constexpr const char* chart_svg =
    R"(<svg xmlns="http://www.w3.org/2000/svg" width="90" height="80"><path d="M10 50h20v30H10zm30-40h20v70H40zm30 20h20v50H70z"/></svg>)";
constexpr const char* orders_csv = "day,orders\nMon,3\nTue,7\nWed,5\n";
constexpr const char* orders_data_url = "data:text/csv;base64,ZGF5LG9yZGVycwpNb24sMwpUdWUsNwpXZWQsNQo=";

void expect(bool is_so, const std::string& expectation) {
    if (!is_so) throw std::runtime_error("it is not so that " + expectation);
}

/// The world around the desk: the AI service, a server for tickets and one for payments.
class world {
public:
    explicit world(asio::io_context& io) : tickets_(io), billing_(io), service_(io) {
        tickets_.add_tool("list_tickets", "Lists the user's open tickets.", R"({"type":"object","properties":{}})",
                          [this](std::string_view) { return "Open tickets of " + caller(tickets_) + ": 12, 17."; });
        billing_.add_tool("refund", "Pays an order back.",
                          R"({"type":"object","properties":{"order":{"type":"integer"},"euros":{"type":"integer"}}})",
                          [this](std::string_view) { return "Paid back to " + caller(billing_) + "."; });
        service_.script("tickets", {step::call_mcp("list_tickets", "{}", "tickets"), step::reply("{output}")});
        service_.script("40 euros",
                        {step::call_mcp("refund", R"({"order":4711,"euros":40})", "billing"), step::reply("{output}")});
        service_.script("900 euros", {step::call_mcp("refund", R"({"order":4712,"euros":900})", "billing"),
                                      step::reply("I have asked for it.")});
        service_.script("chart", {step::call_tool("code_interpreter", R"({"input":"orders.plot.bar"})"),
                                  step::message(message_with_chart())});
    }

    [[nodiscard]] bool speaks_responses() const { return demo::environment("CORUN_PROTOCOL") == "responses"; }

    [[nodiscard]] corun::client connect(asio::any_io_executor executor) const {
        corun::client_options options;
        if (speaks_responses()) options.protocol = corun::protocol::responses;
        return corun::client(executor, service_.endpoint(), corun::credential::bearer(service_.token()), options);
    }

    /// Makes the agent of the desk. It has no header, and serves everybody.
    asio::awaitable<corun::agent> make_agent(corun::client client) const {
        corun::agent_definition definition("gpt-4o");
        definition.name = "support-desk";
        definition.instructions = "Help the customer. Use your tools.";
        definition.tools = {corun::mcp_tool("tickets", tickets_.url()), corun::mcp_tool("billing", billing_.url()),
                            corun::code_interpreter()};
        if (speaks_responses()) co_return client.local_agent(corun::migrate(definition).definition);
        co_return co_await client.create_agent(definition);
    }

    /// Tokens of a user for both servers, for five minutes.
    corun::mcp_headers sign_in(const std::string& user) {
        const auto until = std::chrono::system_clock::now() + std::chrono::minutes(5);
        corun::mcp_headers headers;
        const std::string token = user + "-token-" + std::to_string(++tokens_);
        tickets_.accept_token("tickets-" + token, until, user);
        billing_.accept_token("billing-" + token, until, user);
        headers.set("tickets", "Authorization", "Bearer tickets-" + token);
        headers.set("billing", "Authorization", "Bearer billing-" + token);
        return headers;
    }

    /// Checks that each server has seen its own tokens only, and that nobody's request came with another's token.
    void check_tokens() const {
        for (const auto& call : tickets_.calls())
            expect(call.authorization.find("billing-") == std::string::npos, "the tickets get no token for payments");
        std::size_t refunds = 0;
        for (const auto& call : billing_.calls()) {
            expect(call.authorization.find("tickets-") == std::string::npos, "payments get no token for tickets");
            if (call.method != "tools/call") continue;
            expect(call.user == "anna", "only Anna is paid back");
            ++refunds;
        }
        expect(refunds == 1, "one refund was paid");
    }

    asio::awaitable<void> clean_up() { co_return; }
    void stop() {
        service_.stop();
        tickets_.stop();
        billing_.stop();
    }

private:
    static std::string caller(const corun::emulator::mcp_server& server) { return server.calls().back().user; }

    /// What the model writes when its code has drawn: the file is in the answer as an annotation.
    std::string message_with_chart() {
        std::string annotation;
        if (speaks_responses()) {
            const auto [container, file] = service_.add_container_file("chart.svg", chart_svg);
            annotation = R"({"type":"container_file_citation","container_id":")" + container + R"(","file_id":")" +
                         file + R"(","filename":"chart.svg","start_index":11,"end_index":20})";
        } else {
            annotation = R"({"type":"file_path","text":"chart.svg","start_index":11,"end_index":20,"file_path":)"
                         R"({"file_id":")" +
                         service_.add_file("chart.svg", chart_svg) + R"("}})";
        }
        return R"([{"type":"text","text":{"value":"Tuesday is chart.svg","annotations":[)" + annotation + "]}}]";
    }

    corun::emulator::mcp_server tickets_, billing_;
    corun::emulator::service service_;
    int tokens_ = 0;
};

/// One customer at the desk: a thread, and headers that are fetched when a run needs them.
class customer {
public:
    customer(world& desk, std::string name, corun::agent agent, corun::agent_thread thread)
        : world_(desk), name_(std::move(name)), agent_(std::move(agent)), thread_(std::move(thread)) {}

    asio::awaitable<corun::run_result> ask(corun::message question) {
        std::cout << '\n' << name_ << ": " << question.content.front().value << '\n';
        corun::run_options options;
        options.require_approval.emplace("tickets", corun::mcp_approval::never());
        options.require_approval.emplace("billing", corun::mcp_approval::always());
        options.on_mcp_approval = [this](const corun::mcp_approval_request& request) { return decide(request); };
        const corun::mcp_header_provider headers = [this](const corun::mcp_header_request&) {
            return world_.sign_in(name_);
        };
        const corun::run_result result = co_await agent_.run(thread_, std::move(question), headers, options);
        std::cout << "desk: " << result.text() << '\n';
        co_return result;
    }

private:
    /// The rule of the desk: small refunds are paid at once, others are for a person.
    corun::approval_decision decide(const corun::mcp_approval_request& request) const {
        const bool is_small = request.arguments.find("900") == std::string::npos;
        std::cout << "  " << request.name << request.arguments << (is_small ? ": approved\n" : ": for a person\n");
        if (is_small) return true;
        // Only the Responses protocol can give the model a reason.
        return world_.speaks_responses() ? corun::approval_decision::deny("a person decides above 100 euros")
                                         : corun::approval_decision(false);
    }

    world& world_;
    std::string name_;
    corun::agent agent_;
    corun::agent_thread thread_;
};

/// A question with a file: as an attachment of the thread, or in the message itself.
asio::awaitable<corun::message> question_with_orders(corun::client client, bool in_message) {
    corun::message question("Draw a chart of my orders, please.");
    if (in_message) {
        question.add(corun::content_block::file_data("orders.csv", orders_data_url));
        co_return question;
    }
    const corun::file_info file = co_await client.upload_file(corun::file_upload::from_bytes("orders.csv", orders_csv));
    question.attachments.emplace_back(file.id, std::vector<std::string>{"code_interpreter"});
    co_return question;
}

/// Downloads the file that an answer names.
asio::awaitable<std::string> chart_of(corun::client client, corun::run_result answer) {
    const std::vector<corun::text_annotation> files = answer.citations();
    expect(files.size() == 1, "the answer has one file");
    std::ostringstream chart;
    const bool is_in_container = !files.front().container_id.empty();
    if (is_in_container)
        co_await client.download_container_file(files.front().container_id, files.front().file_id, chart);
    else
        co_await client.download_file(files.front().file_id, chart);
    co_return chart.str();
}

asio::awaitable<void> story(world& desk) {
    corun::client client = desk.connect(co_await asio::this_coro::executor);
    corun::agent agent = co_await desk.make_agent(client);
    corun::agent_thread annas_thread = co_await client.create_thread();
    corun::agent_thread bertas_thread = co_await client.create_thread();
    customer anna(desk, "anna", agent, annas_thread), berta(desk, "berta", agent, bertas_thread);

    corun::run_result tickets = co_await anna.ask("Which tickets are open?");
    expect(tickets.text() == "Open tickets of anna: 12, 17.", "Anna sees her tickets");
    tickets = co_await berta.ask("Which tickets are open?");
    expect(tickets.text() == "Open tickets of berta: 12, 17.", "Berta sees hers");

    const corun::run_result small = co_await anna.ask("Pay me back 40 euros.");
    expect(small.text() == "Paid back to anna.", "a small refund is paid");
    co_await berta.ask("Pay me back 900 euros.");

    corun::message question = co_await question_with_orders(client, desk.speaks_responses());
    const corun::run_result answer = co_await anna.ask(question);
    const std::string chart = co_await chart_of(client, answer);
    expect(chart == chart_svg, "the chart arrives whole");
    std::cout << "  chart.svg: " << chart.size() << " bytes\n";

    desk.check_tokens();
    std::cout << "\nEach server has seen its own tokens only, each with its user's name.\n";
}

}  // namespace

int main() {
    return demo::run("support_desk", story);
}
