#include "http/retry_after.hpp"

#include <boost/test/unit_test.hpp>

#include <string>
#include <utility>
#include <vector>

namespace {

using namespace corun;
using namespace std::chrono_literals;
using detail::parse_http_date;

using fields = std::vector<std::pair<std::string, std::string>>;

net::response_head head_of(fields values) {
    net::response_head head;
    head.fields = std::move(values);
    return head;
}

/// Sun, 06 Nov 1994 08:49:37 GMT
constexpr std::int64_t example = 784'111'777;

}  // namespace

BOOST_AUTO_TEST_SUITE(retry_after)

BOOST_AUTO_TEST_CASE(reads_an_http_date) {
    const struct {
        const char* text;
        std::int64_t seconds;
    } cases[] = {
        {"Sun, 06 Nov 1994 08:49:37 GMT", example},
        {"Thu, 01 Jan 1970 00:00:00 GMT", 0},
        {"Thu, 01 Jan 1970 00:00:01 GMT", 1},
        {"Thu, 01 Jan 1970 00:01:00 GMT", 60},
        {"Thu, 01 Jan 1970 01:00:00 GMT", 3'600},
        {"Wed, 31 Dec 1969 23:59:59 GMT", -1},
        {"Thu, 31 Dec 2026 23:59:59 GMT", 1'798'761'599},
        {"Thu, 29 Feb 2024 12:00:00 GMT", 1'709'208'000},
        {"Sat, 31 Dec 2016 23:59:60 GMT", 1'483'228'800},
        {"Sun, 08 Aug 2021 09:09:09 GMT", 1'628'413'749},
    };
    for (const auto& each : cases) {
        const auto seconds = parse_http_date(each.text);
        BOOST_TEST_CONTEXT(each.text) {
            BOOST_REQUIRE(seconds);
            BOOST_TEST(*seconds == each.seconds);
        }
    }
}

BOOST_AUTO_TEST_CASE(knows_every_month) {
    const char* months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const int days_before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
    for (int i = 0; i != 12; ++i) {
        const auto seconds = parse_http_date("Xxx, 01 " + std::string(months[i]) + " 1970 00:00:00 GMT");
        BOOST_REQUIRE(seconds);
        BOOST_TEST(*seconds == days_before[i] * 86'400);
    }
}

BOOST_AUTO_TEST_CASE(rejects_what_is_no_http_date) {
    for (const char* text : {
             "",
             "0",
             "Sun, 06 Nov 1994 08:49:37",
             "Sun, 06 Nov 1994 08:49:37 GMT ",
             " Sun, 06 Nov 1994 08:49:37 GMT",
             "Sun, 06 Nov 1994 08:49:37 UTC",
             "Sun, 06 nov 1994 08:49:37 GMT",
             "Sun, 06 anF 1994 08:49:37 GMT",
             "Sun, 06 Foo 1994 08:49:37 GMT",
             "Sun,  6 Nov 1994 08:49:37 GMT",
             "Sun, +6 Nov 1994 08:49:37 GMT",
             "Sun, 00 Nov 1994 08:49:37 GMT",
             "Sun, 31 Nov 1994 08:49:37 GMT",
             "Sun, 29 Feb 2023 08:49:37 GMT",
             "Sun, 06 Nov 1994 24:49:37 GMT",
             "Sun, 06 Nov 1994 08:60:37 GMT",
             "Sun, 06 Nov 1994 08:49:61 GMT",
             "S/n, 06 Nov 1994 08:49:37 GMT",
             "Sun; 06 Nov 1994 08:49:37 GMT",
             // The obsolete forms.
             "Sunday, 06-Nov-94 08:49:37 GMT",
             "Sun Nov  6 08:49:37 1994",
         })
        BOOST_TEST(!parse_http_date(text), text);
}

BOOST_AUTO_TEST_CASE(reads_every_form_of_a_hint) {
    const struct {
        fields values;
        std::optional<std::chrono::milliseconds> expected;
    } cases[] = {
        {{}, {}},
        {{{"Retry-After-Ms", "1500"}}, 1'500ms},
        {{{"X-Ms-Retry-After-Ms", "20"}}, 20ms},
        {{{"Retry-After", "3"}}, 3'000ms},
        {{{"Retry-After", "Sun, 06 Nov 1994 08:49:47 GMT"}}, 10'000ms},
        // Past, now, and too far away.
        {{{"Retry-After", "Sun, 06 Nov 1994 08:49:36 GMT"}}, 0ms},
        {{{"Retry-After", "Sun, 06 Nov 1994 08:49:37 GMT"}}, 0ms},
        {{{"Retry-After", "Mon, 07 Nov 1994 08:49:36 GMT"}}, 24h - 1s},
        {{{"Retry-After", "Mon, 07 Nov 1994 08:49:38 GMT"}}, 24h},
        {{{"Retry-After", "soon"}}, {}},
        // The more precise field is used, and one that cannot be read is skipped.
        {{{"Retry-After", "3"}, {"Retry-After-Ms", "1500"}, {"X-Ms-Retry-After-Ms", "20"}}, 1'500ms},
        {{{"Retry-After", "3"}, {"X-Ms-Retry-After-Ms", "20"}}, 20ms},
        {{{"Retry-After", "3"}, {"Retry-After-Ms", "soon"}}, 3'000ms},
    };
    for (const auto& each : cases) BOOST_CHECK(detail::retry_hint(head_of(each.values), example) == each.expected);
}

BOOST_AUTO_TEST_CASE(reads_the_service_s_advice) {
    const struct {
        const char* value;
        std::optional<bool> expected;
    } cases[] = {{"true", true}, {"TRUE", true}, {"false", false}, {"False", false}, {"", {}}, {"yes", {}}};
    for (const auto& each : cases)
        BOOST_CHECK(detail::should_retry(head_of({{"X-Should-Retry", each.value}})) == each.expected);
    BOOST_CHECK(!detail::should_retry(head_of({})));
}

BOOST_AUTO_TEST_SUITE_END()
