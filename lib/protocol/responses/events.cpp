#include "json/find.hpp"
#include "protocol/decode_by.hpp"
#include "protocol/error_body.hpp"
#include "protocol/event_access.hpp"
#include "protocol/event_output.hpp"
#include "protocol/responses/codec.hpp"
#include "protocol/responses/event_reader.hpp"
#include "protocol/synthetic_events.hpp"
#include "protocol/text_delta_reader.hpp"
#include <corun/error.hpp>

#include <utility>

namespace corun::codec::responses {
namespace {

using detail::event_access;

const thread_run* failed_run_in(const event& decoded) noexcept {
    const auto* failed = decoded.get_if<events::run_failed>();
    return failed ? &failed->run : nullptr;
}

/// A run that began again tells of the failure by the data of the event that brought it.
std::error_code decode_run_restarted(decoder& decoder, const raw_event& wire, event& out, std::string& problem) {
    raw_event failure = wire;
    failure.name = {};
    event decoded;
    std::vector<event> more;
    if (const std::error_code code = decoder.decode(std::move(failure), decoded, more, problem)) return code;
    more.push_back(std::move(decoded));
    thread_run run;
    for (const event& each : more)
        if (const thread_run* failed = failed_run_in(each)) run = *failed;
    if (!run.last_error) {
        // An error alone.
        run.status = run_state::failed;
        run.last_error = last_error_of(decode_stream_error(wire.data));
    }
    event_access::emplace<events::run_restarted>(out, wire.name, wire.data, wire.storage).run = std::move(run);
    return {};
}

/// Without a name, an event may be anything but text that is no JSON.
void check_unknown(const raw_event& wire) {
    if ((wire.name.empty() || wire.name == "message") && wire.data.starts_with('{') && json::find_error(wire.data))
        json::note_problem("not valid JSON");
}

}  // namespace

struct decoder::impl {
    streamed_items streamed;
    pending_calls seen;
    bool fast_path = true, strict = false;
    text_delta_reader text_deltas;
};

decoder::decoder() : impl_(std::make_unique<impl>()) {}
decoder::~decoder() = default;
decoder::decoder(decoder&&) noexcept = default;
decoder& decoder::operator=(decoder&&) noexcept = default;

decoder decoder::fork() const {
    decoder other;
    other.impl_->streamed = impl_->streamed;
    other.impl_->seen = impl_->seen;
    other.impl_->fast_path = impl_->fast_path;
    other.impl_->strict = impl_->strict;
    return other;
}

const streamed_items& decoder::items() const noexcept {
    return impl_->streamed;
}

void decoder::restore(streamed_items items) {
    impl_->streamed = std::move(items);
    impl_->text_deltas = text_delta_reader();
}

const delta_shape& decoder::text_shape() const noexcept {
    return impl_->text_deltas.shape();
}

void decoder::use_fast_path(bool enabled) noexcept {
    impl_->fast_path = enabled;
}

void decoder::be_strict(bool enabled) noexcept {
    impl_->strict = enabled;
}

std::error_code decoder::decode(raw_event&& wire, event& first, std::vector<event>& more, std::string& problem) {
    // Only a text delta has the shape of one.
    if (wire.shaped.shape != 0 && impl_->fast_path && impl_->text_deltas.read(wire, first, impl_->streamed)) return {};
    const known_event& known = find_event(wire.name, wire.data);
    if (is_text_event(known) && impl_->fast_path && impl_->text_deltas.read(wire, first, impl_->streamed)) return {};
    if (wire.name == run_restarted_name) return decode_run_restarted(*this, wire, first, problem);

    output out(wire, first, more);
    json::reader reader;
    const auto read = [&] {
        if (known.read == nullptr)
            check_unknown(wire);
        else if (wire.data != end_of_stream_data)
            event_reader(known, reader, impl_->streamed, impl_->seen, out).read();
    };
    const std::string_view name = known.name.empty() ? wire.name : known.name;
    const std::error_code code = decode_by(read, out, name, impl_->strict, problem);
    if (!code) impl_->seen.observe(wire.name, wire.data);
    if (is_text_event(known) && impl_->text_deltas.begins_to_learn())
        impl_->text_deltas.learn(wire, first, more, json::find_only_member(wire.data, "delta"),
                                 json::find_only_member(wire.data, "item_id"));
    return code;
}

}  // namespace corun::codec::responses
