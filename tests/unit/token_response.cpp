// What token endpoints say, and what JSON Web Tokens do.
#include "identity/token_response.hpp"

#include "text/base64.hpp"

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <cstdlib>
#include <ctime>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace {

using namespace corun;
using namespace corun::identity;
using time_point = std::chrono::system_clock::time_point;

time_point at(std::int64_t seconds) {
    return time_point(std::chrono::seconds(seconds));
}

std::string jwt(std::string_view payload) {
    std::string text = corun::base64::encode(R"({"alg":"none"})") + '.' + corun::base64::encode(payload);
    for (char& c : text) c = c == '+' ? '-' : c == '/' ? '_' : c;
    std::erase(text, '=');
    return text + ".c2ln";
}

/// The process's time zone while it lives.
struct time_zone {
    explicit time_zone(const char* name) {
        if (const char* was = std::getenv("TZ")) before = was;
        ::setenv("TZ", name, 1);
        ::tzset();
    }
    ~time_zone() {
        if (before)
            ::setenv("TZ", before->c_str(), 1);
        else
            ::unsetenv("TZ");
        ::tzset();
    }
    std::optional<std::string> before;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(identity)

BOOST_AUTO_TEST_CASE(numbers_may_be_strings_and_names_may_be_camel_case) {
    const auto entra = decode_token(R"({"token_type":"Bearer","expires_in":3599,"access_token":"abc"})");
    BOOST_TEST_REQUIRE(entra.has_value());
    BOOST_TEST(entra->token.reveal() == "abc");
    BOOST_TEST(entra->type == "Bearer");
    BOOST_TEST(entra->expires_in.value() == 3599);
    const auto imds = decode_token(R"({"access_token":"abc","expires_in":"86399","expires_on":"1766100000"})");
    BOOST_TEST(imds.value().expires_in.value() == 86399);
    BOOST_TEST(imds->expires_on == "1766100000");
    const auto cli = decode_token(
        R"({"accessToken":"abc","expiresOn":"2026-01-05 12:00:00.000000","expires_on":1767614400,"tokenType":"Bearer"})");
    BOOST_TEST(cli.value().token.reveal() == "abc");
    BOOST_TEST(cli->type == "Bearer");
    BOOST_TEST(cli->expires_on == "1767614400");
    BOOST_TEST(cli->expires_on_local == "2026-01-05 12:00:00.000000");
    const auto refusal = decode_token(R"({"error":"invalid_client","error_description":"AADSTS7000215: no"})");
    BOOST_TEST(refusal.value().error == "invalid_client");
    BOOST_TEST(refusal->error_description == "AADSTS7000215: no");
    BOOST_TEST(refusal->token.empty());
}

BOOST_AUTO_TEST_CASE(what_is_no_json_object_or_of_other_types_is_no_token) {
    for (const char* text : {"", "[]", "null", "<html>", R"({"access_token":"abc")", R"("abc")"})
        BOOST_TEST(!decode_token(text).has_value(), text);
    const auto odd = decode_token(R"({"access_token":7,"expires_in":"soon","error":{"code":1},"expires_on":null})");
    BOOST_TEST(odd.value().token.empty());
    BOOST_TEST(!odd->expires_in.has_value());
    BOOST_TEST(odd->error.empty());
    BOOST_TEST(odd->expires_on.empty());
    for (const char* number : {"-1", "1e3", "99999999999", "\"\"", "\"1.5x\"", "\"7 \"", "true"})
        BOOST_TEST(!decode_token("{\"expires_in\":" + std::string(number) + "}").value().expires_in, number);
}

BOOST_AUTO_TEST_CASE(times_are_read_in_every_form_that_is_written) {
    const std::pair<const char*, std::int64_t> forms[] = {
        {"1767614400", 1767614400},
        {"1767614400.25", 1767614400},
        {"2026-01-05T12:00:00Z", 1767614400},
        {"2026-01-05T12:00:00.1234567+00:00", 1767614400},
        {"2026-01-05 12:00:00.000000", 1767614400},
        {"1/5/2026 12:00:00 PM +00:00", 1767614400},
        {"01/05/2026 12:00:00 AM +00:00", 1767571200},
        {"1/5/2026 11:59:59 PM", 1767657599},
    };
    for (const auto& [text, seconds] : forms) BOOST_TEST((parse_time(text) == at(seconds)), text);
    for (const char* text : {"", "soon", "-5", "2026-13-05T12:00:00Z", "2026-01-05", "2026-01-05T12:00:00+01:00",
                             "2026-01-05T25:00:00Z", "1/5/2026 13:00:00 PM", "1/5/2026 1:00:00 XM",
                             "99999999999999999999", "1969-01-01T00:00:00Z", "2026-01-05T12:00:00Z;"})
        BOOST_TEST(!parse_time(text).has_value(), text);
}

BOOST_AUTO_TEST_CASE(a_local_time_is_one_of_this_machine_unless_it_names_its_zone) {
    const time_zone two_hours_east("EET-2");
    BOOST_TEST((parse_time("2026-01-05 12:00:00.000000", true) == at(1767614400 - 7200)));
    BOOST_TEST((parse_time("2026-01-05 12:00:00.000000") == at(1767614400)));
    BOOST_TEST((parse_time("2026-01-05T12:00:00Z", true) == at(1767614400)));
}

BOOST_AUTO_TEST_CASE(a_jwt_tells_when_it_expires) {
    BOOST_TEST((expiry_of_jwt(jwt(R"({"aud":"https://a","exp":1767614400})")) == at(1767614400)));
    BOOST_TEST((expiry_of_jwt(jwt(R"({"exp":1767614400.0,"name":"ÿÿÿ???>>>"})")) == at(1767614400)));
    // Lengths of every remainder of three.
    for (const char* more : {"", "a", "aa", "aaa"})
        BOOST_TEST((expiry_of_jwt(jwt(R"({"exp":5,"x":")" + std::string(more) + "\"}")) == at(5)), more);
}

BOOST_AUTO_TEST_CASE(what_is_no_jwt_or_does_not_say_has_no_expiry) {
    const std::string good = jwt(R"({"exp":1767614400})");
    for (const std::string& text :
         {std::string(), std::string("abc"), std::string("a.b"), std::string(".."), good + ".x", good + '=',
          good.substr(0, good.rfind('.') + 1), "!" + good, good.substr(good.find('.')), "<html>" + good,
          jwt(R"({"iat":1})"), jwt(R"({"exp":"1767614400"})"), jwt(R"({"exp":-1})"), jwt(R"({"exp":1e99})"),
          jwt("[1767614400]"), jwt("not json"), jwt("")})
        BOOST_TEST(!expiry_of_jwt(text).has_value(), text);
}

BOOST_AUTO_TEST_SUITE_END()
