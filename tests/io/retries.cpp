// What is sent again, when, and what never is: over a transport and a clock that the test plays.
#include "api/api_client.hpp"
#include "client/protocols.hpp"
#include "drive.hpp"
#include "manual_clock.hpp"
#include "open_stream.hpp"
#include "scripted_transport.hpp"
#include "stream/stream.hpp"
#include <corun/corun.hpp>

#include <boost/test/unit_test.hpp>

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace corun;
using namespace corun::test;
using namespace std::chrono_literals;

/// What the test plays for one request.
struct answer {
    answer(int its_status, std::string its_body = "{}",
           std::vector<std::pair<std::string, std::string>> its_fields = {})
        : status(its_status), body(std::move(its_body)), fields(std::move(its_fields)) {}
    explicit answer(std::error_code how) : failure(how) {}

    int status = 0;
    std::string body;
    std::vector<std::pair<std::string, std::string>> fields;
    std::error_code failure;
};

struct sent {
    sent(std::string m, std::string u, net::time_point t, std::string i)
        : method(std::move(m)), path(std::move(u)), at(t), id(std::move(i)) {}
    std::string method, path;
    net::time_point at;
    std::string id;
};

struct fixture {
    explicit fixture(client_options settings = defaults()) {
        owner = detail::make_api_client(io.get_executor(), "https://service.example/p", credential::bearer("t"),
                                        std::move(settings), transport, clock);
    }
    ~fixture() { clock->shut_down(); }

    static client_options defaults() {
        client_options made;
        made.retry.jitter = 0;
        return made;
    }

    /// Plays the answers, one a request, and moves time on when nothing else happens; gives what comes of it.
    template <class T>
    std::optional<error> play(asio::awaitable<T> what, std::vector<answer> answers,
                              std::optional<T>* result = nullptr) {
        std::optional<error> failure;
        bool done = false;
        std::size_t next = 0;
        asio::co_spawn(io, std::move(what), [&](std::exception_ptr e, T value) {
            done = true;
            if (!e) {
                if (result) result->emplace(std::move(value));
                return;
            }
            try {
                std::rethrow_exception(e);
            } catch (const error& met) {
                failure = met;
            }
        });
        int known = 0;
        while (!done) {
            run_ready(io);
            if (done) break;
            auto* transfer = transport->current();
            if (transfer && transport->starts != known) {
                known = transport->starts;
                const net::request& request = transfer->request;
                std::string path = request.url.substr(std::string("https://service.example/p").size());
                requests.emplace_back(request.method, path.substr(0, path.find("?api-version")), clock->now(),
                                      std::string(request.headers.find("x-ms-client-request-id")->reveal()));
                if (next == answers.size()) throw std::runtime_error("one request more than answers: " + path);
                const answer& each = answers[next++];
                if (each.status != 0) {
                    net::response_head head;
                    head.status = each.status;
                    const bool stream = each.body.starts_with("event:");
                    head.fields.emplace_back("Content-Type", stream ? "text/event-stream" : "application/json");
                    for (const auto& field : each.fields) head.fields.push_back(field);
                    transfer->head(std::move(head));
                    transfer->bytes(each.body);
                    if (stream) continue;
                }
                transfer->done(each.failure);
            } else if (!clock->advance_to_next()) {
                throw std::runtime_error("stuck: nothing is waited for");
            }
        }
        run_ready(io);
        BOOST_TEST(next == answers.size());
        return failure;
    }

    std::optional<error> get(std::vector<answer> answers) {
        return play(detail::api_client::call(owner, "GET", "/threads/t"), std::move(answers));
    }
    std::optional<error> post(std::vector<answer> answers) {
        return play(detail::api_client::call(owner, "POST", "/threads", {}, secret("{}")), std::move(answers));
    }

    /// Begins a run; `in` is its thread, if it has one.
    std::optional<error> run(std::vector<answer> answers, std::string in = "thread_1",
                             std::optional<event_stream>* stream = nullptr) {
        auto context = std::make_shared<detail::run_context>();
        context->api = owner;
        context->definition.id = "asst_1";
        context->options.change() = options;
        if (!in.empty()) {
            context->conversation = std::make_shared<detail::thread_object>(owner);
            context->conversation->value.id = in;
        }
        context->messages.push_back(message("Hello"));
        return play(start(context), std::move(answers), stream);
    }

    static asio::awaitable<event_stream> start(std::shared_ptr<detail::run_context> context) {
        mcp_header_request asked;
        auto protocol = detail::make_threads_protocol(context);
        detail::prepared_run request = co_await protocol->prepare(std::move(asked), detail::run_protocol::start::first);
        co_return co_await open_stream(std::move(context), std::move(protocol), std::move(request));
    }

