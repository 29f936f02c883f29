// A run of the Responses protocol: a response, and another one for each answer to its calls.
#include "api/api_objects.hpp"
#include "json/find.hpp"
#include "json/reader.hpp"
#include "protocol/responses/codec.hpp"
#include "protocol/responses/replay.hpp"
#include "protocol/responses/sequence.hpp"
#include "run/event_queue.hpp"
#include "stream/protocol.hpp"
#include "stream/responses_arrivals.hpp"
#include "stream/responses_request.hpp"

#include <algorithm>
#include <utility>

namespace corun::detail {
namespace {

namespace wire = codec::responses;
namespace json = codec::json;

/// The JSON of the response in an event.
std::optional<std::string_view> response_in(std::string_view data) noexcept {
    const auto response = json::find_member(data, "response");
    if (!response || !response->starts_with('{')) return std::nullopt;
    return response;
}

class responses_protocol final : public run_protocol {
public:
    explicit responses_protocol(std::shared_ptr<run_context> run)
        : run_protocol(true, false),
          run_(std::move(run)),
          api_(run_->api),
          requests_(std::make_shared<responses_requests>(run_)) {
        if (run_->conversation) identity_.thread_id = run_->conversation->value.id;
        decoder_.be_strict(options_of(*run_).strict_events);
    }

    /// Takes a response as it is. Its events are new, from those after `number`: the ones before are streamed again,
    /// and read without being delivered, because later ones refer to them.
    void attach(run_position position) {
        identity_.run_id = std::move(position.run_id);
        identity_.is_known = true;
        note_findable();
        past_ = received_elsewhere(position);
        // What was polled elsewhere has no number: the response is polled here, too.
        begins_at_first_event_ = !past_.restores() || past_.has_number();
    }

    codec::event_class classify(std::string_view name, std::string_view data) override {
        const bool is_numbered = requests_->is_background() || past_.has_number();
        if (identity_.is_known && !is_numbered && wire::is_text_delta(data)) return codec::event_class::ordinary;
        begins_at_first_event_ = false;
        const bool is_counted = arrived_.is_counted(name, data);
        if (is_counted && requests_->is_background()) {
            const run::sequence::place place = sequence_.observe(wire::sequence_number_of(data));
            if (place == run::sequence::place::repeated) return codec::event_class::repeated;
            if (place == run::sequence::place::beyond_a_gap) {
                // Polling shows what is missing.
                may_resume_ = false;
                return codec::event_class::end_of_stream;
            }
        }
        arrived_.observe(name, data);
        const codec::event_class kind = wire::classify(name, data, arrived_.seen());
        if (!identity_.is_known && kind != codec::event_class::end_of_stream) learn_ids(data);
        if (kind == codec::event_class::action) {
            waits_ = true;
            identity_.action = wire::action_left_by(name, data, arrived_.seen()).value_or(required_action());
        }
        // How a response ended, or what it waits for, is delivered in any case.
        const bool is_end = kind == codec::event_class::last || kind == codec::event_class::action;
        if (is_end || !past_.has_number() || !past_.covers(wire::sequence_number_of(data))) {
            if (is_numbered) past_.was_streamed();
            return kind;
        }
        record(decoder_, name, data);
        return codec::event_class::repeated;
    }

    event_facts inspect(std::string_view name, std::string_view data) noexcept override {
        return arrived_.inspect(name, data);
    }

    std::optional<polled_event> unreported_end() override { return arrived_.unreported_end(); }

    std::error_code decode(codec::raw_event&& raw, event& first, std::vector<event>& more,
                           std::string& problem) override {
        const auto number = past_.has_number() ? wire::sequence_number_of(raw.data) : std::nullopt;
        const std::error_code code = decoder_.decode(std::move(raw), first, more, problem);
        if (code) return code;
        past_.drop_step(first, more);
        past_.drop_numbered(number, first, more);
        return code;
    }

    [[nodiscard]] const codec::delta_shape& text_shape() const noexcept override { return decoder_.text_shape(); }

