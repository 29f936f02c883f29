// A run of the threads protocol.
#include "api/api_objects.hpp"
#include "api/listing.hpp"
#include "json/reader.hpp"
#include "protocol/common.hpp"
#include "protocol/error_body.hpp"
#include "protocol/threads/codec.hpp"
#include "protocol/threads/replay.hpp"
#include "run/event_queue.hpp"
#include "stream/actions.hpp"
#include "stream/protocol.hpp"
#include "stream/threads_find.hpp"
#include "stream/threads_request.hpp"
#include "text/url.hpp"

#include <algorithm>
#include <ctime>
#include <utility>

namespace corun::detail {
namespace {

namespace wire = codec::threads;

/// The JSON of all objects of a listing, oldest first.
asio::awaitable<std::vector<std::string>> read_all(std::shared_ptr<api_client> api, std::string path,
                                                   std::string filter, redactor secrets) {
    std::vector<std::string> items;
    std::string cursor;
    do {
        std::string query = "limit=100&order=asc";
        if (!filter.empty()) query += '&' + filter;
        if (!cursor.empty()) query += "&after=" + percent_encoded(cursor);
        const std::string json = co_await api_client::call(api, "GET", path, std::move(query), {}, secrets);
        codec::page read = codec::decode_page(json);
        for (std::string& item : read.items) items.push_back(std::move(item));
        cursor = read.next == cursor ? std::string() : std::move(read.next);
    } while (!cursor.empty());
    co_return items;
}

bool is_run_event(std::string_view name) noexcept {
    return name.starts_with("thread.run.") && !name.starts_with("thread.run.step.");
}

bool has_effect(std::string_view name, std::string_view data) noexcept {
    if (name.starts_with("thread.message.") || name == "thread.run.step.delta" || name == "thread.run.requires_action")
        return true;
    if (!name.starts_with("thread.run.step.")) return false;
    try {
        const run_step step = wire::decode_step(data);
        return !step.tool_calls.empty() || step.type == "message_creation";
    } catch (...) {
        return true;
    }
}

/// The event is as good as delivered: a poll shows what is new since.
void read_ahead(wire::decoder& decoder, std::string_view name, std::string_view data) {
    run::event_queue queue;
    queue.push(name, data);
    event first;
    std::vector<event> more;
    std::string problem;
    (void)decoder.decode(queue.pop(), first, more, problem);
}

/// As if the caller had received these events.
run_progress progress_of(const std::vector<codec::replayed_event>& replayed) {
    run_progress progress;
    wire::decoder decoder;
    for (const codec::replayed_event& each : replayed) {
        run::event_queue queue;
        queue.push(each.name, each.data);
        event first;
        std::vector<event> more;
        std::string problem;
        if (decoder.decode(queue.pop(), first, more, problem)) continue;
        (void)progress.observe(first);
        for (const event& rest : more) (void)progress.observe(rest);
    }
    return progress;
}

class threads_protocol final : public run_protocol {
public:
    explicit threads_protocol(std::shared_ptr<run_context> run)
        // The service takes one kind of answers at a time; how it would ask for two is not known.
        : run_protocol(false, false), run_(std::move(run)), api_(run_->api), creation_(run_) {
        decoder_.be_strict(options_of(*run_).strict_events);
        note_findable();
    }

    enum class history {
        is_new,    ///< What the run has done will be reported.
        is_known,  ///< Only what it does from here on will, and it waits for an action.
    };
    /// Takes a run as it is.
    static asio::awaitable<void> attach(threads_protocol& self, run_position position, history past) {
        if (past == history::is_new) self.past_ = received_elsewhere(position);
        self.identity_.run_id = std::move(position.run_id);
        self.identity_.thread_id = std::move(position.thread_id);
        self.identity_.is_known = true;
        self.note_findable();
        self.replay_.set_thread();
        std::string path = self.path_of_run();
        const std::string json = co_await api_client::call(self.api_, "GET", path);
        // A run shows its tools as an agent does.
        for (const tool& value : wire::decode_agent(json).tools)
            if (const auto* server = std::get_if<mcp_tool>(&value)) self.run_->servers.push_back(*server);
        if (past == history::is_new) co_return;
        self.take_action(json);
        if (!options_of(*self.run_).reattach.enabled) co_return;
        const auto steps = co_await read_all(self.api_, std::move(path) + "/steps", {}, {});
        const auto messages = co_await self.read_messages({});
        self.past_ =
            received_elsewhere(progress_of(self.replay_.events_of(json, steps, messages, self.ahead_.items())));
    }

    codec::event_class classify(std::string_view wire_name, std::string_view data) override {
        if (wire::is_text_delta(wire_name)) return codec::event_class::ordinary;
        const std::string_view name = wire::event_name(wire_name, data);
        codec::event_class kind = wire::classify(name, data);
        if (is_run_event(name) && kind == codec::event_class::ordinary) {
            // A status that is repeated says that the connection lives.
            if (name == latest_status_) kind = codec::event_class::keepalive;
            latest_status_ = name;
        }
        if (identity_.run_id.empty() && kind != codec::event_class::keepalive) learn_ids(name, data);
        if (kind == codec::event_class::action) take_action(data);
        return kind;
    }