    std::vector<std::chrono::milliseconds> delays() const {
        std::vector<std::chrono::milliseconds> found;
        for (std::size_t i = 1; i < requests.size(); ++i)
            found.push_back(std::chrono::duration_cast<std::chrono::milliseconds>(requests[i].at - requests[i - 1].at));
        return found;
    }
    std::size_t posts() const {
        return static_cast<std::size_t>(
            std::count_if(requests.begin(), requests.end(), [](const sent& each) { return each.method == "POST"; }));
    }

    asio::io_context io;
    std::shared_ptr<scripted_transport> transport = std::make_shared<scripted_transport>();
    std::shared_ptr<manual_clock> clock = std::make_shared<manual_clock>();
    std::shared_ptr<detail::api_client> owner;
    run_options options;
    std::vector<sent> requests;
};

const std::string whole_run =
    "event: thread.run.created\ndata: {\"id\":\"run_1\",\"thread_id\":\"thread_1\",\"status\":\"queued\"}\n\n"
    "event: thread.run.completed\ndata: {\"id\":\"run_1\",\"thread_id\":\"thread_1\",\"status\":\"completed\"}\n\n"
    "event: done\ndata: [DONE]\n\n";

std::string page(const std::string& items) {
    return R"({"object":"list","data":[)" + items + R"(],"has_more":false})";
}

std::string run_of(const std::string& agent, std::int64_t created, const std::string& more = "") {
    return R"({"id":"run_9","object":"thread.run","thread_id":"thread_1","assistant_id":")" + agent +
           R"(","status":"in_progress","created_at":)" + std::to_string(created) + more + "}";
}

/// 1766000000 by the service's clock.
const std::pair<std::string, std::string> date{"Date", "Wed, 17 Dec 2025 19:33:20 GMT"};

const answer lost{std::error_code(errc::connection_lost)};
const answer unreachable{std::error_code(errc::connect_failed)};

}  // namespace

BOOST_AUTO_TEST_SUITE(retries)

BOOST_FIXTURE_TEST_CASE(reading_is_repeated_after_what_may_pass, fixture) {
    for (const answer& trouble : {lost, unreachable, answer{std::error_code(errc::connect_timeout)}, answer(500),
                                  answer(502), answer(503), answer(504), answer(408), answer(429)}) {
        requests.clear();
        BOOST_TEST(!get({trouble, trouble, answer(200)}));
        BOOST_TEST((delays() == std::vector<std::chrono::milliseconds>{500ms, 1000ms}));
        BOOST_TEST(requests[0].id == requests[2].id);  // one operation, one id
    }
}

BOOST_FIXTURE_TEST_CASE(reading_is_not_repeated_after_what_stays, fixture) {
    for (const int status : {400, 403, 404, 409, 501, 505}) {
        const auto failure = get({answer(status)});
        BOOST_REQUIRE(failure.has_value());
        BOOST_TEST(failure->status() == status);
        BOOST_TEST(failure->details().attempts == 1);
    }
    BOOST_TEST(get({answer{std::error_code(errc::tls_failed)}})->code() == errc::tls_failed);
}

BOOST_FIXTURE_TEST_CASE(the_last_failure_is_the_error_and_says_how_often_it_was_tried, fixture) {
    const auto failure = get({answer(503), answer(502), answer(500), answer(503, "{}", {{"apim-request-id", "r4"}})});
    BOOST_REQUIRE(failure.has_value());
    BOOST_TEST(failure->status() == 503);
    BOOST_TEST(failure->details().attempts == 4);
    BOOST_TEST(failure->request_id() == "r4");
    BOOST_TEST(std::string(failure->what()).find("4 attempts") != std::string::npos);
    BOOST_TEST((delays() == std::vector<std::chrono::milliseconds>{500ms, 1s, 2s}));
}

BOOST_FIXTURE_TEST_CASE(every_form_of_a_retry_hint_is_obeyed, fixture) {
    const struct {
        std::pair<std::string, std::string> field;
        std::chrono::milliseconds expected;
    } cases[] = {
        {{"retry-after-ms", "1500"}, 1500ms}, {{"x-ms-retry-after-ms", "70"}, 70ms},
        {{"Retry-After", "7"}, 7s},           {{"Retry-After", "Sun, 06 Nov 1994 08:49:37 GMT"}, 0s},  // past
        {{"Retry-After", "soon"}, 500ms},                                                              // not understood
    };
    for (const auto& each : cases) {
        requests.clear();
        BOOST_TEST(!get({answer(429, "{}", {each.field}), answer(200)}));
        BOOST_TEST((delays() == std::vector<std::chrono::milliseconds>{each.expected}));
    }
}

