// A run of the threads protocol.
#include "api/objects.hpp"
#include "protocol/common.hpp"
#include "protocol/threads/codec.hpp"
#include "protocol/threads/replay.hpp"
#include "stream/actions.hpp"
#include "stream/protocol.hpp"
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

class threads_protocol final : public run_protocol {
public:
    explicit threads_protocol(std::shared_ptr<run_context> run) : run_(std::move(run)), api_(run_->api) {}

    /// Takes a run of the conversation as it is: what it has done is old.
    static asio::awaitable<void> find(threads_protocol& self, std::string run_id) {
        self.run_id_ = std::move(run_id);
        self.thread_id_ = self.run_->conversation->value.id;
        std::string path = self.path_of_run();
        const std::string json = co_await api_client::call(self.api_, "GET", path);
        self.take_action(json);
        // A run shows its tools as an agent does.
        for (const tool& value : wire::decode_agent(json).tools)
            if (const auto* server = std::get_if<mcp_tool>(&value)) self.run_->servers.push_back(*server);
        if (!limits_of(*self.run_).reattach.enabled) co_return;
        const auto steps = co_await read_all(self.api_, std::move(path) + "/steps", {}, {});
        const auto messages = co_await self.read_messages({});
        (void)self.replay_.observe(json, steps, messages);
    }

    codec::event_class arrived(std::string_view name, std::string_view data) override {
        const codec::event_class what = wire::classify(name, data);
        if (run_id_.empty() && what != codec::event_class::keepalive) learn_ids(name, data);
        if (what == codec::event_class::action) take_action(data);
        return what;
    }

    std::error_code decode(codec::raw_event raw, event& first, std::vector<event>& more,
                           std::string& problem) override {
        return decoder_.decode(std::move(raw), first, more, problem);
    }

    bool has_done_something(std::string_view name, std::string_view data) noexcept override {
        if (name.starts_with("thread.message.") || name == "thread.run.step.delta" ||
            name == "thread.run.requires_action")
            return true;
        if (!name.starts_with("thread.run.step.")) return false;
        try {
            const run_step step = wire::decode_step(data);
            return !step.tool_calls.empty() || step.type == "message_creation";
        } catch (...) {
            return true;
        }
    }

    std::error_code decode_ahead(codec::raw_event raw, event& first, std::vector<event>& more,
                                 std::string& problem) override {
        return decode(std::move(raw), first, more, problem);
    }

    bool is_text(std::string_view name, std::string_view) const noexcept override {
        return name == "thread.message.delta";
    }

    std::optional<thread_run> run_in(std::string_view name, std::string_view data) noexcept override {
        if (!name.starts_with("thread.run.") || name.starts_with("thread.run.step.")) return std::nullopt;
        try {
            return wire::decode_run(data);
        } catch (...) {
            return std::nullopt;
        }
    }

    const std::string& run_id() const noexcept override { return run_id_; }
    const std::string& thread_id() const noexcept override { return thread_id_; }
    const pending_action& action() const noexcept override { return action_; }
    // The service takes one kind at a time; how it would ask for two is not known.
    bool takes_mixed_answers() const noexcept override { return false; }

    asio::awaitable<prepared_run> prepare(mcp_header_request asked) override {
        return detail::prepare(run_, std::move(asked));
    }

    void begins_again() override {
        // The thread has the messages, or the run before would not have been created.
        run_->begun_in = thread_id_;
        if (!run_->given.thread) run_->given.thread.emplace();
        run_->messages.clear();
        run_->given.options.additional_messages.clear();
        again_ = true;
    }

    asio::awaitable<run_call> answer(submission answers, reconcile_report& report, redactor& secrets) override {
        run_call call;
        answers = co_await with_headers(run_, action_, std::move(answers), report);
        for (const tool_approval& approval : answers.approvals())
            for (const header& field : approval.headers) secrets.add(field.value);
        call.path = path_of_run() + "/submit_tool_outputs";
        call.body = wire::encode_submission(answers, !run_->polls);
        replay_.answered();
        co_return call;
    }

    void accepted(std::string_view json) override {
        if (!run_id_.empty()) return;
        learn_ids("thread.run.created", json);
        first_reading_ = json;
    }

    bool can_be_found() const noexcept override {
        return !run_id_.empty() || run_->conversation || !run_->begun_in.empty() || !run_->mark.empty();
    }
    void delivered(const event& what) override { replay_.delivered(what); }
    void lost() override { replay_.tell_deltas(); }
    void sends() override {
        sent_at_ = std::time(nullptr);
        if (!std::exchange(again_, false)) return;
        former_run_ = std::exchange(run_id_, {});
        replay_ = {};
        replay_.tell_thread();
    }

    asio::awaitable<std::optional<bool>> look(redactor secrets) override {
        std::optional<bool> carried_out;
        if (run_id_.empty())
            carried_out = co_await look_for_run(std::move(secrets));
        else
            carried_out = !co_await still_waits(std::move(secrets));
        co_return carried_out;
    }

    asio::awaitable<std::vector<read_event>> read(redactor secrets) override {
        std::vector<read_event> events;
        const std::string path = path_of_run();
        std::string json;
        if (creates_thread() && !replay_.has_told_thread() && !replay_.tells_only_the_end()) {
            json = co_await api_client::call(api_, "GET", path_of_thread(), {}, {}, secrets);
            events.emplace_back("thread.created", std::move(json));
            replay_.tell_thread();
        }
        json = std::exchange(first_reading_, {});
        if (json.empty()) json = co_await api_client::call(api_, "GET", path, {}, {}, secrets);
        std::vector<std::string> steps, messages;
        if (!replay_.tells_only_the_end() && wire::decode_run(json).status != run_state::queued) {
            steps = co_await read_all(api_, path + "/steps", include_query(run_->given.options.include), secrets);
            messages = co_await read_messages(secrets);
        }
        for (run::replay::event& each : replay_.observe(json, steps, messages))
            events.emplace_back(std::move(each.name), std::move(each.data));
        co_return events;
    }

