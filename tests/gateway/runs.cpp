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

WITH_EACH_CLIENT(a_response_that_is_deleted_is_gone) {
    const json asked = {{"model", "agent"}, {"input", "Hi there"}};
    const std::string kept = json::parse(post("/v1/responses", asked).body).at("id");
    const std::string id = json::parse(post("/v1/responses", asked).body).at("id");
    const std::string path = "/v1/responses/" + id;
    const std::string run = "/runs/run_" + id.substr(5, id.rfind('_') - 5);
    BOOST_TEST(get(run).status == 200);
    BOOST_TEST(send(request("DELETE", path, "berta")).status == 404);
    BOOST_TEST(send(request("DELETE", path, "")).status == 401);
    const raw_response deleted = send(request("DELETE", path, "anna"));
    BOOST_TEST(deleted.status == 200);
    BOOST_TEST(deleted.body == R"({"id":")" + id + R"(","object":"response","deleted":true})");
    for (const std::string& each : names{path, path + "/input_items", path + "?stream=true", run, run + "/events"})
        BOOST_TEST(get(each).status == 404, each);
    BOOST_TEST(send(request("DELETE", path, "anna")).status == 404);
    json next = asked;
    next["previous_response_id"] = id;
    const raw_response refused = post("/v1/responses", next);
    BOOST_TEST(refused.status == 404);
    BOOST_TEST(refused.body.find("previous_response_not_found") != std::string::npos);
    BOOST_TEST(get("/v1/responses/" + kept).status == 200);
    BOOST_TEST(server->metrics().find("corun_gateway_logs 1\n") != std::string::npos);
}

WITH_EACH_CLIENT(a_chat_shows_no_answer_that_is_deleted) {
    const std::string id = json::parse(post("/runs", {{"input", "Hi"}, {"conversation", "trip"}}).body).at("id");
    wait_for(id, "ended");
    BOOST_TEST(get("/api/chat/trip/stream").status == 200);
    BOOST_TEST(send(request("DELETE", "/v1/responses/resp_" + id.substr(4) + "_0", "anna")).status == 200);
    BOOST_TEST(get("/api/chat/trip/stream").status == 204);
    BOOST_TEST(post("/runs", {{"input", "Hi"}, {"conversation", "trip"}}).status == 201);
}

WITH_EACH_CLIENT(a_response_in_progress_is_not_deleted) {
    service->script("stay", {step::reply("One moment."), step::hold()});
    const json begun = json::parse(post("/v1/responses", {{"input", "stay"}, {"background", true}}).body);
    const std::string path = "/v1/responses/" + begun.at("id").get<std::string>();
    const raw_response refused = send(request("DELETE", path, "anna"));
    BOOST_TEST(refused.status == 409);
    const json why = json::parse(refused.body).at("error");
    BOOST_TEST(why.at("code") == "in_progress");
    BOOST_TEST(why.at("type") == "invalid_request_error");
    BOOST_TEST(get(path).status == 200);
    BOOST_TEST(post(path + "/cancel", json::object()).status == 200);
    BOOST_TEST(send(request("DELETE", path, "anna")).status == 200);
    BOOST_TEST(get(path).status == 404);
}

WITH_EACH_CLIENT(a_response_that_waits_for_answers_is_cancelled_and_deleted) {
    service->script("weather", {step::call_function("get_weather", "{}"), step::reply("It is {output}.")});
    const std::string path =
        "/v1/responses/" + json::parse(post("/v1/responses", {{"input", "weather"}}).body).at("id").get<std::string>();
    BOOST_TEST(send(request("DELETE", path, "anna")).status == 200);
    BOOST_TEST(get(path).status == 404);
    // A response that waits has ended at its service.
    if (spoken_by_client == protocol::responses) return;
    const auto& requests = service->requests();
    BOOST_TEST(
        std::any_of(requests.begin(), requests.end(), [](const auto& each) { return each.path.ends_with("/cancel"); }));
}

WITH_EACH_CLIENT(a_history_may_be_longer_than_a_request_that_creates_a_conversation) {
    json input = json::array();
    for (int i = 0; i != 45; ++i)
        input.push_back({{"role", i % 2 == 0 ? "user" : "assistant"}, {"content", "Message " + std::to_string(i)}});
    const json answer = json::parse(post("/v1/responses", {{"input", input}}).body);
    BOOST_TEST(answer.at("status") == "completed");
    std::vector<std::string> sent;
    for (const auto& request : service->requests()) {
        for (std::size_t at = request.body.find("Message "); at != request.body.npos;
             at = request.body.find("Message ", at + 1))
            sent.push_back(request.body.substr(at, request.body.find('"', at) - at));
    }
    BOOST_TEST_REQUIRE(sent.size() == 45u);
    for (std::size_t i = 0; i != sent.size(); ++i) BOOST_TEST(sent[i] == "Message " + std::to_string(i));
}