BOOST_FIXTURE_TEST_CASE(the_first_of_several_hints_counts, fixture) {
    BOOST_TEST(!get({answer(503, "{}", {{"Retry-After", "9"}, {"x-ms-retry-after-ms", "20"}, {"retry-after-ms", "10"}}),
                     answer(200)}));
    BOOST_TEST((delays() == std::vector<std::chrono::milliseconds>{10ms}));
}

BOOST_FIXTURE_TEST_CASE(a_hint_beyond_the_budget_is_the_error_at_once, fixture) {
    const auto failure = get({answer(429, "{}", {{"Retry-After", "121"}})});
    BOOST_REQUIRE(failure.has_value());
    BOOST_TEST(failure->code() == errc::rate_limited);
    BOOST_TEST((failure->retry_after() == 121s));
}

BOOST_FIXTURE_TEST_CASE(the_service_s_word_stands_over_the_status, fixture) {
    BOOST_TEST(get({answer(503, "{}", {{"x-should-retry", "false"}})})->details().attempts == 1);
    requests.clear();
    BOOST_TEST(!get({answer(409, "{}", {{"x-should-retry", "true"}}), answer(200)}));
    BOOST_TEST(requests.size() == 2u);
}

BOOST_FIXTURE_TEST_CASE(what_makes_something_is_sent_again_only_if_it_was_not_carried_out, fixture) {
    for (const answer& not_carried_out : {unreachable, answer(408), answer(429), answer(503)})
        BOOST_TEST(!post({not_carried_out, answer(200)}));
    for (const answer& perhaps :
         {lost, answer(500), answer(502), answer(504), answer{std::error_code(errc::idle_timeout)}}) {
        const auto failure = post({perhaps});
        BOOST_REQUIRE(failure.has_value());
        BOOST_TEST(failure->details().attempts == 1);
    }
}

BOOST_FIXTURE_TEST_CASE(a_deletion_whose_answer_was_lost_has_succeeded_when_nothing_is_there_any_more, fixture) {
    BOOST_TEST(!play(detail::api_client::call(owner, "DELETE", "/threads/t"), {lost, answer(404)}));
    const auto failure = play(detail::api_client::call(owner, "DELETE", "/threads/t"), {answer(404)});
    BOOST_REQUIRE(failure.has_value());
    BOOST_TEST(failure->code() == errc::not_found);
}

struct in_a_hurry : fixture {
    in_a_hurry() : fixture(settings()) {}
    static client_options settings() {
        client_options made = defaults();
        made.total_timeout = 2s;
        return made;
    }
};

BOOST_FIXTURE_TEST_CASE(the_total_timeout_holds_for_all_tries_together, in_a_hurry) {
    const auto failure = get({answer(503), answer(503), answer(503)});  // after 1.5 seconds; 2 more would be too many
    BOOST_REQUIRE(failure.has_value());
    BOOST_TEST(failure->details().attempts == 3);
    BOOST_TEST((delays() == std::vector<std::chrono::milliseconds>{500ms, 1s}));
}

struct without_retries : fixture {
    without_retries() : fixture(settings()) {}
    static client_options settings() {
        client_options made = defaults();
        made.retry.max_retries = 0;
        return made;
    }
};

BOOST_FIXTURE_TEST_CASE(retries_can_be_switched_off, without_retries) {
    for (const answer& trouble : {lost, answer(503)}) BOOST_TEST(get({trouble}).has_value());
}

// Runs.

BOOST_FIXTURE_TEST_CASE(a_server_error_on_creating_a_run_makes_one_post, fixture) {
    for (const int status : {500, 502, 504}) {
        requests.clear();
        const auto failure = run({answer(status, "{}", {date}), answer(200, page(""))});
        BOOST_REQUIRE(failure.has_value());
        BOOST_TEST(failure->status() == status);
        BOOST_TEST(posts() == 1u);
        BOOST_TEST(requests[1].path == "/threads/thread_1/runs");
    }
}

BOOST_FIXTURE_TEST_CASE(a_run_that_was_not_created_is_posted_again, fixture) {
    for (const answer& not_carried_out :
         {unreachable, answer(429), answer(503, "{}", {{"Retry-After", "3"}}), answer(408)}) {
        requests.clear();
        BOOST_TEST(!run({not_carried_out, answer(200, whole_run)}));
        BOOST_TEST(posts() == 2u);
    }
}

