// Fuzzes what reads the threads protocol. The input is an SSE stream, whose events are decoded with and
// without the fast path, which must give the same; and as a whole it is a response's body.
#include "fuzz.hpp"
#include "protocol/common.hpp"
#include "protocol/error_body.hpp"
#include "protocol/threads/codec.hpp"
#include "protocol/threads/replay.hpp"
#include "text/utf8.hpp"
#include <corun/event.hpp>
#include <corun/sse/parser.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace corun;
using corun::fuzz::require;
using corun::fuzz::succeeds;
namespace wire = codec::threads;

/// All events of a stream, of which the first `decoder::decode` fails with is the last.
struct decoded {
    std::vector<event> events;
    std::vector<std::string> problems;
};

/// The bytes as a client holds them, with something behind them that must not be looked at.
codec::raw_event raw(const sse::event& from, char behind) {
    const auto bytes = std::make_shared<std::vector<char>>(from.type.begin(), from.type.end());
    bytes->insert(bytes->end(), from.data.begin(), from.data.end());
    bytes->insert(bytes->end(), codec::data_padding, behind);
    bytes->shrink_to_fit();
    codec::raw_event made;
    made.name = {bytes->data(), from.type.size()};
    made.data = {bytes->data() + from.type.size(), from.data.size()};
    made.storage = bytes;
    return made;
}

void decode(wire::decoder& decoder, const sse::event& from, char behind, decoded& result) {
    event first;
    const std::size_t before = result.events.size();
    std::vector<event> more;
    std::string problem;
    if (decoder.decode(raw(from, behind), first, more, problem)) {
        require(!problem.empty(), "a problem is told");
        require(more.empty() && first.name().empty(), "a bad event gives nothing");
        result.problems.push_back(std::to_string(before) + problem);
        return;
    }
    require(first.name() == from.type && first.raw() == from.data, "an event keeps its name and data");
    require(!first.continues(), "the first event of a frame continues nothing");
    for (const event& each : more) require(each.continues(), "what follows in a frame continues it");
    result.events.push_back(std::move(first));
    for (event& each : more) result.events.push_back(std::move(each));
}

void require_same(const event& one, const event& other) {
    require(one.name() == other.name() && one.raw() == other.raw() && one.continues() == other.continues() &&
                one.index() == other.index(),
            "the fast path gives the same events");
    const auto* fast = one.get_if<events::text_delta>();
    if (fast == nullptr) return;
    const auto* general = other.get_if<events::text_delta>();
    require(fast->text == general->text && fast->message_id == general->message_id &&
                fast->content_index == general->content_index,
            "the fast path gives the same deltas");
    require(utf8::is_well_formed(fast->text), "text is UTF-8");
}

void decode_stream(std::string_view stream) {
    wire::decoder fast, general;
    general.use_fast_path(false);
    decoded by_fast, by_general;
    sse::parser parser;
    parser.feed(stream);
    const auto each = [&](const sse::event& from) {
        (void)wire::classify(from.type, from.data);
        decode(fast, from, '\0', by_fast);
        decode(general, from, '9', by_general);
    };
    while (const sse::event* from = parser.next()) each(*from);
    if (const sse::event* from = parser.finish()) each(*from);
    require(by_fast.events.size() == by_general.events.size() && by_fast.problems == by_general.problems,
            "the fast path refuses the same");
    for (std::size_t i = 0; i < by_fast.events.size(); ++i) require_same(by_fast.events[i], by_general.events[i]);
}

void take_back(std::string_view body, std::string_view status) {
    std::string earlier;
    if (!succeeds([&] { earlier = wire::at_status(body, status); })) return;
    require(wire::at_status(earlier, status) == earlier, "what is taken back stays as it is");
    std::string id;
    if (!succeeds([&] { id = wire::decode_run(body).id; })) return;
    thread_run run;
    require(succeeds([&] { run = wire::decode_run(earlier); }), "a run that is taken back is a run");
    require(run.id == id && run.status_text == status, "a run that is taken back is the same run");
}

void read_again(std::string_view body) {
    agent_definition agent;
    if (succeeds([&] { agent = wire::decode_agent(body); })) (void)succeeds([&] { (void)wire::encode_agent(agent); });
    thread_definition conversation;
    if (succeeds([&] { conversation = wire::decode_thread(body); }))
        (void)succeeds([&] { (void)wire::encode_thread(conversation); });
    (void)succeeds([&] { (void)wire::decode_message(body).text(); });
    (void)succeeds([&] { (void)wire::decode_step(body); });
    codec::page page;
    if (succeeds([&] { page = codec::decode_page(body); }))
        for (const std::string& item : page.items) {
            (void)succeeds([&] { (void)wire::decode_message(item); });
            (void)succeeds([&] { (void)wire::decode_step(item); });
        }
    const codec::error_body told = codec::decode_error(body);
    for (const std::string* text : {&told.code, &told.message, &told.type, &told.param, &told.request_id})
        require(text->size() <= std::size_t{16} << 10, "what an error tells is bounded");
    for (const std::string_view status : {"queued", "in_progress", "completed"}) take_back(body, status);
}

}  // namespace

void fuzz_one(std::string_view input) {
    decode_stream(input);
    // What a body is read from ends with it.
    const std::vector<char> exact(input.begin(), input.end());
    read_again({exact.data(), exact.size()});
}
