// The examples of README.md and docs/, with their line breaks. This file is only compiled; the whole programs beside
// it are run, too.
// clang-format off
#include <corun/corun.hpp>
#include <corun/emulator/emulator.hpp>
#include <corun/json.hpp>
#include <corun/sse/format.hpp>

#include <asio/experimental/awaitable_operators.hpp>
#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>

#include <chrono>
#include <filesystem>
#include <functional>
#include <iostream>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace guide {

struct vault_client {
    asio::awaitable<std::string> token_for(std::string label);
};
asio::awaitable<corun::access_token> fetch_from_vault();
std::string token_of(const std::string& user);
void use(const corun::event& event);
void use(std::string_view type, std::string_view data);
void complain(const corun::vector_store& store);
template <class... Values>
void count(const Values&...) {}
template <class... Values>
void record(const Values&...) {}

asio::awaitable<void> credentials(std::string endpoint) {
    auto executor = co_await asio::this_coro::executor;
    corun::client client{executor, endpoint, corun::default_credential(executor)};
}

asio::awaitable<void> token_providers(corun::agent agent, asio::any_io_executor executor, std::string token_endpoint,
                                      std::string client_id, std::string client_secret) {
    std::map<std::string, corun::token_provider> tokens;
    tokens["bookings"] = corun::google_identity_token(executor, "https://bookings-abc.a.run.app");
    tokens["weather"] = corun::oauth_client_credentials(executor, corun::oauth_client(token_endpoint, client_id, client_secret));
    tokens["vault"] = corun::token_provider(executor, fetch_from_vault);  // your awaitable<corun::access_token>()
    auto stream = co_await agent.run_stream("Book seat 14A", corun::mcp_bearer_tokens(tokens));
}

asio::awaitable<void> headers_of_a_run(corun::agent agent, corun::agent_thread thread, std::string user, std::string key) {
    corun::mcp_headers headers;
    headers.set("bookings", "Authorization", "Bearer " + token_of(user));
    headers.set("bookings", "X-Tenant", "acme");
    headers.set("weather", "X-Api-Key", key);
    // or: corun::mcp_headers headers{{"bookings", {{"Authorization", token}}}, {"weather", {{"X-Api-Key", key}}}};
    auto stream = co_await agent.run_stream(thread, "Book seat 14A", headers);
}

void approvals() {
    corun::run_options options;
    options.default_approval = corun::mcp_approval::never();
    options.require_approval.emplace("payments", corun::mcp_approval::always());
}

asio::awaitable<void> header_provider(corun::agent agent, vault_client& vault) {
    corun::mcp_header_provider provider = [&vault](corun::mcp_header_request request) -> asio::awaitable<corun::mcp_headers> {
        corun::mcp_headers headers;
        for (const std::string& label : request.server_labels)
            headers.set(label, "Authorization", "Bearer " + co_await vault.token_for(label));
        co_return headers;
    };
    auto stream = co_await agent.run_stream("Book seat 14A", provider);
}

asio::awaitable<void> answers_by_hand(corun::event_stream& stream) {
    while (auto event = co_await stream.next()) {
        if (auto* required = event->get_if<corun::events::action_required>()) {
            corun::submission answers;
            for (auto& call : required->action.function_calls) answers.output(call.id, "cold");
            for (auto& call : required->action.mcp_approvals) answers.approve(call.id);  // with the run's headers; or answers.deny(call.id)
            co_await stream.submit(answers);
        }
    }
}

asio::awaitable<void> gathering(corun::event_stream& stream, std::function<void(std::string_view)> on_text) {
    corun::run_result result;
    while (auto event = co_await stream.next()) {
        result.apply(*event);
        if (auto* delta = event->get_if<corun::events::text_delta>()) on_text(delta->text);
    }
    std::cout << result << '\n' << corun::to_json(result).dump(2) << '\n';  // a summary; everything
}

asio::awaitable<void> many_events(corun::event_stream& stream) {
    for (bool ended = false; !ended;) {
        const std::span<const corun::event> batch = co_await stream.next_batch();  // waits once, for many events
        for (const corun::event& each : batch) use(each);
        ended = batch.empty();
    }
}

void resilience() {
    corun::client_options options;
    options.retry.max_retries = 5;                            // 0 disables retries
    options.reattach.give_up_after = std::chrono::minutes{5};  // reattach.enabled = false: fail instead
    corun::run_options run;
    run.rate_limit_restarts = 3;                              // runs that fail with "Try again in 22 seconds"
    run.on_abandon = corun::abandoned_run::cancelled;          // cancels the run when its stream is destroyed
}

asio::awaitable<void> composition(corun::event_stream& stream, asio::steady_timer& timer) {
    using namespace asio::experimental::awaitable_operators;
    auto either = co_await (stream.next() || timer.async_wait(asio::use_awaitable));
}

