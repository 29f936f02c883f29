#include <corun/observer.hpp>

#include <boost/test/unit_test.hpp>

#include <sstream>
#include <string>

BOOST_AUTO_TEST_SUITE(wire_messages)

BOOST_AUTO_TEST_CASE(print_each_line_of_theirs_with_its_request_and_direction) {
    corun::wire_message out(corun::wire_message::part::request, 3);
    out.text = "POST https://host/threads\nAuthorization: ***";
    corun::wire_message in(corun::wire_message::part::response_body, 3);
    in.text = "data: 1\r\n\r\n\x1b[31m";
    std::ostringstream log;
    log << out << in;
    BOOST_TEST(log.str() ==
               "3 > POST https://host/threads\n3 > Authorization: ***\n3 < data: 1\n3 < \n3 < \\x1b[31m\n");
}

BOOST_AUTO_TEST_CASE(know_their_direction) {
    using part = corun::wire_message::part;
    for (const auto& [what, expected] : {std::pair(part::request, "7 > a\n"),
                                         {part::request_body, "7 > a\n"},
                                         {part::response, "7 < a\n"},
                                         {part::response_body, "7 < a\n"},
                                         {part::end, "7 < a\n"}}) {
        corun::wire_message message(what, 7);
        message.text = "a\n";
        std::ostringstream log;
        log << message;
        BOOST_TEST(log.str() == expected);
    }
}

BOOST_AUTO_TEST_SUITE_END()
