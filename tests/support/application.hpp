#pragma once
#include "behind_proxy.hpp"
#include "client/protocols.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

/// What an application relies on in whichever protocol its client speaks, and what tests of that need.
namespace corun::test {

/// How the tests' applications differ.
struct way {
    protocol spoken;
    bool in_background;  ///< Which only the Responses protocol has.
};

/// How often each kind of event that must come once for one thing has come more often or not at all.
inline std::size_t repeated(const outcome& seen) {
    std::map<std::string, std::size_t> counts;
    for (const event& each : seen.events) {
        if (const auto* done = each.get_if<events::message_completed>()) ++counts["message " + done->message.id];
        if (const auto* made = each.get_if<events::message_created>()) ++counts["created " + made->message.id];
        if (const auto* made = each.get_if<events::run_created>()) ++counts["run " + std::string(made->run_id)];
        if (const auto* asked = each.get_if<events::action_required>()) {
            for (const auto& call : asked->action.function_calls) ++counts["asked " + call.id];
            for (const auto& call : asked->action.mcp_approvals) ++counts["asked " + call.id];
        }
        if (is_terminal(each)) ++counts["end"];
    }
    return static_cast<std::size_t>(
        std::count_if(counts.begin(), counts.end(), [](const auto& each) { return each.second != 1; }));
}

/// What its events say, by name. How often each says it is not compared: services say several things twice in a stream,
/// and once to who reads the run.
inline std::set<std::string> kinds_of(const outcome& seen) {
    return std::set<std::string>(seen.names.begin(), seen.names.end());
}

/// The same by type, without what tells of progress only: who reads a response sees what it holds, and not how that
/// came about.
inline std::set<std::size_t> things_said(const outcome& seen) {
    std::set<std::size_t> types;
    for (const event& each : seen.events) {
        const bool is_progress = each.get_if<events::run_status>() || each.get_if<events::message_in_progress>() ||
                                 each.get_if<events::step_in_progress>() || each.get_if<events::part_completed>() ||
                                 each.get_if<events::unknown>() || each.get_if<events::reattached>();
        if (!is_progress) types.insert(each.index());
    }
    return types;
}

/// A flow of a run, with its answers by handlers.
struct flow {
    const char* name;
    std::vector<emulator::step> steps;
    std::size_t streams;  ///< That it takes.
    bool calls_functions, asks_for_approval;
};
inline std::vector<flow> flows() {
    using emulator::step;
    return {
        {"text", {step::reply("Grüße, 🚀 \"Welt\"!")}, 1, false, false},
        {"function",
         {step::call_function("get_weather", R"({"city":"Oslo"})"), step::reply("It is {output}.")},
         2,
         true,
         false},
        {"approval",
         {step::call_mcp("reserve_seat", R"({"seat":"14A"})"), step::reply("Done: {output}")},
         2,
         false,
         true},
    };
}

/// An application behind a network that fails where a test says; the library's time is virtual.
struct application : behind_proxy {
    explicit application(way what) : speaks(what), has_runs(what.spoken == protocol::threads) {
        service->options().stored_headers_effective = true;
        mcp->accept_token(planted_secret("fresh"));
        client_options direct = searched();
        direct.protocol = speaks.spoken;
        client.emplace(io.get_executor(), service->endpoint(), credential::bearer(service->token()), direct);
        use({});
        desk = make("desk", {mcp_tool("bookings", mcp->url())});
        plain = make("plain", {});
        service->forget_requests();
    }

    /// From here on with other settings.
    void use(client_options settings) {
        settings.protocol = speaks.spoken;
        if (settings.event_timeout == client_options().event_timeout) settings.event_timeout = std::chrono::minutes(10);
        owner = detail::make_api_client(io.get_executor(), endpoint, credential::bearer(service->token()),
                                        std::move(settings), curl::make_transport(io.get_executor(), network), clock);
        if (!desk.id().empty()) desk = by_proxy(desk);
        if (!plain.id().empty()) plain = by_proxy(plain);
    }

