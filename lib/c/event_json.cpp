#include "c/event_json.hpp"

#include <corun/json.hpp>

#include <nlohmann/json.hpp>

#include <string_view>

namespace corun::c {
namespace {

/// The name of a type of `corun::events`, as the compiler spells it: `text_delta`.
template <class Body>
std::string_view type_name() {
    constexpr std::string_view prefix = "corun::events::";
    std::string_view name = __PRETTY_FUNCTION__;
    name.remove_prefix(name.rfind(prefix) + prefix.size());
    return name.substr(0, name.find_first_of(";]"));
}

nlohmann::json calls_of(const required_action& action) {
    nlohmann::json calls = nlohmann::json::array();
    for (const function_call& call : action.function_calls)
        calls.push_back({{"id", call.id}, {"kind", "function"}, {"name", call.name}, {"arguments", call.arguments}});
    for (const mcp_approval_request& call : action.mcp_approvals)
        calls.push_back({{"id", call.id},
                         {"kind", "approval"},
                         {"name", call.name},
                         {"arguments", call.arguments},
                         {"server_label", call.server_label}});
    for (const other_call& call : action.other_calls) {
        calls.push_back({{"id", call.id}, {"kind", call.type}, {"data", to_json(call)}});
        if (!call.link.empty()) calls.back()["link"] = call.link;
    }
    return calls;
}

/// Adds the members that some types have.
struct details {
    nlohmann::ordered_json& object;

    template <class Body>
    void operator()(const Body&) const {}
    void operator()(const events::text_delta& delta) const { object["text"] = delta.text; }
    void operator()(const events::refusal_delta& delta) const { object["text"] = delta.text; }
    void operator()(const events::reasoning_delta& delta) const { object["text"] = delta.text; }
    void operator()(const events::action_required& required) const { object["calls"] = calls_of(required.action); }
};

/// A text of the service may not be UTF-8.
std::string text_of(const nlohmann::ordered_json& object) {
    return object.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

std::string json_of(const event& value) {
    nlohmann::ordered_json object;
    object["event"] = value.name();
    object["type"] = value.visit([]<class Body>(const Body&) { return type_name<Body>(); });
    nlohmann::json data = to_json(value);
    object["data"] = data.is_discarded() ? nlohmann::json() : std::move(data);
    value.visit(details{object});
    if (const auto outcome = outcome_of(value)) {
        object["outcome"] = to_string(*outcome);
        const thread_run* const run = ended_run(value);
        if (run && run->last_error) object["error"] = to_json(*run->last_error);
    }
    if (value.continues()) object["continues"] = true;
    return text_of(object);
}

std::string json_of(const failure& value) {
    nlohmann::ordered_json object;
    object["error"] = {{"code", value.name}, {"message", value.message}};
    return text_of(object);
}

std::string json_of(const run_result& result, const run_position& position) {
    nlohmann::ordered_json object = to_json(result);
    try {
        object["position"] = to_json(position);
    } catch (const error&) {
        // It does not fit in a token: the ids remain.
        object["position"] = to_json(run_position(position.run_id, position.thread_id));
    }
    return text_of(object);
}

}  // namespace corun::c