    event_facts inspect(std::string_view wire_name, std::string_view data) noexcept override {
        event_facts facts;
        const std::string_view name = wire::event_name(wire_name, data);
        facts.is_text = name == "thread.message.delta";
        facts.has_effect = has_effect(name, data);
        const codec::json::lenient_scope lenient;
        try {
            if (name == "error") facts.failure = codec::last_error_of(codec::decode_stream_error(data));
            if (is_run_event(name)) facts.run = wire::decode_run(data);
        } catch (...) {
            // Reported when the caller takes the event.
        }
        return facts;
    }

    std::error_code decode(codec::raw_event&& raw, event& first, std::vector<event>& more,
                           std::string& problem) override {
        const std::error_code code = decoder_.decode(std::move(raw), first, more, problem);
        if (!code) past_.drop_step(first, more);
        return code;
    }

    [[nodiscard]] const codec::delta_shape& text_shape() const noexcept override { return decoder_.text_shape(); }

    void delivered(const event& arrived) override { replay_.delivered(arrived); }

    asio::awaitable<prepared_run> prepare(mcp_header_request request, start kind) override {
        // Of a run that failed before it told its thread, nothing is there.
        if (kind == start::restart && !identity_.thread_id.empty()) {
            // The thread has the messages, or the run before would not have been created.
            run_->threads.former_thread = identity_.thread_id;
            if (!run_->thread_resources) run_->thread_resources.emplace();
            run_->messages.clear();
            run_->options.change().additional_messages.clear();
        }
        if (kind == start::restart) begins_another_run_ = true;
        prepared_run prepared = co_await prepare_threads_run(run_, std::move(request));
        note_findable();
        co_return prepared;
    }

    asio::awaitable<run_call> answer(submission answers, reconcile_report& report, redactor& secrets) override {
        run_call call;
        answers = co_await with_headers(run_, identity_, std::move(answers), report);
        for (const tool_approval& approval : answers.approvals())
            for (const header& field : approval.headers) secrets.add(field.value);
        call.path = path_of_run() + "/submit_tool_outputs";
        call.body = wire::encode_submission(answers, !run_->threads.polls);
        replay_.answered();
        co_return call;
    }

    void before_send() override {
        latest_status_.clear();
        creation_.sent_at = std::time(nullptr);
        if (!std::exchange(begins_another_run_, false)) return;
        creation_.former_run = std::exchange(identity_.run_id, {});
        identity_.is_known = false;
        replay_ = {};
        replay_.set_thread();
    }

    void on_created(std::string_view json) override {
        if (!identity_.run_id.empty()) return;
        learn_ids("thread.run.created", json);
        first_poll_ = json;
    }

    void on_disconnect(std::vector<codec::raw_event> waiting, std::size_t already_delivered) override {
        ahead_ = decoder_.fork();
        const auto decode_ahead = [this](codec::raw_event raw, event& first, std::vector<event>& more,
                                         std::string& problem) {
            return ahead_.decode(std::move(raw), first, more, problem);
        };
        deliver_waiting(std::move(waiting), already_delivered, decode_ahead);
        replay_.emit_deltas();
    }

    asio::awaitable<std::optional<bool>> find_run(redactor secrets) override {
        std::optional<bool> carried_out;
        if (!identity_.run_id.empty()) {
            carried_out = !co_await still_waits(std::move(secrets));
            co_return carried_out;
        }
        creation_.thread = identity_.thread_id;
        const creation_search search = co_await find_threads_run(creation_, std::move(secrets));
        if (search.run) learn(*search.run);
        if (search.possible) carried_out = search.run.has_value();
        co_return carried_out;
    }

    std::optional<run_call> resume_request() override { return std::nullopt; }

    asio::awaitable<std::vector<polled_event>> poll(redactor secrets) override {
        std::vector<polled_event> events;
        const std::string path = path_of_run();
        std::string json;
        const bool creates_thread = !run_->conversation && run_->threads.former_thread.empty();
        if (creates_thread && !replay_.has_thread() && !replay_.emits_only_the_end()) {
            json = co_await api_client::call(api_, "GET", path_of_thread(), {}, {}, secrets);
            events.emplace_back("thread.created", std::move(json));
            replay_.set_thread();
        }
        json = std::exchange(first_poll_, {});
        if (json.empty()) json = co_await api_client::call(api_, "GET", path, {}, {}, secrets);
        const thread_run polled = wire::decode_run(json);
        // It would be polled for ever: nothing else says when it ends.
        if (polled.status_text.empty()) throw error(errc::bad_response, "the service's run has no status");
        std::vector<std::string> steps, messages;
        if (!replay_.emits_only_the_end() && (past_.restores() || polled.status != run_state::queued)) {
            steps = co_await read_all(api_, path + "/steps", include_query(run_->options->include), secrets);
            messages = co_await read_messages(secrets);
        }
        if (past_.restores()) {
            // What the caller has received elsewhere is not new.
            codec::streamed_items items;
            replay_.restore(past(), json, steps, messages, items);
            past_.was_restored();
            decoder_.restore(std::move(items));
            ahead_ = decoder_.fork();
        }
        for (codec::replayed_event& each : replay_.events_of(json, steps, messages, ahead_.items())) {
            read_ahead(ahead_, each.name, each.data);
            events.emplace_back(std::move(each.name), std::move(each.data));
        }
        co_return events;
    }

