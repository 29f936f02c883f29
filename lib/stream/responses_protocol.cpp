// A run of the Responses protocol: a response, and another one for each answer to its calls.
#include "api/objects.hpp"
#include "json/scan.hpp"
#include "protocol/event_access.hpp"
#include "protocol/responses/codec.hpp"
#include "protocol/responses/reconcile.hpp"
#include "protocol/responses/replay.hpp"
#include "protocol/responses/sequence.hpp"
#include "protocol/synthetic_events.hpp"
#include "run/event_queue.hpp"
#include "stream/protocol.hpp"

#include <algorithm>
#include <utility>

namespace corun::detail {
namespace {

namespace wire = codec::responses;
namespace json = codec::json;

/// An event's name; without an `event` line, its type.
std::string_view name_of(std::string_view name, std::string_view data) noexcept {
    if (!name.empty() && name != "message") return name;
    return json::plain_string(json::find_member(data, "type")).value_or(std::string_view());
}

const thread_run* failed_run_in(const event& what) noexcept {
    const auto* failed = what.get_if<run_failed>();
    return failed ? &failed->run : nullptr;
}

class responses_protocol final : public run_protocol {
public:
    explicit responses_protocol(std::shared_ptr<run_context> run) : run_(std::move(run)), api_(run_->api) {
        const agent_object& agent = *run_->agent;
        given_.agent = agent.prompt;
        given_.stored = !agent.local;
        if (agent.is_one_version) version_ = agent.prompt.version;
        given_.headers = run_->given.headers;
        given_.options = run_->given.options;
        if (run_->conversation) conversation_ = run_->conversation->value.id;
    }

    codec::event_class arrived(std::string_view name, std::string_view data) override {
        if (is_background() && data.starts_with('{')) {
            const run::sequence::place place = sequence_.observe(wire::sequence_number_of(data));
            if (place == run::sequence::place::repeated) return codec::event_class::repeated;
            if (place == run::sequence::place::beyond_a_gap) {
                // What is missing, readings of the response show.
                may_stream_on_ = false;
                return codec::event_class::end_of_stream;
            }
        }
        seen_.observe(name, data);
        if (name_of(name, data) == "keepalive") return codec::event_class::keepalive;
        const codec::event_class what = wire::classify(name, data, seen_);
        if (!is_known_ && what != codec::event_class::end_of_stream) learn_ids(data);
        if (what == codec::event_class::action) take_action(data);
        return what;
    }

    std::error_code decode(codec::raw_event raw, event& first, std::vector<event>& more,
                           std::string& problem) override {
        return decoder_.decode(std::move(raw), first, more, problem);
    }

    void look_ahead() override { ahead_ = decoder_.fork(); }

    std::error_code decode_ahead(codec::raw_event raw, event& first, std::vector<event>& more,
                                 std::string& problem) override {
        return ahead_.decode(std::move(raw), first, more, problem);
    }

    bool is_text(std::string_view name, std::string_view data) const noexcept override {
        return name_of(name, data) == "response.output_text.delta";
    }

    bool has_done_something(std::string_view name, std::string_view data) noexcept override {
        const std::string_view what = name_of(name, data);
        for (const char* nothing :
             {"response.created", "response.queued", "response.in_progress", "response.failed", "error", "keepalive"})
            if (what == nothing) return false;
        if (what.starts_with("response.mcp_list_tools.")) return false;
        // Which tools a server has can be asked again.
        const auto item = json::find_member(data, "item");
        return !item || json::plain_string(json::find_member(*item, "type")) != "mcp_list_tools";
    }

    std::optional<thread_run> run_in(std::string_view name, std::string_view data) noexcept override {
        const std::string_view what = name_of(name, data);
        try {
            if (what == "error" || what == "response.failed") return failed_run(what, data);
            if (const auto response = response_in(data)) return wire::decode_response(*response, seen_);
        } catch (...) {
            // The event itself is reported when the caller takes it.
        }
        return std::nullopt;
    }

    const std::string& run_id() const noexcept override { return run_id_; }
    const std::string& thread_id() const noexcept override { return conversation_; }
    const pending_action& action() const noexcept override { return action_; }
    bool takes_mixed_answers() const noexcept override { return true; }

    asio::awaitable<prepared_run> prepare(mcp_header_request asked) override {
        prepared_run made;
        if (!is_stored()) {
            if (is_background())
                throw error(errc::invalid_argument, "run_options::store: a response in the background must be stored");
            if (!given_.options.functions.empty() || given_.options.on_mcp_approval) refuse_to_answer();
        }
        const bool asks = has_servers();
        if (run_->provider) {
            if (asks) co_await ask(std::move(asked));
            made.report.add(provider_asked_row,
                            "The provider of MCP headers is asked before each request of the run that has MCP tools.");
        }
        wire::response_request request = next_request(made.report, made.secrets);
        request.messages = run_->messages;
        request.conversation = run_->conversation ? run_->conversation->value.id : std::string();
        request.previous_response_id = given_.options.previous_response_id;
        made.call.path = path();
        made.call.body = wire::encode_response(request);
        made.report.set_request(made.call.path, wire::encode_response_redacted(request));
        co_return made;
    }

