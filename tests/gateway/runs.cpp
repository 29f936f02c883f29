// Runs of a gateway, and those who watch them.
#include "gateway_fixture.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <string>
#include <vector>

namespace {

using namespace corun;
using namespace corun::test;
using emulator::step;
using names = std::vector<std::string>;

}  // namespace

BOOST_AUTO_TEST_SUITE(runs)

WITH_EACH_CLIENT(a_run_is_watched_from_its_first_entry_to_its_last) {
    const raw_response response = get("/runs/" + start("Hi there") + "/events");
    BOOST_TEST(response.status == 200);
    BOOST_TEST(response.complete);
    BOOST_TEST(response.header("Content-Type") == "text/event-stream");
    BOOST_TEST(response.header("X-Accel-Buffering") == "no");
    BOOST_TEST(response.header("Cache-Control") == "no-cache, no-transform");
    const auto frames = frames_of(response.body);
    BOOST_TEST(text_of(frames) == "You said: Hi there");
    BOOST_TEST(frames.front().type == "run.started");
    BOOST_TEST(frames.front().id == "1-1");
    BOOST_TEST(frames.back().type == "run.ended");
    BOOST_TEST(frames.back().value().at("outcome") == "completed");
    BOOST_TEST(frames.back().value().at("usage").contains("total_tokens"));
}

WITH_EACH_CLIENT(a_viewer_that_comes_back_gets_what_it_has_not_seen) {
    const std::string id = start("Hi there");
    const auto whole = frames_of(get("/runs/" + id + "/events").body);
    for (std::size_t seen = 0; seen < whole.size(); ++seen) {
        http_request again = request("GET", "/runs/" + id + "/events", "anna");
        if (seen > 0) again.headers.emplace_back("Last-Event-ID", whole[seen - 1].id);
        const auto rest = frames_of(send(again).body);
        BOOST_TEST_REQUIRE(rest.size() == whole.size() - seen);
        BOOST_TEST(rest.front().id == whole[seen].id);
        BOOST_TEST(rest.front().data == whole[seen].data);
    }
    http_request finished = request("GET", "/runs/" + id + "/events", "anna");
    finished.headers.emplace_back("Last-Event-ID", whole.back().id);
    BOOST_TEST(send(finished).status == 204);
    // What the log does not have is no position in it.
    for (const char* unknown : {"1-9999", "2-1", "nonsense", "1-", "-1", "1-1x"}) {
        http_request odd = request("GET", "/runs/" + id + "/events", "anna");
        odd.headers.emplace_back("Last-Event-ID", unknown);
        BOOST_TEST(frames_of(send(odd).body).size() == whole.size());
    }
}

WITH_EACH_CLIENT(a_viewer_that_leaves_does_not_end_the_run) {
    service->script("long", {step::tokens(200)});
    const std::string id = start("long");
    (void)watch(id).until("run.started");
    const auto frames = frames_of(get("/runs/" + id + "/events").body);
    BOOST_TEST(frames.back().value().at("outcome") == "completed");
    BOOST_TEST(state_of(id) == "ended");
}

WITH_EACH_CLIENT(stop_cancels_the_run_at_the_service) {
    service->script("stay", {step::reply("One moment."), step::hold()});
    const std::string id = start("stay");
    while (json::parse(get("/runs/" + id).body).at("last_event_id") == "") io.run_one();
    BOOST_TEST(send(request("POST", "/runs/" + id + "/stop", "anna")).status == 200);
    const raw_response response = get("/runs/" + id + "/events");
    BOOST_TEST(response.complete);
    BOOST_TEST(frames_of(response.body).back().value().at("outcome") == "cancelled");
    const auto& requests = service->requests();
    BOOST_TEST(
        std::any_of(requests.begin(), requests.end(), [](const auto& each) { return each.path.ends_with("/cancel"); }));
    // Once more does nothing.
    BOOST_TEST(send(request("POST", "/runs/" + id + "/stop", "anna")).status == 200);
}

