#include "text/escape.hpp"
#include <corun/run_result.hpp>

#include <algorithm>
#include <ostream>
#include <string_view>

namespace corun {
namespace {

/// The part with `number`, inserted in order if it is missing. `numbers[i]` is the number of `parts[i]`.
template <class Part>
Part& part_at(std::vector<std::int32_t>& numbers, std::vector<Part>& parts, std::int32_t number) {
    // Parts of a created object are numbered from 0.
    while (numbers.size() < parts.size()) numbers.push_back(static_cast<std::int32_t>(numbers.size()));
    const auto found = std::lower_bound(numbers.begin(), numbers.end(), number);
    const auto offset = found - numbers.begin();
    if (found == numbers.end() || *found != number) {
        numbers.insert(found, number);
        parts.insert(parts.begin() + offset, Part{});
    }
    return parts[static_cast<std::size_t>(offset)];
}

/// The last object with `id`, or null.
template <class Object>
Object* find_by_id(std::vector<Object>& objects, std::string_view id) {
    const auto found =
        std::find_if(objects.rbegin(), objects.rend(), [id](const Object& object) { return object.id == id; });
    return found == objects.rend() ? nullptr : &*found;
}

bool has_ended(const thread_message& message) {
    return message.status == "completed" || message.status == "incomplete";
}

bool has_ended(const run_step& step) {
    return step.status == "completed" || step.status == "failed" || step.status == "cancelled" ||
           step.status == "expired";
}

void assign_unless_empty(std::string& target, std::string_view value) {
    if (!value.empty()) target = value;
}

/// Appends a part of a JSON text, unless it repeats the whole text: no JSON object continues with a copy of itself.
void append_unless_repeated(std::string& target, std::string_view piece) {
    if (target == piece && piece.starts_with('{') && piece.ends_with('}')) return;
    target += piece;
}

/// Overwrites the members that are set in `piece`.
void merge(text_annotation& target, const text_annotation& piece) {
    assign_unless_empty(target.type, piece.type);
    assign_unless_empty(target.text, piece.text);
    assign_unless_empty(target.file_id, piece.file_id);
    assign_unless_empty(target.container_id, piece.container_id);
    assign_unless_empty(target.quote, piece.quote);
    assign_unless_empty(target.url, piece.url);
    assign_unless_empty(target.title, piece.title);
    if (piece.start_index) target.start_index = piece.start_index;
    if (piece.end_index) target.end_index = piece.end_index;
}

}  // namespace

/// Whether a whole message leaves out text that came before it: it then takes nothing away.
bool says_less(const thread_message& whole, const thread_message& gathered) {
    const auto text_of = [](const thread_message& message) {
        std::string all;
        for (const message_content& part : message.content) all += part.text;
        return all;
    };
    // An image says something, whatever the text does.
    for (const message_content& part : whole.content)
        if (!part.file_id.empty() || !part.url.empty()) return false;
    const std::string now = text_of(whole), before = text_of(gathered);
    if (now.size() < before.size()) return before.starts_with(now);
    return whole.content.empty() && !gathered.content.empty();
}

/// What a completed step does not say of the calls that have been gathered. The service may report a step as completed
/// before its calls have output.
void keep_missing(run_step& step, run_step before) {
    if (step.tool_calls.empty()) {
        step.tool_calls = std::move(before.tool_calls);
        return;
    }
    for (std::size_t i = 0; i != before.tool_calls.size(); ++i) {
        tool_call& call = before.tool_calls[i];
        tool_call* now = call.id.empty() ? nullptr : find_by_id(step.tool_calls, call.id);
        if (now == nullptr && before.tool_calls.size() == step.tool_calls.size() && call.id.empty())
            now = &step.tool_calls[i];
        if (now == nullptr) continue;
        if (!now->output) now->output = std::move(call.output);
        if (now->outputs.empty()) now->outputs = std::move(call.outputs);
        if (now->commands.empty()) now->commands = std::move(call.commands);
        if (now->command_results.empty()) now->command_results = std::move(call.command_results);
        if (now->arguments.empty()) now->arguments = std::move(call.arguments);
    }
}

/// Applies events to a result, by what they are about.
struct run_result::gatherer {
    struct messages;
    struct steps;
    struct runs;
    struct all;
};

struct run_result::gatherer::messages {
    run_result& result;

