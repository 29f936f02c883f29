// Whole streams of the Responses protocol, from bytes to events. What they say stands beside them,
// in responses/expected.json.
#include "protocol/responses/codec.hpp"
#include "protocol/responses/replay.hpp"
#include "wire.hpp"
#include <corun/event.hpp>
#include <corun/run_result.hpp>
#include <corun/sse/parser.hpp>

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace corun;
using namespace corun::test;
using codec::event_class;
using nlohmann::json;
namespace responses = codec::responses;

std::string content_of(const std::string& name) {
    std::ifstream in(CORUN_TEST_DATA "/responses/" + name, std::ios::binary);
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
    void operator()(const events::refusal_delta& e) { append("refusal", e.text); }
    void operator()(const events::reasoning_delta& e) { append("reasoning", e.text); }
    void operator()(const events::tool_call_delta& e) { append("arguments", e.arguments); }
    void operator()(const events::image_partial&) { told_["images"] = told_.value("images", 0) + 1; }
    void operator()(const events::mcp_tools_listed& e) {
        for (const mcp_tool_info& tool : e.list.tools) told_["tools"].push_back(tool.name);
    }
    void operator()(const events::mcp_call& e) { told_["mcp_output"] = e.call.output.value_or("none"); }
    void operator()(const events::run_created& e) { told_["run_id"] = e.run_id; }
    void operator()(const events::action_required& e) {
        ends("action_required");
        for (const function_call& call : e.action.function_calls) waits_for(call);
        for (const mcp_approval_request& call : e.action.mcp_approvals) waits_for(call);
    }
    void operator()(const events::run_completed& e) {
        ends("run_completed");
        if (e.run.usage) told_["total_tokens"] = e.run.usage->total_tokens;
    }
    void operator()(const events::run_incomplete& e) {
        ends("run_incomplete");
        if (e.run.usage) told_["total_tokens"] = e.run.usage->total_tokens;
    }
    void operator()(const events::run_failed& e) {
        ends("run_failed");
        if (e.run.last_error) told_["error_code"] = e.run.last_error->code;
    }
    template <class Other>
    void operator()(const Other&) {}

    [[nodiscard]] const json& told() const { return told_; }

private:
    void append(const char* member, std::string_view text) {
        if (!text.empty()) told_[member] = told_.value(member, std::string()).append(text);
    }
    void ends(const char* how) { told_["ends"] = told_.contains("ends") ? "more than once" : how; }
    template <class Call>
    void waits_for(const Call& call) {
        told_["call"] = {{"id", call.id}, {"name", call.name}, {"arguments", call.arguments}};
    }

    json told_ = json::object();
};

struct arrival {
    std::string name, data;
};

std::vector<arrival> split(std::string_view stream, const std::vector<std::size_t>& sizes) {
    sse::parser parser;
    std::vector<arrival> events;
    for (std::size_t i = 0; !stream.empty(); ++i) {
        const std::string_view chunk = stream.substr(0, sizes[i % sizes.size()]);
        stream.remove_prefix(chunk.size());
        parser.feed(chunk);
        while (const sse::event* arrived = parser.next())
            events.push_back({std::string(arrived->type), std::string(arrived->data)});
    }
    if (parser.finish()) throw std::runtime_error("the stream ends in the middle of an event");
    return events;
}

std::vector<event> decode_good(responses::decoder& decoder, std::string_view name, std::string_view data) {
    decoded result = decode(decoder, name, data);
    if (result.code) throw std::runtime_error(result.problem);
    return std::move(result.events);
}

std::vector<event> decode_stream(std::string_view stream, const std::vector<std::size_t>& sizes,
                                 bool fast_path = true) {
    responses::decoder decoder;
    decoder.use_fast_path(fast_path);
    std::vector<event> events;
    for (const arrival& each : split(stream, sizes))
        for (event& told : decode_good(decoder, each.name, each.data)) events.push_back(std::move(told));
    return events;
}

json told_by(const std::vector<event>& events) {
    summary all;
    for (const event& each : events) all(each);
    return all.told();
}

constexpr std::size_t whole = static_cast<std::size_t>(-1);