    void delivered(const event& arrived) override { replay_.delivered(arrived); }

    [[nodiscard]] std::optional<std::int64_t> sequence_number_of(const event& taken) const noexcept override {
        if (!requests_->is_background()) return std::nullopt;
        return wire::sequence_number_of(taken.raw());
    }

    asio::awaitable<prepared_run> prepare(mcp_header_request request, start kind) override {
        begins_another_run_ = kind == start::restart;
        return responses_requests::first(requests_, std::move(request));
    }

    asio::awaitable<run_call> answer(submission answers, reconcile_report& report, redactor& secrets) override {
        return responses_requests::answer(requests_, identity_, std::move(answers), report, secrets);
    }

    void before_send() override {
        identity_.is_known = false;
        sequence_ = {};
        resumed_after_.reset();
        past_ = {};
        may_resume_ = true;
        if (std::exchange(begins_another_run_, false)) identity_.run_id.clear();
        note_findable();
    }

    void on_created(std::string_view) override {}

    void on_disconnect(std::vector<codec::raw_event> waiting, std::size_t already_delivered) override {
        ahead_ = decoder_.fork();
        const auto decode_ahead = [this](codec::raw_event raw, event& first, std::vector<event>& more,
                                         std::string& problem) {
            return ahead_.decode(std::move(raw), first, more, problem);
        };
        deliver_waiting(std::move(waiting), already_delivered, decode_ahead);
        // A stream that brings nothing would be resumed again and again.
        if (resumed_after_ && resumed_after_ == sequence_.last()) may_resume_ = false;
    }

    asio::awaitable<std::optional<bool>> find_run(redactor) override {
        // Responses are not listed anywhere.
        std::optional<bool> carried_out;
        if (identity_.is_known) carried_out = true;
        co_return carried_out;
    }

    std::optional<run_call> resume_request() override {
        std::optional<run_call> rest;
        const auto last = sequence_.last();
        if (!requests_->is_background() || !identity_.is_known || !may_resume_ || only_the_end_) return rest;
        if (!last && !begins_at_first_event_) return rest;
        sequence_.resume();
        resumed_after_ = last;
        rest.emplace();
        rest->method = "GET";
        rest->path = path_of_run();
        rest->query = "stream=true";
        if (last) rest->query += "&starting_after=" + std::to_string(*last);
        return rest;
    }

    asio::awaitable<std::vector<polled_event>> poll(redactor secrets) override {
        std::vector<polled_event> events;
        if (waits_ && only_the_end_) {
            // The service has nothing that could be cancelled, and answers are not sent any more.
            codec::replayed_event end = wire::cancelled_event(identity_.run_id, identity_.thread_id);
            events.emplace_back(std::move(end.name), std::move(end.data));
            co_return events;
        }
        std::string text = co_await api_client::call(api_, "GET", path_of_run(), {}, {}, std::move(secrets));
        // It would be polled for ever: nothing else says when it ends.
        if (codec::json::plain_string(codec::json::find_member(text, "status")).value_or("").empty())
            throw error(errc::bad_response, "the service's response has no status");
        if (past_.restores()) {
            // What the caller has received elsewhere is not new.
            codec::streamed_items items;
            wire::replay received;
            received.restore(past(), text, items);
            past_.was_restored();
            replay_ = received;
            decoder_.restore(std::move(items));
            ahead_ = decoder_.fork();
        }
        for (codec::replayed_event& each : replay_.events_of(text, ahead_.items())) {
            record(ahead_, each.name, each.data);
            if (only_the_end_ && wire::classify(each.name, each.data) != codec::event_class::last) continue;
            events.emplace_back(std::move(each.name), std::move(each.data));
        }
        co_return events;
    }

    void poll_only_the_end() override { only_the_end_ = true; }

    [[nodiscard]] ending how_it_ends() const noexcept override {
        // A response that waits has ended at the service.
        if (waits_ && identity_.is_known) return ending::by_leaving;
        if (requests_->is_background()) return ending::by_request;
        return requests_->is_stored() ? ending::not_supported : ending::by_leaving;
    }

