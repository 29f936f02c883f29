// The chat of the AI SDK: `useChat` with its default transport at /api/chat.
#include "gateway/encoders/ui_messages.hpp"
#include "gateway/request.hpp"

#include <utility>

namespace corun::gateway {
namespace {

using shared_request = std::shared_ptr<request>;

/// The texts and images of a message of a page. Throws `refusal` for what the agent cannot take.
message message_of(const json& source) {
    std::vector<content_block> blocks;
    for (const json& part : member(source, "parts")) {
        const std::string type = string_member(part, "type");
        if (type == "text") blocks.push_back(content_block::text(string_member(part, "text")));
        if (type != "file") continue;
        if (!string_member(part, "mediaType").starts_with("image/"))
            throw refusal(415, "unsupported_file", "Only images can be attached.");
        blocks.push_back(content_block::image_url(string_member(part, "url")));
    }
    if (blocks.empty()) throw bad_request("The message is empty.");
    if (blocks.size() == 1 && blocks.front().type == content_block::kind::text) return message(blocks.front().value);
    return message(std::move(blocks));
}

/// Of earlier messages only the texts: for a conversation that the gateway does not know any more.
std::vector<message> history_of(const json& messages) {
    std::vector<message> history;
    for (const json& each : messages) {
        if (&each == &messages.back()) break;
        const std::string role = string_member(each, "role");
        std::string text;
        for (const json& part : member(each, "parts"))
            if (string_member(part, "type") == "text") text += string_member(part, "text");
        if (text.empty() || (role != "user" && role != "assistant")) continue;
        message earlier(std::move(text));
        earlier.role = role;
        history.push_back(std::move(earlier));
    }
    return history;
}

/// What a part of an assistant's message answers of the calls that a run waits for. The page's history is not trusted:
/// only calls that are pending count.
void add_answer(submission& answers, const required_action& pending, const json& part) {
    const std::string id = string_member(part, "toolCallId"), state = string_member(part, "state");
    for (const function_call& each : pending.function_calls) {
        if (each.id != id) continue;
        const json& output = member(part, "output");
        if (state == "output-available")
            answers.output(id, output.is_string() ? output.get<std::string>() : text_of(output));
        if (state == "output-error") {
            const json failure = {{"error", string_member(part, "errorText")}};
            answers.output(id, text_of(failure));
        }
    }
    const json& approval = member(part, "approval");
    for (const mcp_approval_request& each : pending.mcp_approvals) {
        if (each.id != string_member(approval, "id") || !member(approval, "approved").is_boolean()) continue;
        if (member(approval, "approved") == true)
            answers.approve(each.id);
        else
            answers.deny(each.id);
    }
}

asio::awaitable<void> continue_run(shared_request from, std::shared_ptr<run> waiting, json last) {
    const shared_request kept = std::move(from);
    submission answers;
    const required_action pending = waiting->pending();
    for (const json& part : member(last, "parts")) add_answer(answers, pending, part);
    co_await submit(waiting, std::move(answers));
    // The page has what precedes the answers.
    const std::size_t begin = waiting->log().segments().back();
    auto encoding = std::make_shared<ui_message_encoder>(waiting->id());
    request::stream(kept, waiting, encoding, begin);
}

asio::awaitable<void> post_chat(shared_request from) {
    const shared_request kept = std::move(from);
    const json body = kept->body();
    const std::string name = string_member(body, "id");
    if (name.empty() || name.size() > 256) throw bad_request("The chat has no id.");
    const json& messages = member(body, "messages");
    const json last = messages.is_array() && !messages.empty() ? messages.back() : member(body, "message");
    if (string_member(last, "role") == "assistant") {
        const auto known = co_await kept->runs.find_conversation(kept->by().id, name);
        const std::shared_ptr<run> waiting = known ? known->last : nullptr;
        if (!waiting || waiting->current() != run::state::waiting)
            throw refusal(409, "not_waiting", "Nothing waits for this answer any more.");
        co_await continue_run(kept, waiting, last);
        co_return;
    }
    question asked(message_of(last));
    if (messages.is_array()) asked.history = history_of(messages);
    // An earlier message was edited, or its answer is wanted again.
    asked.starts_anew = string_member(body, "trigger") == "regenerate-message" || member(body, "messageId").is_string();
    const std::shared_ptr<run> begun = co_await kept->runs.start(kept->by(), name, std::move(asked));
    auto encoding = std::make_shared<ui_message_encoder>(begun->id());
    request::stream(kept, begun, encoding, 0);
}

/// All of the latest answer again, as far as it is. A page that has part of it replaces that; one whose connection
/// broke shortly before the end still gets the rest. 204 means that there is nothing: a page shows any other status as
/// an error.
asio::awaitable<void> resume_chat(shared_request from) {
    const shared_request kept = std::move(from);
    const auto known = co_await kept->runs.find_conversation(kept->by().id, kept->path()[2]);
    const std::shared_ptr<run> latest = known ? known->last : nullptr;
    if (!latest) {
        kept->respond(204, {}, {});
        co_return;
    }
    auto encoding = std::make_shared<ui_message_encoder>(latest->id());
    request::stream(kept, latest, encoding, 0);
}

asio::awaitable<void> stop_chat(shared_request from) {
    const shared_request kept = std::move(from);
    const auto known = co_await kept->runs.find_conversation(kept->by().id, kept->path()[2]);
    if (known && known->last) co_await known->last->stop();
    const json done = {{"success", true}};
    kept->respond(200, done);
}

}  // namespace

std::vector<route> chat_routes() {
    return {
        {"POST", "/api/chat", error_style::text, &post_chat},
        {"GET", "/api/chat/*/stream", error_style::text, &resume_chat},
        {"POST", "/api/chat/*/stop", error_style::text, &stop_chat},
    };
}

}  // namespace corun::gateway
