#pragma once
#include "client/protocols.hpp"
#include "drive.hpp"
#include "frame.hpp"
#include "manual_clock.hpp"
#include "protocol/error_body.hpp"
#include "protocol/event_access.hpp"
#include "scripted_transport.hpp"
#include "sentence.hpp"
#include "stream/protocol.hpp"
#include "stream/receiving.hpp"
#include "stream/state.hpp"
#include <corun/corun.hpp>

#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>

#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// The steps in the life of a run without any I/O: the transport, the clock and the protocol are the test's.
namespace corun::test {

/// A protocol whose events say by their names what they are: `news`, `text`, `ping`, `again`, `error`, `action`,
/// `last`, `failed`, `end`. The data of `bad` cannot be decoded. What it is asked for is played by the test, and
/// logged.
class fake_protocol final : public detail::run_protocol {
    template <class Outcomes>
    static auto next(Outcomes& outcomes) {
        if (outcomes.empty()) throw std::runtime_error("the test plays no more outcomes");
        const auto play = std::move(outcomes.front());
        outcomes.pop_front();
        return play();
    }

public:
    explicit fake_protocol(bool mixed_answers = false) : run_protocol(mixed_answers, false) {}

    codec::event_class classify(std::string_view name, std::string_view data) override {
        using codec::event_class;
        if (name == "news" && data == "known") learn();
        if (name == "ping") return event_class::keepalive;
        if (name == "again") return event_class::repeated;
        if (name == "error") return event_class::error;
        if (name == "action") return event_class::action;
        if (name == "last" || name == "failed") return event_class::last;
        if (name == "end") return event_class::end_of_stream;
        return event_class::ordinary;
    }

    detail::event_facts inspect(std::string_view name, std::string_view data) noexcept override {
        detail::event_facts facts;
        facts.is_text = name == "text";
        facts.has_effect = name == "text";
        if (name == "error") facts.failure = codec::last_error_of(codec::decode_stream_error(data));
        if (name != "failed") return facts;
        facts.run.emplace();
        facts.run->status = run_state::failed;
        if (data.empty()) return facts;
        facts.run->last_error.emplace();
        facts.run->last_error->code = std::string(data);
        return facts;
    }

    std::optional<detail::polled_event> unreported_end() override { return std::exchange(end, std::nullopt); }

    [[nodiscard]] const codec::delta_shape& text_shape() const noexcept override { return shape; }

    std::error_code decode(codec::raw_event&& wire, event& first, std::vector<event>& more,
                           std::string& problem) override {
        if (wire.data == "bad") {
            problem = "the data is bad";
            return errc::bad_event;
        }
        first = named(wire);
        // An event says as many things more as its data has plus signs.
        for (const char c : wire.data)
            if (c == '+') more.push_back(named(wire));
        return {};
    }

    void delivered(const event& arrived) override { log.push_back("delivered " + std::string(arrived.name())); }

    asio::awaitable<detail::prepared_run> prepare(mcp_header_request request, start kind) override {
        log.push_back(kind == start::restart ? "prepare restart" : "prepare");
        prepared_for = std::move(request);
        if (prepare_failure) std::rethrow_exception(prepare_failure);
        detail::prepared_run prepared;
        prepared.call.path = "/again";
        prepared.report.add(7, "begun again");
        prepared.report.set_request("/again", "{\"shown\":1}");
        prepared.secrets.add(secret("planted-secret-again"));
        co_return prepared;
    }

    asio::awaitable<detail::run_call> answer(submission answers, reconcile_report& report, detail::redactor&) override {
        log.push_back("answer " + std::to_string(answers.outputs().size()));
        detail::run_call call;
        call.path = "/answers";
        report.add(15, "answered");
        co_return call;
    }

    void before_send() override { log.emplace_back("before_send"); }
    void on_created(std::string_view json) override {
        log.push_back("created " + std::string(json));
        learn();
    }

    void on_disconnect(std::vector<codec::raw_event> waiting, std::size_t already_delivered) override {
        log.push_back("disconnect " + std::to_string(waiting.size()) + " " + std::to_string(already_delivered));
        const auto decode_ahead = [this](codec::raw_event raw, event& first, std::vector<event>& more,
                                         std::string& problem) { return decode(std::move(raw), first, more, problem); };
        deliver_waiting(std::move(waiting), already_delivered, decode_ahead);
    }

    asio::awaitable<std::optional<bool>> find_run(detail::redactor) override {
        log.emplace_back("find_run");
        const auto outcome = next(finds);
        if (outcome.value_or(false)) learn();
        co_return outcome;
    }

    std::optional<detail::run_call> resume_request() override {
        if (!can_resume) return std::nullopt;
        detail::run_call call;
        call.method = "GET";
        call.path = "/resume";
        return call;
    }

    asio::awaitable<std::vector<detail::polled_event>> poll(detail::redactor) override {
        log.emplace_back("poll");
        co_return next(polls);
    }

    void poll_only_the_end() override { log.emplace_back("only the end"); }

    [[nodiscard]] ending how_it_ends() const noexcept override { return ends_by; }

    asio::awaitable<void> cancel(detail::redactor) override {
        log.emplace_back("cancel");
        if (!cancels.empty()) next(cancels);
        co_return;
    }

    asio::awaitable<bool> has_ended(detail::redactor) override {
        log.emplace_back("has_ended");
        co_return next(ends);
    }

