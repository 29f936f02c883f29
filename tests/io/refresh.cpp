// A token that the service refuses is replaced, and the request sent again: once.
#include "api/api_client.hpp"
#include "async/asio_clock.hpp"
#include "client/protocols.hpp"
#include "curl/curl_transport.hpp"
#include "drive.hpp"
#include "loopback_server.hpp"
#include "open_stream.hpp"
#include "stream/stream.hpp"
#include "text/random.hpp"

#include <boost/test/unit_test.hpp>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using namespace corun;
using namespace corun::test;

/// Accepts one token. Calls are answered by `{}`, and what asks for events by those of a whole run.
struct fixture {
    asio::awaitable<void> serve(std::shared_ptr<raw_connection> connection) {
        while (true) {
            raw_request request = co_await connection->read();
            if (request.head.empty()) co_return;
            seen.push_back(request.field("Authorization"));
            bodies.push_back(request.body);
            std::string answer = whole_response(200, "application/json", "{}");
            if (seen.back() != "Bearer " + accepted) {
                answer = whole_response(401, "application/json", R"({"error":{"code":"401","message":"no"}})");
            } else if (breaks) {
                co_await connection->write(response_head(200, "text/event-stream") + "\r\nevent: thread.run.created\n");
                connection->reset();
                co_return;
            } else if (request.field("Accept") == "text/event-stream" ||
                       request.target().find("/runs") != std::string::npos) {
                answer = whole_response(200, "text/event-stream", events);
            }
            if (!co_await connection->write(answer)) co_return;
        }
    }

    asio::awaitable<access_token> fetch() {
        ++fetches;
        if (fetches > 1 && fails) throw std::runtime_error("no token today");
        co_return access_token(secret("planted-secret-" + std::to_string(fetches)));
    }

    std::shared_ptr<detail::api_client> service_with(credential from) {
        return detail::make_api_client(io.get_executor(), server.url(), std::move(from), client_options(),
                                       curl::make_transport(io.get_executor()), detail::make_clock(io.get_executor()));
    }

    asio::awaitable<event_stream> open(std::shared_ptr<detail::api_client> with) {
        auto run = std::make_shared<detail::run_context>();
        run->api = std::move(with);
        detail::prepared_run request;
        request.call.path = "/threads/runs";
        request.call.body = secret(R"({"assistant_id":"asst_1"})");
        auto protocol = detail::make_threads_protocol(run);
        return open_stream(std::move(run), std::move(protocol), std::move(request));
    }

    template <class T>
    error failure_of(asio::awaitable<T> what) {
        std::optional<error> failure;
        try {
            (void)await(io, std::move(what));
        } catch (const error& problem) {
            failure = problem;
        }
        return failure.value();
    }

    asio::io_context io;
    std::string accepted = "planted-secret-1";
    bool fails = false, breaks = false;
    int fetches = 0;
    std::vector<std::string> seen, bodies;
    const std::string events =
        "event: thread.run.created\ndata: {\"id\":\"run_1\",\"thread_id\":\"thread_1\",\"status\":\"queued\"}\n\n"
        "event: thread.run.completed\ndata: {\"id\":\"run_1\",\"thread_id\":\"thread_1\",\"status\":\"completed\"}\n\n"
        "event: done\ndata: [DONE]\n\n";
    loopback_server server{io, [this](std::shared_ptr<raw_connection> c) { return serve(std::move(c)); }};
    token_provider tokens{io.get_executor(), [this] { return fetch(); }};
    std::shared_ptr<detail::api_client> owner = service_with(tokens);
};

using strings = std::vector<std::string>;

}  // namespace

BOOST_FIXTURE_TEST_SUITE(refresh, fixture)

BOOST_AUTO_TEST_CASE(a_refused_call_is_sent_again_with_a_fresh_token) {
    BOOST_TEST(await(io, detail::api_client::call(owner, "GET", "/assistants/a")) == "{}");
    accepted = "planted-secret-2";
    BOOST_TEST(await(io, detail::api_client::call(owner, "POST", "/threads", {}, "{\"a\":1}")) == "{}");
    BOOST_TEST((seen == strings{"Bearer planted-secret-1", "Bearer planted-secret-1", "Bearer planted-secret-2"}));
    BOOST_TEST(bodies[1] == "{\"a\":1}");
    BOOST_TEST(bodies[2] == "{\"a\":1}");
    BOOST_TEST(fetches == 2);
}

BOOST_AUTO_TEST_CASE(it_is_sent_again_once) {
    accepted = "nobody's";
    BOOST_TEST(failure_of(detail::api_client::call(owner, "GET", "/assistants/a")).code() == errc::unauthorized);
    BOOST_TEST(seen.size() == 2u);
    BOOST_TEST(fetches == 2);
}

BOOST_AUTO_TEST_CASE(many_refused_calls_share_one_fresh_token) {
    BOOST_TEST(await(io, detail::api_client::call(owner, "GET", "/assistants/a")) == "{}");
    accepted = "planted-secret-2";
    int done = 0;
    for (int i = 0; i < 8; ++i)
        asio::co_spawn(io, detail::api_client::call(owner, "GET", "/assistants/a"),
                       [&](std::exception_ptr failure, std::string body) {
                           BOOST_TEST(!failure);
                           BOOST_TEST(body == "{}");
                           ++done;
                       });
    run_until(io, [&] { return done == 8; });
    BOOST_TEST(fetches == 2);
    BOOST_TEST(seen.size() == 17u);
}

