#include "stream/receiving.hpp"

#include "http/retry_after.hpp"
#include "json/text.hpp"
#include "protocol/read_events.hpp"
#include "stream/actions.hpp"
#include "stream/reattaching.hpp"
#include "text/random.hpp"

#include <algorithm>
#include <utility>

namespace corun::detail {
namespace {

/// Whether the event says that the run has failed, and another one may be begun in its place.
bool has_failed(const stream_state& stream, codec::event_class kind, const event_facts& facts) {
    const bool is_known = !stream.run_id().empty();
    if (kind == codec::event_class::last) return is_known && facts.run && facts.run->status == run_state::failed;
    // A run that may exist and has not told its id would be begun twice.
    const bool may_exist = !is_known && stream.protocol->identity().can_be_found;
    return kind == codec::event_class::error && !may_exist && facts.failure;
}

std::optional<run::restart_policy::decision> restart_after(stream_state& stream, const event_facts& facts) {
    std::optional<run::restart_policy::decision> restart;
    if (facts.token_rejected) restart = stream.restarts.token_rejected(stream.run->sends_headers);
    const std::optional<last_error>& failure = facts.failure ? facts.failure : facts.run->last_error;
    if (restart || !failure) return restart;
    std::optional<std::chrono::milliseconds> hint;
    if (stream.response) hint = retry_hint(stream.response->head());
    return stream.restarts.failed(*failure, stream.run->sends_headers, hint, random_fraction());
}

/// True when the event reports a failure of the run after which another one is begun in its place.
bool begins_restart(stream_state& stream, std::string_view name, std::string_view data, codec::event_class kind) {
    const event_facts facts = stream.protocol->inspect(name, data);
    const bool goes_on = kind != codec::event_class::last && kind != codec::event_class::error;
    if ((facts.has_effect && goes_on) || facts.calls_are_under_way) stream.restarts.run_had_effect();
    if (stream.fsm.phase() == run::phase::restarting) return false;
    if (!stream.restarts.possible() || !has_failed(stream, kind, facts)) return false;
    const auto restart = restart_after(stream, facts);
    if (!restart) return false;
    stream.fsm.enter(run::phase::restarting);
    if (stream.fsm.phase() != run::phase::restarting) return false;
    stream.failed.emplace(failed_run{std::string(name), std::string(data), *restart});
    return true;
}

}  // namespace

void receive_event(stream_state& stream, std::string_view name, std::string_view data,
                   const codec::shaped_text& shaped) {
    using codec::event_class;
    const event_class kind = stream.protocol->classify(name, data);
    if (kind == event_class::end_of_stream) receive_unreported_end(stream);
    const run_identity& identity = stream.protocol->identity();
    if (identity.can_be_found && stream.fsm.existence() != run::existence::known)
        stream.fsm.run_exists(run::existence::known);
    bool decides = true;
    if (!stream.restarts.possible() || !begins_restart(stream, name, data, kind)) {
        const bool wanted = stream.fsm.event_arrived(kind);
        if (wanted) stream.observed.event(stream.api(), *stream.protocol, name, data);
        if (wanted && !stream.abandoned()) stream.events.push(name, data, shaped);
        if (wanted && kind == event_class::action && !stream.abandoned() &&
            handlers_answer(*stream.run, identity.action, stream.protocol->takes_mixed_answers()))
            stream.fsm.enter(run::phase::answering);
        decides = kind != event_class::ordinary && kind != event_class::keepalive && kind != event_class::repeated;
    }
    if (!decides) return;
    // The deadline for the rest of the response is nearer than the one that was set.
    stream.watch();
    stream.settle();
}

void receive_unreported_end(stream_state& stream) noexcept {
    if (stream.fsm.over() || stream.fsm.phase() == run::phase::restarting) return;
    try {
        if (const auto end = stream.protocol->unreported_end()) receive_event(stream, end->name, end->data);
    } catch (...) {
        stream.fail(std::make_error_code(std::errc::not_enough_memory), {});
    }
}

response_reader::response_reader(stream_state& stream)
    : stream_(stream), parser_(stream.api().options.max_event_bytes) {}

void response_reader::start(net::request request) {
    transfer_ = stream_.api().transport->start(std::move(request), *this);
}

bool response_reader::pause(bool paused) noexcept {
    if (paused == paused_ || !open()) return false;
    paused_ = paused;
    if (paused)
        transfer_->pause();
    else
        transfer_->resume();
    return !paused;
}

error response_reader::failure() const {
    if (kind_ == kind::refusal && over())
        return stream_.api().response_error(head_, refusal_, "text/event-stream", stream_.secrets);
    diagnostics details;
    details.status = head_.status;
    details.request_id = stream_.secrets.redacted(request_id_of(head_));
    details.message = detail_;
    return error(failure_, std::move(details));
}

void response_reader::on_head(net::response_head head) noexcept {
    stream_.fsm.bytes_arrived(stream_.now());
    head_ = std::move(head);
    stream_.api().note_time(head_);
    const bool success = head_.status >= 200 && head_.status < 300;
    const bool events = success && (stream_.api().options.any_content_type ||
                                    equal_ignoring_case(head_.media_type(), "text/event-stream"));
    kind_ = events ? kind::events : kind::refusal;
    if (!events) return;
    try {
        accept();
    } catch (...) {
        stream_.fail(std::make_error_code(std::errc::not_enough_memory), {});
    }
    stream_.arrival.notify();
}

void response_reader::accept() {
    const bool was_lost = stream_.fsm.phase() == run::phase::lost;
    stream_.fsm.response_accepted();
    if (stream_.protocol->identity().can_be_found) stream_.fsm.run_exists(run::existence::known);
    stream_.details.status = head_.status;
    stream_.details.request_id = stream_.secrets.redacted(request_id_of(head_));
    if (was_lost && !stream_.abandoned()) report_reattached(stream_);
}

void response_reader::on_bytes(std::string_view bytes) noexcept {
    if (stream_.fsm.over()) return;
    const net::time_point now = stream_.now();
    stream_.fsm.bytes_arrived(now);
    bytes_ += bytes.size();
    try {
        if (kind_ == kind::refusal)
            receive_refusal(bytes);
        else
            receive_events(bytes);
    } catch (...) {
        stream_.fail(std::make_error_code(std::errc::not_enough_memory), {});
    }
    stream_.fsm.backlog_changed(stream_.events.bytes(), now);
    stream_.update_transfer();
    if (stream_.has_news()) stream_.arrival.notify();
}

void response_reader::receive_events(std::string_view bytes) {
    const std::size_t limit = stream_.api().options.max_event_bytes;
    const auto receive = [this](std::string_view name, std::string_view data, const codec::shaped_text& shaped) {
        receive_event(stream_, name, data, shaped);
    };
    codec::read_events(parser_, bytes, stream_.protocol->text_shape(), limit, receive);
    if (parser_.error() == sse::parser_error::event_too_large)
        stream_.fail(errc::event_too_large, "an event is larger than " + std::to_string(limit) + " bytes");
}

/// The standard drops an event that no blank line ends (WHATWG HTML, 9.2.6). Services have been seen to leave out that
/// line at the very end, so an event whose data is complete is still received.
void response_reader::receive_unterminated_event() {
    const sse::event* event = parser_.finish();
    if (event && !codec::json::find_error(event->data)) receive_event(stream_, event->type, event->data);
}

void response_reader::receive_refusal(std::string_view bytes) {
    const std::size_t room = max_error_body - refusal_.size();
    refusal_.append(bytes.substr(0, room));
    if (bytes.size() <= room) return;
    refusal_is_complete_ = true;
    stream_.fsm.response_ended({});
    stream_.arrival.notify();
}

void response_reader::on_done(std::error_code code, std::string detail) noexcept {
    over_ = true;
    failure_ = code ? code : std::error_code(errc::premature_eof);
    if (stream_.user == stream_state::caller::gone) {
        stream_.release_deadline();
        return;
    }
    try {
        if (accepted() && !stream_.fsm.over() && !code) receive_unterminated_event();
        if (accepted()) receive_unreported_end(stream_);
        if (code) detail_ = stream_.secrets.redacted(detail);
        if (code && accepted() && !stream_.fsm.over()) stream_.details.message = detail_;
    } catch (...) {
        code = std::make_error_code(std::errc::not_enough_memory);
    }
    stream_.fsm.response_ended(code);
    stream_.settle();
    stream_.watch();
    stream_.arrival.notify();
}

}  // namespace corun::detail
