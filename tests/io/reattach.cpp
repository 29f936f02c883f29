// A run's stream that is cut, stalled, reset or ended early at every byte: it goes on as if nothing had happened.
#include "curl/transport.hpp"
#include "emulated.hpp"
#include "fault_proxy.hpp"
#include "handle_access.hpp"
#include "service.hpp"
#include "virtual_time.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace {

using namespace corun;
using namespace corun::test;
using namespace std::chrono_literals;
using emulator::step;

/// The emulated service behind a network that fails where a test says; the library's time is virtual.
struct behind_proxy : emulated {
    behind_proxy() : proxy(io, service->endpoint()) { connect({}); }
    ~behind_proxy() { clock->shut_down(); }

    void connect(client_options settings) {
        owner =
            std::make_shared<detail::service>(io.get_executor(), proxy.endpoint(), credential::bearer(service->token()),
                                              std::move(settings), curl::make_transport(io.get_executor()), clock);
    }

    /// A handle that works by way of the proxy.
    agent by_proxy(const agent& of) const { return detail::handle_access::make<agent>(owner, of.definition().raw); }
    thread by_proxy(const thread& of) const { return detail::handle_access::make<thread>(owner, of.definition().raw); }

    thread new_thread() { return by_proxy(await(io, client->create_thread())); }

    std::size_t count(const std::string& method, const std::string& end) const {
        return static_cast<std::size_t>(
            std::count_if(service->requests().begin(), service->requests().end(),
                          [&](const auto& each) { return each.method == method && each.path.ends_with(end); }));
    }

    std::shared_ptr<manual_clock> clock = std::make_shared<manual_clock>();
    fault_proxy proxy;
    std::shared_ptr<detail::service> owner;
};

/// What a caller makes of a stream.
struct outcome {
    std::vector<event> events;
    std::vector<std::string> names;                ///< Without what repeats, and corun's own.
    std::map<std::string, std::string> texts;      ///< By message, of the deltas.
    std::map<std::string, std::string> arguments;  ///< By call, of the deltas.
    std::string text;
    std::size_t reattached = 0, tokens = 0;
    std::vector<std::error_code> causes;
    std::error_code failure;
};

asio::awaitable<outcome> take_all(asio::awaitable<event_stream> started) {
    outcome all;
    event_stream stream = co_await std::move(started);
    while (auto arrived = co_await stream.next(all.failure)) {
        all.events.push_back(*arrived);
        if (const auto* again = arrived->get_if<reattached>()) {
            ++all.reattached;
            all.causes.push_back(again->cause);
            continue;
        }
        if (const auto* delta = arrived->get_if<text_delta>()) {
            all.texts[std::string(delta->message_id)] += delta->text;
            all.text += delta->text;
            ++all.tokens;
        } else if (const auto* piece = arrived->get_if<tool_call_delta>()) {
            all.arguments[std::string(piece->step_id) + std::to_string(piece->index)] += piece->arguments;
        } else if (!arrived->continues() && all.names.size() < 1000) {
            all.names.emplace_back(arrived->name());
        }
    }
    co_return all;
}

/// The names of its events. How often each comes is not compared: services say several things twice in a stream, and
/// once to who reads the run.
std::set<std::string> kinds_of(const outcome& seen) {
    return std::set<std::string>(seen.names.begin(), seen.names.end());
}

/// How many of each kind of event that must come once for one thing have come more often.
std::size_t repeated(const outcome& seen) {
    std::map<std::string, std::size_t> counts;
    for (const event& each : seen.events) {
        if (const auto* done = each.get_if<message_completed>()) ++counts["message " + done->message.id];
        if (const auto* made = each.get_if<message_created>()) ++counts["created " + made->message.id];
        if (const auto* asked = each.get_if<action_required>()) {
            for (const auto& call : asked->action.function_calls) ++counts["asked " + call.id];
            for (const auto& call : asked->action.mcp_approvals) ++counts["asked " + call.id];
        }
        if (is_terminal(each)) ++counts["end"];
        if (each.get_if<run_created>()) ++counts["run"];
    }
    return static_cast<std::size_t>(
        std::count_if(counts.begin(), counts.end(), [](const auto& each) { return each.second != 1; }));
}

/// A flow of a run, with its answers by handlers.
struct flow {
    std::string name;
    std::vector<step> steps;
    std::size_t responses;  ///< Event streams that it takes.
};

std::vector<flow> flows() {
    return {
        {"text", {step::reply("Grüße, 🚀 \"Welt\"!")}, 1},
        {"function", {step::call_function("get_weather", R"({"city":"Oslo"})"), step::reply("It is {output}.")}, 2},
        {"approval", {step::call_mcp("reserve_seat", R"({"seat":"14A"})"), step::reply("Done: {output}")}, 2},
    };
}

