// What servers send that no specification has, in both protocols, and what becomes of the run.
#include "api/api_objects.hpp"
#include "client/protocols.hpp"
#include "drive.hpp"
#include "frame.hpp"
#include "manual_clock.hpp"
#include "open_stream.hpp"
#include "scripted_transport.hpp"
#include "stream/responses_request.hpp"
#include "stream/stream.hpp"
#include "stream/threads_request.hpp"
#include <corun/corun.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace corun;
using namespace corun::test;
using namespace std::chrono_literals;

/// The pieces of a stream that says "Seat 14A is free.", one event each.
struct script {
    std::vector<std::string> frames;
    std::size_t deltas;  ///< The position of the first of its three deltas.

    [[nodiscard]] script with(std::size_t at, std::string changed) const {
        script other = *this;
        other.frames.at(at) = std::move(changed);
        return other;
    }
    [[nodiscard]] script with_inserted(std::size_t at, const std::string& added) const {
        script other = *this;
        other.frames.insert(other.frames.begin() + static_cast<std::ptrdiff_t>(at), added);
        return other;
    }
    [[nodiscard]] std::size_t last() const { return frames.size() - 1; }
};

script good_threads() {
    const auto run = [](const char* status) {
        return frame("thread.run." + std::string(status),
                     R"({"id":"run_1","object":"thread.run","thread_id":"thread_1","assistant_id":"a","status":")" +
                         std::string(status) + R"("})");
    };
    const auto delta = [](const char* text) {
        return frame("thread.message.delta",
                     R"({"id":"msg_1","delta":{"content":[{"index":0,"type":"text","text":{"value":")" +
                         std::string(text) + R"("}}]}})");
    };
    return {
        {frame("thread.run.created",
               R"({"id":"run_1","object":"thread.run","thread_id":"thread_1","assistant_id":"a","status":"queued"})"),
         run("in_progress"),
         frame("thread.message.created", R"({"id":"msg_1","role":"assistant","status":"in_progress","content":[]})"),
         delta("Seat"), delta(" 14A"), delta(" is free."),
         frame("thread.message.completed",
               R"({"id":"msg_1","role":"assistant","status":"completed","content":[{"type":"text","text":{"value":)"
               R"("Seat 14A is free.","annotations":[]}}]})"),
         run("completed")},
        3};
}

script good_responses() {
    const auto delta = [](const char* text) {
        return frame("response.output_text.delta",
                     R"({"type":"response.output_text.delta","item_id":"msg_1","output_index":0,"content_index":0,)"
                     R"("delta":")" +
                         std::string(text) + R"("})");
    };
    const std::string message = R"({"id":"msg_1","type":"message","role":"assistant","status":"completed","content":[)"
                                R"({"type":"output_text","text":"Seat 14A is free.","annotations":[]}]})";
    return {{frame("response.created",
                   R"({"type":"response.created","response":{"id":"run_1","status":"in_progress","output":[]}})"),
             frame("response.in_progress",
                   R"({"type":"response.in_progress","response":{"id":"run_1","status":"in_progress","output":[]}})"),
             frame("response.output_item.added",
                   R"({"type":"response.output_item.added","output_index":0,"item":{"id":"msg_1","type":"message",)"
                   R"("role":"assistant","status":"in_progress","content":[]}})"),
             delta("Seat"), delta(" 14A"), delta(" is free."),
             frame("response.output_item.done",
                   R"({"type":"response.output_item.done","output_index":0,"item":)" + message + "}"),
             frame("response.completed",
                   R"({"type":"response.completed","response":{"id":"run_1","status":"completed","output":[)" +
                       message + "]}}")},
            3};
}

/// What a run came to.
struct outcome {
    std::vector<event> events;
    std::string deltas;
    run_result result;
    std::error_code code;
    diagnostics details;