asio::awaitable<void> resources(corun::client client, corun::mcp_headers headers) {
    corun::agent_definition definition("gpt-4o");
    definition.instructions = "Answer travel questions.";
    definition.tools.push_back(corun::mcp_tool("bookings", "https://bookings-abc.a.run.app/mcp"));
    corun::agent agent = co_await client.create_agent(definition);

    corun::agent_thread thread = co_await client.create_thread();
    corun::run_result first = co_await agent.run(thread, "Is seat 14A free?", headers);
    corun::run_result second = co_await agent.run(thread, "Book it.", headers);

    auto messages = thread.list_messages();
    while (auto message = co_await messages.next()) std::cout << message->role << ": " << message->text() << '\n';
}

asio::awaitable<void> polling(corun::agent agent, corun::agent_thread thread, corun::mcp_headers headers, corun::submission answers) {
    corun::thread_run run = co_await agent.create_run(thread, "Book it.", headers);
    run = co_await thread.wait_for_run(run.id);            // until it has ended or requires an action
    if (run.status == corun::run_state::requires_action) run = co_await thread.submit(run.id, answers);
}

asio::awaitable<void> responses(asio::any_io_executor executor, std::string endpoint, corun::credential credential,
                                corun::mcp_header_provider provider, corun::run_options run) {
    corun::client_options options;
    options.protocol = corun::protocol::responses;
    corun::client client{executor, endpoint, credential, options};  // a project, or a URL that ends in /v1; for OpenAI, use credential::bearer(key)

    corun::prompt_agent_definition desk("gpt-4o");
    desk.tools.emplace_back(corun::prompt_mcp_tool("bookings", "https://bookings.example/mcp"));
    corun::agent agent = client.local_agent(desk);                   // kept by the application, sent with each request
    corun::event_stream stream = co_await agent.run_stream("Book 14A", provider, run);
}

void typed_answers(const corun::events::action_required* required, corun::submission& answers, std::string screen) {
    for (auto& call : required->action.other_calls) {
        if (call.type == "shell_call") answers.output(call.id, corun::shell_output({corun::command_result("ok", "", 0)}));
        if (call.type == "apply_patch_call") answers.output(call.id, corun::patch_result::failed("there is no such file"));
        if (call.type == "computer_call") {
            auto output = corun::computer_screenshot::url(screen);
            output.acknowledged_safety_checks = corun::pending_safety_checks(call);  // if the user agrees
            answers.output(call.id, output);
        }
    }
    for (auto& call : required->action.mcp_approvals) answers.deny(call.id, "it is too expensive");
}

void image_of_a_function(corun::run_options& options, std::string schema, std::string chart) {
    options.functions.emplace_back("plot", "Plots the prices.", schema, [chart](const corun::function_call&) {
        return std::vector{corun::content_block::text("The prices:"), corun::content_block::image_url(chart)};
    });
}

corun::message files_in_messages() {
    corun::message question("What does it cost?");
    question.add(corun::content_block::file_url("https://bookings.example/prices.pdf"));
    return question;
}

asio::awaitable<void> compaction(corun::client client, corun::run_options& run, std::string response_id) {
    corun::model_input input("gpt-5.6-sol");
    input.previous_response_id = response_id;
    if (co_await client.count_input_tokens(input) > 200'000) {
        corun::compacted_response compacted = co_await client.compact(input);
        run.input_items = compacted.items;  // instead of run.previous_response_id
    }
}

void tools_of_responses(corun::prompt_agent_definition& desk, std::string sql_grammar) {
    namespace tools = corun::prompt_tools;
    desk.tools.emplace_back(tools::web_search());
    desk.tools.emplace_back(tools::custom("sql", "Runs a query.", tools::grammar("lark", sql_grammar)));
    desk.tools.emplace_back(tools::with(tools::apply_patch(), R"({"allowed_callers":["programmatic"]})"));
}

void structured_inputs(corun::run_options& run) {
    run.structured_inputs["city"] = R"("Oslo")";  // JSON; the service may log it
}

asio::awaitable<void> files(corun::client client, std::string chart_id) {
    corun::file_info file = co_await client.upload_file(corun::file_upload::from_file("manuals/prices.pdf"));

    corun::vector_store_definition definition;
    definition.file_ids.push_back(file.id);
    corun::vector_store store = co_await client.create_vector_store(definition);
    corun::vector_store_info info = co_await store.wait();  // until the service has ingested the files
    if (info.file_counts.failed > 0) complain(store);

    co_await client.download_file(chart_id, std::filesystem::path("chart.png"));
}

void observer() {
    corun::client_options options;
    options.observer.on_request = [](const corun::request_record& r) { count(r.method, r.path_template, r.status, r.duration); };
    options.observer.on_run = [](const corun::run_record& r) { record(r.model, r.usage, r.time_to_first_text, r.error); };
    options.observer.on_wire = [](const corun::wire_message& m) { std::clog << m; };  // debugging
}

void parser(std::string_view chunk) {
    corun::sse::parser parser;
    parser.feed(chunk);
    while (const corun::sse::event* event = parser.next()) use(event->type, event->data);
}

