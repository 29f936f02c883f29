// What a gateway does about clients that are slow, many, malformed or not allowed.
#include "gateway_fixture.hpp"

#include <asio/write.hpp>
#include <boost/test/unit_test.hpp>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

namespace {

using namespace corun;
using namespace corun::test;
using namespace std::chrono_literals;
using emulator::step;
using gateway::gateway_options;

/// A gateway in one protocol: what is tested here does not depend on it.
struct limited : gated {
    explicit limited(gateway_options options = {}) : gated(protocol::responses, std::move(options)) {}

    /// Sends bytes, and reads until the connection ends.
    std::string send_bytes(std::string bytes) {
        const std::string url = server->url() + "/";
        asio::ip::tcp::socket socket(io);
        std::string answer;
        std::optional<std::error_code> ended;
        socket.connect(http_request(url).server());
        std::error_code ignored;
        asio::write(socket, asio::buffer(bytes), ignored);
        asio::async_read(socket, asio::dynamic_buffer(answer),
                         [&](std::error_code code, std::size_t) { ended = code; });
        run_until(io, [&] { return ended.has_value(); });
        return answer;
    }
    /// Waits until the metrics have this line.
    void wait_for_metric(const std::string& line) {
        while (server->metrics().find("\n" + line + "\n") == std::string::npos) io.run_one();
    }
    bool has_metric(const std::string& line) { return server->metrics().find("\n" + line + "\n") != std::string::npos; }
};

template <class Change>
gateway_options with(Change change) {
    gateway_options options;
    change(options);
    return options;
}

struct impatient : limited {
    impatient() : limited(with([](gateway_options& options) { options.stall_timeout = 1s; })) {}
};
struct lively : limited {
    lively() : limited(with([](gateway_options& options) { options.heartbeat = 20ms; })) {}
};
struct strict : limited {
    strict()
        : limited(with([](gateway_options& options) {
              options.max_runs_per_user = 2;
              options.max_viewers_per_user = 2;
              options.max_body_bytes = 1000;
              options.max_log_bytes = 20'000;
              options.request_timeout = 300ms;
              options.allowed_origins = {"https://chat.example.com"};
          })) {}
};
struct forgetful : limited {
    forgetful()
        : limited(with([](gateway_options& options) {
              options.keep_ended = 200ms;
              options.answer_timeout = 200ms;
              options.keep_conversation = 200ms;
          })) {}
};

}  // namespace

BOOST_AUTO_TEST_SUITE(limits)

BOOST_FIXTURE_TEST_CASE(a_viewer_that_does_not_read_holds_up_nobody_and_is_disconnected, impatient) {
    // More than the buffers of two sockets hold.
    std::string long_text;
    for (int i = 0; i < 7'000; ++i) long_text += std::string(1'000, 'x') + ' ';
    service->script("long", {step::reply(long_text)});
    const std::string id = start("long");
    watching slow = watch(id);
    slow.socket().set_option(asio::socket_base::receive_buffer_size(4096));
    const raw_response quick = get("/runs/" + id + "/events");
    BOOST_TEST(quick.complete);
    BOOST_TEST(quick.body.size() > long_text.size());
    wait_for_metric("corun_gateway_viewers_stalled_total 1");
    BOOST_TEST(!slow.rest().complete);
}

BOOST_FIXTURE_TEST_CASE(a_quiet_stream_has_heartbeats, lively) {
    service->script("stay", {step::hold()});
    watching viewer = watch(start("stay"));
    while (viewer.bytes.find(": keep-alive\n\n", viewer.bytes.find(": keep-alive\n\n") + 1) == std::string::npos)
        viewer.until_size(parse_response(viewer.bytes).body.size() + 1);
    BOOST_TEST(has_metric("corun_gateway_viewers 1"));
}

BOOST_FIXTURE_TEST_CASE(a_viewer_that_has_gone_is_forgotten_at_once, limited) {
    service->script("stay", {step::hold()});
    const std::string id = start("stay");
    {
        watching viewer = watch(id);
        viewer.until("run.started");
        BOOST_TEST(has_metric("corun_gateway_viewers 1"));
    }
    wait_for_metric("corun_gateway_viewers 0");
    BOOST_TEST(has_metric("corun_gateway_runs 1"));
    BOOST_TEST(!records.back().complete);
    BOOST_TEST(records.back().path == "/runs/" + id + "/events");
    BOOST_TEST(records.back().user == "anna");
}

BOOST_FIXTURE_TEST_CASE(a_user_has_so_many_runs_and_viewers, strict) {
    service->script("stay", {step::hold()});
    const std::string id = start("stay");
    start("stay");
    const raw_response refused = post("/runs", {{"input", "stay"}});
    BOOST_TEST(refused.status == 429);
    BOOST_TEST(refused.header("Retry-After") == "5");
    BOOST_TEST(json::parse(refused.body).at("error").at("code") == "too_many_runs");
    BOOST_TEST(post("/runs", {{"input", "stay"}}, "berta").status == 201);
    watching one = watch(id), two = watch(id);
    one.until("run.started");
    two.until("run.started");
    BOOST_TEST(get("/runs/" + id + "/events").status == 429);
    BOOST_TEST(has_metric(R"(corun_gateway_refusals_total{code="too_many_viewers"} 1)"));
}

