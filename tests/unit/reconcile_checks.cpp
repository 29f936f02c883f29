#include "protocol/reconcile_checks.hpp"

#include "sentence.hpp"
#include <corun/error.hpp>

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace {

using namespace corun;
using namespace corun::reconcile;
using namespace std::string_view_literals;

/// The error of a check, "" for none.
template <class Check>
std::string error_of(Check check, errc expected = errc::invalid_argument) {
    try {
        check();
    } catch (const error& problem) {
        BOOST_TEST(problem.code() == expected);
        return test::sentence_of(problem);
    }
    return "";
}

bool contains(const std::string& text, std::string_view part) {
    return text.find(part) != text.npos;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(reconcile_checks)

BOOST_AUTO_TEST_CASE(a_label_is_not_empty_and_has_no_control_character) {
    for (const std::string_view label : {"L"sv, "two words"sv, "\xC3\xA9"sv, "~"sv})
        BOOST_TEST(error_of([&] { validate_label(label, "here"); }) == "");
    for (const std::string_view label : {""sv, "a\nb"sv, "\x1f"sv, "b\x7f"sv, "\0"sv}) {
        const std::string refused = error_of([&] { validate_label(label, "here"); }, errc::invalid_server_label);
        BOOST_TEST(contains(refused, " in here "), refused);
        BOOST_TEST(contains(refused, label.empty() ? "is empty" : "contains a control character"), refused);
    }
}

BOOST_AUTO_TEST_CASE(a_server_has_no_url_or_an_absolute_one) {
    for (const char* url : {"", "https://l.example/mcp", "http://127.0.0.1:8000/mcp"})
        BOOST_TEST(error_of([&] { validate_server("L", url, "here"); }) == "");
    for (const char* url : {"l.example", "/mcp", "ftp://l.example"}) {
        const std::string refused = error_of([&] { validate_server("L", url, "here"); });
        BOOST_TEST(contains(refused, "the server_url of 'L' in here is not an absolute http(s) URL"), refused);
    }
    BOOST_TEST(error_of([] { validate_server("", "", "here"); }, errc::invalid_server_label) != "");
}

BOOST_AUTO_TEST_CASE(each_tool_is_checked) {
    const auto check = [](tool value, errc expected = errc::invalid_argument) {
        return error_of([&] { validate_tools({json_tool("bing_grounding", "{}"), value}, "here"); }, expected);
    };
    BOOST_TEST(check(mcp_tool("L", "https://l.example/mcp")) == "");
    BOOST_TEST(check(function_tool("f", "d", "{}")) == "");
    BOOST_TEST(contains(check(mcp_tool("L", "l.example")), "server_url"));
    BOOST_TEST(contains(check(mcp_tool("", ""), errc::invalid_server_label), "is empty"));
    BOOST_TEST(contains(check(function_tool("", "d", "{}")), "a function in here has no name"));
    BOOST_TEST(contains(check(json_tool("mcp", R"({"type":"mcp"})")), "json_tool of type 'mcp'; use an mcp_tool"));
    BOOST_TEST(contains(check(json_tool("function", R"({"type":"function"})")), "json_tool of type 'function'"));
}

BOOST_AUTO_TEST_CASE(options_are_checked) {
    const auto check = [](auto change, errc expected = errc::invalid_argument) {
        run_options options;
        change(options);
        return error_of([&] { validate_options(options); }, expected);
    };
    BOOST_TEST(check([](run_options&) {}) == "");
    const auto plain = [](const function_call&) { return ""; };
    BOOST_TEST(check([&](run_options& o) { o.functions.emplace_back("f", "d", "{}", plain); }) == "");
    BOOST_TEST(contains(check([&](run_options& o) { o.functions.emplace_back("", "d", "{}", plain); }), "no name"));
    BOOST_TEST(contains(check([](run_options& o) { o.functions.emplace_back("f", "d", "{}", nullptr); }),
                        "run_options::functions has 'f' without a handler"));
    BOOST_TEST(contains(check([](run_options& o) { o.require_approval.emplace("", mcp_approval::never()); },
                              errc::invalid_server_label),
                        "run_options::require_approval"));
    BOOST_TEST(contains(check([](run_options& o) { o.tools.emplace_back(function_tool("", "", "{}")); }),
                        "run_options::tools"));
    const struct {
        const char* name;
        std::optional<std::chrono::milliseconds> run_options::*time;
    } times[] = {{"connect_timeout", &run_options::connect_timeout},
                 {"idle_timeout", &run_options::idle_timeout},
                 {"event_timeout", &run_options::event_timeout},
                 {"total_timeout", &run_options::total_timeout}};
    for (const auto& each : times) {
        BOOST_TEST(check([&](run_options& o) { o.*each.time = std::chrono::milliseconds(0); }) == "");
        const std::string refused = check([&](run_options& o) { o.*each.time = std::chrono::milliseconds(-1); });
        BOOST_TEST(contains(refused, std::string("run_options::") + each.name + " is negative: -1 ms"), refused);
    }
    BOOST_TEST(contains(check([](run_options& o) { o.mcp_header_timeout = std::chrono::milliseconds(-5); }),
                        "run_options::mcp_header_timeout is negative: -5 ms"));
}

BOOST_AUTO_TEST_CASE(an_unknown_label_is_refused_with_the_known_ones) {
    const std::vector<mcp_tool> none, two = {mcp_tool("L", ""), mcp_tool("M", "")};
    BOOST_TEST(error_of([&] { refuse_unknown(two, "M", "headers"); }) == "");
    const auto refused = [](const std::vector<mcp_tool>& known) {
        return error_of([&] { refuse_unknown(known, "N", "headers"); }, errc::unknown_server_label);
    };
    BOOST_TEST(contains(refused(two), "headers names MCP server 'N'"));
    BOOST_TEST(contains(refused(two), "known labels: 'L', 'M'"));
    BOOST_TEST(contains(refused(none), "no MCP server is defined"));
}

BOOST_AUTO_TEST_CASE(headers_go_over_https_or_to_this_machine) {
    for (const char* url : {"https://l.example/mcp", "http://localhost:1/mcp", "http://127.0.0.1/mcp"})
        BOOST_TEST(error_of([&] { refuse_insecure(mcp_tool("L", url)); }) == "");
    for (const char* url : {"http://l.example/mcp", "", "l.example"})
        BOOST_TEST(contains(error_of([&] { refuse_insecure(mcp_tool("L", url)); }, errc::insecure_endpoint), "'L'"));
}

BOOST_AUTO_TEST_CASE(an_approval_gets_the_headers_of_its_server_alone) {
    const std::vector<mcp_tool> servers = {mcp_tool("L", "https://l.example"), mcp_tool("M", "http://m.example")};
    mcp_headers all;
    all.set("L", "Authorization", "Bearer l");
    BOOST_TEST(headers_for_approval(all, servers, "L").size() == 1u);
    BOOST_TEST(headers_for_approval(all, servers, "M").empty());
    all.set("M", "Authorization", "Bearer m");
    BOOST_TEST(headers_for_approval(all, servers, "L").size() == 1u);
    const auto refused = [&](errc expected) {
        return error_of([&] { (void)headers_for_approval(all, servers, "M"); }, expected);
    };
    BOOST_TEST(contains(refused(errc::insecure_endpoint), "'M'"));
    all.set("N", "Authorization", "Bearer n");
    BOOST_TEST(contains(refused(errc::unknown_server_label), "'N'"));
    all.set("M", "not a name", "x");
    BOOST_TEST(contains(refused(errc::invalid_header), "is not a token"));
}

BOOST_AUTO_TEST_CASE(a_header_is_well_formed_and_comes_once) {
    const auto refused = [](const char* name, const char* value) {
        headers fields;
        fields.set("X-First", "1");
        fields.set(name, value);
        return error_of([&] { validate(fields, "server 'L'"); }, errc::invalid_header);
    };
    BOOST_TEST(refused("X-Second", "2") == "");
    BOOST_TEST(contains(refused("X Second", "2"), "'X Second' for server 'L' is not a token"));
    BOOST_TEST(contains(refused("X-Second", "planted-secret\n"), "contains a control character"));
    BOOST_TEST(!contains(refused("X-Second", "planted-secret\n"), "planted-secret"));
}

BOOST_AUTO_TEST_CASE(approvals_have_names_and_a_default) {
    BOOST_TEST(is_default(mcp_approval::always()));
    BOOST_TEST(!is_default(mcp_approval::never()));
    BOOST_TEST(to_string(mcp_approval::always()) == "'always'");
    BOOST_TEST(to_string(mcp_approval::never()) == "'never'");
    BOOST_TEST(same_allowed_tools({"a", "b"}, {"b", "a"}));
    BOOST_TEST(!same_allowed_tools({"a"}, {"b", "a"}));
}

BOOST_AUTO_TEST_SUITE_END()
