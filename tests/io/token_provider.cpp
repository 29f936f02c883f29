// Tokens that are kept, fetched once for many, and replaced before they expire.
#include "drive.hpp"
#include "sentence.hpp"
#include <corun/credential.hpp>
#include <corun/error.hpp>
#include <corun/handlers.hpp>
#include <corun/token_provider.hpp>

#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/redirect_error.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>
#include <boost/test/unit_test.hpp>

#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace {

using namespace corun;
using namespace corun::test;
using namespace std::chrono_literals;

/// What came of one who waits for a token.
struct outcome {
    outcome() = default;

    bool done = false;
    std::exception_ptr failure;
    std::string token;
    asio::cancellation_signal cancel;
};

struct fixture {
    /// Fetches wait for the gate, if there is one.
    asio::awaitable<access_token> fetch() {
        ++fetches;
        const int number = fetches;
        if (gate) {
            std::error_code woken;
            co_await gate->async_wait(asio::redirect_error(asio::use_awaitable, woken));
            const auto state = co_await asio::this_coro::cancellation_state;
            if (state.cancelled() != asio::cancellation_type::none) {
                ++cancelled_fetches;
                throw std::system_error(asio::error::operation_aborted);
            }
        }
        if (fails) throw std::runtime_error("no token today");
        co_return access_token(secret("planted-secret-" + std::to_string(number)), now + life);
    }

    std::string token() { return std::string(await(io, tokens.token()).reveal()); }

    std::shared_ptr<outcome> ask() {
        auto made = std::make_shared<outcome>();
        asio::co_spawn(io, tokens.token(),
                       asio::bind_cancellation_slot(made->cancel.slot(), [made](std::exception_ptr e, secret s) {
                           made->done = true;
                           made->failure = e;
                           made->token = s.reveal();
                       }));
        run_ready(io);
        return made;
    }

    void close_gate() { gate.emplace(io, asio::steady_timer::time_point::max()); }
    void open_gate() {
        gate->cancel();
        run_ready(io);
    }

    std::string failure() {
        try {
            return "a token: " + token();
        } catch (const std::exception& problem) {
            return test::sentence_of(problem);
        }
    }

