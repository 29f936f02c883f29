#include "gateway/position.hpp"

#include "gateway/json.hpp"

#include <utility>

namespace corun::gateway {

std::string position_text(const event_stream& stream) {
    const run_position position = stream.position();
    if (position.run_id.empty()) return {};
    json text = {{"run", position.run_id}, {"thread", position.thread_id}};
    if (position.sequence_number) text["number"] = *position.sequence_number;
    return text_of(text);
}

bool texts_come_again(std::string_view position) {
    return !member(value_of(position), "number").is_number_integer();
}

asio::awaitable<event_stream> attach(agent runner, std::string position, mcp_header_source headers,
                                     run_options options) {
    agent from = std::move(runner);
    const json parsed = value_of(position);
    run_position where(string_member(parsed, "run"), string_member(parsed, "thread"));
    if (member(parsed, "number").is_number_integer()) where.sequence_number = member(parsed, "number");
    event_stream stream = co_await from.attach_stream(std::move(where), std::move(headers), std::move(options));
    co_return stream;
}

}  // namespace corun::gateway
