#include "protocol/received_items.hpp"
#include "text/base64.hpp"
#include "values/run_progress.hpp"
#include "wire.hpp"
#include <corun/error.hpp>
#include <corun/json.hpp>
#include <corun/run_position.hpp>

#include <boost/test/unit_test.hpp>

#include <cctype>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace corun;
using codec::text_kind;
using detail::received_item;
using detail::received_text;
using detail::run_progress;

run_progress sample() {
    run_progress progress(protocol::threads);
    progress.status.created = progress.status.queued = progress.status.in_progress = true;
    progress.action = 0x123456789abc;
    progress.taken = 2;
    progress.latest.step = detail::id_hash("step_1");
    progress.latest.events = 1;
    progress.messages.count = 3;
    progress.messages.checksum = 77;
    received_item& step = progress.items.emplace_back(detail::id_hash("step_1"), true);
    step.begun = step.completed = step.lacks_output = true;
    received_item& message = progress.items.emplace_back(detail::id_hash("msg_1"), false);
    message.begun = message.in_progress = true;
    received_text& text = message.text(text_kind::text, 3);
    text.mark.append("Grüße \xEF\xBF\xBD");
    text.annotations = 2;
    message.text(text_kind::refusal, 0).mark.append("No");
    return progress;
}

run_position position_with(run_progress progress) {
    run_position position("run_1", "thread_1", 41);
    position.progress = std::make_shared<const run_progress>(std::move(progress));
    return position;
}

std::string why_not(std::string_view token) {
    try {
        (void)run_position::parse(token);
    } catch (const error& refusal) {
        BOOST_TEST(refusal.code() == errc::invalid_argument);
        return refusal.what();
    }
    return {};
}

/// Another token, whose checksum is right.
std::string with_bytes(std::string bytes) {
    detail::text_mark mark;
    mark.append(bytes);
    for (int i = 0; i != 4; ++i) bytes += static_cast<char>(mark.checksum() >> 8 * i & 255);
    return "corun1." + base64::encode_url(bytes);
}