    asio::io_context io;
    std::chrono::system_clock::time_point now{std::chrono::seconds(1'766'000'000)};
    std::chrono::seconds life = 1h;
    bool fails = false;
    int fetches = 0, cancelled_fetches = 0;
    std::optional<asio::steady_timer> gate;
    token_provider tokens{io.get_executor(), [this] { return fetch(); }, [this] { return now; }};
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(token_provider_, fixture)

BOOST_AUTO_TEST_CASE(a_token_is_kept_until_five_minutes_are_left) {
    BOOST_TEST(token() == "planted-secret-1");
    now += 55min - 1s;
    BOOST_TEST(token() == "planted-secret-1");
    now += 1s;
    BOOST_TEST(token() == "planted-secret-2");
    BOOST_TEST(fetches == 2);
}

BOOST_AUTO_TEST_CASE(a_token_of_a_short_life_is_kept_for_half_of_it) {
    life = 60s;
    BOOST_TEST(token() == "planted-secret-1");
    now += 29s;
    BOOST_TEST(token() == "planted-secret-1");
    now += 1s;
    BOOST_TEST(token() == "planted-secret-2");
}

BOOST_AUTO_TEST_CASE(a_token_without_an_end_is_kept) {
    const token_provider forever(
        io.get_executor(),
        [this]() -> asio::awaitable<access_token> {
            ++fetches;
            co_return access_token("t");
        },
        [this] { return now; });
    BOOST_TEST(await(io, forever.token()).reveal() == "t");
    now += 24h * 365 * 50;
    BOOST_TEST(await(io, forever.token()).reveal() == "t");
    BOOST_TEST(fetches == 1);
}

BOOST_AUTO_TEST_CASE(one_fetch_serves_all_who_wait) {
    close_gate();
    std::vector<std::shared_ptr<outcome>> all;
    for (int i = 0; i < 20; ++i) all.push_back(ask());
    BOOST_TEST(fetches == 1);
    for (const auto& each : all) BOOST_TEST(!each->done);
    open_gate();
    for (const auto& each : all) BOOST_TEST(each->token == "planted-secret-1");
    BOOST_TEST(fetches == 1);
}

BOOST_AUTO_TEST_CASE(a_failure_reaches_all_who_wait_and_is_not_kept) {
    close_gate();
    fails = true;
    const auto first = ask(), second = ask();
    open_gate();
    BOOST_TEST(fetches == 1);
    for (const auto& each : {first, second})
        BOOST_CHECK_THROW(std::rethrow_exception(each->failure), std::runtime_error);
    fails = false;
    gate.reset();
    BOOST_TEST(token() == "planted-secret-2");
}

BOOST_AUTO_TEST_CASE(one_who_gives_up_leaves_the_fetch_to_the_others) {
    close_gate();
    const auto first = ask(), second = ask();
    first->cancel.emit(asio::cancellation_type::terminal);
    run_ready(io);
    BOOST_TEST(first->done);
    BOOST_CHECK_THROW(std::rethrow_exception(first->failure), std::system_error);
    BOOST_TEST(!second->done);
    open_gate();
    BOOST_TEST(second->token == "planted-secret-1");
    BOOST_TEST(cancelled_fetches == 0);
    BOOST_TEST(fetches == 1);
}

BOOST_AUTO_TEST_CASE(a_fetch_that_nobody_waits_for_ends_and_another_begins) {
    close_gate();
    const auto first = ask(), second = ask();
    for (const auto& each : {first, second}) each->cancel.emit(asio::cancellation_type::terminal);
    run_ready(io);
    BOOST_TEST((first->done && second->done));
    BOOST_TEST(cancelled_fetches == 1);
    const auto third = ask();
    BOOST_TEST(fetches == 2);
    open_gate();
    BOOST_TEST(third->token == "planted-secret-2");
}

BOOST_AUTO_TEST_CASE(a_token_that_is_still_good_stands_in_for_one_that_cannot_be_had) {
    BOOST_TEST(token() == "planted-secret-1");
    fails = true;
    now += 56min;
    BOOST_TEST(token() == "planted-secret-1");
    BOOST_TEST(fetches == 2);
    now += 29s;
    BOOST_TEST(token() == "planted-secret-1");
    BOOST_TEST(fetches == 2);
    now += 1s;
    BOOST_TEST(token() == "planted-secret-1");
    BOOST_TEST(fetches == 3);
    now += 4min;
    BOOST_TEST(failure() == "no token today");
}

BOOST_AUTO_TEST_CASE(an_empty_or_expired_token_is_a_failure) {
    life = 0s;
    BOOST_TEST(failure().find("expired already") != std::string::npos);
    const token_provider empty(io.get_executor(), []() -> asio::awaitable<access_token> { co_return access_token(); });
    BOOST_CHECK_EXCEPTION(await(io, empty.token()), error,
                          [](const error& e) { return e.code() == errc::credential_failed; });
    BOOST_CHECK_EXCEPTION(await(io, token_provider().token()), error,
                          [](const error& e) { return e.code() == errc::credential_failed; });
}

BOOST_AUTO_TEST_CASE(only_the_token_kept_can_be_invalidated) {
    BOOST_TEST(token() == "planted-secret-1");
    tokens.invalidate(secret("another"));
    BOOST_TEST(token() == "planted-secret-1");
    tokens.invalidate(secret("planted-secret-1"));
    BOOST_TEST(token() == "planted-secret-2");
    tokens.invalidate(secret("planted-secret-1"));
    BOOST_TEST(token() == "planted-secret-2");
    tokens.invalidate();
    BOOST_TEST(token() == "planted-secret-3");
    token_provider().invalidate();
}

BOOST_AUTO_TEST_CASE(a_token_that_was_refused_does_not_stand_in) {
    BOOST_TEST(token() == "planted-secret-1");
    tokens.invalidate(secret("planted-secret-1"));
    fails = true;
    BOOST_TEST(failure() == "no token today");
}

BOOST_AUTO_TEST_CASE(a_provider_may_go_while_somebody_waits) {
    close_gate();
    const auto waiting = ask();
    tokens = token_provider();
    open_gate();
    BOOST_TEST(waiting->token == "planted-secret-1");
}

BOOST_AUTO_TEST_CASE(a_credential_knows_whether_it_can_have_another_token) {
    BOOST_TEST(credential(tokens).can_refresh());
    for (const credential& fixed : {credential(), credential::bearer("t"), credential::api_key("k"),
                                    credential::callback([]() -> asio::awaitable<secret> { co_return secret("t"); })}) {
        BOOST_TEST(!fixed.can_refresh());
        fixed.invalidate("t");
    }
    BOOST_TEST(credential::api_key("k").is_api_key());
    BOOST_TEST(!credential::bearer("t").is_api_key());
    const credential refreshing = tokens;
    BOOST_TEST(await(io, refreshing.token()).reveal() == "planted-secret-1");
    refreshing.invalidate("planted-secret-1");
    BOOST_TEST(await(io, refreshing.token()).reveal() == "planted-secret-2");
}

BOOST_AUTO_TEST_CASE(mcp_servers_get_tokens_by_label) {
    const token_provider other(io.get_executor(),
                               []() -> asio::awaitable<access_token> { co_return access_token("other"); });
    const mcp_header_provider provider = mcp_bearer_tokens({{"bookings", tokens}, {"weather", other}});
    mcp_header_request asked;
    asked.server_labels = {"bookings", "maps"};
    mcp_headers given = await(io, provider(asked));
    BOOST_TEST(given.size() == 1u);
    BOOST_TEST(given.find("bookings")->find("Authorization")->reveal() == "Bearer planted-secret-1");

    asked.why = mcp_header_request::occasion::approval;
    asked.server_labels = {"bookings", "weather"};
    given = await(io, provider(asked));
    BOOST_TEST(given.find("bookings")->find("Authorization")->reveal() == "Bearer planted-secret-1");
    BOOST_TEST(given.find("weather")->find("Authorization")->reveal() == "Bearer other");

    asked.why = mcp_header_request::occasion::rejected_token;
    given = await(io, provider(asked));
    BOOST_TEST(given.find("bookings")->find("Authorization")->reveal() == "Bearer planted-secret-2");
}

BOOST_AUTO_TEST_SUITE_END()