    void operator()(const events::text_delta& delta) const {
        append_text(delta.message_id, delta.content_index, "text", delta.text);
    }
    void operator()(const events::refusal_delta& delta) const {
        append_text(delta.message_id, delta.content_index, "refusal", delta.text);
    }

    void operator()(const events::audio_delta& delta) const {
        if (!delta.transcript.empty())
            append_text(delta.message_id, delta.content_index, "output_audio", delta.transcript);
    }

    void operator()(const events::annotation& piece) const {
        thread_message& message = message_with(piece.message_id);
        if (has_ended(message)) return;
        message_content& content = part_at(result.content_numbers_[message.id], message.content, piece.content_index);
        if (content.type.empty()) content.type = "text";
        merge(part_at(result.annotation_numbers_[{message.id, piece.content_index}], content.annotations, piece.index),
              piece.value);
    }

    void operator()(const events::image_delta& delta) const {
        thread_message& message = message_with(delta.message_id);
        if (has_ended(message)) return;
        message_content& content = part_at(result.content_numbers_[message.id], message.content, delta.content_index);
        if (content.type.empty()) content.type = "image_file";
        assign_unless_empty(content.file_id, delta.file_id);
    }

    void operator()(const events::message_created& event) const { begin(event.message); }
    void operator()(const events::message_in_progress& event) const { begin(event.message); }

    void operator()(const events::message_completed& event) const {
        thread_message& message = message_with(event.message.id);
        const thread_message before = std::exchange(message, event.message);
        if (says_less(message, before)) message.content = before.content;
        result.content_numbers_.erase(event.message.id);
        std::erase_if(result.annotation_numbers_,
                      [&event](const auto& entry) { return entry.first.first == event.message.id; });
    }

private:
    thread_message& message_with(std::string_view id) const {
        if (thread_message* const known = find_by_id(result.messages, id)) return *known;
        thread_message& added = result.messages.emplace_back();
        added.id = id;
        added.run_id = result.run_id;
        added.thread_id = result.thread_id;
        return added;
    }

    void append_text(std::string_view message_id, std::int32_t index, std::string_view type,
                     std::string_view text) const {
        thread_message& message = message_with(message_id);
        if (has_ended(message)) return;
        auto numbers = result.content_numbers_.find(message_id);
        if (numbers == result.content_numbers_.end())
            numbers = result.content_numbers_.emplace(std::string(message_id), part_numbers{}).first;
        message_content& content = part_at(numbers->second, message.content, index);
        if (content.type.empty()) content.type = type;
        // A service that does not number the parts: what was said is not what was written.
        if (type == "output_audio" && content.type != type) return;
        content.text += text;
    }

    /// A message that begins, perhaps again, keeps the content gathered so far.
    void begin(const thread_message& incoming) const {
        thread_message& message = message_with(incoming.id);
        if (has_ended(message)) return;
        std::vector<message_content> gathered = std::move(message.content);
        message = incoming;
        if (!gathered.empty()) message.content = std::move(gathered);
    }
};

struct run_result::gatherer::steps {
    run_result& result;

    void operator()(const events::step_created& event) const { begin(event.step); }
    void operator()(const events::step_in_progress& event) const { begin(event.step); }

    void operator()(const events::step_completed& event) const {
        run_step& step = step_with(event.step.id);
        run_step before = std::exchange(step, event.step);
        keep_missing(step, std::move(before));
        result.call_numbers_.erase(step.id);
        std::erase_if(result.output_numbers_, [&step](const auto& entry) { return entry.first.first == step.id; });
    }