    void learn() {
        identity_.run_id = "run_1";
        identity_.thread_id = "thread_1";
        identity_.is_known = identity_.can_be_found = true;
    }
    void set_mark_would_help() { identity_.mark_would_help = true; }
    void set_action(required_action action) { identity_.action = std::move(action); }

    codec::delta_shape shape;  ///< None.
    std::vector<std::string> log;
    mcp_header_request prepared_for;
    std::exception_ptr prepare_failure;
    std::optional<detail::polled_event> end;
    bool can_resume = false;
    ending ends_by = ending::by_request;
    std::deque<std::function<std::optional<bool>()>> finds;
    std::deque<std::function<std::vector<detail::polled_event>()>> polls;
    std::deque<std::function<bool()>> ends;
    std::deque<std::function<void()>> cancels;

private:
    static event named(const codec::raw_event& wire) {
        event result;
        detail::event_access::emplace<events::unknown>(result, wire.name, wire.data, wire.storage);
        return result;
    }
};

inline error failed_with(errc code, int status = 0, std::optional<std::chrono::milliseconds> retry_after = {}) {
    diagnostics details;
    details.status = status;
    details.retry_after = retry_after;
    return error(code, std::move(details));
}

/// A function that fails with an error.
inline auto fails(errc code, int status = 0) {
    return [code, status]() -> std::vector<detail::polled_event> { throw failed_with(code, status); };
}

inline auto shows(std::vector<detail::polled_event> events) {
    return [events = std::move(events)] { return events; };
}

struct step_fixture {
    explicit step_fixture(run_options options = {}, client_options settings = defaults()) {
        context->api =
            detail::make_api_client(io.get_executor(), "https://service.example/p",
                                    credential::bearer("planted-secret-token"), std::move(settings), transport, clock);
        context->options.change() = std::move(options);
        make();
    }
    ~step_fixture() {
        // What drains is kept by its timer.
        if (stream) stream->drain();
        clock->shut_down();
    }

    static client_options defaults() {
        client_options settings;
        settings.retry.jitter = 0;
        settings.retry.max_retries = 1;
        settings.retry.first_delay = std::chrono::seconds(1);
        settings.reattach.give_up_after = std::chrono::seconds(10);
        return settings;
    }

    /// A fresh stream of the same context.
    void make(bool mixed_answers = false) {
        auto made = std::make_unique<fake_protocol>(mixed_answers);
        protocol = made.get();
        detail::prepared_run request;
        stream = std::make_shared<detail::stream_state>(context, std::move(made), request);
    }

    /// Starts a step; `outcome` has its failure's code once it has ended.
    template <class T>
    void start(asio::awaitable<T> step) {
        outcome.reset();
        what.clear();
        asio::co_spawn(io, std::move(step), [this](std::exception_ptr failure, auto&&...) { ended(failure); });
        run_ready(io);
    }
    void start(asio::awaitable<void> step) {
        outcome.reset();
        what.clear();
        asio::co_spawn(io, std::move(step), [this](std::exception_ptr failure) { ended(failure); });
        run_ready(io);
    }

    void ended(const std::exception_ptr& failure) {
        outcome.emplace();
        if (!failure) return;
        try {
            std::rethrow_exception(failure);
        } catch (const std::system_error& problem) {
            outcome = problem.code();
            what = sentence_of(problem);
        } catch (const std::exception& problem) {
            what = problem.what();
            outcome = std::make_error_code(std::errc::state_not_recoverable);
        }
    }

    /// Time passes.
    void wait(std::chrono::milliseconds duration) {
        clock->advance(duration);
        run_ready(io);
    }

    scripted_transport::scripted_transfer& transfer() {
        if (!transport->current()) throw std::runtime_error("no request is under way");
        return *transport->current();
    }
    std::string path() { return transfer().request.url.substr(sizeof("https://service.example/p") - 1); }

    void accept() {
        transfer().head(200, "text/event-stream");
        run_ready(io);
    }
    void receive(std::string_view bytes) {
        transfer().bytes(bytes);
        run_ready(io);
    }
    void end(std::error_code code = {}) {
        transfer().done(code);
        run_ready(io);
    }
    void refuse(int status, std::string body = "{}") {
        transfer().head(status, "application/json");
        transfer().bytes(body);
        end();
    }

    /// The names of the events that wait, all of them taken.
    std::string take() {
        std::string names;
        std::error_code failure;
        std::string problem;
        for (event taken; stream->events.take(*stream->protocol, taken, failure, problem);)
            names += (names.empty() ? "" : " ") + std::string(taken.name());
        return failure ? names + "!" : names;
    }

    [[nodiscard]] run::phase phase() const { return stream->fsm.phase(); }
    [[nodiscard]] std::size_t logged(const std::string& line) const {
        return static_cast<std::size_t>(std::count(protocol->log.begin(), protocol->log.end(), line));
    }

    asio::io_context io;
    std::shared_ptr<scripted_transport> transport = std::make_shared<scripted_transport>();
    std::shared_ptr<manual_clock> clock = std::make_shared<manual_clock>();
    std::shared_ptr<detail::run_context> context = std::make_shared<detail::run_context>();
    std::shared_ptr<detail::stream_state> stream;
    fake_protocol* protocol = nullptr;
    std::optional<std::error_code> outcome;
    std::string what;
};

}  // namespace corun::test
