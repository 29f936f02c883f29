#include "stream/stream.hpp"
#include <corun/event_stream.hpp>

namespace corun {

event_stream::event_stream() noexcept = default;
event_stream::event_stream(std::shared_ptr<detail::run_stream> impl) noexcept : impl_(std::move(impl)) {}
event_stream::event_stream(event_stream&&) noexcept = default;

event_stream& event_stream::operator=(event_stream&& other) noexcept {
    if (this != &other) {
        abandon();
        impl_ = std::move(other.impl_);
    }
    return *this;
}

event_stream::~event_stream() {
    abandon();
}

namespace {

/// An empty stream: default-constructed or moved from.
asio::awaitable<std::optional<event>> nothing() {
    std::optional<event> none;
    co_return none;
}

asio::awaitable<std::span<const event>> no_events() {
    std::span<const event> none;
    co_return none;
}

asio::awaitable<void> no_run() {
    std::string message = "the stream is empty (default-constructed or moved from)";
    throw error(errc::invalid_argument, std::move(message));
    co_return;
}

template <class T>
const T& empty_value() {
    static const T value;
    return value;
}

}  // namespace

asio::awaitable<std::optional<event>> event_stream::next() {
    if (!impl_) return nothing();
    return detail::run_stream::next(impl_, nullptr);
}

asio::awaitable<std::optional<event>> event_stream::next(std::error_code& code) {
    code.clear();
    if (!impl_) return nothing();
    return detail::run_stream::next(impl_, &code);
}

asio::awaitable<std::span<const event>> event_stream::next_batch() {
    if (!impl_) return no_events();
    return detail::run_stream::next_batch(impl_, max_batch, nullptr);
}

asio::awaitable<std::span<const event>> event_stream::next_batch(std::error_code& code) {
    code.clear();
    if (!impl_) return no_events();
    return detail::run_stream::next_batch(impl_, max_batch, &code);
}

std::optional<event> event_stream::try_next() {
    return impl_ ? impl_->try_next() : std::nullopt;
}

asio::awaitable<void> event_stream::submit(submission answers) {
    if (!impl_) return no_run();
    return detail::run_stream::submit(impl_, std::move(answers));
}

bool event_stream::waits_for_answers() const noexcept {
    return impl_ && impl_->waits_for_answers();
}

asio::awaitable<void> event_stream::cancel_run() {
    if (!impl_) return no_run();
    return detail::run_stream::cancel_run(impl_);
}

asio::awaitable<void> event_stream::stop() {
    if (!impl_) return no_run();
    return detail::run_stream::stop(impl_);
}

void event_stream::abandon() noexcept {
    if (impl_) impl_->abandon();
}

const std::string& event_stream::run_id() const noexcept {
    return impl_ ? impl_->run_id() : empty_value<std::string>();
}

run_position event_stream::position() const {
    return impl_ ? impl_->position() : run_position();
}

const std::string& event_stream::thread_id() const noexcept {
    return impl_ ? impl_->thread_id() : empty_value<std::string>();
}

int event_stream::status() const noexcept {
    return impl_ ? impl_->head().status : 0;
}

std::string_view event_stream::header(std::string_view name) const noexcept {
    return impl_ ? impl_->head().field(name) : std::string_view();
}

std::string_view event_stream::request_id() const noexcept {
    return impl_ ? detail::request_id_of(impl_->head()) : std::string_view();
}

const reconcile_report& event_stream::report() const noexcept {
    return impl_ ? impl_->report() : empty_value<reconcile_report>();
}

const diagnostics& event_stream::details() const noexcept {
    return impl_ ? impl_->details() : empty_value<diagnostics>();
}

}  // namespace corun