template <class Use>
void for_each_stream(Use use) {
    const json expected = json::parse(content_of("expected.json"));
    BOOST_TEST(expected.size() == 9u);
    for (const auto& [name, told] : expected.items()) BOOST_TEST_CONTEXT(name) use(content_of(name + ".sse"), told);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(whole_response_streams)

BOOST_AUTO_TEST_CASE(say_what_they_say_however_they_are_cut) {
    const std::vector<std::vector<std::size_t>> cuts{{whole}, {1}, {3}, {64}, {1000}, {0, 7, 1, 0, 130}};
    for_each_stream([&](const std::string& stream, const json& told) {
        for (const auto& cut : cuts)
            BOOST_TEST_CONTEXT("cut by " << json(cut)) BOOST_TEST(told_by(decode_stream(stream, cut)) == told);
    });
}

BOOST_AUTO_TEST_CASE(say_the_same_to_the_general_reader) {
    for_each_stream([](const std::string& stream, const json& told) {
        BOOST_TEST(told_by(decode_stream(stream, {whole}, false)) == told);
    });
}

BOOST_AUTO_TEST_CASE(end_where_the_last_event_says_so) {
    for_each_stream([](const std::string& stream, const json& told) {
        responses::pending_calls seen;
        std::string ends = "nowhere";
        for (const arrival& each : split(stream, {whole})) {
            if (each.data == "[DONE]") continue;
            BOOST_TEST(ends == "nowhere");
            seen.observe(each.name, each.data);
            const event_class kind = responses::classify(each.name, each.data, seen);
            if (kind == event_class::action) ends = "action_required";
            if (kind == event_class::last) ends = "last";
        }
        BOOST_TEST((ends == "action_required") == (told["ends"] == "action_required"));
        BOOST_TEST(ends != "nowhere");
    });
}

BOOST_AUTO_TEST_CASE(number_their_events_without_a_gap) {
    for_each_stream([](const std::string& stream, const json& told) {
        if (told["run_id"] == "resp_Local1") return;
        std::int64_t next = 0;
        for (const arrival& each : split(stream, {whole})) {
            const auto number = responses::sequence_number_of(each.data);
            BOOST_REQUIRE(number.has_value());
            BOOST_TEST(*number == next++);
        }
        BOOST_TEST(next > 1);
    });
}

BOOST_AUTO_TEST_CASE(add_up_to_one_run_over_an_approved_call) {
    run_result result;
    responses::decoder decoder;
    for (const char* part : {"mcp_1.sse", "mcp_2.sse"})
        for (const arrival& each : split(content_of(part), {whole}))
            for (const event& told : decode_good(decoder, each.name, each.data)) result.apply(told);
    BOOST_TEST((result.status == run_state::completed));
    BOOST_TEST(result.text() == "Place B7 is yours, bike included.");
    BOOST_REQUIRE_EQUAL(result.tool_calls().size(), 1u);
    BOOST_TEST(result.tool_calls()[0].server_label == "ferries");
    BOOST_TEST(result.tool_calls()[0].arguments == R"({"boat":"Skjoldnæs","bike":true})");
    BOOST_TEST(result.tool_calls()[0].output.value_or("") == R"({"place":"B7"})");
}

BOOST_AUTO_TEST_CASE(add_up_to_the_message_and_its_citation) {
    run_result result;
    for (const event& told : decode_stream(content_of("text.sse"), {whole})) result.apply(told);
    BOOST_TEST(result.thread_id == "conv_Quay1");
    BOOST_TEST(result.agent_id == "ferry-desk");
    BOOST_TEST(result.usage->cached_tokens == 8);
    BOOST_REQUIRE_EQUAL(result.citations().size(), 1u);
    BOOST_TEST(result.citations()[0].url == "https://ferries.example/table");
}

BOOST_AUTO_TEST_CASE(are_told_on_from_a_stored_response_wherever_they_break) {
    const std::vector<arrival> events = split(content_of("text.sse"), {whole});
    const std::string stored = json::parse(events.back().data)["response"].dump();
    const std::string expected = json::parse(content_of("expected.json"))["text"]["text"];
    for (std::size_t taken = 0; taken != events.size(); ++taken) {
        BOOST_TEST_CONTEXT("broken after " << taken) {
            responses::decoder decoder;
            responses::replay told;
            std::string text;
            int begun = 0, ended = 0, over = 0;
            const auto take = [&](std::string_view name, std::string_view data) {
                for (const event& each : decode_good(decoder, name, data)) {
                    told.delivered(each);
                    if (const auto* delta = each.get_if<events::text_delta>()) text += delta->text;
                    begun += each.get_if<events::message_created>() != nullptr;
                    ended += each.get_if<events::message_completed>() != nullptr;
                    over += each.get_if<events::run_completed>() != nullptr;
                }
            };
            for (std::size_t i = 0; i != taken; ++i) take(events[i].name, events[i].data);
            for (const codec::replayed_event& each : told.events_of(stored, decoder.items()))
                take(each.name, each.data);
            BOOST_TEST(text == expected);
            BOOST_TEST(begun == 1);
            BOOST_TEST(ended == 1);
            BOOST_TEST(over == 1);
            BOOST_TEST(told.events_of(stored, decoder.items()).empty());
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()
