// A run that one client begins and another one continues, exactly where the first one stopped.
#include "application.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <map>
#include <sstream>
#include <string>
#include <vector>

namespace {

using namespace corun;
using namespace corun::test;
using emulator::fault;
using emulator::step;

/// One thing that an event says. Pieces of one text are joined.
struct statement {
    std::string name, text;
    bool operator==(const statement& other) const = default;
    friend std::string to_string(const statement& one) {
        return one.name + (one.text.empty() ? "" : " \"" + one.text + '"');
    }
};

/// What events say, with numbers in place of ids.
class transcript {
public:
    /// `streamed`: the rest is streamed as well, and shows how things came about.
    transcript(bool streamed, bool has_statuses) : streamed_(streamed), has_statuses_(has_statuses) {}

    void add(const event& arrived) { arrived.visit(*this); }

    void operator()(const events::text_delta& e) { add_piece("text", e.message_id, e.content_index, e.text); }
    void operator()(const events::refusal_delta& e) { add_piece("refusal", e.message_id, e.content_index, e.text); }
    void operator()(const events::reasoning_delta& e) {
        add_piece(e.summary ? "summary" : "reasoning", e.item_id, e.content_index, e.text);
    }
    void operator()(const events::tool_call_delta& e) {
        if (e.output.empty() || streamed_) add_piece("arguments", e.step_id, e.index, e.arguments);
        if (streamed_) add_piece("output", e.step_id, e.index, e.output);
    }
    void operator()(const events::thread_created&) { add("thread_created"); }
    void operator()(const events::run_created&) { add("run_created"); }
    void operator()(const events::run_status& e) {
        if (has_statuses_) add("run_status " + e.status_text);
    }
    void operator()(const events::message_created& e) { add("message_created", e.message.id); }
    void operator()(const events::message_in_progress& e) {
        if (has_statuses_) add("message_in_progress", e.message.id);
    }
    void operator()(const events::message_completed& e) { add("message_completed", e.message.id); }
    void operator()(const events::step_created& e) { add("step_created", e.step.id); }
    void operator()(const events::step_in_progress& e) {
        if (streamed_) add("step_in_progress", e.step.id);
    }
    void operator()(const events::step_completed& e) {
        std::size_t outputs = 0;
        for (const tool_call& call : e.step.tool_calls) outputs += call.output ? 1 : 0;
        add("step_completed " + std::to_string(outputs), e.step.id);
    }
    void operator()(const events::mcp_tools_listed& e) { add("mcp_tools_listed " + e.list.server_label, e.step_id); }
    void operator()(const events::mcp_call& e) { add("mcp_call " + e.call.output.value_or("none"), e.step_id); }
    void operator()(const events::annotation& e) {
        // Who reads a response finds them in its messages.
        if (has_statuses_) add("annotation " + std::to_string(e.index) + ' ' + e.value.text, e.message_id);
    }
    void operator()(const events::action_required& e) {
        for (const function_call& call : e.action.function_calls) add("action " + call.name, call.id);
        for (const mcp_approval_request& call : e.action.mcp_approvals) add("approval " + call.name, call.id);
    }
    void operator()(const events::run_completed&) { add("run_completed"); }
    void operator()(const events::part_completed& e) {
        if (streamed_) add("part_completed " + std::string(e.type), e.item_id);
    }
    void operator()(const events::unknown&) {
        if (streamed_) add("unknown");
    }
    void operator()(const events::reattached&) {}
    template <class Other>
    void operator()(const Other&) {
        add("another");
    }

    std::vector<statement> statements;

private:
    std::string number_of(std::string_view id) {
        return '#' + std::to_string(ids_.emplace(std::string(id), ids_.size()).first->second);
    }
    void add(std::string name) { statements.push_back({std::move(name), {}}); }
    void add(std::string name, std::string_view id) { add(std::move(name) + ' ' + number_of(id)); }
    void add_piece(std::string name, std::string_view id, std::int32_t part, std::string_view text) {
        if (text.empty()) return;
        name += ' ' + number_of(id) + '.' + std::to_string(part);
        if (statements.empty() || statements.back().name != name) add(name);
        statements.back().text += text;
    }

