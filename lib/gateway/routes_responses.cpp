// OpenAI Responses at /v1/responses.
#include "gateway/encoders/responses.hpp"
#include "gateway/input_items.hpp"
#include "gateway/request.hpp"
#include "text/random.hpp"

#include <charconv>
#include <utility>

namespace corun::gateway {
namespace {

using shared_request = std::shared_ptr<request>;

/// A segment of a run: what a client of this protocol takes for a response.
struct segment {
    std::shared_ptr<run> of;
    std::size_t number = 0;
};

constexpr std::string_view run_prefix = "run_", response_prefix = "resp_";

std::string id_of(const run& of, std::size_t number) {
    return std::string(response_prefix) + of.id().substr(run_prefix.size()) + "_" + std::to_string(number);
}

/// Nothing if this user has no such response.
asio::awaitable<std::optional<segment>> find_segment(shared_request from, std::string id_text) {
    const std::string_view id = id_text;
    const auto last = id.rfind('_');
    if (!id.starts_with(response_prefix) || last == std::string_view::npos || last < response_prefix.size())
        co_return std::nullopt;
    segment found;
    const auto digits = id.substr(last + 1);
    const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), found.number);
    if (parsed.ec != std::errc() || parsed.ptr != digits.data() + digits.size()) co_return std::nullopt;
    const auto run_id =
        std::string(run_prefix).append(id.substr(response_prefix.size(), last - response_prefix.size()));
    std::shared_ptr<run> of = co_await from->runs.find_run(from->by().id, run_id);
    if (!of || found.number >= of->log().segments().size()) co_return std::nullopt;
    found.of = std::move(of);
    co_return found;
}

response_head head_of(const segment& shown, const json& body) {
    response_head head;
    head.id = id_of(*shown.of, shown.number);
    if (shown.number > 0) head.previous_id = id_of(*shown.of, shown.number - 1);
    head.model = string_member(body, "model");
    if (head.model.empty()) head.model = "agent";
    head.created_at =
        std::chrono::duration_cast<std::chrono::seconds>(shown.of->started_at().time_since_epoch()).count();
    head.background = member(body, "background") == true;
    return head;
}

/// Encodes a segment as far as it is; true if that is all of it.
bool encode_all(const segment& shown, responses_encoder& as) {
    std::string unused;
    const run_log& log = shown.of->log();
    const std::size_t begin = shown.of->log().segments()[shown.number];
    for (std::size_t i = 0; i < begin; ++i) as.encode(log[i], log.id_of(i), unused);
    if (begin > 0) as.begin_stream();
    for (std::size_t i = begin; i < log.size() && !as.is_done(); ++i) as.encode(log[i], log.id_of(i), unused);
    return as.is_done();
}

/// The response when it has ended.
asio::awaitable<json> whole_response(segment shown, response_head head) {
    const segment waited = std::move(shown);
    while (true) {
        responses_encoder encoding(head);
        if (encode_all(waited, encoding)) co_return encoding.response();
        co_await waited.of->log().wait();
    }
}

/// A message of the request's input.
std::optional<message> input_message(const json& item) {
    const std::string type = string_member(item, "type"), role = string_member(item, "role");
    if ((!type.empty() && type != "message") || role.empty()) return {};
    const json& content = member(item, "content");
    std::vector<content_block> blocks;
    if (content.is_string()) blocks.push_back(content_block::text(content.get<std::string>()));
    for (const json& part : content.is_array() ? content : json::array()) {
        const std::string kind = string_member(part, "type");
        if (kind == "input_text" || kind == "output_text" || kind == "text")
            blocks.push_back(content_block::text(string_member(part, "text")));
        if (kind == "input_image") blocks.push_back(content_block::image_url(string_member(part, "image_url")));
    }
    if (blocks.empty()) return {};
    message made(std::move(blocks));
    made.role = role == "assistant" ? "assistant" : "user";
    return made;
}

/// The input of a request to compact as items.
json items_of(const json& input) {
    if (input.is_array() && !input.empty()) return input;
    if (!input.is_string() || input.get_ref<const std::string&>().empty()) throw bad_request("The input is missing.");
    return json::array({{{"type", "message"}, {"role", "user"}, {"content", input}}});
}

question question_of(const json& input) {
    if (input.is_string() && !input.get_ref<const std::string&>().empty())
        return question{message(input.get<std::string>())};
    std::vector<message> messages;
    json others = json::array();
    for (const json& item : input.is_array() ? input : json::array()) {
        if (auto made = input_message(item))
            messages.push_back(std::move(*made));
        else if (string_member(item, "type") == "compaction")
            others.push_back(item);
    }
    if (messages.empty()) throw bad_request("The input has no message.");
    question asked{std::move(messages.back())};
    messages.pop_back();
    asked.history = std::move(messages);
    if (!others.empty()) asked.items = text_of(others);
    return asked;
}

submission answers_of(const json& input) {
    submission answers;
    for (const json& item : input.is_array() ? input : json::array()) {
        const std::string type = string_member(item, "type");
        if (type == "function_call_output")
            answers.output(string_member(item, "call_id"), string_member(item, "output"));
        if (type != "mcp_approval_response") continue;
        if (member(item, "approve") == true)
            answers.approve(string_member(item, "approval_request_id"));
        else
            answers.deny(string_member(item, "approval_request_id"));
    }
    return answers;
}