struct world : behind_proxy {
    world() {
        service->options().stored_headers_effective = true;
        mcp->accept_token("fresh");
        travel = by_proxy(make_agent());
        connect(settings());
        travel = detail::handle_access::make<agent>(owner, travel.definition().raw);
    }

    static client_options settings() {
        client_options made;
        made.event_timeout = 10min;
        return made;
    }

    run_options options(bool functions) {
        run_options made;
        if (functions)
            made.functions.emplace_back("get_weather", "The weather.", R"({"type":"object"})",
                                        [this](function_call) -> asio::awaitable<std::string> {
                                            ++calls;
                                            std::string cold = "cold";
                                            co_return cold;
                                        });
        made.on_mcp_approval = [this](mcp_approval_request) -> asio::awaitable<bool> {
            ++approvals;
            bool yes = true;
            co_return yes;
        };
        return made;
    }

    outcome play(const flow& what) {
        service->script("", what.steps);
        service->forget_requests();
        calls = approvals = 0;
        const bool functions = what.name == "function";
        agent with = functions ? plain() : travel;
        const thread in = new_thread();
        mcp_headers headers;
        if (!functions) headers = token("fresh");
        return await(io, *clock, take_all(with.run_stream(in, "Hello", headers, options(functions))));
    }

    agent plain() {
        if (!plain_.definition().id.empty()) return plain_;
        plain_ = by_proxy(make_plain_agent());
        return plain_;
    }

    agent travel, plain_;
    int calls = 0, approvals = 0;
};

/// All of them only where somebody asks: some thousand runs take minutes with sanitizers.
std::size_t stride() {
    return std::getenv("CORUN_EVERY_OFFSET") ? 1 : 401;
}

struct fault_kind {
    const char* name;
    network_fault (*make)();
};
const fault_kind kinds[] = {{"cut", &network_fault::cut},
                            {"reset", &network_fault::reset},
                            {"truncate", &network_fault::truncate},
                            {"stall", &network_fault::stall}};

}  // namespace

BOOST_AUTO_TEST_SUITE(reattach)

BOOST_FIXTURE_TEST_CASE(a_stream_that_breaks_anywhere_gives_what_an_unbroken_one_gives, world) {
    std::size_t tried = 0, lost = 0;
    for (const flow& each : flows()) {
        const outcome whole = play(each);
        BOOST_REQUIRE(!whole.failure);
        BOOST_REQUIRE(whole.reattached == 0u);
        std::vector<fault_proxy::response> streams;
        for (const auto& response : proxy.responses())
            if (response.stream) streams.push_back(response);
        BOOST_REQUIRE(streams.size() >= each.responses);
        streams.erase(streams.begin(), streams.end() - static_cast<std::ptrdiff_t>(each.responses));
        for (std::size_t nth = 0; nth != each.responses; ++nth) {
            for (const fault_kind& kind : kinds) {
                // The first byte of the head, each one about its end, and then all of them or some.
                std::set<std::size_t> offsets;
                for (std::size_t at = 0; at < streams[nth].size; at += stride()) offsets.insert(at);
                for (std::size_t at = 0; at != 4; ++at) offsets.insert(streams[nth].head_size + at);
                for (const std::size_t at : offsets) {
                    const bool in_head = at < streams[nth].head_size;
                    if (std::string(kind.name) == "truncate" && in_head) continue;
                    proxy.inject(kind.make().at(at).nth(nth + 1));
                    const outcome seen = play(each);
                    proxy.forgive();
                    ++tried;
                    lost += seen.reattached;
                    const bool same = !seen.failure && seen.text == whole.text &&
                                      seen.texts.size() == whole.texts.size() && repeated(seen) == 0 &&
                                      calls == (each.name == "function") && approvals == (each.name == "approval") &&
                                      count("POST", "/runs") == 1 && seen.arguments.size() == whole.arguments.size() &&
                                      kinds_of(seen) == kinds_of(whole);
                    BOOST_TEST(same);
                    if (!same) {
                        std::string story;
                        for (const event& one : seen.events) story += std::string(one.name()) + ' ';
                        BOOST_TEST_MESSAGE(each.name << ", " << kind.name << " of response " << nth << " at byte " << at
                                                     << ": " << seen.failure.message() << " text \"" << seen.text
                                                     << "\" repeated " << repeated(seen) << " calls " << calls
                                                     << " approvals " << approvals << " POSTs "
                                                     << count("POST", "/runs") << ": " << story);
                    }
                }
            }
        }
    }
    BOOST_TEST_MESSAGE("offsets tried: " << tried << ", streams found again: " << lost);
    BOOST_TEST(lost > 0u);
}

BOOST_AUTO_TEST_SUITE_END()