    [[nodiscard]] std::size_t problems() const {
        return static_cast<std::size_t>(
            std::count_if(events.begin(), events.end(), [](const event& each) { return !each.problem().empty(); }));
    }
    template <class Body>
    [[nodiscard]] const Body* last() const {
        return events.empty() ? nullptr : events.back().get_if<Body>();
    }
};

asio::awaitable<void> take_all(event_stream& stream, outcome& into) {
    while (auto arrived = co_await stream.next(into.code)) {
        if (const auto* delta = arrived->get_if<events::text_delta>()) into.deltas += delta->text;
        into.result.apply(*arrived);
        into.events.push_back(std::move(*arrived));
    }
    into.details = stream.details();
}

/// A client whose server answers with what a test writes.
struct odd_server {
    explicit odd_server(protocol spoken, client_options settings = {}) {
        settings.protocol = spoken;
        settings.retry.max_retries = 0;
        settings.reattach.enabled = false;
        owner = detail::make_api_client(io.get_executor(), "https://service.example/api/projects/p",
                                        credential::bearer("planted-secret-service"), std::move(settings), transport,
                                        clock);
    }
    ~odd_server() { clock->shut_down(); }

    asio::awaitable<event_stream> open() {
        auto run = std::make_shared<detail::run_context>();
        run->api = owner;
        run->agent = std::make_shared<detail::agent_object>(owner);
        run->options.change() = options;
        run->provider = provider;
        run->sends_headers = static_cast<bool>(provider);
        detail::prepared_run request;
        request.call.path = "/runs";
        request.call.body = secret("{}");
        auto spoken = owner->options.protocol == protocol::threads ? detail::make_threads_protocol(run)
                                                                   : detail::make_responses_protocol(run);
        return open_stream(std::move(run), std::move(spoken), std::move(request));
    }

    /// A stream whose response has begun.
    event_stream opened() {
        std::optional<event_stream> stream;
        asio::co_spawn(io, open(), [&stream](std::exception_ptr, event_stream begun) { stream = std::move(begun); });
        run_until(io, [this] { return transport->current() != nullptr; });
        transport->current()->head(200, "text/event-stream");
        run_until(io, [&stream] { return stream.has_value(); });
        return std::move(*stream);
    }

    outcome run(const std::string& bytes) {
        event_stream stream = opened();
        transport->current()->bytes(bytes);
        if (transport->current() != nullptr) transport->current()->done();
        outcome all;
        await(io, take_all(stream, all));
        return all;
    }
    outcome run(const script& events) {
        std::string bytes;
        for (const std::string& each : events.frames) bytes += each;
        return run(bytes);
    }

    asio::io_context io;
    std::shared_ptr<scripted_transport> transport = std::make_shared<scripted_transport>();
    std::shared_ptr<manual_clock> clock = std::make_shared<manual_clock>();
    std::shared_ptr<detail::api_client> owner;
    run_options options;
    mcp_header_provider provider;
};

/// Both protocols, with the same good stream.
template <class Use>
void in_both_protocols(Use use) {
    BOOST_TEST_CONTEXT("threads") use(protocol::threads, good_threads());
    BOOST_TEST_CONTEXT("responses") use(protocol::responses, good_responses());
}

constexpr std::string_view whole_text = "Seat 14A is free.";

