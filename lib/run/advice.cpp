#include "run/advice.hpp"

#include "text/escape.hpp"

#include <string_view>
#include <utility>

namespace corun::run {
namespace {

class list {
public:
    explicit list(std::string_view separator) noexcept : separator_(separator) {}

    void add(std::string_view element) {
        if (!text_.empty()) text_ += separator_;
        text_ += element;
    }
    [[nodiscard]] const std::string& text() const noexcept { return text_; }

private:
    std::string_view separator_;
    std::string text_;
};

std::string with_id(std::string name, const std::string& id) {
    return id.empty() ? name : std::move(name) + " (" + detail::escape(id) + ')';
}

std::string calls_of(const required_action& action) {
    list calls(", ");
    for (const function_call& call : action.function_calls)
        calls.add(with_id("function " + detail::quote(call.name), call.id));
    for (const mcp_approval_request& call : action.mcp_approvals)
        calls.add(with_id("tool " + detail::quote(call.name) + " of MCP server " + detail::quote(call.server_label),
                          call.id));
    for (const other_call& call : action.other_calls)
        if (!call.link.empty())
            calls.add(with_id("the consent of the user (see other_call::link)", call.id));
        else
            calls.add(with_id("a call of type " + detail::quote(call.type), call.id));
    if (calls.text().empty()) calls.add("an action of type " + detail::quote(action.type));
    return calls.text();
}

}  // namespace

std::string unanswered_calls(const required_action& action, bool mixed) {
    const bool has_calls = !action.function_calls.empty();
    const bool has_approvals = !action.mcp_approvals.empty();
    list remedies("; ");
    if (!mixed && has_calls && has_approvals) {
        remedies.add("handlers cannot answer functions and approvals of one action together");
    } else if (action.other_calls.empty()) {
        if (has_calls) remedies.add("answer functions with run_options::functions or on_function_call");
        if (has_approvals)
            remedies.add(
                "decide with run_options::on_mcp_approval, or let this run call its MCP servers without approval: "
                "run_options::require_approval, or default_approval = mcp_approval::never()");
    }
    remedies.add("answer by hand with event_stream::submit (see run_options::answers_by_hand)");
    return calls_of(action) + "; " + remedies.text();
}

}  // namespace corun::run
