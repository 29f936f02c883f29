#include "emulator/responses/response_events.hpp"

#include "text/utf8.hpp"

#include <limits>
#include <utility>

namespace corun::emulator {
namespace {

/// Padding up to a multiple of 16 characters, so that the length of a delta does not reveal the text.
std::string obfuscation_for(const std::string& text) {
    const auto length = utf8::count_characters(text);
    return std::string((16 - length % 16) % 16, 'x');
}

}  // namespace

std::string response_events::frame_of(const std::string& event, const std::string& data) const {
    std::string frame;
    frame.reserve(event.size() + data.size() + 16);
    if (environment_.options.event_lines) frame.append("event: ").append(event).append("\n");
    return frame.append("data: ").append(data).append("\n\n");
}

bool response_events::put(const std::string& event, std::string frame, std::int64_t number) {
    if (response_.options.retrievable_as_stream) response_.log.add(sent_event(number, event, frame));
    return sink_.put_frame(event, std::move(frame));
}

asio::awaitable<void> response_events::emit(std::string event, json data) {
    const std::int64_t number = response_.sequence_number++;
    if (!has_reader()) co_return;
    json numbered;
    numbered["type"] = event;
    numbered["sequence_number"] = number;
    numbered.update(data);
    if (put(event, frame_of(event, text_of(numbered)), number)) co_await sink_.flush();
}

asio::awaitable<void> response_events::emit_response(std::string event) {
    json data;
    data["response"] = shown(response_, environment_.options.echo_headers);
    if (!environment_.options.whole_output) data["response"]["output"] = json::array();
    co_await emit(std::move(event), std::move(data));
}

asio::awaitable<void> response_events::emit_of_item(std::string event, std::size_t index, json members) {
    json data;
    data["item_id"] = get(response_.object["output"][index], "id");
    data["output_index"] = index;
    data.update(members);
    co_await emit(std::move(event), std::move(data));
}

asio::awaitable<void> response_events::emit_deltas(std::string event, json members, std::vector<std::string> texts) {
    for (const auto& text : texts) {
        json data = members;
        data["delta"] = text;
        if (response_.options.obfuscated) data["obfuscation"] = obfuscation_for(text);
        co_await emit(event, std::move(data));
    }
}

asio::awaitable<void> response_events::emit_error(run_failure failure) {
    json data, error;
    error["type"] = failure.type;
    error["code"] = failure.code;
    error["message"] = failure.what();
    error["param"] = failure.param;
    const auto retry_after = environment_.options.retry_after.count();
    const bool is_nested = environment_.options.error_events == error_events::nested;
    if (retry_after > 0 && failure.code == "rate_limit_exceeded")
        error["headers"]["retry-after"] = std::to_string(retry_after);
    if (is_nested) {
        data["error"] = std::move(error);
    } else {
        for (const char* name : {"code", "message", "param"}) data[name] = error[name];
    }
    co_await emit("error", std::move(data));
}

asio::awaitable<void> response_events::emit_done() {
    const auto last = std::numeric_limits<std::int64_t>::max();
    if (put("done", "data: [DONE]\n\n", last)) co_await sink_.flush();
}

asio::awaitable<void> response_events::emit_keepalive() {
    const std::string frame = environment_.options.keepalive_frame;
    if (!frame.starts_with(':'))
        co_await emit("keepalive", json::object());
    else if (put("keepalive", frame, response_.sequence_number - 1))
        co_await sink_.flush();
}

bool response_events::put_delta(const delta_place& place, const std::string& text, std::string_view more) {
    // The most frequent event, hence put together as text.
    const std::int64_t number = response_.sequence_number++;
    if (!has_reader()) return false;
    std::string data = R"({"type":")" + place.event + R"(","sequence_number":)" + std::to_string(number);
    data.append(R"(,"item_id":")").append(place.item_id);
    data.append(R"(","output_index":)").append(std::to_string(place.item_index));
    data.append(R"(,"content_index":)").append(std::to_string(place.part_index));
    data.append(R"(,"delta":)").append(text_of(text)).append(more);
    if (response_.options.obfuscated) data.append(R"(,"obfuscation":")").append(obfuscation_for(text)).append("\"");
    return put(place.event, frame_of(place.event, data.append("}")), number);
}

}  // namespace corun::emulator