void check_completed(const outcome& all) {
    BOOST_TEST(!all.code);
    BOOST_TEST(all.last<events::run_completed>());
    BOOST_TEST((all.result.status == run_state::completed));
    BOOST_TEST(all.result.run_id == "run_1");
    BOOST_TEST(all.result.text() == whole_text);
    BOOST_TEST(all.result.messages.size() == 1u);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(odd_servers)

BOOST_AUTO_TEST_CASE(a_good_stream_has_no_problem) {
    in_both_protocols([](protocol spoken, const script& good) {
        const outcome all = odd_server(spoken).run(good);
        check_completed(all);
        BOOST_TEST(all.deltas == whole_text);
        BOOST_TEST(all.problems() == 0u);
    });
}

// Events that make no sense.

BOOST_AUTO_TEST_CASE(data_that_is_no_json_costs_its_event_alone) {
    const std::vector<std::string> broken{"",     "{",         "not json",       "[]",  "7",
                                          "null", R"("text")", R"({"id":"m",})", "{}{}"};
    in_both_protocols([&](protocol spoken, const script& good) {
        for (const std::string& data : broken) {
            const std::string name = good.frames[good.deltas].substr(7, good.frames[good.deltas].find('\n') - 7);
            BOOST_TEST_CONTEXT(name << ": " << data) {
                const outcome all = odd_server(spoken).run(good.with_inserted(good.deltas, frame(name, data)));
                check_completed(all);
                BOOST_TEST(all.deltas == whole_text);
                BOOST_TEST(all.problems() == 1u);
                const event& odd = all.events.at(good.deltas);
                BOOST_TEST(odd.get_if<events::unknown>());
                BOOST_TEST(odd.raw() == data);
                BOOST_TEST(odd.problem().find(name) != std::string_view::npos);
            }
        }
    });
}

BOOST_AUTO_TEST_CASE(the_last_event_ends_the_run_by_its_name) {
    in_both_protocols([](protocol spoken, const script& good) {
        for (const char* data : {"", "{", "[]", "{}", R"({"id":null,"response":null})", R"({"response":{"id":7}})"})
            BOOST_TEST_CONTEXT(data) {
                const std::string name = spoken == protocol::threads ? "thread.run.completed" : "response.completed";
                const outcome all = odd_server(spoken).run(good.with(good.last(), frame(name, data)));
                check_completed(all);
                BOOST_TEST(all.deltas == whole_text);
                BOOST_TEST(all.last<events::run_completed>()->run.id == "run_1");
                BOOST_TEST(!all.events.back().problem().empty());
                BOOST_TEST(all.events.back().raw() == data);
            }
    });
}

BOOST_AUTO_TEST_CASE(python_s_numbers_that_are_none_cost_nothing_but_themselves) {
    for (const char* number : {"NaN", "Infinity", "-Infinity"}) {
        const std::string odd = R"("odd":[)" + std::string(number) + R"(],"content_index":0,"usage":{"total_tokens":)" +
                                std::string(number) + "},";
        in_both_protocols([&](protocol spoken, const script& good) {
            script all_odd = good;
            for (std::string& each : all_odd.frames) each.insert(each.find('{') + 1, odd);
            const outcome all = odd_server(spoken).run(all_odd);
            check_completed(all);
            BOOST_TEST(all.deltas == whole_text);
        });
    }
}

BOOST_AUTO_TEST_CASE(a_member_of_an_odd_type_costs_that_member_alone) {
    const auto run = [](protocol spoken, const script& good, const char* name, const char* data) {
        const outcome all = odd_server(spoken).run(good.with(good.deltas, frame(name, data)));
        BOOST_TEST_CONTEXT(data) {
            check_completed(all);
            BOOST_TEST(all.deltas == whole_text);
            BOOST_TEST(all.problems() == 1u);
        }
    };
    for (const char* data : {
             R"({"id":"msg_1","delta":{"content":[{"index":"0","text":{"value":"Seat"}}]}})",
             R"({"id":"msg_1","delta":{"content":[{"index":0,"text":{"value":"Seat","annotations":{}}}]}})",
             R"({"id":"msg_1","delta":{"content":[{"index":0,"text":{"value":"Seat"},"image_file":7}]}})",
             R"({"id":"msg_1","delta":{"content":[{"index":0,"text":{"value":"Seat"},"refusal":[]},"x"]}})",
         })
        run(protocol::threads, good_threads(), "thread.message.delta", data);
    for (const char* data : {
             R"({"item_id":"msg_1","output_index":0,"content_index":"0","delta":"Seat"})",
             R"({"item_id":"msg_1","output_index":{},"content_index":0,"delta":"Seat"})",
             R"({"item_id":"msg_1","output_index":[],"content_index":-1,"delta":"Seat"})",
         })
        run(protocol::responses, good_responses(), "response.output_text.delta", data);
}

BOOST_AUTO_TEST_CASE(a_delta_of_an_odd_type_is_no_text) {
    in_both_protocols([](protocol spoken, const script& good) {
        for (const std::string odd : {"null", "7", "true", "[]", R"({"text":"Seat"})", R"(["Seat"])"})
            BOOST_TEST_CONTEXT(odd) {
                const std::string data =
                    spoken == protocol::threads
                        ? R"({"id":"msg_1","delta":{"content":[{"index":0,"text":{"value":)" + odd + "}}]}}"
                        : R"({"item_id":"msg_1","output_index":0,"content_index":0,"delta":)" + odd + "}";
                const char* name = spoken == protocol::threads ? "thread.message.delta" : "response.output_text.delta";
                const outcome all = odd_server(spoken).run(good.with(good.deltas, frame(name, data)));
                check_completed(all);
                BOOST_TEST(all.deltas == " 14A is free.");
                BOOST_TEST(all.events.at(good.deltas).get_if<events::unknown>());
            }
    });
}

BOOST_AUTO_TEST_CASE(a_strict_client_ends_the_stream_at_the_first_of_them) {
    in_both_protocols([](protocol spoken, const script& good) {
        client_options settings;
        settings.strict_events = true;
        for (const std::size_t at : {good.deltas, good.last()}) {
            const std::string name = good.frames[at].substr(7, good.frames[at].find('\n') - 7);
            const outcome all = odd_server(spoken, settings).run(good.with(at, frame(name, R"({"id":)")));
            BOOST_TEST(all.code == errc::bad_event);
            BOOST_TEST(all.events.size() == at);
            BOOST_TEST(all.details.message.find(name) != std::string::npos);
            odd_server lenient(spoken, settings);
            lenient.options.strict_events = false;
            BOOST_TEST(!lenient.run(good.with(at, frame(name, R"({"id":)"))).code);
        }
    });
}

// How a run ends.

BOOST_AUTO_TEST_CASE(a_run_that_failed_without_a_reason_has_failed) {
    const std::string created = good_responses().frames.front();
    const std::vector<std::string> failures{
        R"({"type":"response.failed","response":{"id":"run_1","status":"failed","error":null}})",
        R"({"type":"response.failed","response":{"id":"run_1","status":"failed","error":{}}})",
        R"({"type":"response.failed","response":{"id":"run_1","status":"failed"}})",
        R"({"type":"response.failed","response":{"id":"run_1","error":""}})",
        R"({"type":"response.failed","response":null})",
        R"({"type":"response.failed"})",
        "{",
        "",
    };
    for (const std::string& data : failures)
        for (const char* after : {"", "data: [DONE]\n\n", "event: ping\ndata: {}\n\n"})
            BOOST_TEST_CONTEXT(data << after) {
                const outcome all =
                    odd_server(protocol::responses).run(created + frame("response.failed", data) + after);
                BOOST_TEST(!all.code);
                BOOST_REQUIRE(all.last<events::run_failed>());
                BOOST_TEST(!all.last<events::run_failed>()->run.last_error);
                BOOST_TEST((all.result.status == run_state::failed));
                BOOST_TEST(all.result.run_id == "run_1");
                BOOST_TEST(all.events.back().raw() == data);
            }
    for (const char* reason : {R"("last_error":null)", R"("status":"failed")"}) {
        const outcome all = odd_server(protocol::threads)
                                .run(good_threads().frames.front() +
                                     frame("thread.run.failed",
                                           R"({"id":"run_1","thread_id":"thread_1",)" + std::string(reason) + "}"));
        BOOST_TEST(!all.code);
        BOOST_TEST(all.last<events::run_failed>());
    }
}

/// A reason that still comes is waited for, but not for long.
BOOST_AUTO_TEST_CASE(a_connection_that_stays_open_delays_no_failure) {
    odd_server server(protocol::responses);
    event_stream stream = server.opened();
    server.transport->current()->bytes(
        good_responses().frames.front() +
        frame("response.failed", R"({"type":"response.failed","response":{"id":"run_1","status":"failed"}})"));
    run_ready(server.io);
    server.clock->advance(2s);
    outcome all;
    await(server.io, take_all(stream, all));
    BOOST_TEST(!all.code);
    BOOST_TEST(all.last<events::run_failed>());
}

BOOST_AUTO_TEST_CASE(a_reason_is_found_wherever_it_stands) {
    struct {
        const char *code, *message, *data;
    } const responses[] = {
        {"c", "It broke.", R"({"response":{"id":"run_1","error":{"code":"c","message":"It broke."}}})"},
        {"c", "It broke.", R"({"response":{"id":"run_1","error":null},"error":{"code":"c","message":"It broke."}})"},
        {"", "It broke.", R"({"response":{"id":"run_1"},"error":"It broke."})"},
        {"", "It broke.", R"({"response":{"id":"run_1","error":"It broke."}})"},
        {"c", "It broke.", R"({"response":{"id":"run_1"},"code":"c","message":"It broke."})"},
        {"", "It broke.", R"({"response":{"id":"run_1"},"detail":"It broke."})"},
        {"c", "It broke.", R"({"error":{"type":"c","message":"It broke."}})"},
        {"c", "It broke.",
         R"({"response":{"id":"run_1","status_details":{"error":{"code":"c","message":"It broke."}}}})"},
        {"c", "It broke.", R"({"response":{"id":"run_1","last_error":{"code":"c","message":"It broke."}}})"},
        {"content_filter", "", R"({"response":{"id":"run_1","incomplete_details":{"reason":"content_filter"}}})"},
    };
    const auto check = [](const outcome& all, const char* code, const char* message) {
        BOOST_TEST(!all.code);
        const auto* end = all.last<events::run_failed>();
        BOOST_REQUIRE(end);
        BOOST_REQUIRE(end->run.last_error);
        BOOST_TEST(end->run.last_error->code == code);
        BOOST_TEST(end->run.last_error->message == message);
        BOOST_TEST(all.result.last_error->message == message);
    };
    for (const auto& row : responses) BOOST_TEST_CONTEXT(row.data)
    check(odd_server(protocol::responses).run(good_responses().frames.front() + frame("response.failed", row.data)),
          row.code, row.message);
    struct {
        const char *code, *message, *members;
    } const threads[] = {
        {"c", "It broke.", R"("last_error":{"code":"c","message":"It broke."})"},
        {"", "It broke.", R"("last_error":"It broke.")"},
        {"c", "It broke.", R"("error":{"code":"c","message":"It broke."})"},
        {"", "It broke.", R"("last_error":null,"error":"It broke.")"},
    };
    for (const auto& row : threads) BOOST_TEST_CONTEXT(row.members)
    check(odd_server(protocol::threads)
              .run(good_threads().frames.front() +
                   frame("thread.run.failed", R"({"id":"run_1","thread_id":"thread_1","status":"failed",)" +
                                                  std::string(row.members) + "}")),
          row.code, row.message);
}

/// A reason that comes in an event of its own belongs to the failure before it, or after it.
BOOST_AUTO_TEST_CASE(a_reason_in_another_event_is_the_failure_s) {
    const std::string failed = frame("response.failed", R"({"response":{"id":"run_1","status":"failed"}})");
    const std::string why = frame("error", R"({"type":"error","message":"It broke.","code":"c"})");
    for (const std::string& stream : {failed + why, why + failed, failed + "event: ping\ndata: {}\n\n" + why}) {
        const outcome all = odd_server(protocol::responses).run(good_responses().frames.front() + stream);
        BOOST_TEST(!all.code);
        BOOST_REQUIRE(all.last<events::run_failed>());
        BOOST_TEST(all.last<events::run_failed>()->run.last_error->code == "c");
    }
}

BOOST_AUTO_TEST_CASE(a_sentence_is_no_code) {
    for (const char* data :
         {R"({"error":"model runner has stopped"})", R"({"error":{"message":"model runner has stopped"}})",
          R"({"message":"model runner has stopped"})", R"({"detail":"model runner has stopped"})"})
        in_both_protocols([data](protocol spoken, const script& good) {
            BOOST_TEST_CONTEXT(data) {
                const outcome all =
                    odd_server(spoken).run(good.frames.front() + good.frames[good.deltas] + "data: " + data + "\n\n");
                BOOST_TEST(all.code == errc::stream_failed);
                BOOST_TEST(all.details.service_code == "");
                BOOST_TEST(all.details.service_message == "model runner has stopped");
            }
        });
}

BOOST_AUTO_TEST_CASE(an_end_without_an_id_is_the_run_s) {
    for (const char* event : {"completed", "incomplete", "failed", "cancelled"})
        in_both_protocols([event](protocol spoken, const script& good) {
            const std::string name = (spoken == protocol::threads ? "thread.run." : "response.") + std::string(event);
            for (const std::string reason : {R"("error":{"code":"c"},"last_error":{"code":"c"})"})
                for (const std::string& data :
                     {"{\"response\":{" + reason + "}," + reason + "}",
                      "{\"id\":null,\"response\":{\"id\":7," + reason + "}," + reason + "}"}) {
                    const outcome all = odd_server(spoken).run(good.with(good.last(), frame(name, data)));
                    BOOST_TEST_CONTEXT(name << data) {
                        BOOST_TEST(!all.code);
                        BOOST_TEST(all.deltas == whole_text);
                        BOOST_TEST(all.result.run_id == "run_1");
                        BOOST_TEST(to_string(all.result.status) == event);
                    }
                }
        });
}

// What says nothing.

BOOST_AUTO_TEST_CASE(heartbeats_say_nothing_and_have_no_problem) {
    const std::vector<std::string> beats{
        frame("ping"),
        frame("ping", ""),
        frame("ping", R"({"type":"ping"})"),
        frame("keepalive", ""),
        frame("keepalive", R"({"type":"keepalive","sequence_number":3})"),
        frame("heartbeat", "7"),
        frame("response.heartbeat", R"({"type":"response.heartbeat"})"),
        frame("thread.heartbeat", R"({"object":"thread.heartbeat"})"),
        "data: {\"type\":\"ping\"}\n\n",
        "data: {\"type\":\"response.keepalive\",\"sequence_number\":9}\n\n",
        ": ping\n\n",
        "event: ping\n\n",
    };
    in_both_protocols([&](protocol spoken, const script& good) {
        for (const std::string& beat : beats) BOOST_TEST_CONTEXT(beat) {
                script with_beats = good;
                for (std::string& each : with_beats.frames) each += beat;
                with_beats.frames.back() = good.frames.back();
                const outcome all = odd_server(spoken).run(with_beats);
                check_completed(all);
                BOOST_TEST(all.deltas == whole_text);
                BOOST_TEST(all.problems() == 0u);
            }
    });
}

BOOST_AUTO_TEST_CASE(a_status_that_is_repeated_says_nothing) {
    for (const char* data : {R"({"type":"response.in_progress"})",
                             R"({"type":"response.in_progress","response":{"id":"run_1","status":"in_progress"}})"}) {
        const script good = good_responses();
        const outcome all = odd_server(protocol::responses)
                                .run(good.with_inserted(good.deltas + 1, frame("response.in_progress", data)));
        check_completed(all);
        BOOST_TEST(all.deltas == whole_text);
        BOOST_TEST(all.problems() == 0u);
        const auto* status = all.events.at(good.deltas + 1).get_if<events::run_status>();
        BOOST_REQUIRE(status);
        BOOST_TEST(status->run_id == "run_1");
        BOOST_TEST((status->status == run_state::in_progress));
    }
}

BOOST_AUTO_TEST_CASE(heartbeats_hide_no_dead_run) {
    const auto dies = [](protocol spoken, const std::string& begun, const std::string& beat) {
        BOOST_TEST_CONTEXT(beat) {
            client_options settings;
            settings.idle_timeout = 60s;
            settings.event_timeout = 150s;
            odd_server server(spoken, settings);
            event_stream stream = server.opened();
            server.transport->current()->bytes(begun);
            for (int i = 0; i != 10 && server.transport->current() != nullptr; ++i) {
                server.transport->current()->bytes(beat);
                server.clock->advance(30s);
                run_ready(server.io);
            }
            outcome all;
            await(server.io, take_all(stream, all));
            BOOST_TEST(all.code == errc::event_timeout);
        }
    };
    const script responses = good_responses(), threads = good_threads();
    const std::string begun = responses.frames[0] + responses.frames[1];
    for (const std::string& beat :
         {frame("ping"), frame("response.heartbeat"), std::string("data: {\"type\":\"keepalive\"}\n\n"),
          std::string(": still here\n\n"), frame("response.in_progress", R"({"type":"response.in_progress"})"),
          responses.frames[1]})
        dies(protocol::responses, begun, beat);
    for (const std::string& beat : {frame("ping"), frame("keepalive", ""), frame("heartbeat"),
                                    std::string(": still here\n\n"), threads.frames[1]})
        dies(protocol::threads, threads.frames[0] + threads.frames[1], beat);
}

// Names of events.

BOOST_AUTO_TEST_CASE(an_event_goes_by_what_it_says_of_itself) {
    const auto renamed = [](const script& good, std::string_view name) {
        script all = good;
        for (std::string& each : all.frames) {
            each.erase(0, each.find('\n') + 1);
            if (!name.empty()) each.insert(0, "event: " + std::string(name) + "\n");
        }
        return all;
    };
    // The type of each event, as the protocol has it.
    const script responses = [] {
        script all = good_responses();
        for (std::string& each : all.frames) BOOST_TEST(each.find(R"("type":"response.)") != std::string::npos);
        return all;
    }();
    for (const char* name :
         {"", "message", "chunk", "data", "response.unknown", "error", "ping", "response.in_progress"})
        BOOST_TEST_CONTEXT(name) {
            const outcome all = odd_server(protocol::responses).run(renamed(responses, name));
            check_completed(all);
            BOOST_TEST(all.deltas == whole_text);
            BOOST_TEST(all.problems() == 0u);
        }
    // Threads have no type; their objects say what they are.
    script threads = good_threads();
    for (std::string& each : threads.frames) {
        const std::size_t brace = each.find('{');
        if (each.find(R"("object":)") != each.npos) continue;
        const bool is_delta = each.starts_with("event: thread.message.delta");
        each.insert(brace + 1, is_delta ? R"("object":"thread.message.delta",)" : R"("object":"thread.message",)");
    }
    for (const char* name : {"", "message", "chunk", "thread.unknown"}) BOOST_TEST_CONTEXT(name) {
            const outcome all = odd_server(protocol::threads).run(renamed(threads, name));
            check_completed(all);
            BOOST_TEST(all.deltas == whole_text);
            BOOST_TEST(all.problems() == 0u);
        }
}

BOOST_AUTO_TEST_CASE(an_end_whose_type_is_lost_goes_by_its_status) {
    for (const char* status : {"completed", "incomplete", "failed", "cancelled"})
        for (const char* type : {R"("type":null,)", R"("type":"x",)", ""}) {
            const script good = good_responses();
            const outcome all = odd_server(protocol::responses)
                                    .run(good.with(good.last(), "data: {" + std::string(type) +
                                                                    R"("response":{"id":"run_1","status":")" + status +
                                                                    R"(","error":{"code":"c"}}})" + "\n\n"));
            BOOST_TEST_CONTEXT(type << status) {
                BOOST_TEST(!all.code);
                BOOST_TEST(to_string(all.result.status) == status);
                BOOST_TEST(all.deltas == whole_text);
            }
        }
}

BOOST_AUTO_TEST_SUITE_END()