    void read_only_the_end() override { replay_.tell_only_the_end(); }

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
    [[nodiscard]] bool creates_thread() const noexcept { return !run_->conversation && run_->begun_in.empty(); }
    [[nodiscard]] std::string path_of_thread() const {
        return path_of("/threads", thread_id_, "the stream's thread id");
    }
    [[nodiscard]] std::string path_of_run() const {
        return path_of_thread() + path_of("/runs", run_id_, "the stream's run id");
    }

    asio::awaitable<std::vector<std::string>> read_messages(redactor secrets) {
        return read_all(api_, path_of_thread() + "/messages", "run_id=" + percent_encoded(run_id_), std::move(secrets));
    }

    /// So that the run can be found and cancelled before its first event has been taken.
    void learn_ids(std::string_view name, std::string_view data) {
        if (!name.starts_with("thread.run.") || name.starts_with("thread.run.step.")) return;
        try {
            learn(wire::decode_run(data));
        } catch (const error&) {
            // The event itself is reported when the caller takes it.
        }
    }

    void learn(const thread_run& run) {
        run_id_ = run.id;
        thread_id_ = run.thread_id;
        if (run_->conversation) run_->conversation->latest_run = run.id;
    }

    void take_action(std::string_view data) {
        action_ = {};
        action_.run_id = run_id_;
        action_.thread_id = thread_id_;
        try {
            thread_run run = wire::decode_run(data);
            if (run.required_action) action_.asked = std::move(*run.required_action);
        } catch (const error&) {
            // Reported when the caller takes the event.
        }
    }

    // A run whose creation was not answered.

    [[nodiscard]] bool is_ours(const thread_run& seen) const {
        if (!run_->mark.empty()) {
            const auto mark = seen.metadata.find(run_mark);
            return mark != seen.metadata.end() && mark->second == run_->mark;
        }
        // A thread has one run at a time: the latest is this one, unless it was there before.
        const std::string known = run_->conversation ? run_->conversation->latest_run : std::string();
        // As its latest response tells: the one that lists the runs.
        const std::int64_t ahead = api_->time() - std::time(nullptr);
        return seen.id != former_run_ && seen.id != known && seen.agent_id == sent_agent() && seen.created_at &&
               *seen.created_at >= sent_at_ + ahead - 1;
    }

    [[nodiscard]] const std::string& sent_agent() const noexcept {
        return run_->copy ? run_->copy->id() : run_->given.agent.id;
    }

    asio::awaitable<std::optional<bool>> look_for_run(redactor secrets) {
        std::optional<bool> found;
        std::string thread = run_->begun_in;
        if (run_->conversation) thread = run_->conversation->value.id;
        if (thread.empty()) {
            if (run_->mark.empty()) co_return found;
            thread = co_await find_marked_thread(secrets);
        }
        found = false;
        if (thread.empty()) co_return found;
        std::string path = path_of("/threads", thread, "the thread's id") + "/runs";
        const std::string json =
            co_await api_client::call(api_, "GET", std::move(path), "limit=5&order=desc", {}, std::move(secrets));
        for (const std::string& item : codec::decode_page(json).items) {
            const thread_run seen = wire::decode_run(item);
            if (!is_ours(seen)) continue;
            learn(seen);
            found = true;
            break;
        }
        co_return found;
    }

    asio::awaitable<std::string> find_marked_thread(redactor secrets) {
        std::string id;
        const std::string json =
            co_await api_client::call(api_, "GET", "/threads", "limit=100&order=desc", {}, std::move(secrets));
        for (const std::string& item : codec::decode_page(json).items) {
            const thread_definition seen = wire::decode_thread(item);
            const auto mark = seen.metadata.find(run_mark);
            if (mark != seen.metadata.end() && mark->second == run_->mark) id = seen.id;
        }
        co_return id;
    }

    /// Whether the run still waits for the answers that were sent.
    asio::awaitable<bool> still_waits(redactor secrets) {
        std::string path = path_of_run();
        const std::string json = co_await api_client::call(api_, "GET", std::move(path), {}, {}, std::move(secrets));
        const thread_run now = wire::decode_run(json);
        co_return now.status ==
            run_state::requires_action&& now.required_action&& run::is_same_action(*now.required_action, action_.asked);
    }

    std::shared_ptr<run_context> run_;
    std::shared_ptr<api_client> api_;
    std::string run_id_, thread_id_, former_run_;
    pending_action action_;
    wire::decoder decoder_;
    run::replay replay_;
    std::string first_reading_;  ///< What creating the run was answered with, where it is not streamed.
    std::int64_t sent_at_ = 0;   ///< By this machine's clock, in seconds since 1970.
    bool again_ = false;         ///< What is sent next begins another run.
};

}  // namespace

std::unique_ptr<run_protocol> make_threads_protocol(std::shared_ptr<run_context> run) {
    return std::make_unique<threads_protocol>(std::move(run));
}

asio::awaitable<std::unique_ptr<run_protocol>> find_threads_protocol(std::shared_ptr<run_context> run,
                                                                     std::string run_id) {
    auto found = std::make_unique<threads_protocol>(std::move(run));
    co_await threads_protocol::find(*found, std::move(run_id));
    co_return std::unique_ptr<run_protocol>(std::move(found));
}

}  // namespace corun::detail
