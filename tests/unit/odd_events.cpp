// Every member of every event of whole streams, with values of another JSON type: what becomes of the run.
#include "protocol/responses/codec.hpp"
#include "protocol/threads/codec.hpp"
#include "wire.hpp"
#include <corun/event.hpp>
#include <corun/sse/parser.hpp>

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <fstream>
#include <iostream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace corun;
using namespace corun::test;
using codec::event_class;
using json = nlohmann::ordered_json;

struct arrival {
    std::string name, data;
};

std::vector<arrival> stream_of(const std::string& file) {
    std::ifstream in(CORUN_TEST_DATA "/" + file, std::ios::binary);
    if (!in) throw std::runtime_error(file + " cannot be read");
    const std::string bytes{std::istreambuf_iterator<char>(in), {}};
    sse::parser parser;
    std::vector<arrival> events;
    parser.feed(bytes);
    while (const sse::event* each = parser.next()) events.push_back({std::string(each->type), std::string(each->data)});
    return events;
}

/// The codec of one run, without its stream. A copy goes on from where it is.
struct threads_run {
    codec::threads::decoder decoder;

    [[nodiscard]] threads_run fork() const { return {decoder.fork()}; }
    event_class classify(const arrival& each) { return codec::threads::classify(each.name, each.data); }
};
struct responses_run {
    codec::responses::decoder decoder;
    codec::responses::pending_calls seen;

    [[nodiscard]] responses_run fork() const { return {decoder.fork(), seen}; }
    event_class classify(const arrival& each) {
        seen.observe(each.name, each.data);
        return codec::responses::classify(each.name, each.data, seen);
    }
};

/// What a caller gets of a run.
struct outcome {
    std::vector<std::string> texts;
    std::string end;  ///< The name of the event that ends it; empty when none does.
    std::vector<std::string> problems;
};

template <class Run>
void receive(Run& run, const arrival& each, outcome& so_far) {
    if (!so_far.end.empty()) return;
    const event_class kind = run.classify(each);
    if (kind == event_class::end_of_stream) return;
    const decoded result = decode(run.decoder, each.name, each.data);
    BOOST_REQUIRE_MESSAGE(!result.code, each.name << ": " << result.problem);
    for (const event& one : result.events) {
        BOOST_REQUIRE(one.raw() == each.data);
        if (const auto* delta = one.get_if<events::text_delta>()) so_far.texts.emplace_back(delta->text);
        if (!one.problem().empty() && !one.continues()) so_far.problems.emplace_back(one.problem());
    }
    if (kind == event_class::last || kind == event_class::action) {
        BOOST_REQUIRE(kind == event_class::action ? result.events.back().get_if<events::action_required>() != nullptr
                                                  : is_terminal(result.events.back()));
        so_far.end = std::to_string(result.events.back().index());
    }
}

/// Calls `use` with a place in the document for each member and element of it.
template <class Use>
void each_place(const json& document, const json::json_pointer& here, const Use& use) {
    if (document.is_object())
        for (const auto& [key, value] : document.items()) {
            use(here / key);
            each_place(value, here / key, use);
        }
    if (document.is_array())
        for (std::size_t i = 0; i != document.size(); ++i) {
            use(here / i);
            each_place(document[i], here / i, use);
        }
}

/// The document with each other type at `place`, and without it.
std::vector<std::string> variants_at(const json& document, const json::json_pointer& place) {
    std::vector<std::string> variants;
    for (const char* odd : {"null", R"("text")", "7", "[]", "{}"}) {
        json changed = document;
        changed[place] = json::parse(odd);
        if (changed != document) variants.push_back(changed.dump());
    }
    json changed = document;
    json& parent = changed[place.parent_pointer()];
    if (parent.is_object())
        parent.erase(place.back());
    else
        parent.erase(parent.begin() + std::stoi(place.back()));
    variants.push_back(changed.dump());
    return variants;
}

struct tally {
    std::size_t tried = 0, dead = 0, ended_otherwise = 0, invented = 0, with_problem = 0;
};

/// A member that names a text may cost it, but no text appears that the stream does not have.
bool is_part_of(const std::vector<std::string>& texts, const std::vector<std::string>& whole) {
    std::string all;
    for (const std::string& each : whole) all += each;
    return std::all_of(texts.begin(), texts.end(),
                       [&](const std::string& text) { return text == "text" || all.find(text) != std::string::npos; });
}

template <class Run>
void try_all(const std::string& file, bool with_names, tally& all) {
    std::vector<arrival> stream = stream_of(file);
    if (!with_names)
        for (arrival& each : stream) each.name = "message";
    outcome good;
    Run of_good;
    for (const arrival& each : stream) receive(of_good, each, good);
    BOOST_REQUIRE(!good.end.empty());
    BOOST_REQUIRE(good.problems.empty());

    Run before;
    outcome of_before;
    for (std::size_t i = 0; i != stream.size() && of_before.end.empty(); ++i) {
        const json document = json::parse(stream[i].data, nullptr, false);
        if (document.is_structured())
            each_place(document, json::json_pointer(), [&](const json::json_pointer& place) {
                for (const std::string& data : variants_at(document, place)) {
                    Run run = before.fork();
                    outcome here = of_before;
                    receive(run, {stream[i].name, data}, here);
                    for (std::size_t next = i + 1; next != stream.size(); ++next) receive(run, stream[next], here);
                    ++all.tried;
                    all.dead += here.end.empty();
                    all.ended_otherwise += !here.end.empty() && here.end != good.end;
                    all.invented += !is_part_of(here.texts, good.texts);
                    all.with_problem += !here.problems.empty();
                    if (here.end != good.end)
                        BOOST_TEST_MESSAGE(file << (here.end.empty() ? " dies of " : " ends otherwise by ") << place
                                                << " in " << stream[i].name << ": " << data.substr(0, 200));
                }
            });
        receive(before, stream[i], of_before);
    }
}

void report(const char* protocol, const tally& all) {
    std::cout << protocol << ": " << all.tried << " streams with a member of an odd type: " << all.dead
              << " do not reach their end, " << all.ended_otherwise << " end in another way, " << all.invented
              << " invent a text; " << all.with_problem << " report a problem\n";
    BOOST_TEST(all.tried > 2'000u);
    BOOST_TEST(all.dead == 0u);
    BOOST_TEST(all.ended_otherwise == 0u);
    BOOST_TEST(all.invented == 0u);
    BOOST_TEST(all.with_problem > all.tried / 100);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(odd_events)

BOOST_AUTO_TEST_CASE(cost_no_run_of_the_threads_protocol) {
    tally all;
    for (const char* file : {"text.sse", "function_1.sse", "mcp_1.sse", "mcp_2.sse", "failed.sse"})
        BOOST_TEST_CONTEXT(file) try_all<threads_run>(file, true, all);
    report("threads", all);
}

BOOST_AUTO_TEST_CASE(cost_no_run_of_the_responses_protocol) {
    tally all;
    for (const char* file : {"text.sse", "function_1.sse", "mcp_1.sse", "mcp_2.sse"})
        BOOST_TEST_CONTEXT(file) try_all<responses_run>("responses/" + std::string(file), true, all);
    report("responses", all);
}

/// Without names, an event whose `type` is lost is anything; if it is the last, nothing ends the run.
BOOST_AUTO_TEST_CASE(cost_hardly_a_run_whose_events_have_no_names) {
    tally all;
    for (const char* file : {"text.sse", "function_1.sse"})
        BOOST_TEST_CONTEXT(file) try_all<responses_run>("responses/" + std::string(file), false, all);
    report("responses without names", all);
}

BOOST_AUTO_TEST_SUITE_END()
