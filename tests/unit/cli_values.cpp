#include "cli/doctor.hpp"
#include "cli/exit_code.hpp"
#include "cli/printable.hpp"
#include "cli/redacted_json.hpp"
#include <corun/error.hpp>

#include <asio/error.hpp>
#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include <string>
#include <system_error>
#include <utility>

namespace {

namespace cli = corun::cli;

BOOST_AUTO_TEST_CASE(control_characters_do_not_reach_a_terminal) {
    BOOST_TEST(cli::printable("a\x1b[31mb\x07\x7f\r\n\tc") == "a[31mb\n\tc");
    BOOST_TEST(cli::printable("\xc2\x9b"
                              "31m\xc2\xa0\xc3\xa9") == "31m\xc2\xa0\xc3\xa9");
}

BOOST_AUTO_TEST_CASE(no_text_changes_the_direction_of_what_follows) {
    for (const char* character :
         {"\u202a", "\u202b", "\u202c", "\u202d", "\u202e", "\u2066", "\u2067", "\u2068", "\u2069"})
        BOOST_TEST(cli::printable("a" + std::string(character) + "b") == "ab");
    // Texts that run from right to left, and marks without an effect on others, stay.
    for (const char* text :
         {"\u05e9\u05dc\u05d5\u05dd", "\u200e", "\u200f", "\u200d", "\u2029", "\u202f", "\u2065", "\u206a", "\xe2\x80"})
        BOOST_TEST(cli::printable(text) == text);
}

BOOST_AUTO_TEST_CASE(a_long_text_is_cut_between_characters) {
    BOOST_TEST(cli::one_line("a\nb\t") == "a b");
    BOOST_TEST(cli::one_line("0123456789", 10) == "0123456789");
    BOOST_TEST(cli::one_line("0123456789a", 10) == "0123456789...");
    BOOST_TEST(cli::one_line("\xc3\xa9\xc3\xa9\xc3\xa9", 3) == "\xc3\xa9...");
}

BOOST_AUTO_TEST_CASE(the_clock_is_compared_with_the_date_of_a_response) {
    const std::string head = "200\nContent-Type: text/plain\nDate: Sun, 06 Nov 1994 08:49:37 GMT\n";
    BOOST_TEST(cli::clock_difference(head, 784111777 + 90).value() == 90);
    BOOST_TEST(cli::clock_difference("200\ndate: Sun, 06 Nov 1994 08:49:37 GMT", 784111777 - 5).value() == -5);
    BOOST_TEST(!cli::clock_difference("200\nDate: yesterday", 0));
    BOOST_TEST(!cli::clock_difference("200\nX-Date: Sun, 06 Nov 1994 08:49:37 GMT", 0));
}

BOOST_AUTO_TEST_CASE(each_group_of_errors_has_an_exit_status) {
    using corun::errc;
    const std::pair<errc, cli::exit_code> cases[] = {
        {errc::invalid_argument, cli::exit_code::usage},
        {errc::unknown_server_label, cli::exit_code::usage},
        {errc::connect_failed, cli::exit_code::network},
        {errc::total_timeout, cli::exit_code::network},
        {errc::credential_failed, cli::exit_code::credentials},
        {errc::unauthorized, cli::exit_code::credentials},
        {errc::not_found, cli::exit_code::rejected},
        {errc::rate_limited, cli::exit_code::rejected},
        {errc::server_failed, cli::exit_code::service_failed},
        {errc::bad_response, cli::exit_code::service_failed},
        {errc::action_required, cli::exit_code::run_waits},
    };
    for (const auto& [code, expected] : cases)
        BOOST_TEST((cli::exit_code_of(corun::error(code, "x")) == expected), corun::error(code, "x"));
    BOOST_TEST((cli::exit_code_of(std::system_error(asio::error::operation_aborted)) == cli::exit_code::interrupted));
    BOOST_TEST((cli::exit_code_of(cli::usage_error("x")) == cli::exit_code::usage));
    BOOST_TEST((cli::exit_code_of(std::runtime_error("x")) == cli::exit_code::failed));
}

BOOST_AUTO_TEST_CASE(values_of_headers_are_hidden_at_any_depth) {
    const std::string text = R"({"tools":[{"headers":{"A":"hush"},"authorization":"hush"}],"headers":"kept"})";
    BOOST_TEST(cli::redacted_json(text).dump() ==
               R"({"headers":"kept","tools":[{"authorization":"***","headers":{"A":"***"}}]})");
    BOOST_TEST(cli::redacted_json("not json").dump() == R"("not json")");
}

}  // namespace
