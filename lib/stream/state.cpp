#include "stream/state.hpp"

#include "stream/life.hpp"
#include "stream/receiving.hpp"

#include <asio/post.hpp>

#include <utility>

namespace corun::detail {
namespace {

run::limits limits_of(const run_context& run) noexcept {
    const stream_options options = options_of(run);
    run::limits limits;
    limits.idle = options.idle_timeout;
    limits.event = options.event_timeout;
    limits.total = options.total_timeout;
    limits.high_water_bytes = run.api->options.high_water_bytes;
    limits.reattachments = options.reattach.enabled ? options.reattach.max_reattachments : 0;
    return limits;
}

}  // namespace

stream_state::stream_state(std::shared_ptr<run_context> context, std::unique_ptr<run_protocol> its_protocol,
                           prepared_run& request)
    : run(std::move(context)),
      protocol(std::move(its_protocol)),
      fsm(limits_of(*run), now()),
      events(run->api->event_blocks, options_of(*run).reattach.enabled),
      restarts(run->provider ? 1 : 0, run->options->rate_limit_restarts, options_of(*run).retry),
      secrets(std::move(request.secrets)),
      report(std::move(request.report)),
      observed(*run),
      arrival(run->api->executor) {}

void stream_state::settle() noexcept {
    switch (fsm.phase()) {
        case run::phase::lost:
        case run::phase::polling:
        case run::phase::answering:
        case run::phase::restarting:
            if (abandoned() || (life && !life->finished())) return;
            try {
                life = task<bool>::start(run->api->executor, live(shared_from_this()));
            } catch (...) {
                fsm.fail_earlier(std::make_error_code(std::errc::not_enough_memory));
            }
            return;
        case run::phase::over:
            observe_end(fsm.failure());
            if (user != caller::stopping) run->threads.copy.reset();
            cancel_life();
            return;
        case run::phase::sending:
        case run::phase::streaming:
        case run::phase::waiting:
            return;
    }
}

void stream_state::update_transfer() noexcept {
    if (!response || !response->open()) return;
    const bool resumed = response->pause(fsm.paused() || !fsm.reading());
    if (resumed) watch();
    if (fsm.reading()) return;
    // The transfer must not be destroyed here, in the middle of the transport's work.
    asio::post(run->api->executor, [weak = std::weak_ptr<response_reader>(response)] {
        if (auto reader = weak.lock()) reader->close();
    });
}

/// When the timer fires it looks again, so that bytes cost no timer.
void stream_state::watch() {
    const auto when = fsm.deadline();
    if (!when || abandoned()) {
        if (deadline) deadline->cancel();
        return;
    }
    if (!deadline) deadline = run->api->clock->make_timer();
    deadline->expires_at(*when, [weak = weak_from_this()] {
        const auto self = weak.lock();
        if (!self || self->abandoned()) return;
        const auto due = self->fsm.deadline();
        if (due && *due <= self->now()) receive_unreported_end(*self);
        self->fsm.time_passed(self->now());
        if (!self->fsm.reading() && self->response) self->response->close();
        self->settle();
        if (self->fsm.over() || !self->fsm.reading()) self->arrival.notify();
        self->watch();
    });
}

void stream_state::fail(std::error_code code, std::string message) noexcept {
    if (fsm.over()) return;
    details.message = std::move(message);
    fsm.fail(code);
    settle();
    update_transfer();
    arrival.notify();
}

/// What went wrong beside the caller overrides what came of the response.
void stream_state::fail(const std::exception_ptr& failure) noexcept {
    std::error_code code;
    try {
        std::rethrow_exception(failure);
    } catch (const error& problem) {
        code = problem.code();
        details = problem.details();
        secrets.redact(details);
    } catch (const std::system_error& problem) {
        code = problem.code();
    } catch (...) {
        code = std::make_error_code(std::errc::not_enough_memory);
    }
    fsm.fail_earlier(code);
    settle();
    update_transfer();
    arrival.notify();
}

void stream_state::cancel_life() noexcept {
    if (!life) return;
    // Posted: the executor may be on its way out, and what works on it with it.
    try {
        asio::post(run->api->executor, [ended = std::move(life)] { ended->cancel(); });
    } catch (...) {
    }
}

void stream_state::drop_events() noexcept {
    events.drop();
    fsm.backlog_changed(0, now());
    update_transfer();
    arrival.notify();
}

void stream_state::drain() noexcept {
    const bool ending = response && response->open() && fsm.over() && fsm.reading() && !fsm.paused();
    if (ending && deadline) {
        // The timer's call keeps this until then.
        deadline->expires_at(*fsm.deadline(), [self = shared_from_this()] { self->response->close(); });
        return;
    }
    if (response) response->close();
    deadline.reset();
}

void stream_state::release_deadline() noexcept {
    asio::post(run->api->executor, [last = std::move(deadline)] {});
}

void stream_state::observe_end(std::error_code failure) noexcept {
    observed.end(api(), failure, secrets, protocol->identity());
}

}  // namespace corun::detail