void emulator(asio::io_context& io) {
    corun::emulator::service service(io);
    corun::client client(io.get_executor(), service.endpoint(), corun::credential::bearer(service.token()));

    // meson: dependency('corun-emulator') beside dependency('corun'); pkg-config: corun-emulator
    service.script("weather", {corun::emulator::step::reply("It will be cold.")});
    service.inject(corun::emulator::fault::cut().after_events(12));
    service.inject(corun::emulator::fault::respond(429, "", {{"Retry-After", "7"}}).on("POST", "/threads/runs"));
}

asio::awaitable<void> endings(corun::agent agent) {
    corun::run_options options;
    options.default_approval = corun::mcp_approval::never();
    auto stream = co_await agent.run_stream("Is seat 14A free?", options);  // options without headers
    while (auto event = co_await stream.next())
        if (const corun::thread_run* run = corun::ended_run(*event))  // any of the five events that end a run
            std::cout << run->id << ' ' << *corun::outcome_of(*event) << '\n';
}

void renew();
void retry_later();

asio::awaitable<void> error_groups(corun::agent agent) {
    try {
        co_await agent.run("Is seat 14A free?");
    } catch (const corun::error& failure) {
        if (failure.code() == corun::condition::credentials) renew();
        else if (failure.code() == corun::condition::network) retry_later();
        else throw;
    }
}

void json_handlers(corun::run_options& options, std::string schema) {
    options.functions.emplace_back("get_weather", "The weather in a city.", schema,
                                   [](nlohmann::json arguments) -> nlohmann::json {
                                       return {{"city", arguments.at("city")}, {"celsius", -3}};
                                   });
}

void socket_write(std::string_view text);

void relay() {
    socket_write(corun::sse::format({"text_delta", R"({"text":"Hi"})", ""}));  // type, data, last event id
}

asio::awaitable<void> attach(corun::client client, corun::agent agent, const corun::event_stream& stream, corun::run_options options) {
    std::string token = stream.position().to_string();  // at most 1 KiB: ids, counts and checksums, no secrets
    corun::run_position position = corun::run_position::parse(token);
    auto rest = co_await agent.attach_stream(position, options);  // the events that follow
    auto run = co_await client.cancel_run(position);              // or client.get_run
}

void mcp_server_for_tests(asio::io_context& io) {
    corun::emulator::mcp_server bookings(io);
    bookings.accept_token("token-a", std::chrono::system_clock::time_point::max(), "anna");
    bookings.misbehave(corun::emulator::mcp_fault::session_lost);  // or ping, stream_left_open, redirect, huge_result, ...
}

void step_up(const std::string& scope);

asio::awaitable<void> by_corun(corun::agent agent, corun::mcp_headers headers, corun::run_options options) {
    options.mcp_callers["bookings"] = corun::mcp_caller::client;
    auto stream = co_await agent.run_stream("Book seat 14A", headers, options);
}

asio::awaitable<void> stored_functions(corun::client client, corun::mcp::server bookings, corun::headers headers, corun::mcp_headers run_headers) {
    corun::prompt_agent_definition desk("gpt-4o");
    corun::mcp::tool_list list = co_await bookings.list_tools(headers);
    corun::mcp::set_functions(desk.tools, "bookings", list);
    corun::agent agent = co_await client.create_agent(desk);

    corun::run_options options;
    options.tools.emplace_back(corun::mcp_tool("bookings", "https://bookings.example/mcp"));
    options.mcp_callers["bookings"] = corun::mcp_caller::client;
    auto stream = co_await agent.run_stream("Book seat 14A", run_headers, options);
}

asio::awaitable<void> discover(asio::any_io_executor executor, corun::mcp::server bookings, std::optional<corun::mcp::challenge> challenge, std::string client_id, std::string client_secret, std::map<std::string, corun::token_provider> tokens) {
    corun::mcp::authorization_server found = co_await corun::mcp::discover_authorization(bookings, challenge);
    corun::oauth_client account(found.token_endpoint, client_id, client_secret);
    account.parameters["resource"] = found.resource;
    account.scope = found.scope;
    tokens["bookings"] = corun::oauth_client_credentials(executor, account);
}

asio::awaitable<void> book(std::string token) {
    corun::mcp::server bookings(co_await asio::this_coro::executor, "https://bookings.example/mcp");
    corun::headers headers(corun::header("Authorization", "Bearer " + token));
    corun::mcp::session session(bookings);  // of one user
    corun::mcp::tool_list list = co_await session.list_tools(headers);
    for (const corun::mcp::tool& tool : list.tools) std::cout << tool.name << ": " << tool.description << '\n';
    corun::mcp::tool_result result = co_await session.call_tool("reserve_seat", R"({"seat":"14A"})", headers);
    std::cout << (result.is_error ? "It failed: " : "") << result.text() << '\n';
    co_await session.close(headers);
}

void refused(const corun::error& failure) {
    std::optional<corun::mcp::challenge> challenge = corun::mcp::parse_challenge(failure.details().challenge);
    if (challenge && challenge->error == "insufficient_scope") step_up(challenge->scope);
}

}  // namespace guide
