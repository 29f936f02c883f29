#include "gateway/redis/conversations.hpp"

#include "text/random.hpp"

#include <utility>

namespace corun::gateway::redis {

std::string conversations::key(std::string_view kind, const std::string& user, const std::string& name) const {
    std::string made = prefix_;
    // Both may contain anything.
    made.append(":").append(kind).append(":").append(std::to_string(user.size()));
    return made.append(":").append(user).append(":").append(name);
}

asio::awaitable<conversation_record> conversations::find(std::string user, std::string name) {
    const reply found = co_await commands_.ask(line("HMGET", key("conversation", user, name), "thread", "run"));
    conversation_record record;
    if (accepted(found).elements.size() == 2) {
        record.thread_id = found.elements[0].text;
        record.run_id = found.elements[1].text;
    }
    co_return record;
}

asio::awaitable<void> conversations::save(std::string user, std::string name, conversation_record record,
                                          std::chrono::milliseconds keep) {
    const std::string where = key("conversation", user, name);
    std::vector<command_line> commands;
    commands.push_back(line("HSET", where, "thread", record.thread_id, "run", record.run_id));
    if (keep.count() > 0) commands.push_back(line("PEXPIRE", where, in_milliseconds(keep)));
    const std::vector<reply> replies = co_await commands_.call(std::move(commands));
    for (const reply& each : replies) accepted(each);
}

asio::awaitable<std::optional<std::string>> conversations::lock(std::string user, std::string name) {
    std::string token = detail::random_hex(16);
    const std::string where = key("starting", user, name);
    const reply locked = co_await commands_.ask(line("SET", where, token, "NX", "PX", in_milliseconds(lock_time_)));
    if (accepted(locked).is_null()) co_return std::nullopt;
    co_return token;
}

void conversations::unlock(const std::string& user, const std::string& name, const std::string& token) {
    constexpr const char* if_own = "if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end";
    std::vector<command_line> commands;
    commands.push_back(line("EVAL", if_own, "1", key("starting", user, name), token));
    commands_.tell(std::move(commands));
}

}  // namespace corun::gateway::redis
