// The C interface, as other languages use it: from other threads than the library's own.
#include <corun/client.hpp>
#include <corun/emulator/emulator.hpp>
#include <corun/sync_wait.hpp>

#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <boost/test/unit_test.hpp>
#include <corun.h>
#include <nlohmann/json.hpp>

#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace corun;
using emulator::step;
using nlohmann::json;

struct client_deleter {
    void operator()(corun_client* client) const { corun_client_free(client); }
};
struct run_deleter {
    void operator()(corun_run* run) const { corun_run_free(run); }
};
using client_pointer = std::unique_ptr<corun_client, client_deleter>;
using run_pointer = std::unique_ptr<corun_run, run_deleter>;

/// The service in a thread of its own, with an MCP server and an agent.
struct served {
    served() {
        mcp.accept_token("mcp-token");
        mcp.add_tool("echo", "Repeats.", R"({"type":"object"})",
                     [](std::string_view text) { return std::string(text); });
        service.script("seat", {step::call_mcp("echo", R"({"seat":"14A"})"), step::reply("It is {output}.")});
        service.script("weather",
                       {step::call_function("get_weather", R"({"city":"Oslo"})"), step::reply("It is {output}.")});
        service.script("wait", {step::hold()});
        service.script("fail", {step::fail("server_error", "no seats today")});
        service.script("Hello", {step::reply("Good morning to you.")});
        for (const std::string number : {"0", "1", "2", "3"})
            service.script("Number " + number, {step::reply("I am " + number)});
        agent_definition definition("gpt-4o");
        definition.tools.push_back(mcp_tool("bookings", mcp.url()));
        const client by(io.get_executor(), service.endpoint(), credential::bearer(service.token()));
        agent_id = sync_wait(io, create(by, definition));
        io.restart();
        thread = std::thread([this] { io.run(); });
    }
    ~served() {
        io.stop();
        thread.join();
    }

    static asio::awaitable<std::string> create(client by, agent_definition definition) {
        const agent created = co_await by.create_agent(definition);
        co_return created.id();
    }

    client_pointer connect(const json& options = json::object()) const {
        return client_pointer(
            corun_client_new(service.endpoint().c_str(), service.token().c_str(), options.dump().c_str()));
    }
    json request(std::string message) const {
        const json headers = {{"bookings", {{"Authorization", "Bearer mcp-token"}}}};
        return {{"agent", agent_id}, {"message", std::move(message)}, {"approval", "never"}, {"mcp_headers", headers}};
    }
    run_pointer start(const client_pointer& client, const json& request) const {
        return run_pointer(corun_run_start(client.get(), request.dump().c_str()));
    }

    asio::io_context io;
    emulator::service service{io};
    emulator::mcp_server mcp{io};
    std::string agent_id;
    std::thread thread;
};

/// Reads until there is no event, and returns the reason.
int read_all(const run_pointer& run, std::vector<json>& events) {
    const char* event = nullptr;
    int outcome = CORUN_EVENT;
    while ((outcome = corun_run_next(run.get(), -1, &event)) == CORUN_EVENT) events.push_back(json::parse(event));
    return outcome;
}

std::string text_of(const std::vector<json>& events) {
    std::string text;
    for (const json& event : events)
        if (event["type"] == "text_delta") text += event["text"].get<std::string>();
    return text;
}