    void begins_again() override { again_ = true; }

    asio::awaitable<run_call> answer(submission answers, reconcile_report& report, redactor& secrets) override {
        run_call call;
        if (!is_stored()) refuse_to_answer();
        const bool asks = static_cast<bool>(run_->provider) && has_servers();
        if (asks) {
            mcp_header_request asked;
            asked.why = mcp_header_request::occasion::approval;
            asked.run_id = run_id_;
            asked.thread_id = conversation_;
            for (const mcp_approval_request& each : action_.asked.mcp_approvals)
                if (is_approved(answers, each.id)) asked.approvals.push_back(each);
            co_await ask(std::move(asked));
        }
        reconcile_report again;
        redactor of_body;
        wire::response_request request = next_request(again, of_body);
        // What was said before is there already.
        request.options.additional_messages.clear();
        if (run_->conversation)
            request.conversation = run_->conversation->value.id;
        else
            request.previous_response_id = run_id_;
        request.answers = std::move(answers);
        request.action = action_.asked;
        call.path = path();
        call.body = wire::encode_response(request);
        secrets.add(of_body);
        if (run_->bears_headers)
            report.add(answers_row, std::string("The answers to ") + run_id_ +
                                        " are sent with the tools and headers of the run, " +
                                        (asks ? "which their provider has just given." : "as it was given them."));
        co_return call;
    }

    void accepted(std::string_view) override {}

    bool can_be_found() const noexcept override { return is_known_ && is_stored(); }
    void delivered(const event& what) override { so_far_.observe(what); }
    void lost() override {
        // A stream that brings nothing would be asked for again and again.
        if (resumed_after_ && resumed_after_ == sequence_.last()) may_stream_on_ = false;
    }
    void sends() override {
        is_known_ = false;
        sequence_ = {};
        resumed_after_.reset();
        may_stream_on_ = true;
        if (std::exchange(again_, false)) run_id_.clear();
    }

    asio::awaitable<std::optional<bool>> look(redactor) override {
        // Responses are not listed anywhere.
        std::optional<bool> carried_out;
        if (is_known_) carried_out = true;
        co_return carried_out;
    }

    std::optional<run_call> resumption() override {
        std::optional<run_call> rest;
        const auto last = sequence_.last();
        if (!is_background() || !is_known_ || !last || !may_stream_on_ || only_the_end_) return rest;
        sequence_.resume();
        resumed_after_ = last;
        rest.emplace();
        rest->method = "GET";
        rest->path = path_of_run();
        rest->query = "stream=true&starting_after=" + std::to_string(*last);
        return rest;
    }

    asio::awaitable<std::vector<read_event>> read(redactor secrets) override {
        std::vector<read_event> events;
        if (waits_ && only_the_end_) {
            // The service has nothing that could be cancelled, and answers are not sent any more.
            wire::replayed_event end = wire::cancelled_event(run_id_, conversation_);
            events.emplace_back(std::move(end.name), std::move(end.data));
            co_return events;
        }
        std::string text = co_await api_client::call(api_, "GET", path_of_run(), {}, {}, std::move(secrets));
        for (wire::replayed_event& each : wire::events_of(text, so_far_)) {
            observe(each);
            if (only_the_end_ && wire::classify(each.name, each.data) != codec::event_class::last) continue;
            events.emplace_back(std::move(each.name), std::move(each.data));
        }
        co_return events;
    }

    void read_only_the_end() override { only_the_end_ = true; }

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
    /// The row of the report for requests that answer.
    static constexpr int answers_row = 32;

    /// The events of a foreground response are streamed once only.
    [[nodiscard]] bool is_background() const noexcept { return given_.options.background == true; }
    [[nodiscard]] bool is_stored() const noexcept { return given_.options.store.value_or(true); }

    /// What an answer refers to is kept by the response, or by the conversation.
    void refuse_to_answer() const {
        if (!run_->conversation)
            throw error(errc::invalid_argument,
                        "run_options::store: calls of a response that is not stored can be answered in a thread only; "
                        "give one to run_stream, or let the service store it");
    }

    [[nodiscard]] std::string path() const { return api_->openai_path() + "/responses"; }
    [[nodiscard]] std::string path_of_run() const { return path_of(path(), run_id_, "the stream's run id"); }

    static bool is_approved(const submission& answers, const std::string& id) noexcept {
        return std::any_of(answers.approvals().begin(), answers.approvals().end(),
                           [&id](const tool_approval& each) { return each.approve && each.tool_call_id == id; });
    }

    // What is sent: all of it again with each request.

    [[nodiscard]] std::vector<std::string> labels() const {
        std::vector<std::string> found;
        const auto add = [&found](const std::string& label) {
            if (std::find(found.begin(), found.end(), label) == found.end()) found.push_back(label);
        };
        for (const prompt_tool& each : given_.agent.tools)
            if (const auto* server = std::get_if<prompt_mcp_tool>(&each)) add(server->server_label);
        for (const tool& each : given_.options.tools)
            if (const auto* server = std::get_if<mcp_tool>(&each)) add(server->server_label);
        return found;
    }
    [[nodiscard]] bool has_servers() const { return !labels().empty(); }