    void operator()(const events::tool_call_delta& delta) const {
        run_step& step = step_with(delta.step_id);
        if (step.type.empty()) step.type = "tool_calls";
        tool_call& call = part_at(result.call_numbers_[step.id], step.tool_calls, delta.index);
        assign_unless_empty(call.id, delta.id);
        assign_unless_empty(call.type, delta.type);
        assign_unless_empty(call.name, delta.name);
        assign_unless_empty(call.server_label, delta.server_label);
        assign_unless_empty(call.agent_id, delta.agent_id);
        assign_unless_empty(call.thread_id, delta.thread_id);
        assign_unless_empty(call.run_id, delta.run_id);
        if (call.type == "shell") return add_shell(delta, call, has_ended(step));
        // The arguments of a step that has ended are complete; its output may still arrive.
        if (!has_ended(step) || call.arguments.empty()) append_unless_repeated(call.arguments, delta.arguments);
        if (call.type == "code_interpreter" && !has_ended(step)) add_output(delta, call);
        if (delta.output.empty()) return;
        if (!call.output) call.output.emplace();
        append_unless_repeated(*call.output, delta.output);
    }

    void operator()(const events::mcp_tools_listed& event) const {
        run_step& step = step_with(event.step_id);
        if (step.type.empty()) step.type = "activities";
        const auto same =
            std::find_if(step.mcp_tools.begin(), step.mcp_tools.end(), [&event](const mcp_tool_list& list) {
                return list.id == event.list.id && list.server_label == event.list.server_label;
            });
        if (same == step.mcp_tools.end())
            step.mcp_tools.push_back(event.list);
        else
            *same = event.list;
    }

    void operator()(const events::mcp_call& event) const {
        run_step& step = step_with(event.step_id);
        if (step.type.empty()) step.type = "tool_calls";
        if (tool_call* const known = find_by_id(step.tool_calls, event.call.id))
            *known = event.call;
        else
            step.tool_calls.push_back(event.call);
    }

private:
    run_step& step_with(std::string_view id) const {
        if (run_step* const known = find_by_id(result.steps, id)) return *known;
        run_step& added = result.steps.emplace_back();
        added.id = id;
        added.run_id = result.run_id;
        added.thread_id = result.thread_id;
        added.status = "in_progress";
        return added;
    }

    /// Adds a part of a command, or of what it wrote.
    void add_shell(const events::tool_call_delta& delta, tool_call& call, bool ended) const {
        const auto place = static_cast<std::size_t>(delta.output_index);
        constexpr std::size_t most_commands = 1024;
        if (place >= most_commands) return;
        if (!delta.arguments.empty() && !ended) {
            if (call.commands.size() <= place) call.commands.resize(place + 1);
            call.commands[place] += delta.arguments;
        }
        if (delta.output.empty() && delta.error_output.empty()) return;
        if (call.command_results.size() <= place) call.command_results.resize(place + 1);
        call.command_results[place].standard_output += delta.output;
        call.command_results[place].standard_error += delta.error_output;
        call.output = call.output.value_or(std::string()).append(delta.output).append(delta.error_output);
    }

    /// Adds a part of a code interpreter's output.
    void add_output(const events::tool_call_delta& delta, tool_call& call) const {
        if (delta.output.empty() && delta.file_id.empty()) return;
        code_interpreter_output& output = part_at(result.output_numbers_[{std::string(delta.step_id), delta.index}],
                                                  call.outputs, delta.output_index);
        if (output.type.empty()) output.type = delta.file_id.empty() ? "logs" : "image";
        output.logs += delta.output;
        assign_unless_empty(output.file_id, delta.file_id);
    }

    /// A step that begins, perhaps again, keeps the calls gathered so far.
    void begin(const run_step& incoming) const {
        run_step& step = step_with(incoming.id);
        if (has_ended(step)) return;
        std::vector<tool_call> gathered = std::move(step.tool_calls);
        step = incoming;
        if (!gathered.empty()) step.tool_calls = std::move(gathered);
    }
};

struct run_result::gatherer::runs {
    run_result& result;

    void operator()(const events::unknown&) const {}
    void operator()(const events::reasoning_delta&) const {}
    void operator()(const events::image_partial&) const {}
    void operator()(const events::part_completed&) const {}
    void operator()(const events::oauth_consent_requested&) const {}

    void operator()(const events::thread_created& event) const {
        assign_unless_empty(result.thread_id, event.thread_id);
    }

    void operator()(const events::run_created& event) const { set_ids(event.run_id, event.thread_id, event.agent_id); }

    void operator()(const events::run_status& event) const {
        set_ids(event.run_id, event.thread_id, {});
        if (is_terminal(result.status)) return;
        result.status = event.status;
        if (event.status != run_state::requires_action) result.required_action.reset();
    }