WITH_EACH_CLIENT(a_function_of_the_viewers_is_answered_by_them) {
    service->script("weather",
                    {step::call_function("get_weather", R"({"city":"Oslo"})"), step::reply("It is {output}.")});
    const std::string id = start("weather");
    watching viewer = watch(id);
    const auto frames = viewer.until("run.waiting");
    wait_for(id, "waiting");
    const json waiting = frames.back().value();
    BOOST_TEST_REQUIRE(waiting.at("calls").size() == 1u);
    const std::string call = waiting.at("calls")[0];
    const std::string path = "/runs/" + id + "/answers";
    // All of them, each once, and nothing else.
    const json answer = {{"id", call}, {"output", "cold"}}, other = {{"id", "other"}, {"output", "cold"}};
    for (const json& wrong :
         {json::array(), json::array({other}), json::array({answer, answer}), json::array({answer, other})})
        BOOST_TEST(post(path, {{"outputs", wrong}}).status == 409);
    BOOST_TEST(post(path, {{"outputs", json::array({answer})}}).status == 200);
    const raw_response response = viewer.rest();
    BOOST_TEST(response.complete);
    const auto whole = frames_of(response.body);
    BOOST_TEST(text_of(whole) == "It is cold.");
    names calls;
    for (const frame& each : whole)
        if (each.type.starts_with("call.") && each.type != "call.delta") calls.push_back(each.type + " " + each.data);
    const names expected = {
        R"(call.started {"part":1,"id":")" + call + R"(","type":"function","name":"get_weather","client":true})",
        R"(call.ready {"part":1,"text":"{\"city\":\"Oslo\"}"})", R"(call.ended {"part":1,"output":"cold"})"};
    BOOST_TEST(calls == expected, boost::test_tools::per_element());
    BOOST_TEST(post(path, {{"outputs", json::array({answer})}}).status == 409);
}

WITH_EACH_CLIENT(each_user_approves_calls_with_their_own_headers) {
    service->script("book", {step::call_mcp("reserve_seat", R"({"seat":"14A"})"), step::reply("Done: {output}")});
    for (const std::string user : {"anna", "berta"}) {
        const std::string id = start("book", user);
        watching viewer = watch(id, user);
        const json waiting = viewer.until("run.waiting").back().value();
        BOOST_TEST_REQUIRE(waiting.at("approvals").size() == 1u);
        while (json::parse(get("/runs/" + id, user).body).at("state") != "waiting") io.run_one();
        const std::size_t calls = mcp->calls().size();
        const json approval = {{"id", waiting.at("approvals")[0]}, {"approve", true}};
        const raw_response answered = post("/runs/" + id + "/answers", {{"approvals", json::array({approval})}}, user);
        BOOST_TEST(answered.status == 200);
        const raw_response response = viewer.rest();
        const auto whole = frames_of(response.body);
        BOOST_TEST(text_of(whole) == "Done: seat 14A is yours");
        // One call, whatever ids the service gives it.
        std::size_t started = 0, ended = 0;
        for (const frame& each : whole) {
            started += each.type == "call.started" ? 1 : 0;
            ended += each.type == "call.ended" ? 1 : 0;
        }
        BOOST_TEST(started == 1u);
        BOOST_TEST(ended == 1u);
        BOOST_TEST_REQUIRE(mcp->calls().size() > calls);
        for (std::size_t i = calls; i < mcp->calls().size(); ++i)
            BOOST_TEST(mcp->calls()[i].authorization == "Bearer " + planted_secret("token-of-" + user));
        // Nothing that anybody can read has them.
        check_hides_secrets("a stream", response.body);
        check_hides_secrets("the metrics", server->metrics());
        for (const auto& each : records) check_hides_secrets("the access log", each.path);
    }
}

WITH_EACH_CLIENT(a_denial_is_recorded) {
    service->script("book", {step::call_mcp("reserve_seat", R"({"seat":"14A"})"), step::reply("As you wish.")});
    const std::string id = start("book");
    watching viewer = watch(id);
    const json waiting = viewer.until("run.waiting").back().value();
    wait_for(id, "waiting");
    const json denial = {{"id", waiting.at("approvals")[0]}, {"approve", false}};
    BOOST_TEST(post("/runs/" + id + "/answers", {{"approvals", json::array({denial})}}).status == 200);
    const auto whole = frames_of(viewer.rest().body);
    std::size_t denied = 0;
    for (const frame& each : whole) denied += each.type == "call.ended" && each.value().value("denied", false) ? 1 : 0;
    BOOST_TEST(denied == 1u);
    BOOST_TEST(whole.back().value().at("outcome") == "completed");
}