    bool streamed_, has_statuses_;
    std::map<std::string, std::size_t> ids_;
};

struct rich_run : application {
    explicit rich_run(way what) : application(what) {
        const function_tool weather("get_weather", "The weather.", R"({"type":"object","properties":{}})");
        desk = make("weather-desk", {mcp_tool("bookings", mcp->url()), weather});
    }

    void prepare() {
        service->script("", {step::reasoning("Let me think"), step::reply("Grüße, 🚀 \"Welt\"!"),
                             step::call_mcp("reserve_seat", R"({"seat":"14A"})"),
                             step::message(R"([{"type":"text","text":{"value":"Seat [1] and [2].","annotations":[
                                 {"type":"url_citation","text":"[1]","start_index":5,"end_index":8,
                                  "url_citation":{"url":"https://one.example","title":"One"}},
                                 {"type":"url_citation","text":"[2]","start_index":13,"end_index":16,
                                  "url_citation":{"url":"https://two.example","title":"Two"}}]}}])"),
                             step::call_function("get_weather", R"({"city":"Oslo"})"), step::reply("It is {output}.")});
    }

    run_options by_hand() const {
        run_options options = usual();
        options.answers_by_hand = true;
        options.on_abandon = abandoned_run::goes_on;
        return options;
    }

    static submission answers_to(const required_action& action) {
        submission answers;
        for (const function_call& call : action.function_calls) answers.output(call.id, call_output("cold"));
        for (const mcp_approval_request& call : action.mcp_approvals) answers.approve(call.id);
        return answers;
    }

    /// So many events at most; answers what the run waits for if more are wanted.
    std::vector<event> take_some(event_stream& stream, std::size_t most) {
        std::vector<event> events;
        while (events.size() != most) {
            auto arrived = stream.try_next();
            if (!arrived) arrived = wait(stream.next());
            if (arrived) {
                events.push_back(std::move(*arrived));
            } else if (stream.waits_for_answers()) {
                wait(stream.submit(answers_to(action_in(events))));
            } else {
                break;
            }
        }
        return events;
    }

    static required_action action_in(const std::vector<event>& events) {
        required_action action;
        for (const event& each : events)
            if (const auto* const asked = each.get_if<events::action_required>()) action = asked->action;
        return action;
    }

    event_stream begin() {
        prepare();
        return wait(desk.run_stream(new_thread(), "Hi there", headers("fresh"), by_hand()));
    }

    [[nodiscard]] std::vector<statement> said_by(const std::vector<event>& first,
                                                 const std::vector<event>& second = {}) const {
        const bool streamed = speaks.in_background && !reads;
        transcript all(streamed, has_runs || streamed);
        for (const event& each : first) all.add(each);
        for (const event& each : second) all.add(each);
        return all.statements;
    }

    /// Begins a run, leaves it after `count` events, and continues it from a token with another client.
    std::vector<statement> continued_after(std::size_t count) {
        std::vector<event> first;
        std::string token;
        use({});
        {
            event_stream stream = begin();
            first = take_some(stream, count);
            token = stream.position().to_string();
        }
        BOOST_TEST(token.size() <= run_position::max_token);
        use({});
        if (reads) service->inject(fault::omit("response.output_text.delta").on("GET", "/openai/v1/responses/*"));
        event_stream stream = attached(token);
        return said_by(first, take_some(stream, std::string::npos));
    }

    event_stream attached(const std::string& token) {
        return wait(desk.attach_stream(run_position::parse(token), headers("fresh"), by_hand()));
    }

    static std::string difference(const std::vector<statement>& seen, const std::vector<statement>& expected) {
        std::ostringstream text;
        for (std::size_t i = 0; i != std::max(seen.size(), expected.size()); ++i) {
            const std::string one = i < seen.size() ? to_string(seen[i]) : "";
            const std::string other = i < expected.size() ? to_string(expected[i]) : "";
            if (one != other) text << '\n' << i << ": " << one << " instead of " << other;
        }
        return text.str();
    }

    void check_every(std::size_t distance) {
        event_stream stream = begin();
        const std::vector<event> whole = take_some(stream, std::string::npos);
        BOOST_REQUIRE(whole.size() > 30);
        for (std::size_t count = 1; count <= whole.size(); count += distance) {
            // What a run waits for, and how it ended, is reported again.
            std::vector<event> expected(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(count));
            const event latest = expected.back();
            const bool again = latest.get_if<events::action_required>() || is_terminal(latest);
            if (again) expected.push_back(latest);
            const std::vector<event> rest(whole.begin() + static_cast<std::ptrdiff_t>(count), whole.end());
            BOOST_TEST_CONTEXT("after " << count << ", " << latest.name()) {
                const auto seen = continued_after(count);
                BOOST_TEST(difference(seen, said_by(expected, rest)) == "");
            }
        }
    }

    bool reads = false;  ///< The streams that continue runs lack something, so the runs are read.
};

}  // namespace

