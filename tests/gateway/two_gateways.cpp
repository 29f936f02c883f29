// Two gateways that share their logs in Redis: what begins at one is watched, answered and stopped at the other.
#include "gateway/owned_run.hpp"
#include "gateway/redis/store.hpp"
#include "gateway/redis/writer.hpp"
#include "paired_gateways.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <memory>
#include <string>
#include <vector>

namespace {

using namespace corun;
using namespace corun::test;
using namespace std::chrono_literals;
using emulator::step;

/// A request that begins a run.
bool is_run_request(const emulator::recorded_request& each) {
    return each.method == "POST" && (each.path.ends_with("/runs") || each.path.ends_with("/responses"));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(two_gateways)

WITH_TWO(a_run_is_watched_at_both) {
    const std::string id = start("one two three");
    const auto here = frames_of(get("/runs/" + id + "/events").body);
    at_other();
    const raw_response response = get("/runs/" + id + "/events");
    BOOST_TEST(response.complete);
    const auto there = frames_of(response.body);
    BOOST_TEST(text_of(there) == "You said: one two three");
    BOOST_TEST_REQUIRE(here.size() == there.size());
    for (std::size_t i = 0; i < here.size(); ++i) {
        BOOST_TEST(here[i].id == there[i].id);
        BOOST_TEST(here[i].data == there[i].data);
    }
    BOOST_TEST(get("/runs/" + id, "berta").status == 404);
    BOOST_TEST(state_of(id) == "ended");
}

WITH_TWO(a_run_is_followed_while_it_goes_on) {
    service->script("weather",
                    {step::call_function("get_weather", R"({"city":"Oslo"})"), step::reply("It is {output}.")});
    const std::string id = start("weather");
    at_other();
    watching viewer = watch(id);
    const json waiting = viewer.until("run.waiting").back().value();
    wait_for(id, "waiting");
    const json answer = {{"id", waiting.at("calls")[0]}, {"output", "cold"}};
    const json wrong = {{"id", "other"}, {"output", "cold"}};
    BOOST_TEST(post("/runs/" + id + "/answers", {{"outputs", json::array({wrong})}}).status == 409);
    BOOST_TEST(post("/runs/" + id + "/answers", {{"outputs", json::array({answer})}}).status == 200);
    const raw_response response = viewer.rest();
    BOOST_TEST(response.complete);
    BOOST_TEST(text_of(frames_of(response.body)) == "It is cold.");
    BOOST_TEST(post("/runs/" + id + "/answers", {{"outputs", json::array({answer})}}).status == 409);
}

WITH_TWO(a_run_is_stopped_from_the_other) {
    service->script("stay", {step::reply("One moment."), step::hold()});
    const std::string id = start("stay");
    at_other();
    watching viewer = watch(id);
    viewer.until("part.delta");
    BOOST_TEST(post("/runs/" + id + "/stop", json::object()).status == 200);
    BOOST_TEST(frames_of(viewer.rest().body).back().value().at("outcome") == "cancelled");
}

WITH_TWO(a_conversation_goes_on_at_the_other) {
    const auto ask = [&](const std::string& input) {
        return post("/runs", {{"input", input}, {"conversation", "trip"}});
    };
    service->script("stay", {step::reply("One moment."), step::hold()});
    const std::string first = json::parse(ask("Hello").body).at("id");
    while (state_of(first) != "ended") io.run_one();
    at_other();
    const std::string second = json::parse(ask("stay").body).at("id");
    // Of one conversation, there is one thread.
    const auto& requests = service->requests();
    const auto is_creation = [](const auto& each) {
        return each.method == "POST" && (each.path.ends_with("/threads") || each.path.ends_with("/conversations"));
    };
    watch(second).until("part.delta");
    BOOST_TEST(std::count_if(requests.begin(), requests.end(), is_creation) == 1);
    at_other();
    BOOST_TEST(ask("Hello").status == 409);
    BOOST_TEST(send(request("GET", "/api/chat/trip/stream", "berta")).status == 204);
    watching chat(io, request("GET", "/api/chat/trip/stream", "anna"));
    chat.until("text-delta");
    BOOST_TEST(post("/api/chat/trip/stop", json::object()).status == 200);
    BOOST_TEST(chat.rest().complete);
    while (state_of(second) != "ended") io.run_one();
    BOOST_TEST(ask("Hello").status == 201);
}

WITH_TWO(a_run_that_a_gateway_leaves_goes_on_at_the_other) {
    service->script("long", {step::tokens(100)});
    const std::string expected = text_of(frames_of(get("/runs/" + start("long") + "/events").body));
    BOOST_TEST(expected.size() > 300u);
    const std::string id = start("long");
    watching here = watch(id);
    at_other();
    watching there = watch(id);
    here.until_size(1000);
    there.until_size(1000);
    end_other();
    // Who watched at the gateway that is left sees nothing of it.
    const raw_response rest = there.rest();
    BOOST_TEST(rest.complete);
    BOOST_TEST(text_of(frames_of(rest.body)) == expected);
    BOOST_TEST(frames_of(rest.body).back().id.starts_with("2-"));
    // Who watched at the one that has gone has to come back.
    const raw_response cut = here.rest();
    BOOST_TEST(!cut.complete);
    const auto seen = frames_of(cut.body);
    http_request again = request("GET", "/runs/" + id + "/events", "anna");
    again.headers.emplace_back("Last-Event-ID", seen.back().id);
    BOOST_TEST(text_of(seen) + text_of(frames_of(send(again).body)) == expected);
    BOOST_TEST(server->metrics().find("corun_gateway_runs_taken_over_total 1") != std::string::npos);
}

WITH_TWO(a_question_that_a_gateway_leaves_is_answered_at_the_other) {
    service->script("book", {step::call_mcp("reserve_seat", R"({"seat":"14A"})"), step::reply("Done: {output}")});
    const std::string id = start("book");
    wait_for(id, "waiting");
    at_other();
    watching viewer = watch(id);
    const json waiting = viewer.until("run.waiting").back().value();
    end_other();
    while (server->metrics().find("corun_gateway_runs_taken_over_total 1") == std::string::npos) io.run_one();
    wait_for(id, "waiting");
    const json approval = {{"id", waiting.at("approvals")[0]}, {"approve", true}};
    BOOST_TEST(post("/runs/" + id + "/answers", {{"approvals", json::array({approval})}}).status == 200);
    const auto whole = frames_of(viewer.rest().body);
    BOOST_TEST(text_of(whole) == "Done: seat 14A is yours");
    const auto count = [&](const char* type) {
        return std::count_if(whole.begin(), whole.end(), [&](const frame& each) { return each.type == type; });
    };
    BOOST_TEST(count("run.waiting") == 1);
    BOOST_TEST(count("call.started") == 1);
    BOOST_TEST(count("call.ended") == 1);
    // The headers of the user are asked for again: they are in no log.
    BOOST_TEST(lookups == 1u);
    BOOST_TEST(mcp->calls().back().authorization == "Bearer " + planted_secret("token-of-anna"));
}

WITH_TWO(a_run_that_has_been_answered_goes_on_at_the_other) {
    service->script("long", {step::tokens(100)});
    const std::string expected = text_of(frames_of(get("/runs/" + start("long") + "/events").body));
    // Before anything has come, and in the middle.
    for (const char* at : {"run.resumed", "part.delta"}) {
        paired fresh(spoken_by_client);
        fresh.service->script("weather", {step::call_function("get_weather", "{}"), step::tokens(100)});
        const std::string id = fresh.start("weather");
        watching here = fresh.watch(id);
        const json waiting = here.until("run.waiting").back().value();
        fresh.wait_for(id, "waiting");
        const json output = {{"id", waiting.at("calls")[0]}, {"output", "cold"}};
        BOOST_TEST(fresh.post("/runs/" + id + "/answers", {{"outputs", json::array({output})}}).status == 200);
        here.until(at);
        fresh.at_other();
        watching there = fresh.watch(id);
        fresh.end_other();
        BOOST_TEST(text_of(frames_of(there.rest().body)) == expected, at);
    }
}

WITH_TWO(a_run_that_no_request_was_sent_for_is_begun_at_the_other) {
    service->script("long", {step::tokens(100)});
    const std::string expected = text_of(frames_of(get("/runs/" + start("long") + "/events").body));
    const auto sent_runs = [&] {
        const auto& all = service->requests();
        return std::count_if(all.begin(), all.end(), [](const auto& each) { return is_run_request(each); });
    };
    const auto before = sent_runs();
    // The gateway dies while it waits for the thread.
    service->inject(emulator::fault::delay(1h).on(
        "POST", spoken_by_client == protocol::threads ? "/threads" : "/openai/v1/conversations"));
    const std::string id = json::parse(post("/runs", {{"input", "long"}, {"conversation", "trip"}}).body).at("id");
    at_other();
    watching there = watch(id);
    end_other();
    const raw_response response = there.rest();
    BOOST_TEST(response.complete);
    BOOST_TEST(text_of(frames_of(response.body)) == expected);
    BOOST_TEST(types_of(frames_of(response.body)).front() == "run.started");
    BOOST_TEST(sent_runs() == before + 1);
    BOOST_TEST(lookups == 1u);
    // The conversation goes on in the thread of this run.
    BOOST_TEST(post("/runs", {{"input", "Hello"}, {"conversation", "trip"}}).status == 201);
}

WITH_TWO(a_run_that_no_event_has_named_is_looked_for) {
    service->script("long", {step::tokens(100)});
    const std::string expected = text_of(frames_of(get("/runs/" + start("long") + "/events").body));
    const std::size_t before = service->requests().size();
    service->inject(emulator::fault::stall().on(
        "POST", spoken_by_client == protocol::threads ? "/threads/*/runs" : "/openai/v1/responses"));
    const std::string id = start("long");
    const auto is_sent = [&] {
        const auto& all = service->requests();
        return std::any_of(all.begin() + static_cast<std::ptrdiff_t>(before), all.end(), is_run_request);
    };
    while (!is_sent()) io.run_one();
    at_other();
    watching there = watch(id);
    end_other();
    const raw_response response = there.rest();
    BOOST_TEST(response.complete);
    if (spoken_by_client == protocol::threads) {
        BOOST_TEST(text_of(frames_of(response.body)) == expected);
    } else {
        // Responses are listed nowhere, and to ask again could do something twice: that is for the user to decide.
        const json end = frames_of(response.body).back().value();
        BOOST_TEST(end.at("code") == "interrupted");
        BOOST_TEST(end.at("retryable") == true);
        const json shown = json::parse(get("/v1/responses/resp_" + id.substr(4) + "_0").body);
        BOOST_TEST(shown.at("error").at("code") == "server_error");
    }
    const auto& all = service->requests();
    BOOST_TEST(std::count_if(all.begin() + static_cast<std::ptrdiff_t>(before), all.end(), is_run_request) == 1);
}

WITH_TWO(what_redis_misses_is_written_when_it_is_back) {
    service->script("long", {step::tokens(300)});
    const std::string expected = text_of(frames_of(get("/runs/" + start("long") + "/events").body));
    gateway::gateway_options impatient = quick();
    impatient.redis.patience = 200ms;
    paired fresh(spoken_by_client, std::move(impatient));
    fresh.service->script("long", {step::tokens(300)});
    const std::string id = fresh.start("long");
    watching here = fresh.watch(id);
    here.until_size(1000);
    fresh.redis->end(SIGKILL);
    // Runs go on, and their viewers are told.
    const auto told = here.until("warning");
    BOOST_TEST(told.back().data.find("log_unavailable") != std::string::npos);
    BOOST_TEST(fresh.post("/runs", {{"input", "Hi"}}).status == 503);
    const auto shown = frames_of(here.rest().body);
    BOOST_TEST(text_of(shown) == expected);
    fresh.redis->start();
    fresh.at_other();
    raw_response response = fresh.get("/runs/" + id + "/events");
    while (response.status == 503) response = fresh.get("/runs/" + id + "/events");
    BOOST_TEST(response.complete);
    const auto stored = frames_of(response.body);
    BOOST_TEST_REQUIRE(stored.size() == shown.size());
    for (std::size_t i = 0; i < shown.size(); ++i) BOOST_TEST(stored[i].data == shown[i].data);
}

WITH_TWO(what_redis_has_lost_is_written_again) {
    service->script("long", {step::tokens(100)});
    const std::string expected = text_of(frames_of(get("/runs/" + start("long") + "/events").body));
    const std::string id = start("long");
    watching here = watch(id);
    here.until_size(1000);
    BOOST_TEST(redis->command("FLUSHALL") == "+OK");
    const auto shown = frames_of(here.rest().body);
    BOOST_TEST(text_of(shown) == expected);
    at_other();
    const auto stored = frames_of(get("/runs/" + id + "/events").body);
    BOOST_TEST(text_of(stored) == expected);
    BOOST_TEST(stored.size() == shown.size());
}

BOOST_AUTO_TEST_CASE(a_redis_that_forgets_is_refused) {
    const auto problem_of = [](std::vector<std::string> arguments, gateway::redis_options options = {}) {
        asio::io_context io;
        redis_server server(std::move(arguments));
        if (options.url.empty()) options.url = server.url();
        const auto store =
            std::make_shared<gateway::redis::store>(io.get_executor(), options, gateway::redis::store::events());
        std::string problem;
        try {
            await(io, store->open());
        } catch (const error& failure) {
            BOOST_TEST((failure.code() == errc::invalid_argument));
            problem = failure.what();
        }
        store->close();
        run_ready(io);
        return problem;
    };
    BOOST_TEST(problem_of({}) == "");
    BOOST_TEST(problem_of({"--maxmemory-policy", "volatile-lru"}) == "");
    BOOST_TEST(problem_of({"--appendonly", "no"}).find("appendonly yes") != std::string::npos);
    BOOST_TEST(problem_of({"--maxmemory-policy", "allkeys-lru"}).find("noeviction") != std::string::npos);
    gateway::redis_options options;
    options.may_forget = true;
    BOOST_TEST(problem_of({"--appendonly", "no"}, options) == "");
    options = {};
    const std::vector<std::string> with_password = {"--requirepass", planted_secret("of-redis")};
    options.password = "wrong";
    BOOST_TEST(problem_of(with_password, options).find("Redis refuses") != std::string::npos);
    options.password = planted_secret("of-redis");
    BOOST_TEST(problem_of(with_password, options) == "");
}

BOOST_AUTO_TEST_CASE(only_the_latest_epoch_is_written) {
    asio::io_context io;
    redis_server server;
    gateway::redis_options options;
    options.url = server.url();
    const auto open = [&] {
        auto store =
            std::make_shared<gateway::redis::store>(io.get_executor(), options, gateway::redis::store::events());
        await(io, store->open());
        return store;
    };
    const auto one = open(), two = open();
    const auto append = [&](gateway::redis::store& to, gateway::entry_id id, const char* text) {
        gateway::log_batch batch;
        batch.id = id;
        if (*text) batch.entries.emplace_back(gateway::entry_kind::part_delta, 1, text);
        batch.after.position = "here";
        batch.after.changes = {{"a", 1}};
        return await(io, to.logs().append("run_1", std::move(batch)));
    };
    const gateway::run_record record{};
    await(io, one->logs().create("run_1", record, {1, 0}));
    const auto take_over = [&](gateway::entry_id last) { return await(io, two->logs().begin_epoch("run_1", last)); };
    BOOST_TEST(append(*one, {1, 1}, "a"));
    // The gateway that was taken for dead has written since the log was read.
    BOOST_TEST(!take_over({1, 0}));
    BOOST_TEST(take_over({1, 1}));
    BOOST_TEST(!take_over({1, 1}));
    // The gateway that was paused.
    BOOST_TEST(!append(*one, {1, 2}, "b"));
    BOOST_TEST(append(*two, {2, 2}, "\r\n\"c\xC3\xA9"));
    const auto log = await(io, one->logs().read("run_1", gateway::entry_id::before_all()));
    BOOST_TEST_REQUIRE(log.batches.size() == 4u);
    BOOST_TEST(log.record.has_value());
    BOOST_TEST(log.batches.back().entries.front().text == "\r\n\"c\xC3\xA9");
    BOOST_TEST(log.batches.back().first() == 2u);
    BOOST_TEST(log.batches.back().after.position == "here");
    BOOST_TEST(log.batches.back().after.changes.dump() == R"({"a":1})");
    BOOST_TEST(log.batches.back().writer == two->gateway());
    // The one that was paused sends no request for the run, either.
    bool was_deposed = false;
    gateway::redis::writer::settings how;
    how.run = "run_1";
    how.deposed = [&] { was_deposed = true; };
    how.whole = [] { return gateway::checkpoint(); };
    const auto own = std::make_shared<gateway::owned_run>(
        io.get_executor(), gateway::run_identity("run_1", "anna", "trip"), 1000, nullptr);
    how.owner = own;
    own->write_with(std::make_shared<gateway::redis::writer>(io.get_executor(), one, own->log(), std::move(how)));
    BOOST_CHECK_EXCEPTION(await(io, own->will_be_sent_to("thread_1")), error,
                          [](const error& refused) { return refused.code() == errc::conflict; });
    BOOST_TEST(was_deposed);
    // A log that has expired is not begun again in the middle.
    await(io, two->logs().finish("run_1", 1ms));
    while (server.command("EXISTS corun:log:run_1") != ":0") ::sched_yield();
    BOOST_TEST(!append(*two, {2, 3}, "d"));
    BOOST_TEST(server.command("EXISTS corun:log:run_1") == ":0");
    one->close();
    two->close();
    run_ready(io);
}

BOOST_AUTO_TEST_SUITE_END()
