#include "stream/threads_find.hpp"

#include "client/protocols.hpp"
#include "drive.hpp"
#include "manual_clock.hpp"
#include "scripted_transport.hpp"
#include "stream/threads_ephemeral_agent.hpp"

#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include <cstdint>
#include <ctime>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using namespace corun;
using namespace corun::test;
using nlohmann::json;

struct fixture {
    fixture() {
        run->api = api;
        run->definition.id = "asst_1";
        run->conversation = std::make_shared<detail::thread_object>(api);
        run->conversation->value.id = "thread_1";
    }
    ~fixture() {
        run->threads.copy.reset();
        clock->shut_down();
    }

    void begin(detail::lost_creation lost) {
        found.reset();
        asio::co_spawn(io, detail::find_threads_run(std::move(lost), {}),
                       [this](std::exception_ptr failure, detail::creation_search search) {
                           if (failure) std::rethrow_exception(failure);
                           found = std::move(search);
                       });
        run_ready(io);
    }

    std::string path() {
        if (!transport->current()) return {};
        const std::string& url = transport->current()->request.url;
        const std::string_view version = "api-version=v1&";
        std::string rest = url.substr(sizeof("https://service.example/p") - 1);
        return rest.erase(rest.find(version), version.size());
    }

    void respond(const std::vector<json>& objects) {
        transport->current()->head(200, "application/json");
        transport->current()->bytes(json{{"data", objects}}.dump());
        transport->current()->done();
        run_ready(io);
    }

    /// The id of the run that is taken for the lost one, if the thread has these.
    std::string find_among(const std::vector<json>& runs) { return find_among(runs, lost()); }
    std::string find_among(const std::vector<json>& runs, detail::lost_creation creation) {
        begin(std::move(creation));
        respond(runs);
        BOOST_TEST_REQUIRE(found.has_value());
        BOOST_TEST(found->possible);
        return found->run ? found->run->id : std::string();
    }

    detail::lost_creation lost() const {
        detail::lost_creation creation(run);
        creation.sent_at = sent_at;
        return creation;
    }

    static constexpr std::int64_t sent_at = 1'000'000;
    const json candidate{
        {"id", "run_1"}, {"thread_id", "thread_1"}, {"assistant_id", "asst_1"}, {"created_at", sent_at}};

    /// The candidate, but for one member.
    json with(const char* member, json value) const {
        json changed = candidate;
        changed[member] = std::move(value);
        return changed;
    }

    asio::io_context io;
    std::shared_ptr<scripted_transport> transport = std::make_shared<scripted_transport>();
    std::shared_ptr<manual_clock> clock = std::make_shared<manual_clock>();
    std::shared_ptr<detail::api_client> api = detail::make_api_client(
        io.get_executor(), "https://service.example/p", credential::bearer("token"), {}, transport, clock);
    std::shared_ptr<detail::run_context> run = std::make_shared<detail::run_context>();
    std::optional<detail::creation_search> found;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(threads_find, fixture)

BOOST_AUTO_TEST_CASE(the_latest_run_that_can_be_the_lost_one_is_taken) {
    begin(lost());
    BOOST_TEST(path() == "/threads/thread_1/runs?limit=5&order=desc");
    respond({with("assistant_id", "asst_2"), with("id", "run_3"), candidate});
    BOOST_TEST(found->run->id == "run_3");
    BOOST_TEST(find_among({}).empty());
}

BOOST_AUTO_TEST_CASE(a_run_of_another_agent_is_another_run) {
    BOOST_TEST(find_among({with("assistant_id", "asst_2")}).empty());
    // The copy runs in the agent's place.
    run->threads.copy = std::make_shared<detail::ephemeral_agent>(api, "asst_2");
    BOOST_TEST(find_among({candidate}).empty());
    BOOST_TEST(find_among({with("assistant_id", "asst_2")}) == "run_1");
}

BOOST_AUTO_TEST_CASE(a_run_that_was_there_before_is_another_run) {
    run->conversation->latest_run = "run_1";
    BOOST_TEST(find_among({candidate}).empty());
    run->conversation->latest_run = "run_0";
    BOOST_TEST(find_among({candidate}) == "run_1");
    detail::lost_creation creation = lost();
    creation.former_run = "run_1";
    BOOST_TEST(find_among({candidate}, std::move(creation)).empty());
}

BOOST_AUTO_TEST_CASE(a_run_that_was_created_before_the_request_is_another_run) {
    // The service's clock shows whole seconds.
    BOOST_TEST(find_among({with("created_at", sent_at - 1)}) == "run_1");
    BOOST_TEST(find_among({with("created_at", sent_at - 3)}).empty());
    BOOST_TEST(find_among({with("created_at", nullptr)}).empty());
}

BOOST_AUTO_TEST_CASE(times_are_those_of_the_service_s_clock) {
    net::response_head head;
    head.status = 200;
    head.fields.emplace_back("Date", "Thu, 01 Jan 1970 02:46:40 GMT");  // 10'000
    api->note_time(head);
    detail::lost_creation creation(run);
    creation.sent_at = std::time(nullptr);
    BOOST_TEST(find_among({with("created_at", 10'000 - 60)}, creation).empty());
    BOOST_TEST(find_among({with("created_at", 10'000 + 60)}, creation) == "run_1");
}

BOOST_AUTO_TEST_CASE(a_mark_alone_tells_where_there_is_one) {
    run->threads.mark = "mark-1";
    BOOST_TEST(find_among({candidate, with("metadata", {{"corun_run", "mark-2"}})}).empty());
    json marked = with("metadata", {{"corun_run", "mark-1"}});
    marked["assistant_id"] = "asst_2";
    marked["created_at"] = 1;
    BOOST_TEST(find_among({marked}) == "run_1");
}

BOOST_AUTO_TEST_CASE(the_thread_is_the_given_one_or_the_one_that_was_told) {
    run->threads.former_thread = "thread_2";
    detail::lost_creation creation = lost();
    creation.thread = "thread_3";
    begin(creation);
    BOOST_TEST(path().starts_with("/threads/thread_1/runs?"));
    respond({});
    run->conversation.reset();
    creation.run = run;
    begin(creation);
    BOOST_TEST(path().starts_with("/threads/thread_2/runs?"));
    respond({});
    run->threads.former_thread.clear();
    begin(creation);
    BOOST_TEST(path().starts_with("/threads/thread_3/runs?"));
    respond({with("thread_id", "thread_3")});
    BOOST_TEST(found->run->thread_id == "thread_3");
}

BOOST_AUTO_TEST_CASE(without_a_thread_only_a_mark_finds_it) {
    run->conversation.reset();
    begin(lost());
    BOOST_TEST(path().empty());
    BOOST_TEST(!found->possible);

    run->threads.mark = "mark-1";
    begin(lost());
    BOOST_TEST(path() == "/threads?limit=100&order=desc");
    respond({{{"id", "thread_1"}, {"metadata", {{"corun_run", "mark-2"}}}}});
    BOOST_TEST(found->possible);
    BOOST_TEST(!found->run.has_value());

    begin(lost());
    respond({{{"id", "thread_1"}, {"metadata", {{"corun_run", "mark-2"}}}},
             {{"id", "thread_2"}, {"metadata", {{"corun_run", "mark-1"}}}}});
    BOOST_TEST(path().starts_with("/threads/thread_2/runs?"));
    respond({with("metadata", {{"corun_run", "mark-1"}})});
    BOOST_TEST(found->run->id == "run_1");
}

BOOST_AUTO_TEST_SUITE_END()