BOOST_FIXTURE_TEST_CASE(a_run_whose_creation_was_not_answered_is_looked_for_before_it_is_posted_again, fixture) {
    BOOST_TEST(!run({lost, answer(200, page("")), answer(200, whole_run)}));
    BOOST_REQUIRE(requests.size() == 3u);
    BOOST_TEST(requests[0].method + requests[1].method + requests[2].method == "POSTGETPOST");
    BOOST_TEST((delays() == std::vector<std::chrono::milliseconds>{500ms, 0ms}));
}

BOOST_FIXTURE_TEST_CASE(a_run_that_was_created_is_gone_on_with, fixture) {
    // The first call tells what time it is there.
    BOOST_TEST(!get({answer(200, "{}", {date})}));
    std::optional<event_stream> stream;
    BOOST_TEST(!run({lost, answer(200, page(run_of("asst_1", 1766000000)))}, "thread_1", &stream));
    BOOST_TEST(posts() == 1u);
    BOOST_REQUIRE(stream.has_value());
    BOOST_TEST(stream->run_id() == "run_9");
}

BOOST_FIXTURE_TEST_CASE(somebody_else_s_run_is_not_taken_for_it, fixture) {
    BOOST_TEST(!get({answer(200, "{}", {date})}));
    for (const std::string& other : {run_of("asst_2", 1766000000), run_of("asst_1", 1765999990)})
        BOOST_TEST(!run({lost, answer(200, page(other)), answer(200, whole_run)}));
}

BOOST_FIXTURE_TEST_CASE(a_run_that_cannot_be_looked_for_is_not_posted_again, fixture) {
    const auto failure = run({lost}, "");
    BOOST_REQUIRE(failure.has_value());
    BOOST_TEST(failure->code() == errc::connection_lost);
    BOOST_TEST(std::string(failure->what()).find("whether the request was carried out") != std::string::npos);
    BOOST_TEST(std::string(failure->what()).find("reattach_policy::mark_runs") != std::string::npos);
}

struct marking : fixture {
    marking() : fixture(settings()) {}
    static client_options settings() {
        client_options made = defaults();
        made.reattach.mark_runs = true;
        return made;
    }
};

BOOST_FIXTURE_TEST_CASE(a_marked_run_is_found_in_whatever_thread_it_made, marking) {
    // What the mark is, only the request says.
    auto context = std::make_shared<detail::run_context>();
    context->api = owner;
    context->definition.id = "asst_1";
    context->messages.push_back(message("Hello"));
    mcp_header_request asked;
    auto protocol = detail::make_threads_protocol(context);
    detail::prepared_run request = await(io, protocol->prepare(asked, detail::run_protocol::start::first));
    const std::string body(request.call.body.reveal());
    BOOST_TEST(context->threads.mark.size() == 36u);
    BOOST_TEST(body.find(R"("metadata":{"corun_run":")" + context->threads.mark) != std::string::npos);
    const std::string marked = R"(,"metadata":{"corun_run":")" + context->threads.mark + R"("})";
    std::optional<event_stream> stream;
    const auto failure =
        play(open_stream(context, std::move(protocol), std::move(request)),
             {lost, answer(200, page(R"({"id":"thread_2","metadata":{}},{"id":"thread_1")" + marked + "}")),
              answer(200, page(run_of("asst_1", 1, R"(,"metadata":{"corun_run":"another"})") + "," +
                               run_of("asst_1", 1, marked)))},
             &stream);
    BOOST_TEST(!failure);
    BOOST_REQUIRE(stream.has_value());
    BOOST_TEST(stream->run_id() == "run_9");
    BOOST_TEST(posts() == 1u);
}

BOOST_FIXTURE_TEST_CASE(when_the_look_fails_the_first_failure_is_the_error, without_retries) {
    const auto failure = run({lost, answer(500)});
    BOOST_REQUIRE(failure.has_value());
    BOOST_TEST(failure->code() == errc::connection_lost);
}

struct without_reattaching : fixture {
    without_reattaching() : fixture(settings()) {}
    static client_options settings() {
        client_options made = defaults();
        made.reattach.enabled = false;
        return made;
    }
};

BOOST_FIXTURE_TEST_CASE(who_does_not_look_does_not_post_again, without_reattaching) {
    BOOST_TEST(run({lost})->code() == errc::connection_lost);
    BOOST_TEST(run({answer(502)})->status() == 502);
    BOOST_TEST(!run({answer(503), answer(200, whole_run)}));
}

BOOST_FIXTURE_TEST_CASE(a_run_s_own_policy_stands_over_its_client_s, fixture) {
    options.retry.emplace();
    options.retry->max_retries = 0;
    options.reattach.emplace();
    options.reattach->enabled = false;
    BOOST_TEST(run({answer(503)})->status() == 503);
    BOOST_TEST(run({lost})->code() == errc::connection_lost);
}

BOOST_AUTO_TEST_SUITE_END()