    agent by_proxy(const agent& of) const {
        return detail::handle_access::make<agent>(owner, has_runs ? of.definition().raw : of.prompt_definition().raw);
    }

    agent make(std::string name, std::vector<tool> tools) {
        agent_definition definition("gpt-4o");
        definition.name = std::move(name);
        definition.instructions = "Answer travel questions.";
        definition.tools = std::move(tools);
        return by_proxy(await(io, client->create_agent(std::move(definition))));
    }

    agent_thread new_thread() { return behind_proxy::by_proxy(await(io, client->create_thread())); }

    /// What a run of this application is given.
    run_options usual() const {
        run_options made;
        if (speaks.in_background) made.background = true;
        // A stored agent of the Responses protocol takes no headers of a run.
        made.reconcile.inline_definition = !has_runs;
        return made;
    }
    run_options with_function() {
        run_options made = usual();
        made.functions.emplace_back("get_weather", "The weather.", R"({"type":"object","properties":{}})",
                                    [this](function_call) -> asio::awaitable<std::string> {
                                        ++calls;
                                        std::string cold = "cold";
                                        co_return cold;
                                    });
        return made;
    }
    run_options with_approval(bool answer = true) {
        run_options made = usual();
        made.on_mcp_approval = [this, answer](mcp_approval_request) -> asio::awaitable<bool> {
            ++approvals;
            bool yes = answer;
            co_return yes;
        };
        return made;
    }
    run_options unasked() const {
        run_options made = usual();
        made.default_approval = mcp_approval::never();
        return made;
    }

    template <class T>
    T wait(asio::awaitable<T> task) {
        return await(io, *clock, std::move(task));
    }
    void wait(asio::awaitable<void> task) { await(io, *clock, std::move(task)); }

    template <class T>
    error failure(asio::awaitable<T> task) {
        try {
            wait(std::move(task));
        } catch (const error& met) {
            check_hides_secrets(met.details());
            return met;
        }
        BOOST_ERROR("it did not fail");
        return error(std::error_code(), {});
    }

    /// The events until the stream ends or waits.
    std::vector<event> take(event_stream& stream) {
        std::vector<event> events;
        while (auto arrived = wait(stream.next())) {
            events.push_back(std::move(*arrived));
            while (auto more = stream.try_next()) events.push_back(std::move(*more));
            if (stream.waits_for_answers()) break;
        }
        check_hides_secrets(stream.report());
        return events;
    }
    std::vector<event> take(asio::awaitable<event_stream> started) {
        event_stream stream = wait(std::move(started));
        return take(stream);
    }

    /// Until it has begun to answer, which it does not go on with.
    event_stream held(run_options with) {
        service->script("", {emulator::step::reply("Well"), emulator::step::hold()});
        event_stream stream = wait(plain.run_stream(new_thread(), "Hello", {}, std::move(with)));
        std::optional<event> arrived;
        do arrived = wait(stream.next());
        while (arrived && !arrived->get_if<events::text_delta>());
        return stream;
    }

    /// How many requests have begun runs, or gone on with them.
    std::size_t posts() const {
        return has_runs ? count("POST", "/runs") + count("POST", "/submit_tool_outputs") : count("POST", "/responses");
    }
    std::size_t cancellations() const { return count("POST", "/cancel"); }

    std::vector<std::string> authorizations_of_calls() const {
        std::vector<std::string> seen;
        for (const auto& call : mcp->calls())
            if (call.method == "tools/call") seen.push_back(call.authorization);
        return seen;
    }
    static std::string bearer(std::string_view which) { return "Bearer " + planted_secret(which); }
    static mcp_headers headers(std::string_view which) { return token(planted_secret(which)); }