    asio::awaitable<void> cancel(redactor secrets) override {
        // A response that waits has ended at the service.
        if (waits_) co_return;
        std::string path = path_of_run() + "/cancel";
        (void)co_await api_client::call(api_, "POST", std::move(path), {}, {}, std::move(secrets), repeat::idempotent);
    }

    asio::awaitable<bool> has_ended(redactor secrets) override {
        bool ended = waits_;
        if (ended) co_return ended;
        std::optional<error> problem;
        std::string text;
        try {
            text = co_await api_client::call(api_, "GET", path_of_run(), {}, {}, std::move(secrets));
        } catch (const error& met) {
            problem = met;
        }
        // Where responses are not stored, one whose client has left is none any more.
        if (problem && problem->code() != errc::not_found) throw error(*problem);
        ended = problem.has_value();
        if (!ended) {
            const run_state now = wire::decode_response(text).status;
            ended = is_terminal(now) || now == run_state::requires_action;
        }
        co_return ended;
    }

private:
    [[nodiscard]] std::string path_of_run() const {
        return path_of(requests_->path(), identity_.run_id, "the stream's run id");
    }

    void note_findable() noexcept { identity_.can_be_found = identity_.is_known && requests_->is_stored(); }

    /// Each answer is a response of its own: the run goes by the id of the latest.
    void learn_ids(std::string_view data) {
        const json::lenient_scope lenient;
        try {
            const auto response = response_in(data);
            if (!response) return;
            thread_run run = wire::decode_response(*response);
            if (run.id.empty()) return;
            identity_.run_id = std::move(run.id);
            if (!run.thread_id.empty()) identity_.thread_id = std::move(run.thread_id);
            identity_.is_known = true;
            waits_ = false;
            note_findable();
        } catch (const error&) {
            // Reported when the caller takes the event.
        }
    }

    /// The event is as good as delivered: a poll shows what is new since.
    void record(wire::decoder& decoder, std::string_view name, std::string_view data) {
        run::event_queue queue;
        queue.push(name, data);
        event first;
        std::vector<event> more;
        std::string problem;
        if (decoder.decode(queue.pop(), first, more, problem)) return;
        replay_.delivered(first);
        for (const event& each : more) replay_.delivered(each);
    }

    std::shared_ptr<run_context> run_;
    std::shared_ptr<api_client> api_;
    std::shared_ptr<responses_requests> requests_;
    wire::decoder decoder_, ahead_;
    arrived_events arrived_;
    wire::replay replay_;
    run::sequence sequence_;
    std::optional<std::int64_t> resumed_after_;
    bool may_resume_ = true;              ///< Stream on a response that broke off.
    bool waits_ = false;                  ///< The response has ended, and left calls to answer.
    bool begins_at_first_event_ = false;  ///< Of a response that was begun elsewhere.
    bool only_the_end_ = false;           ///< Polling shows nothing else.
    bool begins_another_run_ = false;     ///< The next request does.
};

}  // namespace

std::unique_ptr<run_protocol> make_responses_protocol(std::shared_ptr<run_context> run) {
    return std::make_unique<responses_protocol>(std::move(run));
}

asio::awaitable<std::unique_ptr<run_protocol>> attach_responses_protocol(std::shared_ptr<run_context> run,
                                                                         run_position position) {
    std::string path = path_of_run(*run->api, position);
    const std::string text = co_await api_client::call(run->api, "GET", std::move(path));
    thread_run response = wire::decode_response(text);
    run->options.change().background = json::find_member(text, "background") == "true";
    if (!response.thread_id.empty()) {
        run->conversation = std::make_shared<thread_object>(run->api);
        run->conversation->value.id = std::move(response.thread_id);
    }
    auto attached = std::make_unique<responses_protocol>(run);
    attached->attach(std::move(position));
    co_return std::unique_ptr<run_protocol>(std::move(attached));
}

}  // namespace corun::detail
