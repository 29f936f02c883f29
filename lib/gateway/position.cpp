#include "gateway/position.hpp"

#include "gateway/json.hpp"

#include <system_error>

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

std::string position_in(const std::string& thread_id) {
    const json ids = {{"thread", thread_id}};
    return text_of(ids);
}

run_position position_of(std::string_view text) {
    if (!texts_come_again(text)) return run_position::parse(text);
    const json ids = value_of(text);
    return run_position(string_member(ids, "run"), string_member(ids, "thread"));
}

bool texts_come_again(std::string_view position) {
    return position.starts_with('{');
}

}  // namespace corun::gateway