    void operator()(const events::action_required& event) const {
        set_ids(event.run_id, event.thread_id, {});
        if (is_terminal(result.status)) return;
        result.status = run_state::requires_action;
        result.required_action = event.action;
        for (const function_call& call : event.action.function_calls) set_arguments(call.id, call.arguments);
        for (const mcp_approval_request& call : event.action.mcp_approvals) set_arguments(call.id, call.arguments);
    }

    void operator()(const events::run_completed& event) const { end(event.run, run_state::completed); }
    void operator()(const events::run_failed& event) const { end(event.run, run_state::failed); }
    void operator()(const events::run_incomplete& event) const { end(event.run, run_state::incomplete); }
    void operator()(const events::run_cancelled& event) const { end(event.run, run_state::cancelled); }
    void operator()(const events::run_expired& event) const { end(event.run, run_state::expired); }

    /// The new run keeps nothing of the failed one.
    void operator()(const events::run_restarted&) const {
        run_result restarted;
        restarted.thread_id = std::move(result.thread_id);
        restarted.report = std::move(result.report);
        result = std::move(restarted);
    }

    /// The same run continues.
    void operator()(const events::reattached&) const {}

    /// What a handler did is in the step, when the service has it.
    void operator()(const events::function_called&) const {}
    void operator()(const events::approval_decided&) const {}

    void operator()(const events::stream_error& event) const {
        // The run's own error has more details.
        if (result.last_error) return;
        corun::last_error& error = result.last_error.emplace();
        error.code = event.code.empty() ? event.type : event.code;
        error.message = event.message;
    }

private:
    void set_ids(std::string_view run, std::string_view thread, std::string_view agent) const {
        assign_unless_empty(result.run_id, run);
        assign_unless_empty(result.thread_id, thread);
        assign_unless_empty(result.agent_id, agent);
    }

    void set_arguments(std::string_view call_id, const std::string& arguments) const {
        for (run_step& step : result.steps)
            if (tool_call* const call = find_by_id(step.tool_calls, call_id)) call->arguments = arguments;
    }

    void end(const thread_run& run, run_state state) const {
        set_ids(run.id, run.thread_id, run.agent_id);
        result.status = state;
        result.required_action.reset();
        if (run.usage) result.usage = run.usage;
        if (run.last_error) result.last_error = run.last_error;
        assign_unless_empty(result.incomplete_reason, run.incomplete_reason);
    }
};

struct run_result::gatherer::all : messages, steps, runs {
    using messages::operator(), steps::operator(), runs::operator();

    explicit all(run_result& result) : messages{result}, steps{result}, runs{result} {}
};

run_result::run_result() = default;

void run_result::apply(const event& value) {
    value.visit(gatherer::all(*this));
}

std::string run_result::text() const {
    std::string all;
    for (const thread_message& message : messages) all += message.text();
    return all;
}

std::vector<text_annotation> run_result::citations() const {
    std::vector<text_annotation> all;
    for (const thread_message& message : messages)
        for (const message_content& content : message.content)
            all.insert(all.end(), content.annotations.begin(), content.annotations.end());
    return all;
}

std::vector<tool_call> run_result::tool_calls() const {
    std::vector<tool_call> all;
    for (const run_step& step : steps) all.insert(all.end(), step.tool_calls.begin(), step.tool_calls.end());
    return all;
}

std::ostream& operator<<(std::ostream& out, const run_result& result) {
    out << "run";
    if (!result.run_id.empty()) out << ' ' << detail::escape(result.run_id);
    out << ' ' << result.status;
    if (result.last_error)
        out << ", " << detail::escape(result.last_error->code) << ": " << detail::escape(result.last_error->message);
    if (!result.incomplete_reason.empty()) out << ", " << detail::escape(result.incomplete_reason);
    if (result.usage) out << ", " << result.usage->total_tokens << " tokens";
    return out << '\n' << result.text();
}

run_error::run_error(std::error_code code, diagnostics details, run_result partial)
    : error(code, std::move(details)), result_(std::make_shared<const run_result>(std::move(partial))) {}

run_error::~run_error() = default;

}  // namespace corun