WITH_EACH_CLIENT(the_input_of_a_response_is_listed) {
    const char* red = "data:image/png;base64,AAAA";
    const json image = {{"type", "input_image"}, {"image_url", red}}, words = {{"type", "input_text"}, {"text", "Hi"}};
    const json input = {{{"role", "user"}, {"content", "I am Anna."}},
                        {{"role", "assistant"}, {"content", "Hello Anna."}},
                        {{"role", "user"}, {"content", {words, image}}}};
    const std::string id = json::parse(post("/v1/responses", {{"input", input}}).body).at("id");
    const std::string path = "/v1/responses/" + id + "/input_items";
    const json all = json::parse(get(path + "?order=asc").body);
    BOOST_TEST(all.at("object") == "list");
    BOOST_TEST(all.at("has_more") == false);
    const json& items = all.at("data");
    BOOST_TEST_REQUIRE(items.size() == 3u);
    BOOST_TEST(items[0].at("content")[0].at("type") == "input_text");
    BOOST_TEST(items[0].at("content")[0].at("text") == "I am Anna.");
    BOOST_TEST(items[1].at("role") == "assistant");
    BOOST_TEST(items[1].at("content")[0].at("type") == "output_text");
    BOOST_TEST(items[2].at("content")[1].at("image_url") == red);
    BOOST_TEST(all.at("first_id") == items[0].at("id"));
    BOOST_TEST(all.at("last_id") == items[2].at("id"));
    // The latest first, unless it is asked for otherwise; page by page.
    const json first = json::parse(get(path + "?limit=2").body);
    BOOST_TEST(first.at("data") == json::array({items[2], items[1]}));
    BOOST_TEST(first.at("has_more") == true);
    const std::string after = path + "?limit=2&after=";
    const json second = json::parse(get(after + first.at("last_id").get<std::string>()).body);
    BOOST_TEST(second.at("data") == json::array({items[0]}));
    BOOST_TEST(second.at("has_more") == false);
    const json none = json::parse(get(after + second.at("last_id").get<std::string>()).body);
    BOOST_TEST(none.at("data").empty());
    BOOST_TEST(none.at("first_id").is_null());
    for (const char* wrong : {"?limit=0", "?limit=101", "?limit=x", "?limit=1x", "?order=up", "?after=unknown"})
        BOOST_TEST(get(path + wrong).status == 400, wrong);
    BOOST_TEST(get(path, "berta").status == 404);
}

WITH_EACH_CLIENT(the_answers_to_a_run_are_the_input_of_its_next_response) {
    service->script("weather", {step::call_function("get_weather", "{}"), step::reply("It is {output}.")});
    service->script("book", {step::call_mcp("reserve_seat", R"({"seat":"14A"})"), step::reply("Done: {output}")});
    const auto input_after = [&](const char* asked, const char* type, const char* id_member, const auto& answer) {
        const json waiting = json::parse(post("/v1/responses", {{"input", asked}}).body);
        wait_for("run_" + waiting.at("id").get<std::string>().substr(5, 32), "waiting");
        json items = json::array();
        for (const json& each : waiting.at("output"))
            if (each.at("type") == type) items.push_back(answer(each.at(id_member)));
        const json answered = {{"input", std::move(items)}, {"previous_response_id", waiting.at("id")}};
        const json next = json::parse(post("/v1/responses", answered).body);
        const std::string path = "/v1/responses/" + next.at("id").get<std::string>() + "/input_items";
        json data = json::parse(get(path).body).at("data");
        BOOST_TEST_REQUIRE(data.size() == 1u);
        for (const auto& [name, value] : answered.at("input")[0].items()) BOOST_TEST(data[0].at(name) == value);
    };
    input_after("weather", "function_call", "call_id", [](const json& id) -> json {
        return {{"type", "function_call_output"}, {"call_id", id}, {"output", "cold"}};
    });
    for (const bool approve : {true, false})
        input_after("book", "mcp_approval_request", "id", [approve](const json& id) -> json {
            return {{"type", "mcp_approval_response"}, {"approval_request_id", id}, {"approve", approve}};
        });
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