BOOST_AUTO_TEST_CASE(a_credential_without_another_token_is_not_asked_again) {
    accepted = "nobody's";
    const auto get_token = []() -> asio::awaitable<secret> { co_return secret("t"); };
    for (const credential& fixed : {credential::bearer("t"), credential::callback(get_token)}) {
        seen.clear();
        BOOST_TEST(failure_of(detail::api_client::call(service_with(fixed), "GET", "/a")).code() == errc::unauthorized);
        BOOST_TEST(seen.size() == 1u);
        BOOST_TEST(failure_of(open(service_with(fixed))).code() == errc::unauthorized);
        BOOST_TEST(seen.size() == 2u);
    }
}

BOOST_AUTO_TEST_CASE(an_empty_token_is_reported_once) {
    const auto nothing = []() -> asio::awaitable<secret> { co_return secret(); };
    const auto throws = []() -> asio::awaitable<secret> {
        throw std::runtime_error("the vault is sealed");
        co_return secret();
    };
    BOOST_TEST(failure_of(detail::api_client::call(service_with(credential::callback(nothing)), "GET", "/a")).what() ==
               "the credential failed to provide a token: the token is empty [credential_failed]");
    BOOST_TEST(failure_of(detail::api_client::call(service_with(credential::callback(throws)), "GET", "/a")).what() ==
               "the credential failed to provide a token: the vault is sealed [credential_failed]");
}

BOOST_AUTO_TEST_CASE(no_fresh_token_is_the_failure_of_the_credential) {
    accepted = "planted-secret-2";
    fails = true;
    const error failure = failure_of(detail::api_client::call(owner, "GET", "/a"));
    BOOST_TEST(failure.code() == errc::credential_failed);
    BOOST_TEST(std::string(failure.what()).find("no token today") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_refused_stream_is_opened_again_with_a_fresh_token) {
    accepted = "planted-secret-2";
    event_stream stream = await(io, open(owner));
    BOOST_TEST(await(io, stream.next()).value().name() == "thread.run.created");
    BOOST_TEST(await(io, stream.next()).value().name() == "thread.run.completed");
    BOOST_TEST(!await(io, stream.next()).has_value());
    BOOST_TEST((seen == strings{"Bearer planted-secret-1", "Bearer planted-secret-2"}));
    BOOST_TEST(bodies[0] == bodies[1]);
    BOOST_TEST(stream.details().status == 200);
}

BOOST_AUTO_TEST_CASE(a_stream_is_opened_again_once) {
    accepted = "nobody's";
    const error failure = failure_of(open(owner));
    BOOST_TEST(failure.code() == errc::unauthorized);
    BOOST_TEST(failure.status() == 401);
    BOOST_TEST(std::string(failure.what()).find("token-") == std::string::npos);
    BOOST_TEST(seen.size() == 2u);
}

BOOST_AUTO_TEST_CASE(a_stream_that_has_begun_is_not_opened_again) {
    breaks = true;
    event_stream stream = await(io, open(owner));
    std::error_code code;
    BOOST_TEST(!await(io, stream.next(code)).has_value());
    BOOST_TEST(code == errc::connection_lost);
    BOOST_TEST(seen.size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_request_that_cannot_be_repeated_leaves_a_fresh_token_to_the_next) {
    accepted = "planted-secret-2";
    const auto send = [](std::shared_ptr<detail::api_client> with) -> asio::awaitable<std::string> {
        detail::prepared_request what =
            co_await detail::api_client::make_request(with, detail::random_uuid(), "GET", "/a", {}, {}, {});
        co_return co_await detail::api_client::send(with, std::move(what));
    };
    BOOST_TEST(failure_of(send(owner)).code() == errc::unauthorized);
    BOOST_TEST(await(io, send(owner)) == "{}");
    BOOST_TEST(fetches == 2);
}

BOOST_AUTO_TEST_CASE(a_key_goes_in_a_header_of_its_own) {
    std::string head;
    loopback_server keyed(io, [&](std::shared_ptr<raw_connection> connection) -> asio::awaitable<void> {
        const raw_request request = co_await connection->read();
        head = request.head;
        (void)co_await connection->write(whole_response(
            401, "application/json", R"({"error":{"code":"401","message":"planted-secret-key is wrong"}})"));
    });
    auto with_key = detail::make_api_client(io.get_executor(), keyed.url(), credential::api_key("planted-secret-key"),
                                            client_options(), curl::make_transport(io.get_executor()),
                                            detail::make_clock(io.get_executor()));
    const error failure = failure_of(detail::api_client::call(with_key, "GET", "/a"));
    BOOST_TEST(failure.code() == errc::unauthorized);
    BOOST_TEST(failure.service_message() == "*** is wrong");
    BOOST_TEST(failure.details().message ==
               "the key was sent as `api-key`; a server that expects a bearer token needs credential::bearer");
    BOOST_TEST(head.find("\r\napi-key: planted-secret-key\r\n") != head.npos);
    BOOST_TEST(head.find("Authorization") == head.npos);
}

BOOST_AUTO_TEST_SUITE_END()