json result_of(const run_pointer& run) {
    return json::parse(corun_run_result(run.get()));
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(c_interface, served)

BOOST_AUTO_TEST_CASE(a_run_is_streamed_with_its_own_headers) {
    const client_pointer client = connect();
    const run_pointer run = start(client, request("Is the seat free?"));
    std::vector<json> events;
    BOOST_TEST(read_all(run, events) == CORUN_ENDED);
    BOOST_TEST(text_of(events) == R"(It is {"seat":"14A"}.)");
    BOOST_TEST(events.front()["event"] == "thread.created");
    BOOST_TEST(events.front()["type"] == "thread_created");
    BOOST_TEST(events.back()["type"] == "run_completed");
    BOOST_TEST(events.back()["outcome"] == "completed");
    BOOST_TEST(events.back()["data"]["object"] == "thread.run");
    BOOST_TEST(read_all(run, events) == CORUN_ENDED);
    const json result = result_of(run);
    BOOST_TEST(result["text"] == R"(It is {"seat":"14A"}.)");
    BOOST_TEST(result["status"] == "completed");
    BOOST_TEST(result["position"]["run_id"] == result["run_id"]);
}

BOOST_AUTO_TEST_CASE(a_run_continues_in_its_thread) {
    const client_pointer client = connect();
    const run_pointer first = start(client, request("Hello"));
    std::vector<json> events;
    read_all(first, events);
    json next = request("Again");
    next["thread"] = result_of(first)["thread_id"];
    const run_pointer second = start(client, next);
    BOOST_TEST(read_all(second, events) == CORUN_ENDED);
    BOOST_TEST(result_of(second)["thread_id"] == next["thread"]);
}

BOOST_AUTO_TEST_CASE(functions_are_answered) {
    const client_pointer client = connect({{"protocol", "responses"}});
    for (const json& output : {json("cold"), json({{"celsius", -3}})}) {
        const json function = {
            {"name", "get_weather"}, {"description", "The weather."}, {"parameters", {{"type", "object"}}}};
        const run_pointer run =
            start(client, {{"agent", {{"model", "gpt-4o"}}}, {"message", "The weather?"}, {"functions", {function}}});
        std::vector<json> events;
        BOOST_TEST(read_all(run, events) == CORUN_WAITS);
        BOOST_TEST(read_all(run, events) == CORUN_WAITS);
        const json calls = events.back()["calls"];
        BOOST_TEST(events.back()["type"] == "action_required");
        BOOST_TEST(calls[0]["kind"] == "function");
        BOOST_TEST(calls[0]["name"] == "get_weather");
        BOOST_TEST(calls[0]["arguments"] == R"({"city":"Oslo"})");
        const json answers = {{{"id", calls[0]["id"]}, {"output", output}}};
        BOOST_TEST(corun_run_answer(run.get(), answers.dump().c_str()) == 0);
        BOOST_TEST(read_all(run, events) == CORUN_ENDED);
        BOOST_TEST(text_of(events) ==
                   "It is " + (output.is_string() ? output.get<std::string>() : output.dump()) + ".");
    }
}

BOOST_AUTO_TEST_CASE(calls_of_mcp_servers_are_approved_and_denied) {
    const client_pointer client = connect();
    for (const bool approve : {true, false}) {
        json asked = request("Is the seat free?");
        asked["approval"] = {{"bookings", "always"}};
        const run_pointer run = start(client, asked);
        std::vector<json> events;
        BOOST_TEST(read_all(run, events) == CORUN_WAITS);
        const json call = events.back()["calls"][0];
        BOOST_TEST(call["kind"] == "approval");
        BOOST_TEST(call["server_label"] == "bookings");
        const json answers = {{{"id", call["id"]}, {"approve", approve}}};
        BOOST_TEST(corun_run_answer(run.get(), answers.dump().c_str()) == 0);
        BOOST_TEST(read_all(run, events) == CORUN_ENDED);
        BOOST_TEST((text_of(events).find("14A") != std::string::npos) == approve);
    }
}

BOOST_AUTO_TEST_CASE(waiting_has_a_limit_and_loses_nothing) {
    const client_pointer client = connect();
    const run_pointer run = start(client, request("Hello there"));
    std::vector<json> events;
    for (int outcome = CORUN_EVENT; outcome != CORUN_ENDED;) {
        const char* event = nullptr;
        outcome = corun_run_next(run.get(), static_cast<int>(events.size() % 2), &event);
        BOOST_TEST_REQUIRE((outcome == CORUN_EVENT || outcome == CORUN_TIMED_OUT || outcome == CORUN_ENDED));
        if (outcome == CORUN_EVENT) events.push_back(json::parse(event));
    }
    BOOST_TEST(text_of(events) == "Good morning to you.");
}

BOOST_AUTO_TEST_CASE(another_thread_cancels_a_run_while_one_waits) {
    const client_pointer client = connect();
    const run_pointer run = start(client, request("wait"));
    const char* first = nullptr;
    BOOST_TEST(corun_run_next(run.get(), -1, &first) == CORUN_EVENT);
    std::vector<json> events;
    auto reader = std::async(std::launch::async, [&] { return read_all(run, events); });
    BOOST_TEST(corun_run_cancel(run.get()) == 0);
    BOOST_TEST(reader.get() == CORUN_ENDED);
    BOOST_TEST(events.back()["outcome"] == "cancelled");
}

BOOST_AUTO_TEST_CASE(threads_stream_at_the_same_time) {
    const client_pointer client = connect();
    std::vector<std::future<std::string>> texts;
    for (int number = 0; number < 4; ++number) {
        texts.push_back(std::async(std::launch::async, [this, &client, number] {
            const run_pointer run = start(client, request("Number " + std::to_string(number)));
            std::vector<json> events;
            read_all(run, events);
            return text_of(events);
        }));
    }
    for (std::size_t number = 0; number < texts.size(); ++number)
        BOOST_TEST(texts[number].get() == "I am " + std::to_string(number));
}

BOOST_AUTO_TEST_CASE(a_failed_run_is_an_event_with_its_error) {
    const client_pointer client = connect();
    const run_pointer run = start(client, request("fail"));
    std::vector<json> events;
    BOOST_TEST(read_all(run, events) == CORUN_ENDED);
    BOOST_TEST(events.back()["outcome"] == "failed");
    BOOST_TEST(events.back()["error"]["code"] == "server_error");
    BOOST_TEST(events.back()["error"]["message"] == "no seats today");
}

BOOST_AUTO_TEST_CASE(another_process_attaches_to_a_run) {
    json position;
    std::string text;
    {
        const client_pointer client = connect({{"protocol", "responses"}});
        const run_pointer run =
            start(client, {{"agent", {{"model", "gpt-4o"}}}, {"message", "one two three"}, {"background", true}});
        const char* event = nullptr;
        while (text.empty() && corun_run_next(run.get(), -1, &event) == CORUN_EVENT)
            text = text_of({json::parse(event)});
        position = result_of(run)["position"];
    }
    const client_pointer other = connect({{"protocol", "responses"}});
    const run_pointer rest = start(other, {{"agent", {{"model", "gpt-4o"}}}, {"position", position}});
    std::vector<json> events;
    BOOST_TEST(read_all(rest, events) == CORUN_ENDED);
    BOOST_TEST(text + text_of(events) == "You said: one two three");
}

BOOST_AUTO_TEST_CASE(a_token_can_be_replaced) {
    const client_pointer client(corun_client_new(service.endpoint().c_str(), "old", R"({"max_retries":0})"));
    const run_pointer rejected = start(client, request("Hello"));
    const char* failure = nullptr;
    for (int call = 0; call < 2; ++call) {
        BOOST_TEST(corun_run_next(rejected.get(), -1, &failure) == CORUN_FAILED);
        BOOST_TEST(corun_error_name() == std::string("unauthorized"));
        BOOST_TEST(json::parse(failure)["error"]["code"] == "unauthorized");
        BOOST_TEST(json::parse(failure)["error"]["message"] == corun_error_message());
    }
    BOOST_TEST(corun_run_cancel(rejected.get()) == CORUN_FAILED);
    BOOST_TEST(corun_client_set_token(client.get(), service.token().c_str()) == 0);
    const run_pointer accepted = start(client, request("Hello"));
    std::vector<json> events;
    BOOST_TEST(read_all(accepted, events) == CORUN_ENDED);
}

BOOST_AUTO_TEST_CASE(answers_that_the_service_rejects_can_be_given_again) {
    const client_pointer client = connect({{"protocol", "responses"}});
    const json function = {{"name", "get_weather"}, {"parameters", {{"type", "object"}}}};
    const run_pointer run =
        start(client, {{"agent", {{"model", "gpt-4o"}}}, {"message", "The weather?"}, {"functions", {function}}});
    std::vector<json> events;
    BOOST_TEST(read_all(run, events) == CORUN_WAITS);
    const std::string id = events.back()["calls"][0]["id"];
    BOOST_TEST(corun_run_answer(run.get(), R"([{"id":"call_of_another","output":"x"}])") == 0);
    BOOST_TEST(read_all(run, events) == CORUN_FAILED);
    BOOST_TEST(corun_run_answer(run.get(), json({{{"id", id}, {"output", "cold"}}}).dump().c_str()) == 0);
    BOOST_TEST(read_all(run, events) == CORUN_ENDED);
    BOOST_TEST(text_of(events) == "It is cold.");
}

BOOST_AUTO_TEST_CASE(a_run_can_be_freed_before_it_has_started) {
    const client_pointer client = connect();
    for (int number = 0; number < 5; ++number) BOOST_TEST(start(client, request("Hello")).get());
}

BOOST_AUTO_TEST_CASE(a_run_outlives_its_client) {
    client_pointer client = connect();
    const run_pointer run = start(client, request("Hello"));
    client.reset();
    std::vector<json> events;
    BOOST_TEST(read_all(run, events) == CORUN_ENDED);
    BOOST_TEST(text_of(events) == "Good morning to you.");
}

BOOST_AUTO_TEST_CASE(wrong_arguments_name_the_member) {
    BOOST_TEST(!corun_client_new(nullptr, "token", nullptr));
    BOOST_TEST(corun_error_message() == std::string("endpoint is NULL [invalid_argument]"));
    const auto client_error = [](const char* options) {
        BOOST_TEST(!corun_client_new("https://service.example", "token", options));
        return std::string(corun_error_name()) + ": " + corun_error_message();
    };
    BOOST_TEST(client_error("{").find("invalid_argument: options is not JSON") == 0u);
    BOOST_TEST(client_error("[]").find("invalid_argument: options must be an object") == 0u);
    BOOST_TEST(client_error(R"({"protocol":"soap"})")
                   .find("invalid_argument: options.protocol must be one of threads, responses") == 0u);
    BOOST_TEST(
        client_error(R"({"max_retries":"3"})").find("invalid_argument: options.max_retries must be an integer") == 0u);
    BOOST_TEST(client_error(R"({"proxi":""})").find("invalid_argument: options has no member 'proxi'") == 0u);

    const client_pointer client = connect();
    const auto run_error = [&](const json& value) {
        BOOST_TEST(!start(client, value));
        return std::string(corun_error_name()) + ": " + corun_error_message();
    };
    BOOST_TEST(run_error({{"agent", "a"}}).find("invalid_argument: request.message is missing") == 0u);
    BOOST_TEST(run_error({{"agent", "a"}, {"message", "m"}, {"approval", {{"b", "maybe"}}}})
                   .find("invalid_argument: request.approval.b must be one of never, always") == 0u);
    BOOST_TEST(run_error({{"agent", "a"}, {"message", "m"}, {"functions", {{{"name", "f"}, {"paramters", 1}}}}})
                   .find("invalid_argument: request.functions has no member 'paramters'") == 0u);
    const run_pointer run = start(client, request("Hello"));
    BOOST_TEST(corun_run_answer(run.get(), R"([{"id":"a","output":"x","approve":true}])") == CORUN_FAILED);
    BOOST_TEST(std::string(corun_error_message()).find("an answer has either output or approve") == 0u);
}

BOOST_AUTO_TEST_SUITE_END()
