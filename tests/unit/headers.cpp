#include <corun/headers.hpp>
#include <corun/mcp_headers.hpp>

#include <boost/test/unit_test.hpp>

#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace {

std::string printed(const auto& value) {
    std::ostringstream out;
    out << value;
    return out.str();
}

std::vector<std::string> names_and_values(const corun::headers& fields) {
    std::vector<std::string> lines;
    for (const corun::header& field : fields) lines.push_back(field.name + '=' + std::string(field.value.reveal()));
    return lines;
}

using lines = std::vector<std::string>;

}  // namespace

BOOST_AUTO_TEST_SUITE(headers)

BOOST_AUTO_TEST_CASE(keeps_the_order_of_fields) {
    const corun::headers fields{{"B", "1"}, {"A", "2"}, {"C", "3"}};
    BOOST_TEST(names_and_values(fields) == (lines{"B=1", "A=2", "C=3"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(finds_a_field_without_regard_to_case) {
    const corun::headers fields{{"Authorization", "Bearer t"}};
    BOOST_REQUIRE(fields.find("aUTHORIZATION") != nullptr);
    BOOST_TEST(fields.find("authorization")->reveal() == "Bearer t");
    BOOST_TEST(fields.find("Authorization ") == nullptr);
}

BOOST_AUTO_TEST_CASE(set_replaces_every_field_of_a_name_in_the_place_of_the_first) {
    corun::headers fields{{"X-A", "1"}, {"X-B", "2"}, {"x-a", "3"}};
    fields.set("X-a", "4");
    BOOST_TEST(names_and_values(fields) == (lines{"X-a=4", "X-B=2"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(set_appends_a_new_name) {
    corun::headers fields;
    fields.set("X-A", "1").set("X-B", "2");
    BOOST_TEST(names_and_values(fields) == (lines{"X-A=1", "X-B=2"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(set_accepts_a_value_that_the_list_itself_holds) {
    corun::headers fields{{"X-A", "1"}, {"X-B", "2"}};
    fields.set("X-A", *fields.find("X-B"));
    BOOST_TEST(names_and_values(fields) == (lines{"X-A=2", "X-B=2"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(add_keeps_fields_of_the_same_name) {
    corun::headers fields{{"X-A", "1"}};
    fields.add({"x-a", "2"});
    BOOST_TEST(fields.size() == 2u);
    BOOST_TEST(fields.find("X-A")->reveal() == "1");
}

BOOST_AUTO_TEST_CASE(erase_removes_every_field_of_a_name_and_counts_them) {
    corun::headers fields{{"X-A", "1"}, {"X-B", "2"}, {"x-a", "3"}};
    BOOST_TEST(fields.erase("x-A") == 2u);
    BOOST_TEST(fields.erase("x-A") == 0u);
    BOOST_TEST(names_and_values(fields) == lines{"X-B=2"}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(prints_names_only) {
    const corun::headers fields{{"Authorization", "Bearer hidden"}, {"X-Empty", ""}};
    BOOST_TEST(printed(fields) == "Authorization: ***\nX-Empty: \n");
}

BOOST_AUTO_TEST_CASE(prints_control_characters_of_a_name_escaped) {
    const corun::headers fields{{"X\r\nEvil: 1\x1b", "hidden"}};
    BOOST_TEST(printed(fields) == "X\\r\\nEvil: 1\\x1b: ***\n");
}

BOOST_AUTO_TEST_CASE(accepts_exactly_the_token_characters_in_a_name) {
    const std::string_view others = "!#$%&'*+-.^_`|~";
    for (int c = 0; c < 256; ++c) {
        const char character = static_cast<char>(c);
        const bool is_token = ('0' <= c && c <= '9') || ('A' <= c && c <= 'Z') || ('a' <= c && c <= 'z') ||
                              (c != 0 && others.find(character) != std::string_view::npos);
        BOOST_TEST_CONTEXT("character " << c) {
            BOOST_TEST(corun::is_header_name(std::string("X") + character) == is_token);
        }
    }
    BOOST_TEST(!corun::is_header_name(""));
}

BOOST_AUTO_TEST_CASE(accepts_no_control_character_but_tab_inside_a_value) {
    for (int c = 0; c < 256; ++c) {
        const bool is_allowed = c == '\t' || (c >= 0x20 && c != 0x7f);
        BOOST_TEST_CONTEXT("character " << c) {
            BOOST_TEST(corun::is_header_value(std::string("a") + static_cast<char>(c) + 'b') == is_allowed);
        }
    }
}

BOOST_AUTO_TEST_CASE(accepts_no_blank_at_either_end_of_a_value) {
    for (const char* value : {" a", "a ", "\ta", "a\t", " ", "\t"}) BOOST_TEST_CONTEXT('"' << value << '"') {
            BOOST_TEST(!corun::is_header_value(value));
        }
    for (const char* value : {"", "a", "a b", "Bearer eyJ.eyJ.sig", "gr\xc3\xbc\xc3\x9f"})
        BOOST_TEST_CONTEXT('"' << value << '"') {
            BOOST_TEST(corun::is_header_value(value));
        }
}

BOOST_AUTO_TEST_CASE(compares_only_ascii_letters_without_regard_to_case) {
    BOOST_TEST(corun::equal_ignoring_case("Content-Type", "cONTENT-tYPE"));
    BOOST_TEST(corun::equal_ignoring_case("", ""));
    BOOST_TEST(!corun::equal_ignoring_case("a", "ab"));
    BOOST_TEST(!corun::equal_ignoring_case("[", "{"));
    BOOST_TEST(!corun::equal_ignoring_case("@", "`"));
    BOOST_TEST(!corun::equal_ignoring_case("\xc3\x84", "\xc3\xa4"));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(mcp_headers)

BOOST_AUTO_TEST_CASE(sets_one_header_of_one_server) {
    corun::mcp_headers servers;
    servers.set("b", "Authorization", "1").set("a", "X-A", "2").set("b", "AUTHORIZATION", "3").set("b", "X-B", "4");
    BOOST_TEST(servers.labels() == (lines{"a", "b"}), boost::test_tools::per_element());
    BOOST_REQUIRE(servers.find("b") != nullptr);
    BOOST_TEST(names_and_values(*servers.find("b")) == (lines{"AUTHORIZATION=3", "X-B=4"}),
               boost::test_tools::per_element());
    BOOST_TEST(servers.find("B") == nullptr);
}

BOOST_AUTO_TEST_CASE(replaces_all_headers_of_a_server) {
    corun::mcp_headers servers("a", {{"X-A", "1"}, {"X-B", "2"}});
    servers.set("a", corun::header("X-C", "3"));
    BOOST_TEST(names_and_values(*servers.find("a")) == lines{"X-C=3"}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(erases_a_server) {
    corun::mcp_headers servers("a", corun::header("X-A", "1"));
    BOOST_TEST(servers.erase("b") == 0u);
    BOOST_TEST(servers.erase("a") == 1u);
    BOOST_TEST(servers.empty());
}

BOOST_AUTO_TEST_CASE(prints_labels_and_names_only) {
    corun::mcp_headers servers("evil\nlabel", {{"Authorization", "hidden"}, {"X-A", "hidden"}});
    servers.set("silent", corun::headers());
    BOOST_TEST(printed(servers) == "evil\\nlabel\n  Authorization: ***\n  X-A: ***\nsilent\n");
}

BOOST_AUTO_TEST_SUITE_END()
