#include "gateway/position.hpp"

#include "gateway/json.hpp"

#include <system_error>
#include <utility>

namespace corun::gateway {

std::string position_text(const event_stream& stream) {
    const run_position position = stream.position();
    if (position.run_id.empty()) return {};
    try {
        return position.to_string();
    } catch (const std::system_error&) {
        // So much is open at once that a token cannot hold it.
    }
    const json ids = {{"run", position.run_id}, {"thread", position.thread_id}};
    return text_of(ids);
}

bool texts_come_again(std::string_view position) {
    return position.starts_with('{');
}

asio::awaitable<event_stream> attach(agent runner, std::string position, mcp_header_source headers,
                                     run_options options) {
    agent from = std::move(runner);
    run_position where;
    if (texts_come_again(position)) {
        const json ids = value_of(position);
        where = run_position(string_member(ids, "run"), string_member(ids, "thread"));
    } else {
        where = run_position::parse(position);
    }
    event_stream stream = co_await from.attach_stream(std::move(where), std::move(headers), std::move(options));
    co_return stream;
}

}  // namespace corun::gateway