WITH_EACH_CLIENT(a_run_that_fails_says_so_in_words_of_the_gateway) {
    service->script("fail", {step::fail("rate_limit_exceeded", "secret of the service")});
    const raw_response response = get("/runs/" + start("fail") + "/events");
    BOOST_TEST(response.complete);
    const json end = frames_of(response.body).back().value();
    BOOST_TEST(end.at("outcome") == "failed");
    BOOST_TEST(end.at("code") == "rate_limit_exceeded");
    BOOST_TEST(end.at("message") == "The AI service is busy. Try again in a moment.");
    BOOST_TEST(response.body.find("secret of the service") == std::string::npos);
}

WITH_EACH_CLIENT(a_run_that_cannot_start_ends_as_failed) {
    service->inject(emulator::fault::respond(400).on(
        "POST", spoken_by_client == protocol::threads ? "/threads" : "/openai/v1/conversations"));
    const raw_response response = get("/runs/" + start("Hi there") + "/events");
    BOOST_TEST(response.complete);
    BOOST_TEST(frames_of(response.body).back().value().at("code") == "not_accepted");
}

WITH_EACH_CLIENT(a_run_that_is_lost_breaks_the_connections_of_its_viewers) {
    service->inject(emulator::fault::cut().after_events(8));
    const raw_response response = get("/runs/" + start("one two three four five six seven eight") + "/events");
    BOOST_TEST(response.status == 200);
    BOOST_TEST(!response.complete);
    BOOST_TEST(frames_of(response.body).back().type == "run.broken");
    BOOST_TEST(server->metrics().find("corun_gateway_runs_ended_total{outcome=\"broken\"} 1") != std::string::npos);
}

WITH_EACH_CLIENT(the_runs_of_another_user_do_not_exist) {
    const std::string id = start("Hi there");
    const names paths = {"/runs/" + id, "/runs/" + id + "/events", "/runs/" + id + "/stop", "/runs/" + id + "/answers"};
    const std::string unknown = get("/runs/run_unknown", "berta").body;
    for (const std::string& path : paths) {
        const bool reads = path.ends_with("events") || path.ends_with(id);
        const raw_response response = reads ? get(path, "berta") : post(path, json::object(), "berta");
        BOOST_TEST(response.status == 404, path);
        BOOST_TEST(response.body == unknown);
        BOOST_TEST((reads ? get(path, "") : post(path, json::object(), "")).status == 401, path);
    }
}

WITH_EACH_CLIENT(a_conversation_is_compacted_and_goes_on) {
    const raw_response answer = post("/v1/responses/compact", {{"model", "agent"}, {"input", "My name is Anna."}});
    if (spoken_by_client == protocol::threads) {
        BOOST_TEST(answer.status == 400);
        return;
    }
    BOOST_TEST(answer.status == 200);
    json input = json::parse(answer.body).at("output");
    std::string secret_of_service;
    for (const json& item : input)
        if (item.at("type") == "compaction") secret_of_service = item.at("encrypted_content");
    BOOST_TEST(!secret_of_service.empty());
    input.push_back({{"role", "user"}, {"content", "Who am I?"}});
    const raw_response next = post("/v1/responses", {{"model", "agent"}, {"input", input}});
    BOOST_TEST(json::parse(next.body).at("status") == "completed");
    const auto& sent = service->requests();
    BOOST_TEST(std::any_of(sent.begin(), sent.end(), [&](const emulator::recorded_request& each) {
        return each.method == "POST" && each.path.ends_with("/responses") &&
               each.body.find(secret_of_service) != std::string::npos;
    }));
}

BOOST_AUTO_TEST_SUITE_END()