    asio::awaitable<void> ask(mcp_header_request asked) {
        asked.server_labels = labels();
        given_.headers = co_await ask_for_headers(run_, std::move(asked));
    }

    wire::response_request next_request(reconcile_report& report, redactor& secrets) {
        reconcile::response_plan plan = reconcile::make_plan(given_);
        for (const reconcile_report::line& line : plan.report.lines()) report.add(line.row, line.text);
        run_->servers = std::move(plan.servers);
        run_->bears_headers = !plan.structured_inputs.empty();
        for (const auto& [name, value] : plan.structured_inputs)
            if (const auto text = json::plain_string(value.reveal())) secrets.add(secret(std::string(*text)));
        wire::response_request request;
        if (plan.by_reference) {
            request.agent.emplace(given_.agent.name, version_);
            request.agent->key = api_->options.agent_key;
        } else {
            for (const prompt_tool& each : plan.definition.tools) {
                const auto* server = std::get_if<prompt_mcp_tool>(&each);
                if (server == nullptr) continue;
                for (const header& field : server->headers) secrets.add(field.value);
                if (const auto token = json::plain_string(json::find_member(server->extra_json, "authorization")))
                    secrets.add(secret(std::string(*token)));
                run_->bears_headers = run_->bears_headers || !server->headers.empty();
            }
            request.definition = std::move(plan.definition);
        }
        request.structured_inputs = std::move(plan.structured_inputs);
        request.options = std::move(plan.options);
        request.background = given_.options.background;
        request.store = given_.options.store;
        return request;
    }

    // What is received.

    static std::optional<std::string_view> response_in(std::string_view data) noexcept {
        const auto response = json::find_member(data, "response");
        if (!response || !response->starts_with('{')) return std::nullopt;
        return response;
    }

    /// Its reason may stand in another event than the failure.
    std::optional<thread_run> failed_run(std::string_view name, std::string_view data) {
        wire::decoder fresh;
        run::event_queue events;
        if (name == "error" && !seen_.failed().empty())
            events.push("response.failed", R"({"response":)" + seen_.failed() + '}');
        if (name != "error" && !seen_.reason().empty()) events.push("error", seen_.reason());
        events.push(name, data);
        std::optional<thread_run> found;
        while (!events.empty()) {
            event said;
            std::vector<event> more;
            std::string problem;
            if (fresh.decode(events.pop(), said, more, problem)) break;
            more.push_back(std::move(said));
            for (const event& each : more)
                if (const thread_run* failed = failed_run_in(each)) found = *failed;
        }
        return found;
    }

    /// Each answer is a response of its own: the run goes by the id of the latest.
    void learn_ids(std::string_view data) {
        try {
            const auto response = response_in(data);
            if (!response) return;
            thread_run run = wire::decode_response(*response);
            if (run.id.empty()) return;
            run_id_ = std::move(run.id);
            if (!run.thread_id.empty()) conversation_ = std::move(run.thread_id);
            is_known_ = true;
            waits_ = false;
        } catch (const error&) {
            // The event itself is reported when the caller takes it.
        }
    }

    void take_action(std::string_view data) {
        action_ = {};
        action_.run_id = run_id_;
        action_.thread_id = conversation_;
        waits_ = true;
        try {
            const auto response = response_in(data);
            if (!response) return;
            thread_run run = wire::decode_response(*response, seen_);
            if (run.required_action) action_.asked = std::move(*run.required_action);
        } catch (const error&) {
            // Reported when the caller takes the event.
        }
    }

    /// What a reading shows is as good as delivered: the next one tells what is new since.
    void observe(const wire::replayed_event& shown) {
        run::event_queue scratch;
        scratch.push(shown.name, shown.data);
        event said;
        std::vector<event> more;
        std::string problem;
        if (ahead_.decode(scratch.pop(), said, more, problem)) return;
        so_far_.observe(said);
        for (const event& each : more) so_far_.observe(each);
    }

    std::shared_ptr<run_context> run_;
    std::shared_ptr<api_client> api_;
    reconcile::response_input given_;
    std::string version_;  ///< Of the stored agent; empty: the latest.
    std::string run_id_, conversation_;
    pending_action action_;
    wire::decoder decoder_, ahead_;
    wire::pending_calls seen_;
    wire::delivered so_far_;
    run::sequence sequence_;
    std::optional<std::int64_t> resumed_after_;
    bool may_stream_on_ = true;  ///< Once it has broken off.
    bool is_known_ = false;      ///< Of the response that is on its way or has come, the id has.
    bool waits_ = false;         ///< The response has ended, and left calls to answer.
    bool only_the_end_ = false;  ///< Is of interest.
    bool again_ = false;         ///< What is sent next begins another run.
};

}  // namespace

std::unique_ptr<run_protocol> make_responses_protocol(std::shared_ptr<run_context> run) {
    return std::make_unique<responses_protocol>(std::move(run));
}

}  // namespace corun::detail
