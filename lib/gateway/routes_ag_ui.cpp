// AG-UI: its HttpAgent at /ag-ui, and the REST requests of CopilotKit at /copilotkit.
#include "gateway/encoders/ag_ui.hpp"
#include "gateway/request.hpp"
#include <corun/version.hpp>

#include <utility>

namespace corun::gateway {
namespace {

using shared_request = std::shared_ptr<request>;

/// The text of a message of the client: a string, or parts.
std::string content_of(const json& source) {
    const json& content = member(source, "content");
    if (content.is_string()) return content.get<std::string>();
    std::string text;
    for (const json& part : content)
        if (string_member(part, "type") == "text") text += string_member(part, "text");
    return text;
}

ag_ui_client client_of(const json& input) {
    ag_ui_client client;
    client.thread_id = string_member(input, "threadId");
    client.run_id = string_member(input, "runId");
    if (client.thread_id.empty() || client.thread_id.size() > 256 || client.run_id.empty())
        throw bad_request("The members 'threadId' and 'runId' are missing.");
    if (member(input, "messages").is_array()) client.messages = member(input, "messages");
    client.is_1_0 = !string_member(input, "protocolVersion").empty();
    return client;
}

/// What the request answers of the calls that a run waits for.
submission answers_of(const json& input, const required_action& pending) {
    submission answers;
    for (const function_call& call : pending.function_calls)
        for (const json& each : member(input, "messages"))
            if (string_member(each, "role") == "tool" && string_member(each, "toolCallId") == call.id)
                answers.output(call.id, content_of(each));
    for (const mcp_approval_request& approval : pending.mcp_approvals)
        for (const json& each : member(input, "resume")) {
            if (string_member(each, "interruptId") != approval.id) continue;
            const bool resolved = string_member(each, "status") == "resolved";
            if (resolved && member(member(each, "payload"), "approved") == true)
                answers.approve(approval.id);
            else
                answers.deny(approval.id);
        }
    return answers;
}

/// A run of the client's that ends at once.
void respond_with_error(request& to, const ag_ui_client& client, const refusal& why) {
    const json started = {{"type", "RUN_STARTED"}, {"threadId", client.thread_id}, {"runId", client.run_id}};
    const json error = {{"type", "RUN_ERROR"}, {"message", why.what()}, {"code", why.code()}};
    std::string frames;
    put_event(frames, {}, text_of(started));
    put_event(frames, {}, text_of(error));
    to.respond(200, "text/event-stream", std::move(frames));
}

asio::awaitable<void> continue_ag_ui(shared_request from, std::shared_ptr<run> waiting, json input) {
    const shared_request kept = std::move(from);
    ag_ui_client client = client_of(input);
    std::optional<refusal> refused;
    try {
        co_await submit(waiting, answers_of(input, waiting->pending()));
    } catch (const refusal& why) {
        refused = why;
    }
    if (refused) {
        respond_with_error(*kept, client, *refused);
        co_return;
    }
    const std::size_t begin = waiting->log().segments().back();
    auto encoding = std::make_shared<ag_ui_encoder>(waiting->id(), std::move(client));
    request::stream(kept, waiting, encoding, begin);
}

asio::awaitable<void> run_ag_ui(shared_request from) {
    const shared_request kept = std::move(from);
    const json input = kept->body();
    ag_ui_client client = client_of(input);
    const std::string name = client.thread_id;
    const json last = client.messages.empty() ? json() : client.messages.back();
    const auto known = co_await kept->runs.find_conversation(kept->by().id, name);
    const bool resumes = member(input, "resume").is_array() || string_member(last, "role") == "tool";
    if (resumes && known && known->last) {
        co_await continue_ag_ui(kept, known->last, input);
        co_return;
    }
    if (resumes) {
        respond_with_error(*kept, client, refusal(409, "not_waiting", "Nothing waits for this answer any more."));
        co_return;
    }
    const std::string text = content_of(last);
    if (string_member(last, "role") != "user" || text.empty()) throw bad_request("The last message is no user's.");
    question asked{message(text)};
    for (const json& each : client.messages) {
        const std::string role = string_member(each, "role"), earlier_text = content_of(each);
        if (&each == &client.messages.back() || earlier_text.empty() || (role != "user" && role != "assistant"))
            continue;
        message earlier(earlier_text);
        earlier.role = role;
        asked.history.push_back(std::move(earlier));
    }
    const std::shared_ptr<run> begun = co_await kept->runs.start(kept->by(), name, std::move(asked));
    auto encoding = std::make_shared<ag_ui_encoder>(begun->id(), std::move(client));
    request::stream(kept, begun, encoding, 0);
}

/// A page that was loaded again: a snapshot of what there is of the latest run, and what follows.
asio::awaitable<void> connect_ag_ui(shared_request from) {
    const shared_request kept = std::move(from);
    ag_ui_client client = client_of(kept->body());
    const auto known = co_await kept->runs.find_conversation(kept->by().id, client.thread_id);
    const std::shared_ptr<run> latest = known ? known->last : nullptr;
    if (!latest) {
        kept->respond(200, "text/event-stream", {});
        co_return;
    }
    auto encoding = std::make_shared<ag_ui_encoder>(latest->id(), std::move(client));
    encoding->send_snapshot();
    // The end belongs to the stream, not to the snapshot.
    std::size_t begin = latest->log().size();
    if (latest->log().is_complete()) --begin;
    request::stream(kept, latest, encoding, begin);
}

asio::awaitable<void> stop_ag_ui(shared_request from) {
    const shared_request kept = std::move(from);
    const auto known = co_await kept->runs.find_conversation(kept->by().id, kept->path()[4]);
    const bool runs = known && known->last && known->last->current() != run::state::ended;
    if (runs) co_await known->last->stop();
    json body = {{"stopped", runs}};
    if (!runs) body["message"] = "Nothing is running.";
    kept->respond(200, body);
}

asio::awaitable<void> show_copilotkit(shared_request from) {
    const shared_request kept = std::move(from);
    const json agent = {{"name", "default"}, {"className", "HttpAgent"}, {"description", ""}};
    const json body = {{"version", CORUN_VERSION},
                       {"agents", {{"default", agent}}},
                       {"audioFileTranscriptionEnabled", false},
                       {"mode", "sse"}};
    kept->respond(200, body);
    co_return;
}

}  // namespace

std::vector<route> ag_ui_routes() {
    return {
        {"POST", "/ag-ui", error_style::text, &run_ag_ui},
        {"GET", "/copilotkit/info", error_style::text, &show_copilotkit},
        {"POST", "/copilotkit/agent/*/run", error_style::text, &run_ag_ui},
        {"POST", "/copilotkit/agent/*/connect", error_style::text, &connect_ag_ui},
        {"POST", "/copilotkit/agent/*/stop/*", error_style::text, &stop_ag_ui},
    };
}

}  // namespace corun::gateway
