// What users change at one of two gateways that share a Redis counts at the other one.
#include "paired_gateways.hpp"

#include <boost/test/unit_test.hpp>

#include <csignal>
#include <string>

namespace {

using namespace corun;
using namespace corun::test;
using emulator::step;

std::string response_of(const std::string& run) {
    return "/v1/responses/resp_" + run.substr(4) + "_0";
}

}  // namespace

BOOST_AUTO_TEST_SUITE(across_gateways)

WITH_TWO(a_response_is_deleted_at_both) {
    // By the gateway that has it, and by the other one.
    for (const bool is_own : {true, false}) {
        const std::string id = start("Hi there");
        wait_for(id, "ended");
        at_other();
        // It is in the memory of both.
        BOOST_TEST(get(response_of(id)).status == 200);
        if (is_own) at_other();
        BOOST_TEST(send(request("DELETE", response_of(id), "berta")).status == 404);
        BOOST_TEST(send(request("DELETE", response_of(id), "anna")).status == 200);
        for (int i = 0; i < 2; ++i) {
            BOOST_TEST(get(response_of(id)).status == 404);
            BOOST_TEST(get("/runs/" + id + "/events").status == 404);
            BOOST_TEST(get(response_of(id) + "/input_items").status == 404);
            BOOST_TEST(send(request("DELETE", response_of(id), "anna")).status == 404);
            at_other();
        }
        BOOST_TEST(redis->command("XLEN corun:log:" + id) == ":1");
        if (!is_own) at_other();
        const auto has_no_log = [&] { return server->metrics().find("corun_gateway_logs 0\n") != std::string::npos; };
        while (!has_no_log()) io.run_one();
    }
}

WITH_TWO(a_response_is_deleted_while_the_other_watches) {
    service->script("weather", {step::call_function("get_weather", "{}"), step::reply("It is {output}.")});
    const std::string id = start("weather");
    at_other();
    watching viewer = watch(id);
    viewer.until("run.waiting");
    at_other();
    wait_for(id, "waiting");
    BOOST_TEST(send(request("DELETE", response_of(id), "anna")).status == 200);
    // It gets the end, or its connection ends before it.
    (void)viewer.rest();
    at_other();
    BOOST_TEST(get("/runs/" + id + "/events").status == 404);
}

WITH_TWO(a_run_that_waits_is_deleted_at_the_other) {
    service->script("weather", {step::call_function("get_weather", "{}"), step::reply("It is {output}.")});
    const std::string id = start("weather");
    wait_for(id, "waiting");
    at_other();
    BOOST_TEST(send(request("DELETE", response_of(id), "anna")).status == 200);
    BOOST_TEST(get("/runs/" + id).status == 404);
    at_other();
    BOOST_TEST(get("/runs/" + id).status == 404);
}

WITH_TWO(nothing_is_deleted_while_redis_is_away) {
    const std::string id = start("Hi there");
    wait_for(id, "ended");
    redis->end(SIGKILL);
    BOOST_TEST(send(request("DELETE", response_of(id), "anna")).status == 503);
    BOOST_TEST(get("/runs/" + id).status == 200);
    redis->start();
    while (send(request("DELETE", response_of(id), "anna")).status == 503) io.run_one();
    BOOST_TEST(get("/runs/" + id).status == 404);
}

WITH_TWO(a_removed_log_is_not_written_again) {
    const std::string id = start("Hi there");
    wait_for(id, "ended");
    BOOST_TEST(redis->command("DEL corun:log:" + id) == ":1");
    BOOST_TEST(redis->command("XADD corun:log:" + id + " 18446744073709551615-0 removed 1") == "$22");
    // The gateway that has it learns of it when it doubts what Redis has.
    redis->end(SIGKILL);
    redis->start();
    while (server->metrics().find("corun_gateway_logs 0\n") == std::string::npos) io.run_one();
    BOOST_TEST(redis->command("XLEN corun:log:" + id) == ":1");
}

WITH_TWO(the_input_of_a_response_is_listed_at_the_other) {
    const std::string id = start("Hi there");
    wait_for(id, "ended");
    const std::string here = get(response_of(id) + "/input_items").body;
    BOOST_TEST(here.find("Hi there") != std::string::npos);
    at_other();
    BOOST_TEST(get(response_of(id) + "/input_items").body == here);
}

WITH_TWO(the_input_of_a_response_survives_that_redis_loses_its_log) {
    service->script("long", {step::tokens(100)});
    const std::string id = start("long");
    watching here = watch(id);
    here.until_size(1000);
    BOOST_TEST(redis->command("FLUSHALL") == "+OK");
    (void)here.rest();
    at_other();
    BOOST_TEST(get(response_of(id) + "/input_items").body.find("\"text\":\"long\"") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
