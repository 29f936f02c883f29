// Whole streams as the service sends them, from bytes to events. What they say stands beside them,
// in expected.json.
#include "protocol/threads/codec.hpp"
#include "wire.hpp"
#include <corun/event.hpp>
#include <corun/run_result.hpp>
#include <corun/sse/parser.hpp>

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace corun;
using namespace corun::test;
using nlohmann::json;

std::string content_of(const std::string& name) {
    std::ifstream in(CORUN_TEST_DATA "/" + name, std::ios::binary);
    if (!in) throw std::runtime_error(name + " cannot be read");
    return {std::istreambuf_iterator<char>(in), {}};
}

/// What the events say, in the terms of expected.json.
class summary {
public:
    void operator()(const event& each) {
        if (!each.continues()) told_["events"].push_back(each.name());
        each.visit(*this);
    }
    void operator()(const events::text_delta& e) { append("text", e.text); }
    void operator()(const events::tool_call_delta& e) { append("arguments", e.arguments); }
    void operator()(const events::mcp_tools_listed& e) {
        for (const mcp_tool_info& tool : e.list.tools) told_["tools"].push_back(tool.name);
    }
    void operator()(const events::mcp_call& e) { told_["mcp_output"] = e.call.output.value_or("none"); }
    void operator()(const events::action_required& e) {
        ends("action_required");
        for (const function_call& call : e.action.function_calls) waits_for(call);
        for (const mcp_approval_request& call : e.action.mcp_approvals) waits_for(call);
    }
    void operator()(const events::run_completed& e) {
        ends("run_completed");
        if (e.run.usage) told_["total_tokens"] = e.run.usage->total_tokens;
    }
    void operator()(const events::run_failed& e) {
        ends("run_failed");
        if (e.run.last_error) told_["error_code"] = e.run.last_error->code;
    }
    void operator()(const events::stream_error& e) {
        ends("stream_error");
        told_["error_code"] = e.code;
    }
    template <class Other>
    void operator()(const Other&) {}

    [[nodiscard]] const json& told() const { return told_; }

private:
    void append(const char* member, std::string_view text) {
        if (text.empty()) return;
        told_[member] = told_.value(member, std::string()).append(text);
    }
    void ends(const char* how) { told_["ends"] = told_.contains("ends") ? "more than once" : how; }
    template <class Call>
    void waits_for(const Call& call) {
        told_["call"] = {{"id", call.id}, {"name", call.name}, {"arguments", call.arguments}};
    }

    json told_ = json::object();
};

/// Decodes a stream cut into chunks of these sizes, in turn.
std::vector<event> decode_stream(std::string_view stream, const std::vector<std::size_t>& sizes,
                                 bool fast_path = true) {
    sse::parser parser;
    codec::threads::decoder decoder;
    decoder.use_fast_path(fast_path);
    std::vector<event> events;
    for (std::size_t i = 0; !stream.empty(); ++i) {
        const std::string_view chunk = stream.substr(0, sizes[i % sizes.size()]);
        stream.remove_prefix(chunk.size());
        parser.feed(chunk);
        while (const sse::event* arrived = parser.next()) {
            decoded result = decode(decoder, arrived->type, arrived->data);
            if (result.code) throw std::runtime_error(result.problem);
            std::move(result.events.begin(), result.events.end(), std::back_inserter(events));
        }
    }
    if (parser.finish()) throw std::runtime_error("the stream ends in the middle of an event");
    return events;
}

json told_by(const std::vector<event>& events) {
    summary all;
    for (const event& each : events) all(each);
    return all.told();
}

constexpr std::size_t whole = static_cast<std::size_t>(-1);

run_result gathered(const std::vector<std::string>& parts) {
    run_result result;
    for (const std::string& part : parts)
        for (const event& each : decode_stream(content_of(part), {whole})) result.apply(each);
    return result;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(whole_streams)

BOOST_AUTO_TEST_CASE(say_what_they_say_however_they_are_cut) {
    const std::vector<std::vector<std::size_t>> cuts{{whole}, {1}, {2}, {3}, {64}, {1000}, {4096}, {0, 7, 1, 0, 130}};
    const json expected = json::parse(content_of("expected.json"));
    BOOST_TEST(expected.size() == 7u);
    for (const auto& [name, told] : expected.items()) {
        const std::string stream = content_of(name + ".sse");
        for (const auto& cut : cuts)
            BOOST_TEST_CONTEXT(name << " cut by " << json(cut)) BOOST_TEST(told_by(decode_stream(stream, cut)) == told);
    }
}

BOOST_AUTO_TEST_CASE(say_the_same_to_the_general_reader) {
    const json expected = json::parse(content_of("expected.json"));
    for (const auto& [name, told] : expected.items())
        BOOST_TEST_CONTEXT(name) BOOST_TEST(told_by(decode_stream(content_of(name + ".sse"), {whole}, false)) == told);
}

BOOST_AUTO_TEST_CASE(keep_the_data_of_every_event_as_it_came) {
    const std::string stream = content_of("text.sse");
    std::string again;
    for (const event& each : decode_stream(stream, {5}))
        again.append("event: ")
            .append(each.name())
            .append("\ndata:")
            .append(each.raw().empty() ? "" : " ")
            .append(each.raw())
            .append("\n\n");
    BOOST_TEST(again == stream);
}

BOOST_AUTO_TEST_CASE(add_up_to_one_run_over_a_function_call) {
    const run_result result = gathered({"function_1.sse", "function_2.sse"});
    BOOST_TEST((result.status == run_state::completed));
    BOOST_TEST(result.text() == "The Skjoldnæs leaves Søby at 9:40.");
    BOOST_REQUIRE_EQUAL(result.tool_calls().size(), 1u);
    BOOST_TEST(result.tool_calls()[0].name == "find_ferry");
    BOOST_TEST(result.tool_calls()[0].arguments == R"({"port":"Søby","after":"09:00"})");
    BOOST_TEST(result.tool_calls()[0].output.value_or("") == R"({"departs":"09:40","boat":"Skjoldnæs"})");
}

BOOST_AUTO_TEST_CASE(add_up_to_one_run_over_an_approved_call) {
    const run_result result = gathered({"mcp_1.sse", "mcp_2.sse"});
    BOOST_TEST((result.status == run_state::completed));
    BOOST_TEST(result.text() == "Place B7 is yours, bike included.");
    BOOST_REQUIRE_EQUAL(result.tool_calls().size(), 1u);
    BOOST_TEST(result.tool_calls()[0].server_label == "ferries");
    // The pieces of this call come twice in whole; the arguments do not.
    BOOST_TEST(result.tool_calls()[0].arguments == R"({"boat":"Skjoldnæs","bike":true})");
    BOOST_TEST(result.tool_calls()[0].output.value_or("") == R"({"place":"B7"})");
}

BOOST_AUTO_TEST_CASE(tell_why_a_run_failed) {
    const run_result result = gathered({"failed.sse"});
    BOOST_TEST((result.status == run_state::failed));
    BOOST_REQUIRE(result.last_error.has_value());
    BOOST_TEST(result.last_error->message.find("401 (Unauthorized)") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