#define OF_A_RICH_RUN(name)                         \
    struct name : rich_run {                        \
        using rich_run::rich_run;                   \
        void test();                                \
    };                                              \
    BOOST_AUTO_TEST_SUITE(name##_in)                \
    BOOST_AUTO_TEST_CASE(threads) {                 \
        name({protocol::threads, false}).test();    \
    }                                               \
    BOOST_AUTO_TEST_CASE(responses) {               \
        name({protocol::responses, false}).test();  \
    }                                               \
    BOOST_AUTO_TEST_CASE(responses_in_background) { \
        name({protocol::responses, true}).test();   \
    }                                               \
    BOOST_AUTO_TEST_SUITE_END()                     \
    void name::test()

BOOST_AUTO_TEST_SUITE(run_positions)

OF_A_RICH_RUN(a_run_that_went_on_meanwhile_is_continued_exactly) {
    check_every(3);
}

OF_A_RICH_RUN(a_run_is_continued_exactly_after_each_event) {
    service->options().stage_a_read = true;
    check_every(1);
}

OF_A_RICH_RUN(a_stream_that_is_no_use_is_replaced_by_reading_the_run) {
    if (!speaks.in_background) return;
    reads = true;
    check_every(1);
}

OF_A_RICH_RUN(each_of_many_clients_continues_where_the_one_before_it_stopped) {
    service->options().stage_a_read = true;
    event_stream uninterrupted = begin();
    const std::vector<event> whole = take_some(uninterrupted, std::string::npos);
    std::vector<event> all;
    std::string token;
    {
        event_stream stream = begin();
        all = take_some(stream, 2);
        token = stream.position().to_string();
    }
    for (int clients = 0; clients != 100 && !is_terminal(all.back()); ++clients) {
        use({});
        event_stream stream = attached(token);
        std::vector<event> part = take_some(stream, 2);
        // An action would be reported again.
        if (!part.empty() && part.back().get_if<events::action_required>()) {
            wait(stream.submit(answers_to(action_in(part))));
            const std::vector<event> next = take_some(stream, 1);
            part.insert(part.end(), next.begin(), next.end());
        }
        all.insert(all.end(), part.begin(), part.end());
        token = stream.position().to_string();
    }
    BOOST_TEST(difference(said_by(all), said_by(whole)) == "");
}

OF_A_RICH_RUN(events_of_a_batch_count_when_it_is_returned) {
    std::vector<event> all;
    std::string token;
    {
        event_stream stream = begin();
        while (!find<events::text_delta>(all)) {
            const auto batch = wait(stream.next_batch());
            all.insert(all.end(), batch.begin(), batch.end());
        }
        token = stream.position().to_string();
    }
    use({});
    event_stream stream = attached(token);
    const std::vector<event> rest = take_some(stream, std::string::npos);
    BOOST_TEST(text_of(all) + text_of(rest) == "Grüße, 🚀 \"Welt\"!Seat [1] and [2].It is cold.");
    BOOST_TEST(count_of<events::run_completed>(all) + count_of<events::run_completed>(rest) == 1u);
}

OF_A_RICH_RUN(an_action_that_was_answered_meanwhile_is_not_reported_in_a_run_that_goes_on) {
    event_stream stream = begin();
    std::vector<event> first;
    while (first.empty() || !first.back().get_if<events::action_required>()) {
        const std::vector<event> one = take_some(stream, 1);
        first.insert(first.end(), one.begin(), one.end());
    }
    std::string token = stream.position().to_string();
    const std::string run_id = stream.run_id();
    wait(stream.submit(answers_to(action_in(first))));
    if (!has_runs) {
        // The answer is a response of its own. Its first event has arrived, and is not taken.
        run_until(io, [&] { return stream.run_id() != run_id; });
        token = stream.position().to_string();
        BOOST_TEST(run_position::parse(token).run_id == stream.run_id());
    }
    const std::vector<event> rest = take_some(stream, std::string::npos);
    use({});
    event_stream other = attached(token);
    std::vector<event> second;
    while (auto arrived = wait(other.next())) second.push_back(std::move(*arrived));
    BOOST_TEST(text_of(first) == "Grüße, 🚀 \"Welt\"!");
    BOOST_TEST(text_of(second) == (has_runs ? "Seat [1] and [2].It is cold." : "Seat [1] and [2]."));
    BOOST_TEST(count_of<events::run_status>(second) == (has_runs || speaks.in_background ? 2u : 0u));
    // The other action is the end of its response, and the run waits for none any more.
    BOOST_TEST(count_of<events::action_required>(second) == (has_runs ? 0u : 1u));
}

OF_A_RICH_RUN(a_run_of_more_items_than_fit_is_continued) {
    std::vector<step> steps;
    for (int i = 0; i != 160; ++i) steps.push_back(step::reply("part " + std::to_string(i)));
    service->script("many", steps);
    event_stream uninterrupted = wait(plain.run_stream(new_thread(), "many", {}, by_hand()));
    const std::vector<event> whole = take_some(uninterrupted, std::string::npos);
    for (const bool streamed : {true, false}) {
        reads = !streamed;
        if (reads && !speaks.in_background) continue;
        std::vector<event> first;
        run_position position;
        use({});
        {
            event_stream stream = wait(plain.run_stream(new_thread(), "many", {}, by_hand()));
            first = take_some(stream, whole.size() * 9 / 10);
            position = run_position::parse(stream.position().to_string());
        }
        use({});
        // Without a number, the response is read.
        if (reads) position.sequence_number.reset();
        event_stream stream = wait(plain.attach_stream(position, by_hand()));
        BOOST_TEST(difference(said_by(first, take_some(stream, std::string::npos)), said_by(whole)) == "");
    }
}

OF_A_RICH_RUN(a_position_of_the_other_protocol_is_refused) {
    event_stream stream = begin();
    (void)take_some(stream, 4);
    const run_position position = stream.position();
    use({});
    const protocol other = has_runs ? protocol::responses : protocol::threads;
    application there({other, false});
    const error refusal = failure_of(io, [&] { return there.plain.attach_stream(position); });
    BOOST_TEST(refusal.code() == errc::invalid_argument);
    const std::string expected = has_runs ? "is one of the threads protocol" : "is one of the Responses protocol";
    BOOST_TEST(std::string(refusal.what()).find(expected) != std::string::npos, refusal.what());
    BOOST_TEST(there.service->requests().empty());
}

BOOST_AUTO_TEST_SUITE_END()
