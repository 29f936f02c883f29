#include "gateway/redis/session_store.hpp"

#include "text/sha256.hpp"

namespace corun::gateway::redis {

std::string session_store::key(std::string_view secret) const {
    return key_of(prefix_, "session", detail::sha256_hex(secret));
}

asio::awaitable<void> session_store::begin(std::string secret, std::string user, std::chrono::milliseconds lifetime,
                                           std::size_t most) {
    constexpr const char* script = R"(
        local now, lifetime, most = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
        redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now)
        local extra = redis.call('ZCARD', KEYS[2]) + 1 - most
        if extra > 0 then
            for _, each in ipairs(redis.call('ZRANGE', KEYS[2], 0, extra - 1)) do redis.call('DEL', each) end
            redis.call('ZREMRANGEBYRANK', KEYS[2], 0, extra - 1)
        end
        redis.call('SET', KEYS[1], ARGV[1], 'PX', lifetime)
        redis.call('ZADD', KEYS[2], now + lifetime, KEYS[1])
        redis.call('PEXPIRE', KEYS[2], lifetime)
        return 1)";
    const auto now =
        std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch());
    const reply begun =
        co_await commands_.ask(line("EVAL", script, "2", key(secret), user_prefix() + user, user, in_milliseconds(now),
                                    in_milliseconds(lifetime), std::to_string(most)));
    accepted(begun);
}

asio::awaitable<std::optional<std::string>> session_store::find(std::string secret) {
    const reply found = co_await commands_.ask(line("GET", key(secret)));
    if (accepted(found).is_null()) co_return std::nullopt;
    co_return found.text;
}

asio::awaitable<void> session_store::end(std::string secret) {
    constexpr const char* script = R"(
        local user = redis.call('GET', KEYS[1])
        if not user then return 0 end
        redis.call('DEL', KEYS[1])
        redis.call('ZREM', ARGV[1] .. user, KEYS[1])
        return 1)";
    const reply ended = co_await commands_.ask(line("EVAL", script, "1", key(secret), user_prefix()));
    accepted(ended);
}

}  // namespace corun::gateway::redis
