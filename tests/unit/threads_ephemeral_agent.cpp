#include "stream/threads_ephemeral_agent.hpp"

#include "client/protocols.hpp"
#include "drive.hpp"
#include "manual_clock.hpp"
#include "scripted_transport.hpp"

#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace {

using namespace corun;
using namespace corun::test;
using namespace std::chrono_literals;
using nlohmann::json;

struct fixture {
    ~fixture() { clock->shut_down(); }

    static client_options without_retries() {
        client_options settings;
        settings.retry.max_retries = 0;
        return settings;
    }

    void create(agent_definition definition = {}) {
        definition.model = "m";
        outcome.reset();
        auto creation = detail::ephemeral_agent::create(api, std::move(definition));
        asio::co_spawn(io, std::move(creation),
                       [this](std::exception_ptr failure, std::shared_ptr<detail::ephemeral_agent> made) {
                           outcome = code_of(failure);
                           copy = std::move(made);
                       });
        run_ready(io);
    }

    static std::error_code code_of(const std::exception_ptr& failure) {
        if (!failure) return {};
        try {
            std::rethrow_exception(failure);
        } catch (const std::system_error& problem) {
            return problem.code();
        }
    }

    /// The request under way; empty without one.
    std::string request() {
        const auto* const sent = transport->current();
        if (!sent) return {};
        std::string url = sent->request.url.substr(sizeof("https://service.example/p") - 1);
        const std::string_view version = "api-version=v1";
        url.erase(url.find(version), version.size());
        return sent->request.method + ' ' + url;
    }
    json body() { return json::parse(transport->current()->request.body.reveal()); }

    void respond(int status, const std::string& text = "{}", const char* retry_after = nullptr) {
        net::response_head head;
        head.status = status;
        head.fields.emplace_back("Content-Type", "application/json");
        if (retry_after) head.fields.emplace_back("Retry-After", retry_after);
        transport->current()->head(std::move(head));
        transport->current()->bytes(text);
        transport->current()->done();
        run_ready(io);
    }

    void wait(std::chrono::milliseconds duration) {
        clock->advance(duration);
        run_ready(io);
    }

    /// True if a request begins after exactly this long.
    bool begins_after(std::chrono::milliseconds delay) {
        wait(delay - 1ms);
        const bool early = transport->current() != nullptr;
        wait(1ms);
        return !early && transport->current() != nullptr;
    }

    bool is_idle() { return transport->current() == nullptr && clock->pending() == 0; }

    void create_and_drop() {
        create();
        respond(200, R"({"id":"asst_1"})");
        copy.reset();
        run_ready(io);
    }

    asio::io_context io;
    std::shared_ptr<scripted_transport> transport = std::make_shared<scripted_transport>();
    std::shared_ptr<manual_clock> clock = std::make_shared<manual_clock>();
    std::shared_ptr<detail::api_client> api =
        detail::make_api_client(io.get_executor(), "https://service.example/p", credential::bearer("token"),
                                without_retries(), transport, clock);
    std::shared_ptr<detail::ephemeral_agent> copy;
    std::optional<std::error_code> outcome;
};

constexpr const char* deletion = "DELETE /assistants/asst_1?";

}  // namespace

BOOST_FIXTURE_TEST_SUITE(threads_ephemeral_agent, fixture)

BOOST_AUTO_TEST_CASE(a_copy_is_deleted_when_its_last_owner_goes) {
    create();
    BOOST_TEST(request() == "POST /assistants?");
    BOOST_TEST(!body()["metadata"]["corun_ephemeral"].get<std::string>().empty());
    respond(200, R"({"id":"asst_1"})");
    BOOST_TEST(outcome.value() == std::error_code());
    BOOST_TEST(copy->id() == "asst_1");
    BOOST_TEST(is_idle());
    copy.reset();
    run_ready(io);
    BOOST_TEST(request() == deletion);
    respond(200);
    BOOST_TEST(is_idle());
}

BOOST_AUTO_TEST_CASE(a_deletion_that_fails_for_a_moment_is_repeated_three_times) {
    create_and_drop();
    for (const auto delay : {1s, 4s, 16s}) {
        BOOST_TEST(request() == deletion);
        respond(503);
        BOOST_TEST(begins_after(delay));
    }
    respond(503);
    BOOST_TEST(is_idle());
}

BOOST_AUTO_TEST_CASE(a_deletion_waits_as_long_as_the_service_asks_and_no_less_than_it_would) {
    create_and_drop();
    respond(503, "{}", "3");
    BOOST_TEST(begins_after(3s));
    respond(503, "{}", "3");
    BOOST_TEST(begins_after(4s));
}

BOOST_AUTO_TEST_CASE(a_deletion_that_is_refused_is_not_repeated) {
    for (const int status : {400, 403, 404}) {
        create_and_drop();
        respond(status);
        BOOST_TEST(is_idle());
    }
}

BOOST_AUTO_TEST_CASE(a_creation_that_is_refused_leaves_nothing_to_look_for) {
    for (const int status : {400, 409, 499}) {
        create();
        respond(status);
        BOOST_TEST(outcome.value() != std::error_code());
        BOOST_TEST(is_idle());
    }
}

BOOST_AUTO_TEST_CASE(a_copy_whose_creation_was_not_answered_is_found_by_its_mark_and_deleted) {
    for (const bool is_answered : {true, false}) {
        create();
        const std::string mark = body()["metadata"]["corun_ephemeral"];
        if (is_answered) {
            respond(500);
        } else {
            transport->current()->done(errc::connection_lost);
            run_ready(io);
        }
        BOOST_TEST(outcome.value() != std::error_code());
        BOOST_TEST(request() == "GET /assistants?&limit=100&order=desc");
        json page;
        page["data"] = {{{"id", "asst_0"}, {"metadata", {{"corun_ephemeral", "another"}}}},
                        {{"id", "asst_1"}, {"metadata", {{"corun_ephemeral", mark}}}},
                        {{"id", "asst_2"}, {"metadata", {{"title", mark}}}}};
        respond(200, page.dump());
        BOOST_TEST(request() == deletion);
        respond(200);
        BOOST_TEST(is_idle());
    }
}

BOOST_AUTO_TEST_CASE(a_copy_is_looked_for_four_times_as_it_may_appear_late) {
    create();
    respond(500);
    for (const auto delay : {1s, 4s, 16s}) {
        BOOST_TEST(request().starts_with("GET /assistants?"));
        respond(delay == 4s ? 503 : 200, R"({"data":[]})");
        BOOST_TEST(begins_after(delay));
    }
    respond(200, R"({"data":[]})");
    BOOST_TEST(is_idle());
}

BOOST_AUTO_TEST_CASE(the_mark_takes_the_place_of_a_pair_only_where_there_is_no_room) {
    for (const std::size_t pairs : {14u, 15u, 16u, 17u}) {
        agent_definition definition;
        for (std::size_t i = 0; i != pairs; ++i) definition.metadata["k" + std::to_string(10 + i)] = "v";
        create(definition);
        const json metadata = body()["metadata"];
        BOOST_TEST(metadata.size() == std::min<std::size_t>(pairs + 1, 16));
        BOOST_TEST(metadata.contains("corun_ephemeral"));
        BOOST_TEST(metadata.contains("k10"));
        respond(400);
    }
}

BOOST_AUTO_TEST_SUITE_END()
