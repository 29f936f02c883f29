// Faults: as JSON, on which requests they apply, and what they do to the frames of a stream.
#include "emulator/faults.hpp"

#include <boost/test/unit_test.hpp>

#include <stdexcept>
#include <string>
#include <vector>

namespace {

using namespace corun::emulator;
using end = stream_faults::end;

/// The bytes of a stream of frames `<a>`, `<b>`, ..., and how it ends.
struct passed {
    explicit passed(std::vector<fault> faults, const std::string& events = "abc") {
        stream_faults stream(std::move(faults));
        for (const char name : events) {
            how = stream.pass(std::string(1, name), std::string("<") + name + ">", bytes);
            if (how != end::none) break;
        }
    }
    std::string bytes;
    end how = end::none;
};

std::string bytes_with(fault one, const std::string& events = "abc") {
    return passed({std::move(one)}, events).bytes;
}

BOOST_AUTO_TEST_CASE(passes_frames_without_faults) {
    BOOST_TEST(passed({}).bytes == "<a><b><c>");
}

BOOST_AUTO_TEST_CASE(delays_apply_beside_other_faults) {
    fault_list faults;
    for (fault& each : faults_of(R"([{"delay": 30, "on": "GET /a"}, {"respond": 503, "on": "GET /a"}, {"cut": true}])"))
        faults.add(std::move(each));
    BOOST_TEST(!faults.take_delay("GET", "/b").has_value());
    BOOST_TEST((faults.take_delay("GET", "/a") == std::chrono::milliseconds(30)));
    BOOST_TEST(!faults.take_delay("GET", "/a").has_value());
    BOOST_TEST(faults.take_answer("GET", "/a").has_value());
    BOOST_TEST(faults.take_stream("GET", "/a").size() == 1u);
}

BOOST_AUTO_TEST_CASE(inserts_once_at_a_position) {
    BOOST_TEST(bytes_with(fault::insert("!")) == "!<a><b><c>");
    BOOST_TEST(bytes_with(fault::insert("!").after_bytes(0)) == "!<a><b><c>");
    BOOST_TEST(bytes_with(fault::insert("!").after_bytes(2)) == "<a!><b><c>");
    BOOST_TEST(bytes_with(fault::insert("!").after_bytes(3)) == "<a>!<b><c>");
    BOOST_TEST(bytes_with(fault::insert("!").after_bytes(8)) == "<a><b><c!>");
    BOOST_TEST(bytes_with(fault::insert("!").after_bytes(9)) == "<a><b><c>");
    BOOST_TEST(bytes_with(fault::insert("!").after_events(1)) == "<a>!<b><c>");
    BOOST_TEST(bytes_with(fault::insert("!").after_events(3)) == "<a><b><c>");
}

BOOST_AUTO_TEST_CASE(inserts_at_every_place_that_matches) {
    BOOST_TEST(bytes_with(fault::insert("!").every_events(1)) == "<a>!<b>!<c>");
    BOOST_TEST(bytes_with(fault::insert("!").every_events(0)) == "<a>!<b>!<c>");
    BOOST_TEST(bytes_with(fault::insert("!").every_events(2)) == "<a><b>!<c>");
    BOOST_TEST(bytes_with(fault::insert("!").before("b"), "abab") == "<a>!<b><a>!<b>");
    BOOST_TEST(bytes_with(fault::insert("!").after("b"), "abab") == "<a><b>!<a><b>!");
}

BOOST_AUTO_TEST_CASE(changes_frames) {
    BOOST_TEST(bytes_with(fault::omit("b")) == "<a><c>");
    BOOST_TEST(bytes_with(fault::repeat("b")) == "<a><b><b><c>");
    const auto rewritten = fault::rewrite([](const std::string& event, std::string frame) { return event + frame; });
    BOOST_TEST(bytes_with(rewritten) == "a<a>b<b>c<c>");
    std::string bytes;
    stream_faults({fault::crlf()}).pass("e", "event: e\ndata: x\n\n", bytes);
    BOOST_TEST(bytes == "event: e\r\ndata: x\r\n\r\n");
}

BOOST_AUTO_TEST_CASE(counts_positions_in_the_changed_frames) {
    BOOST_TEST(passed({fault::repeat("a"), fault::insert("!").after_bytes(4)}).bytes == "<a><!a><b><c>");
    BOOST_TEST(passed({fault::insert("2").after_bytes(2), fault::insert("1").after_bytes(1)}).bytes == "<1a2><b><c>");
    BOOST_TEST(passed({fault::insert("1"), fault::insert("2")}).bytes == "12<a><b><c>");
}

BOOST_AUTO_TEST_CASE(ends_streams) {
    const std::pair<fault, end> ends[] = {
        {fault::cut(), end::cut}, {fault::reset(), end::reset}, {fault::stall(), end::stall}};
    for (const auto& [one, how] : ends) {
        fault placed = one;
        const passed stream({placed.after_bytes(4), fault::insert("!").after_bytes(5)});
        BOOST_TEST(stream.bytes == "<a><");
        BOOST_TEST((stream.how == how));
    }
}

BOOST_AUTO_TEST_CASE(splits_by_the_smallest_size) {
    BOOST_TEST(stream_faults().piece() == static_cast<std::size_t>(-1));
    BOOST_TEST(stream_faults({fault::split(5), fault::split(3), fault::split(4)}).piece() == 3u);
    BOOST_TEST(stream_faults({fault::split(0)}).piece() == 1u);
}

BOOST_AUTO_TEST_CASE(applies_to_requests_as_often_as_it_should) {
    fault_list faults;
    faults.add(fault::respond(503).on("GET", "/threads/*").times(2));
    faults.add(fault::cut().on("POST", "/threads/runs"));
    BOOST_TEST(!faults.take_answer("POST", "/threads/x"));
    BOOST_TEST(!faults.take_answer("GET", "/threads"));
    BOOST_TEST(!faults.take_answer("GET", "/threads/x/runs"));
    BOOST_TEST(!faults.take_answer("GET", "/agents/x"));
    for (int i = 0; i != 2; ++i) {
        const auto taken = faults.take_answer("GET", "/threads/x");
        BOOST_REQUIRE(taken);
        BOOST_TEST(fault_access::status(*taken) == 503);
    }
    BOOST_TEST(!faults.take_answer("GET", "/threads/x"));

    BOOST_TEST(!faults.take_answer("POST", "/threads/runs"));
    BOOST_TEST(faults.take_stream("GET", "/threads/runs").empty());
    BOOST_TEST(faults.take_stream("POST", "/threads/runs").size() == 1u);
    BOOST_TEST(faults.take_stream("POST", "/threads/runs").empty());
}

BOOST_AUTO_TEST_CASE(applies_always_when_told) {
    fault_list faults;
    faults.add(fault::drop().times(fault::always));
    faults.add(fault::insert("!").times(fault::always));
    for (int i = 0; i != 3; ++i) {
        BOOST_TEST(faults.take_answer("PUT", "/x").has_value());
        BOOST_TEST(faults.take_stream("PUT", "/x").size() == 1u);
    }
}

BOOST_AUTO_TEST_CASE(reads_faults_from_json) {
    const auto faults = faults_of(R"([
        {"respond": 429, "body": "b", "headers": {"Retry-After": "3"}, "on": "POST /x", "times": "always"},
        {"insert": "!", "after_events": 2}, {"insert": "!", "every_events": 2}, {"insert": "!", "after_bytes": 1},
        {"insert": "!", "before": "b"}, {"insert": "!", "after": "b"}, {"omit": "b"}, {"repeat": "b"}, {"cut": true},
        {"reset": true}, {"stall": true}, {"drop": true}, {"split": 4}, {"crlf": true}])");
    BOOST_REQUIRE(faults.size() == 14u);
    BOOST_TEST(fault_access::status(faults[0]) == 429);
    BOOST_TEST(fault_access::body(faults[0]) == "b");
    BOOST_TEST((fault_access::fields(faults[0]) == header_fields{{"Retry-After", "3"}}));
    BOOST_TEST(fault_access::matches(faults[0], "POST", "/x"));
    BOOST_TEST(!fault_access::matches(faults[0], "GET", "/x"));
    const char* streams[] = {"<a><b>!<c>", "<a><b>!<c>", "<!a><b><c>",  "<a>!<b><c>",
                             "<a><b>!<c>", "<a><c>",     "<a><b><b><c>"};
    for (std::size_t i = 0; i != std::size(streams); ++i) BOOST_TEST(bytes_with(faults[i + 1]) == streams[i]);
    const fault::kind kinds[] = {fault::kind::cut, fault::kind::reset, fault::kind::stall, fault::kind::drop,
                                 fault::kind::split};
    for (std::size_t i = 0; i != std::size(kinds); ++i) BOOST_TEST((fault_access::kind(faults[i + 8]) == kinds[i]));
    BOOST_TEST(stream_faults({faults[12]}).piece() == 4u);
    for (const char* text : {"{}", "[{}]", R"([{"dance": 1}])", R"([{"cut": true, "on": "POST"}])",
                             R"([{"respond": "x"}])", R"([{"cut": true, "times": "never"}])"})
        BOOST_CHECK_THROW(faults_of(text), std::invalid_argument);
}

}  // namespace
