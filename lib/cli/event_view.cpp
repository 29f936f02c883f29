#include "event_view.hpp"

#include "printable.hpp"
#include "redacted_json.hpp"
#include "terminal_encoding.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <utility>

namespace corun::cli {
namespace {

std::string error_text(const std::optional<last_error>& error) {
    return error ? error->code + (error->message.empty() ? "" : ": " + error->message) : "the service does not say why";
}

std::string outcome_line(const thread_run& run, run_outcome outcome) {
    switch (outcome) {
        case run_outcome::failed:
            return "the run failed: " + error_text(run.last_error);
        case run_outcome::incomplete:
            return "the run is incomplete: " + run.incomplete_reason;
        case run_outcome::cancelled:
            return "the run was cancelled";
        case run_outcome::expired:
            return "the run expired";
        case run_outcome::completed:
            break;
    }
    return {};
}

std::string names_of(const mcp_tool_list& list) {
    std::string names;
    for (const mcp_tool_info& tool : list.tools) names += (names.empty() ? "" : ", ") + tool.name;
    return names;
}

/// Chooses the line of each type of event.
struct notices {
    using result = std::optional<event_notice>;
    bool verbose;

    template <class Body>
    result operator()(const Body&) const {
        return {};
    }
    result operator()(const events::reattached& event) const {
        return event_notice{"the connection was lost (" + event.cause.message() + "); the run goes on", tone::warning};
    }
    result operator()(const events::run_restarted& event) const {
        return event_notice{"the run is started again: " + error_text(event.run.last_error), tone::warning};
    }
    result operator()(const events::stream_error& event) const {
        return event_notice{"the service reports an error: " + event.message, tone::warning};
    }
    result operator()(const events::mcp_call& event) const {
        const std::string output = event.error ? "failed: " + *event.error : event.call.output.value_or("");
        return event_notice{call_line(event.call.server_label, event.call.name, event.call.arguments) + " -> " +
                            one_line(output)};
    }
    result operator()(const events::function_called& event) const {
        return event_notice{call_line("", event.name, event.arguments) + " -> " + one_line(event.output),
                            event.error ? tone::warning : tone::dim};
    }
    result operator()(const events::approval_decided& event) const {
        return event_notice{(event.approved ? "approved: " : "denied: ") +
                            call_line(event.server_label, event.name, event.arguments)};
    }
    result operator()(const events::oauth_consent_requested& event) const {
        return event_notice{
            (event.server_label.empty() ? "a tool" : event.server_label) + " needs your consent: " + event.link,
            tone::warning};
    }
    result operator()(const events::mcp_tools_listed& event) const {
        if (!verbose) return {};
        return event_notice{event.list.server_label + " offers " + names_of(event.list)};
    }
};

void replace_all(std::string& text, std::string_view part) {
    for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 3))
        text.replace(at, part.size(), "***");
}

}  // namespace

std::string call_line(std::string_view server_label, std::string_view name, std::string_view arguments) {
    std::string line = server_label.empty() ? "" : std::string(server_label) + ": ";
    line += std::string(name) + "(" + one_line(arguments) + ")";
    return line;
}

std::optional<event_notice> notice_of(const event& value, bool verbose) {
    if (const thread_run* const run = ended_run(value)) {
        const run_outcome outcome = *outcome_of(value);
        if (outcome == run_outcome::completed) return {};
        return event_notice{outcome_line(*run, outcome), tone::failure};
    }
    return value.visit(notices{verbose});
}

std::string json_line(std::string_view name, nlohmann::json data) {
    nlohmann::ordered_json line;
    line["event"] = name;
    line["data"] = std::move(data);
    return line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

text_view::text_view(output& out, bool verbose, bool renders) : out_(out), verbose_(verbose) {
    if (!renders) return;
    markdown::layout_options options;
    options.styles = out.has_colour();
    options.unicode = uses_unicode();
    options.columns = [&out] { return out.columns(); };
    markdown_.emplace(std::move(options), [&out](std::string_view text) { out.text(text); });
}

void text_view::append(std::string_view text, std::string_view message_id) {
    fold_reasoning();
    // A run can write several messages.
    if (!message_id_.empty() && message_id_ != message_id) complete();
    message_id_ = message_id;
    if (markdown_)
        markdown_->write(printable(text));
    else
        out_.text(out_.is_terminal() ? printable(text) : std::string(text));
}

void text_view::fold_reasoning() {
    if (std::exchange(is_folded_, true)) return;
    const auto words = std::count(reasoning_.begin(), reasoning_.end(), ' ') + 1;
    out_.notice("reasoning: " + std::to_string(words) + " words");
}

void text_view::complete() {
    fold_reasoning();
    if (markdown_) markdown_->end();
    out_.end_line();
}

void text_view::show_message(const thread_message& value) {
    if (value.role == "user") {
        complete();
        out_.line("> " + printable(value.text()));
        return;
    }
    append(value.text(), value.id);
    complete();
}

void text_view::show(const event& value) {
    if (const auto* const delta = value.get_if<events::text_delta>()) return append(delta->text, delta->message_id);
    if (const auto* const delta = value.get_if<events::refusal_delta>()) return append(delta->text, delta->message_id);
    if (const auto* const delta = value.get_if<events::reasoning_delta>()) {
        if (std::exchange(is_folded_, false)) reasoning_.clear();
        reasoning_ += printable(delta->text);
        return out_.status("reasoning ...");
    }
    if (const auto notice = notice_of(value, verbose_)) {
        complete();
        out_.notice(notice->text, notice->style);
    }
    if (!is_terminal(value) && !value.get_if<events::action_required>()) out_.status("waiting ...");
}

void json_view::show(const event& value) {
    if (value.continues()) return;  // It is a part of the event before it.
    std::string line = json_line(value.name(), redacted_json(value.raw()));
    for (const secret& each : *used_) {
        if (each.size() < 3) continue;
        std::string spelled = nlohmann::json(std::string(each.reveal())).dump();
        replace_all(line, std::string_view(spelled).substr(1, spelled.size() - 2));
        wipe(spelled);
    }
    out_.line(line);
}

}  // namespace corun::cli
