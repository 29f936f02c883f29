#include "protocol/responses/codec.hpp"
#include "protocol/responses/replay.hpp"
#include "wire.hpp"
#include <corun/error.hpp>

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace corun;
using namespace corun::codec::responses;
using nlohmann::json;

/// A run whose responses are read again and again.
class watched_run {
public:
    /// What a reading tells: the names of its events, and the texts of deltas behind a colon.
    std::string read(const std::string& response) {
        std::string said;
        for (const codec::replayed_event& each : replay_.events_of(response, decoder_.items()))
            said += take(each.name, each.data);
        return said;
    }

    std::string take(std::string_view name, std::string_view data) {
        test::decoded result = test::decode(decoder_, name, data);
        if (result.code) throw std::runtime_error(result.problem);
        std::string said(name.substr(name.find('.') + 1));
        for (const event& each : result.events) {
            replay_.delivered(each);
            if (const auto* delta = each.get_if<events::text_delta>()) said += ":" + std::string(delta->text);
            if (const auto* delta = each.get_if<events::refusal_delta>()) said += ":" + std::string(delta->text);
            if (const auto* delta = each.get_if<events::reasoning_delta>()) said += ":" + std::string(delta->text);
            if (const auto* delta = each.get_if<events::tool_call_delta>()) said += ":" + std::string(delta->arguments);
            if (each.get_if<events::action_required>() != nullptr) said += "!";
        }
        return said + " ";
    }

    /// The same where this much was received elsewhere.
    std::string continued(const detail::run_progress& received, const std::string& response) {
        codec::streamed_items items;
        replay_.restore(received, response, items);
        decoder_.restore(items);
        return read(response);
    }

private:
    decoder decoder_;
    replay replay_;
};

std::string response(std::string_view status, std::string_view output) {
    return R"({"id":"r","status":")" + std::string(status) + R"(","output":[)" + std::string(output) + "]}";
}

std::string with_text(std::string_view text, std::string_view status = "in_progress") {
    return R"({"id":"m","type":"message","role":"assistant","status":")" + std::string(status) +
           R"(","content":[{"type":"output_text","text":")" + std::string(text) + R"(","annotations":[]}]})";
}

}  // namespace

BOOST_AUTO_TEST_SUITE(responses_replay)

BOOST_AUTO_TEST_CASE(tells_a_run_as_it_comes_along) {
    watched_run run;
    BOOST_TEST(run.read(response("queued", "")) == "created queued ");
    BOOST_TEST(run.read(response("queued", "")) == "");
    BOOST_TEST(run.read(response("in_progress", "")) == "in_progress ");
    BOOST_TEST(run.read(response("in_progress", with_text("Bri"))) == "output_item.added output_text.delta:Bri ");
    BOOST_TEST(run.read(response("in_progress", with_text("Bri"))) == "");
    BOOST_TEST(run.read(response("in_progress", with_text("Bring a"))) == "output_text.delta:ng a ");
    BOOST_TEST(run.read(response("completed", with_text("Bring a coat", "completed"))) ==
               "output_text.delta: coat output_item.done completed ");
    BOOST_TEST(run.read(response("completed", with_text("Bring a coat", "completed"))) == "");
}

BOOST_AUTO_TEST_CASE(goes_on_from_where_a_stream_stopped) {
    watched_run run;
    run.take("response.created", R"({"response":{"id":"r"}})");
    run.take("response.in_progress", R"({"response":{"id":"r","status":"in_progress"}})");
    run.take("response.output_item.added", R"({"output_index":0,"item":{"id":"m","type":"message","content":[]}})");
    run.take("response.output_text.delta", R"({"item_id":"m","content_index":0,"delta":"Ærø 🚲"})");
    BOOST_TEST(run.read(response("completed", with_text("Ærø 🚲 ☂", "completed"))) ==
               "output_text.delta: ☂ output_item.done completed ");
}