/// The run that the request starts or continues.
asio::awaitable<segment> begin_response(shared_request from, json body) {
    const shared_request kept = std::move(from);
    const json input = member(body, "input");
    const std::string previous = string_member(body, "previous_response_id");
    submission answers = answers_of(input);
    std::string name = new_conversation_name();
    segment result;
    if (!previous.empty()) {
        const auto earlier = co_await find_segment(kept, previous);
        bool is_latest = false;
        if (earlier) {
            const auto where = co_await kept->runs.find_conversation(kept->by().id, earlier->of->conversation());
            is_latest = where && where->last && where->last->id() == earlier->of->id();
        }
        if (!is_latest)
            throw refusal(404, "previous_response_not_found", "The previous response does not exist any more.");
        if (!answers.empty()) {
            co_await submit(earlier->of, std::move(answers));
            result.of = earlier->of;
            result.number = result.of->log().segments().size() - 1;
            co_return result;
        }
        name = earlier->of->conversation();
    }
    std::shared_ptr<run> begun = co_await kept->runs.start(kept->by(), name, question_of(input));
    result.of = std::move(begun);
    co_return result;
}

asio::awaitable<void> create_response(shared_request from) {
    const shared_request kept = std::move(from);
    const json body = kept->body();
    const segment begun = co_await begin_response(kept, body);
    response_head head = head_of(begun, body);
    if (member(body, "stream") == true) {
        const std::size_t begin = begun.of->log().segments()[begun.number];
        auto encoding = std::make_shared<responses_encoder>(std::move(head));
        request::stream(kept, begun.of, encoding, begin);
        co_return;
    }
    if (head.background) {
        responses_encoder encoding(std::move(head));
        (void)encode_all(begun, encoding);
        kept->respond(200, encoding.response());
        co_return;
    }
    const json whole = co_await whole_response(begun, std::move(head));
    kept->respond(200, whole);
}

asio::awaitable<void> compact_response(shared_request from) {
    const shared_request kept = std::move(from);
    const json body = kept->body();
    if (string_member(body, "model").empty()) throw bad_request("The model is missing.");
    if (!string_member(body, "previous_response_id").empty())
        throw bad_request("Send the conversation as input, not as previous_response_id.");
    const compacted_response compacted = co_await kept->runs.compact(kept->by(), items_of(member(body, "input")));
    const json raw = json::parse(compacted.raw, nullptr, false);
    json answer = {{"id", std::string(response_prefix) + detail::random_hex(32)}, {"object", "response.compaction"}};
    for (const char* name : {"created_at", "output", "usage"}) answer[name] = member(raw, name);
    kept->respond(200, answer);
}

asio::awaitable<segment> segment_of(shared_request from) {
    auto found = co_await find_segment(from, from->path()[2]);
    if (!found) throw refusal(404, "not_found", "There is no such response here.");
    co_return std::move(*found);
}

asio::awaitable<void> retrieve_response(shared_request from) {
    const shared_request kept = std::move(from);
    const segment shown = co_await segment_of(kept);
    response_head head = head_of(shown, json());
    if (kept->parameter("stream") != "true") {
        responses_encoder encoding(std::move(head));
        (void)encode_all(shown, encoding);
        kept->respond(200, encoding.response());
        co_return;
    }
    std::optional<std::int64_t> after;
    const std::string_view text = kept->parameter("starting_after");
    std::int64_t number = 0;
    if (std::from_chars(text.data(), text.data() + text.size(), number).ec == std::errc()) after = number;
    const std::size_t begin = shown.of->log().segments()[shown.number];
    auto encoding = std::make_shared<responses_encoder>(std::move(head), after);
    request::stream(kept, shown.of, encoding, begin);
}

asio::awaitable<void> list_input_items(shared_request from) {
    const shared_request kept = std::move(from);
    const segment shown = co_await segment_of(kept);
    json items = input_items(*shown.of, shown.number, id_of(*shown.of, shown.number));
    const json page =
        page_of(std::move(items), kept->parameter("limit"), kept->parameter("order"), kept->parameter("after"));
    kept->respond(200, page);
}

/// The responses of one run are parts of one log: they go together.
asio::awaitable<void> delete_response(shared_request from) {
    const shared_request kept = std::move(from);
    const segment removed = co_await segment_of(kept);
    co_await kept->runs.remove(removed.of);
    const json answer = {{"id", kept->path()[2]}, {"object", "response"}, {"deleted", true}};
    kept->respond(200, answer);
}

asio::awaitable<void> cancel_response(shared_request from) {
    const shared_request kept = std::move(from);
    const segment shown = co_await segment_of(kept);
    co_await shown.of->stop();
    const json whole = co_await whole_response(shown, head_of(shown, json()));
    kept->respond(200, whole);
}

}  // namespace

std::vector<route> responses_routes() {
    return {
        {"POST", "/v1/responses", error_style::openai, &create_response},
        {"POST", "/v1/responses/compact", error_style::openai, &compact_response},
        {"GET", "/v1/responses/*", error_style::openai, &retrieve_response},
        {"DELETE", "/v1/responses/*", error_style::openai, &delete_response},
        {"GET", "/v1/responses/*/input_items", error_style::openai, &list_input_items},
        {"POST", "/v1/responses/*/cancel", error_style::openai, &cancel_response},
    };
}

}  // namespace corun::gateway
