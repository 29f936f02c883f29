// What users change at one of two gateways that share a Redis counts at the other one.
#include "paired_gateways.hpp"
#include "text/sha256.hpp"

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <csignal>
#include <string>
#include <utility>

namespace {

using namespace corun;
using namespace corun::test;
using emulator::step;
using namespace std::chrono_literals;

/// A test with sessions.
struct with_cookies : paired {
    explicit with_cookies(protocol spoken, gateway::gateway_options options = quick())
        : paired(spoken, std::move(options)) {}

    /// Signs in; the name and the value of the cookie.
    std::string sign_in(const std::string& user = "anna") {
        const std::string cookie = send(request("POST", "/session", user)).header("Set-Cookie");
        return cookie.substr(0, cookie.find(';'));
    }
    raw_response send_with(const std::string& cookie, std::string method, const std::string& user = {}) {
        http_request made = request(std::move(method), "/session", user);
        made.headers.emplace_back("Cookie", cookie);
        return send(std::move(made));
    }
    /// Who is signed in; empty for nobody.
    std::string user_of(const std::string& cookie) {
        const raw_response shown = send_with(cookie, "GET");
        return shown.status == 200 ? json::parse(shown.body).at("user").get<std::string>() : std::string();
    }
    static std::string secret_in(const std::string& cookie) { return cookie.substr(cookie.find('=') + 1); }
    static std::string key_of(const std::string& cookie) {
        return "corun:session:" + detail::sha256_hex(secret_in(cookie));
    }
};

/// Sessions do not depend on the protocol.
struct with_cookies_of_one_protocol : with_cookies {
    with_cookies_of_one_protocol() : with_cookies(protocol::responses) {}
};

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
    redis->write_before_replies();
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

WITH_TWO(a_log_without_a_time_is_kept) {
    gateway::gateway_options unlimited = quick();
    unlimited.keep_ended = 0ms;
    paired fresh(spoken_by_client, std::move(unlimited));
    const std::string id = fresh.start("Hi there");
    fresh.wait_for(id, "ended");
    // Nothing is left to do for it.
    while (fresh.redis->command("EVAL \"return #redis.call('KEYS', 'corun:runs:*')\" 0") != ":0") fresh.io.run_one();
    BOOST_TEST(fresh.redis->command("PTTL corun:log:" + id) == ":-1");
    fresh.at_other();
    BOOST_TEST(text_of(frames_of(fresh.get("/runs/" + id + "/events").body)) == "You said: Hi there");
    BOOST_TEST(fresh.send(fresh.request("DELETE", response_of(id), "anna")).status == 200);
    BOOST_TEST(fresh.get("/runs/" + id).status == 404);
}

BOOST_FIXTURE_TEST_SUITE(sessions, with_cookies_of_one_protocol)

BOOST_AUTO_TEST_CASE(a_session_signs_in_at_both_and_ends_at_both) {
    const std::string cookie = sign_in(), of_berta = sign_in("berta");
    BOOST_TEST(user_of(cookie) == "anna");
    at_other();
    BOOST_TEST(user_of(cookie) == "anna");
    BOOST_TEST(user_of(of_berta) == "berta");
    BOOST_TEST(send_with(cookie, "DELETE").status == 204);
    for (int i = 0; i < 2; ++i) {
        BOOST_TEST(send_with(cookie, "GET").status == 401);
        BOOST_TEST(user_of(of_berta) == "berta");
        at_other();
    }
    BOOST_TEST(redis->command("EXISTS " + key_of(cookie)) == ":0");
    BOOST_TEST(redis->command("ZCARD corun:sessions:anna") == ":0");
    // One that nobody has begun.
    BOOST_TEST(send_with("corun_session=" + std::string(48, '0'), "GET").status == 401);
    BOOST_TEST(send_with("corun_session=", "GET").status == 401);
}

BOOST_AUTO_TEST_CASE(a_session_at_the_other_has_the_headers_of_its_user) {
    service->script("book", {step::call_mcp("reserve_seat", R"({"seat":"14A"})"), step::reply("Done: {output}")});
    const std::string cookie = sign_in();
    at_other();
    const auto post_with = [&](const std::string& path, const json& body) {
        http_request made = request("POST", path, {}, body.dump());
        made.headers.emplace_back("Cookie", cookie);
        return send(std::move(made));
    };
    const std::string id = json::parse(post_with("/runs", {{"input", "book"}}).body).at("id");
    watching viewer = watch(id);
    const json waiting = viewer.until("run.waiting").back().value();
    wait_for(id, "waiting");
    const json approval = {{"id", waiting.at("approvals")[0]}, {"approve", true}};
    BOOST_TEST(post_with("/runs/" + id + "/answers", {{"approvals", json::array({approval})}}).status == 200);
    BOOST_TEST(viewer.rest().complete);
    BOOST_TEST(mcp->calls().back().authorization == "Bearer " + planted_secret("token-of-anna"));
}

BOOST_AUTO_TEST_CASE(nobody_can_sign_in_with_what_redis_has) {
    const std::string secret = secret_in(sign_in());
    BOOST_TEST(secret.size() == 48u);
    // How many keys have this text in their name or value.
    const auto places_of = [&](const std::string& text) {
        return redis->command(
            "EVAL \"local found = 0 for _, key in ipairs(redis.call('KEYS', '*')) do "
            "local kind, text = redis.call('TYPE', key).ok, key "
            "if kind == 'string' then text = text .. redis.call('GET', key) end "
            "if kind == 'zset' then text = text .. table.concat(redis.call('ZRANGE', key, 0, -1)) end "
            "if string.find(text, ARGV[1], 1, true) then found = found + 1 end end return found\" 0 " +
            text);
    };
    BOOST_TEST(places_of(secret) == ":0");
    BOOST_TEST(places_of(detail::sha256_hex(secret)) == ":2");
    BOOST_TEST(places_of("anna") == ":2");
    BOOST_TEST(send_with("corun_session=" + detail::sha256_hex(secret), "GET").status == 401);
}

BOOST_AUTO_TEST_CASE(a_user_has_so_many_sessions_at_all_gateways) {
    const std::string first = sign_in(), of_berta = sign_in("berta");
    std::string latest;
    for (int i = 0; i < 19; ++i) {
        at_other();
        latest = sign_in();
    }
    BOOST_TEST(user_of(first) == "anna");
    latest = sign_in();
    BOOST_TEST(send_with(first, "GET").status == 401);
    BOOST_TEST(user_of(latest) == "anna");
    BOOST_TEST(user_of(of_berta) == "berta");
    BOOST_TEST(redis->command("ZCARD corun:sessions:anna") == ":20");
}

BOOST_AUTO_TEST_CASE(a_session_ends_by_itself_at_both) {
    gateway::gateway_options short_lived = quick();
    short_lived.session_lifetime = 300ms;
    with_cookies fresh(protocol::responses, std::move(short_lived));
    const std::string cookie = fresh.sign_in();
    while (fresh.user_of(cookie) == "anna") fresh.at_other();
    fresh.at_other();
    BOOST_TEST(fresh.send_with(cookie, "GET").status == 401);
    // Use does not prolong a session.
    const std::string lasting = sign_in();
    const auto time_left = [&] { return std::stoll(redis->command("PTTL " + key_of(lasting)).substr(1)); };
    const auto before = time_left();
    BOOST_TEST(user_of(lasting) == "anna");
    BOOST_TEST(time_left() <= before);
    BOOST_TEST(before <= std::chrono::milliseconds(12h).count());
    BOOST_TEST(before > std::chrono::milliseconds(11h).count());
}

BOOST_AUTO_TEST_CASE(without_redis_a_cookie_is_in_doubt_and_a_token_counts) {
    redis->write_before_replies();
    const std::string cookie = sign_in();
    redis->end(SIGKILL);
    const raw_response in_doubt = send_with(cookie, "GET");
    BOOST_TEST(in_doubt.status == 503);
    BOOST_TEST(in_doubt.header("Retry-After") == "5");
    BOOST_TEST(json::parse(in_doubt.body).at("error").at("code") == "sign_in_failed");
    BOOST_TEST(send_with(cookie, "GET", "anna").status == 200);
    BOOST_TEST(get("/session").status == 200);
    BOOST_TEST(get("/session", "").status == 401);
    // Nothing begins or ends that others would not know of.
    BOOST_TEST(send(request("POST", "/session", "anna")).status == 503);
    const raw_response not_ended = send_with(cookie, "DELETE", "anna");
    BOOST_TEST(not_ended.status == 503);
    BOOST_TEST(not_ended.header("Set-Cookie") == "");
    redis->start();
    for (int i = 0; i < 2; ++i) {
        while (send_with(cookie, "GET").status == 503) io.run_one();
        BOOST_TEST(user_of(cookie) == "anna");
        at_other();
    }
    BOOST_TEST(send_with(cookie, "DELETE").status == 204);
    BOOST_TEST(send_with(cookie, "GET").status == 401);
}

BOOST_AUTO_TEST_SUITE_END()
BOOST_AUTO_TEST_SUITE_END()