BOOST_FIXTURE_TEST_CASE(a_run_whose_log_is_full_is_cancelled, strict) {
    service->script("endless", {step::tokens(5'000), step::hold()});
    const raw_response response = get("/runs/" + start("endless") + "/events");
    BOOST_TEST(response.complete);
    const auto frames = frames_of(response.body);
    BOOST_TEST(frames.back().value().at("outcome") == "cancelled");
    std::size_t warnings = 0;
    for (const frame& each : frames) warnings += each.data.find("log_full") != std::string::npos ? 1 : 0;
    BOOST_TEST(warnings == 1u);
}

BOOST_FIXTURE_TEST_CASE(requests_that_are_too_large_or_too_slow_are_cut, strict) {
    const std::string head = "POST /runs HTTP/1.1\r\nHost: x\r\nX-User: anna\r\nContent-Type: application/json\r\n";
    const std::string large = R"({"input":")" + std::string(2000, 'x') + "\"}";
    // A little too large: in the words of each protocol.
    for (const char* path : {"/runs", "/v1/responses", "/api/chat", "/ag-ui"}) {
        const raw_response refused = send(request("POST", path, "anna", large));
        BOOST_TEST_CONTEXT(path) {
            BOOST_TEST(refused.status == 413);
            const json body = json::parse(refused.body, nullptr, false);
            if (std::string_view(path).ends_with("/chat") || std::string_view(path) == "/ag-ui")
                BOOST_TEST(refused.body == "The request is too large.");
            else
                BOOST_TEST(body.at("error").at("code") == "too_large");
            if (std::string_view(path) == "/v1/responses") BOOST_TEST(body["error"]["type"] == "invalid_request_error");
        }
    }
    // Far too large: it is not read.
    BOOST_TEST(send_bytes(head + "Content-Length: 1000000\r\n\r\n" + large) == "");
    BOOST_TEST(send_bytes("GET /" + std::string(20'000, 'a') + " HTTP/1.1\r\n\r\n") == "");
    // One that never ends, and one that never begins.
    BOOST_TEST(send_bytes(head + "Content-Length: 10\r\n\r\n{") == "");
    BOOST_TEST(send_bytes("") == "");
    BOOST_TEST(get("/healthz").status == 200);
}

BOOST_FIXTURE_TEST_CASE(an_http_1_0_client_gets_no_stream, limited) {
    const std::string id = start("Hi");
    const std::string answer = send_bytes("GET /runs/" + id + "/events HTTP/1.0\r\nHost: x\r\nX-User: anna\r\n\r\n");
    BOOST_TEST(answer.substr(0, 13).ends_with(" 505 "), answer);
}

BOOST_FIXTURE_TEST_CASE(pages_of_other_sites_may_not_use_it, strict) {
    const auto from = [&](const char* origin, const char* site = "") {
        http_request made = request("POST", "/runs", "anna", R"({"input":"Hi"})");
        if (*origin) made.headers.emplace_back("Origin", origin);
        if (*site) made.headers.emplace_back("Sec-Fetch-Site", site);
        return send(made);
    };
    BOOST_TEST(from("https://evil.example.com").status == 403);
    BOOST_TEST(from("null").status == 403);
    BOOST_TEST(from("", "cross-site").status == 403);
    BOOST_TEST(from("https://chat.example.com.evil.example.com").status == 403);
    BOOST_TEST(from(server->url().c_str(), "same-origin").status == 201);
    const raw_response allowed = from("https://chat.example.com", "cross-site");
    BOOST_TEST(allowed.status == 201);
    BOOST_TEST(allowed.header("Access-Control-Allow-Origin") == "https://chat.example.com");
    for (const char* origin : {"https://chat.example.com", "https://evil.example.com"}) {
        http_request preflight = request("OPTIONS", "/api/chat", "");
        preflight.headers.emplace_back("Origin", origin);
        const raw_response response = send(preflight);
        const bool is_allowed = std::string_view(origin) == "https://chat.example.com";
        BOOST_TEST(response.status == (is_allowed ? 204 : 403));
        BOOST_TEST(response.header("Access-Control-Allow-Methods").empty() != is_allowed);
    }
    // Only JSON is read: a form of another site could send anything else without asking.
    http_request form = request("POST", "/runs", "anna", R"({"input":"Hi"})");
    form.headers.back().second = "text/plain";
    BOOST_TEST(send(form).status == 415);
}

BOOST_FIXTURE_TEST_CASE(logs_and_answers_have_their_time, forgetful) {
    const std::string id = start("Hi");
    while (get("/runs/" + id).status != 404) io.run_one();
    wait_for_metric("corun_gateway_logs 0");
    wait_for_metric("corun_gateway_conversations 0");
    service->script("weather", {step::call_function("get_weather", "{}"), step::reply("It is {output}.")});
    const raw_response response = get("/runs/" + start("weather") + "/events");
    BOOST_TEST(response.complete);
    BOOST_TEST(frames_of(response.body).back().value().at("outcome") == "cancelled");
}

BOOST_FIXTURE_TEST_CASE(a_session_signs_in, limited) {
    const raw_response begun = send(request("POST", "/session", "anna"));
    BOOST_TEST(begun.status == 200);
    const std::string cookie = begun.header("Set-Cookie");
    for (const char* flag : {"; HttpOnly", "; SameSite=Strict", "; Secure", "; Path=/", "; Max-Age="})
        BOOST_TEST(cookie.find(flag) != std::string::npos, flag);
    const auto with_cookie = [&](std::string method) {
        http_request made = request(std::move(method), "/session", "");
        made.headers.emplace_back("Cookie", "a=b; " + cookie.substr(0, cookie.find(';')) + "; c=d");
        return send(made);
    };
    BOOST_TEST(json::parse(with_cookie("GET").body).at("user") == "anna");
    BOOST_TEST(with_cookie("DELETE").status == 204);
    BOOST_TEST(with_cookie("GET").status == 401);
    BOOST_TEST(get("/session", "").status == 401);
}

BOOST_FIXTURE_TEST_CASE(a_gateway_can_be_destroyed_while_it_works, limited) {
    service->script("stay", {step::reply("One moment."), step::hold()});
    watching viewer = watch(start("stay"));
    viewer.until("part.delta");
    start("stay");
    server.reset();
    // Its runs and viewers end by and by.
    run_ready(io);
    BOOST_TEST(!viewer.rest().complete);
    BOOST_TEST(records.back().path.ends_with("/events"));
}

BOOST_FIXTURE_TEST_CASE(malformed_requests_harm_nothing, limited) {
    const std::string id = start("Hi");
    const std::string valid =
        "POST /runs HTTP/1.1\r\nHost: x\r\nX-User: anna\r\nContent-Type: application/json\r\n"
        "Content-Length: 14\r\nConnection: close\r\n\r\n{\"input\":\"Hi\"}";
    const auto posted = [](const std::string& path, const std::string& body) {
        return "POST " + path +
               " HTTP/1.1\r\nHost: x\r\nX-User: anna\r\nContent-Type: application/json\r\nContent-Length: " +
               std::to_string(body.size()) + "\r\nConnection: close\r\n\r\n" + body;
    };
    const std::string other = "GET /runs/" + id +
                              "/events?after=1-2 HTTP/1.1\r\nHost: x\r\nX-User: anna\r\n"
                              "Last-Event-ID: 1-1\r\nConnection: close\r\n\r\n";
    const std::string requests[] = {
        valid,
        other,
        posted("/v1/responses", R"({"model":"agent","input":[{"role":"user","content":"Hi"}],"stream":true})"),
        posted("/v1/responses/compact", R"({"model":"agent","input":"Hi"})"),
        posted("/api/chat",
               R"({"id":"c","messages":[{"id":"m","role":"user","parts":[{"type":"text","text":"Hi"}]}]})"),
        posted("/ag-ui", R"({"threadId":"t","runId":"r","messages":[{"id":"m","role":"user","content":"Hi"}]})"),
        "GET /v1/responses/resp_" + id.substr(4) +
            "_0?stream=true&starting_after=1 HTTP/1.1\r\nHost: x\r\n"
            "X-User: anna\r\nConnection: close\r\n\r\n"};
    const char* const wanted = std::getenv("CORUN_MALFORMED_REQUESTS");
    const int count = wanted == nullptr ? 1000 : std::atoi(wanted);
    std::mt19937 random(18);
    for (int i = 0; i < count; ++i) {
        std::string bytes = requests[static_cast<std::size_t>(i) % std::size(requests)];
        for (unsigned changes = 1 + random() % 4; changes > 0; --changes) {
            const std::size_t at = random() % bytes.size();
            if (random() % 3 == 0)
                bytes.erase(at, 1 + random() % 8);
            else if (random() % 2 == 0)
                bytes.insert(at, 1 + random() % 4, static_cast<char>(random()));
            else
                bytes[at] = static_cast<char>(random());
            if (bytes.empty()) break;
        }
        asio::ip::tcp::socket socket(io);
        socket.connect(http_request(server->url() + "/").server());
        std::error_code ignored;
        asio::write(socket, asio::buffer(bytes), ignored);
        socket.shutdown(asio::socket_base::shutdown_send, ignored);
        run_ready(io);
        std::string answer(65'536, '\0');
        socket.non_blocking(true);
        answer.resize(socket.read_some(asio::buffer(answer), ignored));
        check_hides_secrets("a response", answer);
    }
    BOOST_TEST(get("/healthz").status == 200);
    BOOST_TEST(get("/runs/" + id).status == 200);
}

BOOST_AUTO_TEST_SUITE_END()