    /// The event streams among the responses from this one on.
    std::vector<fault_proxy::response> streams_since(std::size_t first) const {
        std::vector<fault_proxy::response> streams;
        for (std::size_t i = first; i != proxy.responses().size(); ++i)
            if (proxy.responses()[i].stream) streams.push_back(proxy.responses()[i]);
        return streams;
    }

    /// What comes of a flow, or of its failure to begin.
    outcome play(const flow& what) {
        service->script("", what.steps);
        service->forget_requests();
        calls = approvals = 0;
        agent& with = what.calls_functions ? plain : desk;
        run_options options = what.calls_functions ? with_function() : with_approval();
        mcp_headers given;
        if (!what.calls_functions) given = headers("fresh");
        outcome seen;
        try {
            seen = wait(take_all(with.run_stream(new_thread(), "Hello", given, options)));
        } catch (const error& met) {
            seen.failure = met.code();
        }
        return seen;
    }

    /// Whether what was just played ended with an error because of a response that had not told its id: responses are
    /// not listed, so that one is known to nobody.
    bool is_known_to_nobody(const outcome& seen) const {
        const auto told = std::count_if(seen.events.begin(), seen.events.end(),
                                        [](const event& one) { return one.get_if<events::run_created>(); });
        const bool has_ended =
            std::any_of(seen.events.begin(), seen.events.end(), [](const event& one) { return is_terminal(one); });
        return !has_runs && seen.failure && !has_ended && static_cast<std::size_t>(told) < posts();
    }

    /// Empty when `seen`, just played, gives what `whole` gave; else how not.
    std::string difference(const flow& what, const outcome& seen, const outcome& whole) const {
        std::string found;
        const auto check = [&found](const char* name, bool same) {
            if (!same) found.append(found.empty() ? "" : ", ").append(name);
        };
        if (seen.failure) found = seen.failure.message();
        check("text", seen.text == whole.text && seen.texts.size() == whole.texts.size());
        check("arguments", seen.arguments.size() == whole.arguments.size());
        check("events that come once", repeated(seen) == 0);
        check("kinds of events", has_runs || speaks.in_background ? kinds_of(seen) == kinds_of(whole)
                                                                  : things_said(seen) == things_said(whole));
        check("calls", calls == int{what.calls_functions} && approvals == int{what.asks_for_approval});
        check("requests", posts() == what.streams);
        if (found.empty()) return found;
        found += ":";
        for (const event& each : seen.events) found.append(" ").append(each.name());
        return found + " (\"" + seen.text + "\")";
    }

    const way speaks;
    const bool has_runs;
    std::string endpoint = proxy.endpoint();  ///< Where the library finds the service, and how: see `use`.
    curl::options network;
    agent desk, plain;
    int calls = 0, approvals = 0;
};

template <class Body>
const Body* find(const std::vector<event>& events) {
    for (const event& each : events)
        if (const auto* found = each.get_if<Body>()) return found;
    return nullptr;
}

template <class Body>
std::size_t count_of(const std::vector<event>& events) {
    return static_cast<std::size_t>(
        std::count_if(events.begin(), events.end(), [](const event& each) { return each.get_if<Body>(); }));
}

}  // namespace corun::test

/// A test of an application, in each of the ways.
#define IN_BOTH_PROTOCOLS(name)                         \
    struct name : application {                         \
        using application::application;                 \
        void test();                                    \
    };                                                  \
    BOOST_AUTO_TEST_SUITE(name##_in)                    \
    BOOST_AUTO_TEST_CASE(threads) {                     \
        name({protocol::threads, false}).test();        \
    }                                                   \
    BOOST_AUTO_TEST_CASE(responses) {                   \
        name({protocol::responses, false}).test();      \
    }                                                   \
    BOOST_AUTO_TEST_CASE(responses_in_the_background) { \
        name({protocol::responses, true}).test();       \
    }                                                   \
    BOOST_AUTO_TEST_SUITE_END()                         \
    void name::test()