    void poll_only_the_end() override { replay_.emit_only_the_end(); }

    asio::awaitable<void> cancel(redactor secrets) override {
        std::string path = path_of_run() + "/cancel";
        (void)co_await api_client::call(api_, "POST", std::move(path), {}, {}, std::move(secrets), repeat::idempotent);
    }

    asio::awaitable<bool> has_ended(redactor secrets) override {
        std::string path = path_of_run();
        const std::string json = co_await api_client::call(api_, "GET", std::move(path), {}, {}, std::move(secrets));
        co_return is_terminal(wire::decode_run(json).status);
    }

private:
    [[nodiscard]] std::string path_of_thread() const {
        return path_of("/threads", identity_.thread_id, "the stream's thread id");
    }
    [[nodiscard]] std::string path_of_run() const {
        return path_of_thread() + path_of("/runs", identity_.run_id, "the stream's run id");
    }

    asio::awaitable<std::vector<std::string>> read_messages(redactor secrets) {
        return read_all(api_, path_of_thread() + "/messages", "run_id=" + percent_encoded(identity_.run_id),
                        std::move(secrets));
    }

    /// So that the run can be found and cancelled before its first event has been taken.
    void learn_ids(std::string_view name, std::string_view data) {
        const codec::json::lenient_scope lenient;
        try {
            if (is_run_event(name)) learn(wire::decode_run(data));
            // A thread that its run creates has that run alone.
            if (name == "thread.created") identity_.thread_id = wire::decode_thread(data).id;
            note_findable();
        } catch (const error&) {
            // Reported when the caller takes the event.
        }
    }

    void learn(const thread_run& run) {
        if (!run.thread_id.empty()) identity_.thread_id = run.thread_id;
        if (run.id.empty()) return;
        identity_.run_id = run.id;
        identity_.is_known = true;
        if (run_->conversation) run_->conversation->latest_run = run.id;
        note_findable();
    }

    void note_findable() noexcept {
        identity_.can_be_found = !identity_.run_id.empty() || run_->conversation || !identity_.thread_id.empty() ||
                                 !run_->threads.former_thread.empty() || !run_->threads.mark.empty();
        identity_.mark_would_help = !identity_.can_be_found;
    }

    void take_action(std::string_view data) {
        identity_.action = {};
        const codec::json::lenient_scope lenient;
        try {
            thread_run run = wire::decode_run(data);
            if (run.required_action) identity_.action = std::move(*run.required_action);
        } catch (const error&) {
            // Reported when the caller takes the event.
        }
    }

    /// Whether the run still waits for the answers that were sent.
    asio::awaitable<bool> still_waits(redactor secrets) {
        std::string path = path_of_run();
        const std::string json = co_await api_client::call(api_, "GET", std::move(path), {}, {}, std::move(secrets));
        const thread_run now = wire::decode_run(json);
        const bool waits = now.status == run_state::requires_action && now.required_action;
        const bool same = waits && wire::is_same_action(*now.required_action, identity_.action);
        co_return same;
    }

    std::shared_ptr<run_context> run_;
    std::shared_ptr<api_client> api_;
    lost_creation creation_;
    wire::decoder decoder_, ahead_;  ///< `ahead_` has decoded what waits for the caller too.
    wire::replay replay_;
    std::string latest_status_;        ///< The latest event about the run's status.
    std::string first_poll_;           ///< The response that created the run, where it is not streamed.
    bool begins_another_run_ = false;  ///< The next request does.
};

}  // namespace

std::unique_ptr<run_protocol> make_threads_protocol(std::shared_ptr<run_context> run) {
    return std::make_unique<threads_protocol>(std::move(run));
}

asio::awaitable<std::unique_ptr<run_protocol>> attach_threads_protocol(std::shared_ptr<run_context> run,
                                                                       run_position position) {
    auto attached = std::make_unique<threads_protocol>(std::move(run));
    co_await threads_protocol::attach(*attached, std::move(position), threads_protocol::history::is_new);
    co_return std::unique_ptr<run_protocol>(std::move(attached));
}

asio::awaitable<std::unique_ptr<run_protocol>> find_threads_protocol(std::shared_ptr<run_context> run,
                                                                     std::string run_id) {
    run_position position(std::move(run_id), run->conversation->value.id);
    auto found = std::make_unique<threads_protocol>(std::move(run));
    co_await threads_protocol::attach(*found, std::move(position), threads_protocol::history::is_known);
    co_return std::unique_ptr<run_protocol>(std::move(found));
}

}  // namespace corun::detail