std::string bytes_of(const std::string& token) {
    const std::string bytes = base64::decode_url(std::string_view(token).substr(7)).value();
    return bytes.substr(0, bytes.size() - 4);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(tokens_of_positions)

BOOST_AUTO_TEST_CASE(a_token_holds_all_of_a_position) {
    const run_position position = position_with(sample());
    const std::string token = position.to_string();
    const run_position again = run_position::parse(token);
    BOOST_TEST(again.run_id == "run_1");
    BOOST_TEST(again.thread_id == "thread_1");
    BOOST_TEST(again.sequence_number.value() == 41);
    BOOST_REQUIRE(again.progress);
    const run_progress &before = *position.progress, &after = *again.progress;
    BOOST_TEST((after.spoken == protocol::threads));
    BOOST_TEST(after.status.created);
    BOOST_TEST(after.status.queued);
    BOOST_TEST(after.status.in_progress);
    BOOST_TEST(!after.status.cancelling);
    BOOST_TEST(after.action == before.action);
    BOOST_TEST(after.taken == 2u);
    BOOST_TEST(after.latest.step == before.latest.step);
    BOOST_TEST(after.latest.events == 1u);
    BOOST_TEST(after.messages.count == 3u);
    BOOST_TEST(after.messages.checksum == 77u);
    BOOST_TEST(after.steps.count == 0u);
    BOOST_REQUIRE(after.items.size() == 2u);
    BOOST_TEST(after.items[0].completed);
    BOOST_TEST(after.items[0].lacks_output);
    BOOST_TEST(!after.items[1].completed);
    BOOST_REQUIRE(after.items[1].texts.size() == 2u);
    const received_text& text = after.items[1].texts[0];
    BOOST_TEST(text.part == 3);
    BOOST_TEST(text.annotations == 2u);
    BOOST_TEST(text.mark.size() == 11u);
    BOOST_TEST(text.mark.units() == 7u);
    BOOST_TEST(text.mark.has_replacements());
    BOOST_TEST(text.mark.checksum() == before.items[1].texts[0].mark.checksum());
    BOOST_TEST(again.to_string() == token);
}

BOOST_AUTO_TEST_CASE(a_position_of_ids_alone_has_a_token_too) {
    const run_position again = run_position::parse(run_position("resp_1").to_string());
    BOOST_TEST(again.run_id == "resp_1");
    BOOST_TEST(again.thread_id == "");
    BOOST_TEST(!again.sequence_number.has_value());
    BOOST_TEST(!again.progress);
}

BOOST_AUTO_TEST_CASE(a_position_goes_through_json) {
    const nlohmann::json object = to_json(position_with(sample()));
    BOOST_TEST(object.at("run_id") == "run_1");
    BOOST_TEST(object.get<run_position>().to_string() == position_with(sample()).to_string());
    // What is written by hand has no token.
    BOOST_TEST(!to_json(run_position("run_2")).contains("token"));
    BOOST_TEST(nlohmann::json::parse(R"({"run_id":"run_2","thread_id":"t"})").get<run_position>().thread_id == "t");
}

BOOST_AUTO_TEST_CASE(a_token_is_printable_and_holds_no_text) {
    run_progress progress = sample();
    progress.items[1].text(text_kind::text, 0).mark.append("the secret of the message");
    const std::string token = position_with(progress).to_string();
    for (const char c : token)
        BOOST_TEST((std::isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '-' || c == '_'));
    BOOST_TEST(bytes_of(token).find("secret") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(complete_items_that_do_not_fit_are_counted) {
    run_progress progress(protocol::responses);
    progress.status.created = true;
    std::uint64_t checksum = 0;
    for (int i = 0; i != 300; ++i) {
        const std::string id = "item_" + std::to_string(i);
        const auto decoded = test::decode("thread.message.completed", R"({"id":")" + id + R"(","content":[]})");
        BOOST_REQUIRE(progress.observe(decoded.events.at(0)));
    }
    BOOST_TEST(progress.items.size() <= 128u);
    const std::string token = position_with(progress).to_string();
    BOOST_TEST(token.size() <= run_position::max_token);
    const run_position again = run_position::parse(token);
    BOOST_TEST(again.progress->messages.count + again.progress->items.size() == 300u);
    BOOST_TEST(again.progress->items.size() > 60u);
    for (std::uint64_t i = 0; i != again.progress->messages.count; ++i)
        checksum += detail::id_hash("item_" + std::to_string(i));
    BOOST_TEST(again.progress->messages.checksum == (checksum & ((std::uint64_t{1} << 48) - 1)));
}

BOOST_AUTO_TEST_CASE(what_cannot_be_counted_must_fit) {
    run_progress progress;
    progress.status.created = true;
    for (int i = 0; i != 30; ++i)
        progress.items.emplace_back(i, true).text(text_kind::arguments, 0).mark.append(std::string(5000, 'x'));
    BOOST_TEST(position_with(progress).to_string().size() <= run_position::max_token);
    for (int i = 0; i != 30; ++i)
        progress.items.emplace_back(100 + i, true).text(text_kind::arguments, 0).mark.append("x");
    const auto names = [](const char* part) {
        return [part](const error& refusal) {
            return refusal.code() == errc::invalid_argument &&
                   std::string(refusal.what()).find(part) != std::string::npos;
        };
    };
    BOOST_CHECK_EXCEPTION((void)position_with(progress).to_string(), error, names("(60) are not complete"));
    BOOST_CHECK_EXCEPTION((void)run_position(std::string(900, 'i')).to_string(), error, names("ids are too long"));
    BOOST_TEST(run_position(std::string(600, 'i')).to_string().size() <= run_position::max_token);
    BOOST_CHECK_EXCEPTION((void)run_position().to_string(), error, names("names no run"));
}

BOOST_AUTO_TEST_CASE(what_is_no_token_is_refused) {
    const std::string token = position_with(sample()).to_string();
    BOOST_TEST(why_not("").find("empty") != std::string::npos);
    BOOST_TEST(why_not("hello").find("does not begin with \"corun1.\"") != std::string::npos);
    BOOST_TEST(why_not("corun2." + token.substr(7)).find("another version") != std::string::npos);
    BOOST_TEST(why_not("corun1.").find("cut off") != std::string::npos);
    BOOST_TEST(why_not(token + std::string(2000, 'A')).find("more than 1024") != std::string::npos);
    BOOST_TEST(why_not(token + "\n").find("damaged") != std::string::npos);
    for (std::size_t size = 7; size != token.size(); ++size) BOOST_TEST(why_not(token.substr(0, size)) != "");
    for (std::size_t i = 7; i != token.size(); ++i) {
        std::string damaged = token;
        damaged[i] = damaged[i] == 'A' ? 'B' : 'A';
        BOOST_TEST(why_not(damaged) != "");
    }
}

BOOST_AUTO_TEST_CASE(forged_tokens_do_no_harm) {
    const std::string bytes = bytes_of(position_with(sample()).to_string());
    std::size_t read = 0;
    const auto try_bytes = [&read](const std::string& forged) {
        const std::string token = with_bytes(forged);
        if (!why_not(token).empty()) return;
        // What is read is written so that it is read again.
        const run_position position = run_position::parse(token);
        BOOST_TEST(run_position::parse(position.to_string()).run_id == position.run_id);
        ++read;
    };
    for (std::size_t size = 0; size <= bytes.size(); ++size) try_bytes(bytes.substr(0, size));
    for (std::size_t i = 0; i != bytes.size(); ++i)
        for (int value = 0; value != 256; ++value) {
            std::string forged = bytes;
            forged[i] = static_cast<char>(value);
            try_bytes(forged);
        }
    BOOST_TEST(read > 100u);
    // Counts that are larger than anything, and texts that are not there.
    try_bytes(std::string("\x02\x01\x01r\x00", 5) + std::string(60, '\xff'));
    try_bytes(std::string("\x00\x01\xff\xff\xff\xff\xff\xff\xff\xff\x7f", 11));
}

BOOST_AUTO_TEST_SUITE_END()

namespace {

struct reading {
    /// Reads an event of the threads protocol.
    reading& read(std::string_view name, const std::string& data) {
        for (const event& each : test::decode(decoder, name, data).events) (void)progress.observe(each);
        progress.event_ended({});
        return *this;
    }
    reading& run(const std::string& status, const std::string& more = {}) {
        return read("thread.run." + status,
                    R"({"id":"run_1","thread_id":"t","status":")" + status + R"(","assistant_id":"a")" + more + "}");
    }

    codec::threads::decoder decoder;
    run_progress progress;
};

constexpr const char* waiting = R"(,"required_action":{"type":"submit_tool_outputs","submit_tool_outputs":{
    "tool_calls":[{"id":"call_1","type":"function","function":{"name":"f","arguments":"{}"}}]}})";

using codec::listed_item;

run_progress with_items(const std::vector<const char*>& ids) {
    run_progress progress;
    for (const char* const id : ids) progress.items.emplace_back(detail::id_hash(id), true).completed = true;
    return progress;
}

std::string found(const run_progress& progress, const std::vector<listed_item>& list) {
    std::string all;
    for (const auto& each : codec::find_received(progress, list)) all += each ? each->completed ? 'c' : 'b' : '-';
    return all;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(progress_of_runs)

BOOST_AUTO_TEST_CASE(a_status_counts_until_the_run_is_answered) {
    reading all;
    all.run("created").run("queued").run("in_progress").run("requires_action", waiting);
    BOOST_TEST(all.progress.status.queued);
    BOOST_TEST(all.progress.action != 0u);
    all.read("thread.message.created", R"({"id":"msg_1","status":"in_progress","content":[]})");
    BOOST_TEST(all.progress.action == 0u);
    BOOST_TEST(all.progress.status.created);
    BOOST_TEST(!all.progress.status.queued);
    BOOST_TEST(!all.progress.status.in_progress);
    all.run("requires_action", waiting).run("queued");
    BOOST_TEST(all.progress.status.queued);
    BOOST_TEST(!all.progress.status.in_progress);
    BOOST_TEST(all.progress.action == 0u);
}

BOOST_AUTO_TEST_CASE(another_run_begins_anew) {
    reading all;
    all.run("created").read("thread.message.created", R"({"id":"msg_1","status":"in_progress","content":[]})");
    BOOST_TEST(all.progress.items.size() == 1u);
    all.read("thread.run.created", R"({"id":"run_2","thread_id":"t","status":"queued","assistant_id":"a"})");
    BOOST_TEST(all.progress.run_id == "run_2");
    BOOST_TEST(all.progress.items.empty());
}

BOOST_AUTO_TEST_CASE(numbers_count_while_every_event_has_one) {
    run_progress progress;
    progress.event_ended(4);
    BOOST_TEST(progress.number.value() == 4);
    progress.event_ended({});
    progress.event_ended(6);
    BOOST_TEST(!progress.number.has_value());
}

BOOST_AUTO_TEST_CASE(items_are_found_by_their_ids) {
    const run_progress progress = with_items({"a", "b", "c"});
    BOOST_TEST(found(progress, {{"c", true}, {"x", true}, {"a", true}, {"b", false}}) == "c-c-");
    BOOST_TEST(found(run_progress(), {{"a", true}}) == "-");
}

BOOST_AUTO_TEST_CASE(items_of_a_service_that_names_them_anew_are_found_by_their_order) {
    const run_progress progress = with_items({"a", "b"});
    BOOST_TEST(found(progress, {{"x", true}, {"m", false}, {"y", true}, {"z", true}}) == "c-c-");
}

BOOST_AUTO_TEST_CASE(items_that_are_counted_are_the_first_of_the_others) {
    run_progress progress = with_items({"a", "b", "c"});
    BOOST_REQUIRE(progress.count_oldest());
    BOOST_REQUIRE(progress.count_oldest());
    BOOST_TEST(progress.steps.count == 2u);
    BOOST_TEST(found(progress, {{"b", true}, {"a", true}, {"m", false}, {"c", true}, {"d", true}}) == "cc-c-");
    const auto refused = [&progress](const std::vector<listed_item>& list) {
        try {
            (void)codec::find_received(progress, list);
        } catch (const error& refusal) {
            return refusal.code() == errc::bad_response;
        }
        return false;
    };
    BOOST_TEST(refused({{"a", true}, {"c", true}}));
    BOOST_TEST(refused({{"a", true}, {"x", true}, {"c", true}}));
}

BOOST_AUTO_TEST_SUITE_END()