BOOST_AUTO_TEST_CASE(an_item_keeps_the_id_under_which_it_came) {
    decoder decoder;
    replay replay;
    const std::pair<std::string_view, std::string_view> streamed[] = {
        {"response.created", R"({"response":{"id":"r"}})"},
        {"response.output_item.added", R"({"output_index":0,"item":{"id":"first","type":"message","content":[]}})"},
        {"response.output_text.delta", R"({"item_id":"first","content_index":0,"delta":"Bring"})"}};
    for (const auto& [name, data] : streamed)
        for (const event& each : test::decode(decoder, name, data).events) replay.delivered(each);
    std::vector<std::string> ids;
    for (const codec::replayed_event& each :
         replay.events_of(response("completed", with_text("Bring a coat", "completed")), decoder.items())) {
        const json data = json::parse(each.data);
        if (each.name == "response.output_item.done") ids.push_back(data["item"]["id"]);
        if (each.name == "response.output_text.delta") ids.push_back(data["item_id"]);
    }
    BOOST_TEST(ids == (std::vector<std::string>{"first", "first"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(counts_texts_in_utf16) {
    watched_run run;
    run.take("response.created", R"({"response":{"id":"r"}})");
    run.take("response.output_text.delta", R"({"item_id":"m","content_index":0,"delta":"aÆ☂🚲"})");
    BOOST_TEST(run.read(response("in_progress", with_text("aÆ☂🚲12345"))) ==
               "in_progress output_item.added output_text.delta:12345 ");
}

BOOST_AUTO_TEST_CASE(goes_on_with_the_other_half_of_a_pair_that_was_cut_in_two) {
    watched_run run;
    run.take("response.created", R"({"response":{"id":"r"}})");
    run.take("response.output_text.delta", R"({"item_id":"m","content_index":0,"delta":"so \ud83d"})");
    BOOST_TEST(run.read(response("in_progress", with_text("so 🚲!"))) ==
               "in_progress output_item.added output_text.delta:🚲! ");
    BOOST_TEST(run.read(response("in_progress", with_text("so 🚲!?"))) == "output_text.delta:? ");
}

BOOST_AUTO_TEST_CASE(another_text_adds_nothing) {
    watched_run run;
    run.take("response.created", R"({"response":{"id":"r"}})");
    run.take("response.output_text.delta", R"({"item_id":"m","content_index":0,"delta":"Bring a coat"})");
    BOOST_TEST(run.read(response("in_progress", with_text("Take a big umbrella"))) == "in_progress output_item.added ");
    BOOST_TEST(run.read(response("completed", with_text("Take a big umbrella", "completed"))) ==
               "output_item.done completed ");
}

BOOST_AUTO_TEST_CASE(each_text_goes_on_for_itself) {
    const auto message = [](const char* first, const char* second) {
        return R"({"id":"m","type":"message","status":"in_progress","content":[{"type":"output_text","text":")" +
               std::string(first) + R"("},{"type":"refusal","refusal":")" + second + R"("}]})";
    };
    watched_run run;
    BOOST_TEST(run.read(response("in_progress", message("a", "b"))) ==
               "created in_progress output_item.added output_text.delta:a refusal.delta:b ");
    BOOST_TEST(run.read(response("in_progress", message("ac", "b"))) == "output_text.delta:c ");
    BOOST_TEST(run.read(response("in_progress", message("ac", "bd"))) == "refusal.delta:d ");
}

BOOST_AUTO_TEST_CASE(tells_every_kind_of_text) {
    const std::string output =
        R"({"id":"rs","type":"reasoning","summary":[{"type":"summary_text","text":"s"}],"content":[{"type":"reasoning_text","text":"c"}]},)"
        R"({"id":"fc","type":"function_call","status":"completed","call_id":"c1","name":"f","arguments":"{}"},)"
        R"({"id":"mc","type":"mcp_call","name":"t","arguments":"[]","output":"o","server_label":"L"},)"
        R"({"id":"m","type":"message","status":"completed","content":[{"type":"refusal","refusal":"no"}]})";
    watched_run run;
    BOOST_TEST(run.read(response("completed", output)) ==
               "created output_item.added reasoning_summary_text.delta:s reasoning_text.delta:c output_item.done "
               "output_item.added function_call_arguments.delta:{} output_item.done "
               "output_item.added mcp_call_arguments.delta:[] output_item.done "
               "output_item.added refusal.delta:no output_item.done completed! ");
    BOOST_TEST(run.read(response("completed", output)) == "");
}

BOOST_AUTO_TEST_CASE(takes_an_item_without_a_status_for_whole_when_another_follows) {
    const std::string list = R"({"id":"l","type":"mcp_list_tools","server_label":"L","tools":[{"name":"t"}]})";
    watched_run run;
    BOOST_TEST(run.read(response("in_progress", list)) == "created in_progress output_item.added ");
    BOOST_TEST(run.read(response("in_progress", list + "," + with_text(""))) == "output_item.done output_item.added ");
}

BOOST_AUTO_TEST_CASE(begins_anew_with_another_response) {
    watched_run run;
    const std::string approval = R"({"id":"mcpr","type":"mcp_approval_request","name":"t","arguments":"{}"})";
    BOOST_TEST(run.read(response("completed", approval)) == "created output_item.added output_item.done completed! ");
    BOOST_TEST(run.read(response("completed", approval)) == "");
    run.take("response.created", R"({"response":{"id":"r2"}})");
    BOOST_TEST(run.read(response("completed", with_text("x", "completed"))) ==
               "output_item.added output_text.delta:x output_item.done completed ");
}

BOOST_AUTO_TEST_CASE(tells_every_end) {
    for (const char* status : {"failed", "incomplete", "cancelled"}) {
        watched_run run;
        BOOST_TEST(run.read(R"({"id":"r","status":")" + std::string(status) +
                            R"(","error":{"code":"c","message":"m"}})") == "created " + std::string(status) + " ");
    }
}

BOOST_AUTO_TEST_CASE(refuses_what_is_no_response) {
    for (const char* text : {"", "[]", "7", "{"})
        BOOST_CHECK_EXCEPTION((void)replay().events_of(text, {}), error,
                              [](const error& e) { return e.code() == errc::bad_response; });
    // Half a response says what it says.
    for (const char* text : {"{}", R"({"status":7,"output":{}})", R"({"output":[7,{"id":7}]})"})
        BOOST_TEST(replay().events_of(text, {}).at(0).name == "response.created");
}

BOOST_AUTO_TEST_CASE(refuses_what_is_nested_too_deep_to_be_written) {
    const std::size_t depth = 200'000;
    const std::string deep = std::string(depth, '[') + std::string(depth, ']');
    BOOST_CHECK_EXCEPTION((void)replay().events_of(response("completed", deep), {}), error,
                          [](const error& met) { return met.code() == errc::bad_response; });
}

BOOST_AUTO_TEST_CASE(a_text_that_was_rewritten_after_it_was_received_elsewhere_has_no_more_deltas) {
    detail::run_progress received;
    received.status.created = received.status.in_progress = true;
    received.items.emplace_back(detail::id_hash("m"), false).begun = true;
    received.items.back().text(codec::text_kind::text, 0).mark.append("Bri");
    watched_run run;
    BOOST_TEST(run.continued(received, response("in_progress", with_text("Br"))) == "");
    BOOST_TEST(run.read(response("in_progress", with_text("Bring a"))) == "output_text.delta:ng a ");
    watched_run other;
    BOOST_TEST(other.continued(received, response("in_progress", with_text("Leave all"))) == "");
    BOOST_TEST(other.read(response("completed", with_text("Leave all of it", "completed"))) ==
               "output_item.done completed ");
}

BOOST_AUTO_TEST_SUITE_END()
