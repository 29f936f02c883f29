#include "gateway/redis/store.hpp"

#include "text/random.hpp"
#include <corun/error.hpp>

#include <asio/co_spawn.hpp>
#include <asio/redirect_error.hpp>
#include <asio/use_awaitable.hpp>

#include <exception>
#include <system_error>
#include <utility>

namespace corun::gateway::redis {
namespace {

address address_of(const redis_options& options) {
    address made(options.url);
    made.password = options.password;
    return made;
}

/// The value of a line `name:value`.
std::string_view line_of(std::string_view text, std::string_view name) {
    const auto at = text.find(name);
    if (at == std::string_view::npos) return {};
    text.remove_prefix(at + name.size());
    return text.substr(0, text.find('\r'));
}

}  // namespace

store::store(asio::any_io_executor executor, redis_options options, events on)
    : executor_(executor),
      options_(std::move(options)),
      on_(std::move(on)),
      gateway_(detail::random_hex(16)),
      commands_(executor, address_of(options_), [this] { ++connections_; }),
      bells_(executor, address_of(options_),
             [this] {
                 if (open_) on_.lapsed();
             }),
      conversations_(commands_, options_.prefix, options_.lease),
      logs_(commands_, options_.prefix, gateway_),
      sessions_(commands_, options_.prefix),
      pause_(executor) {
    bells_.subscribe(key("to", gateway_), [this](std::string_view message) {
        if (!message.empty()) on_.commanded(json::parse(message, nullptr, false));
    });
}

asio::awaitable<void> store::open() {
    const auto kept = shared_from_this();
    while (!commands_.is_open() && !closed_) {
        // What it refuses, it will go on to refuse.
        if (commands_.problem().starts_with(refused)) throw error(errc::invalid_argument, commands_.problem());
        co_await commands_.changed();
    }
    if (!options_.may_forget) co_await check_durability();
    co_await renew();
    open_ = true;
    asio::co_spawn(executor_, keep_lease(kept), [](std::exception_ptr) {});
}

asio::awaitable<void> store::check_durability() {
    const reply persistence = co_await commands_.ask(line("INFO", "persistence"));
    const reply kept_memory = co_await commands_.ask(line("INFO", "memory"));
    if (line_of(accepted(persistence).text, "aof_enabled:") != "1")
        throw error(errc::invalid_argument, "Redis forgets what it was told when it crashes: set 'appendonly yes'");
    const std::string_view policy = line_of(accepted(kept_memory).text, "maxmemory_policy:");
    if (policy != "noeviction" && !policy.starts_with("volatile-"))
        throw error(errc::invalid_argument,
                    "Redis drops logs when its memory is full: set 'maxmemory-policy noeviction'");
}

void store::close() {
    if (std::exchange(closed_, true)) return;
    std::vector<command_line> farewell;
    farewell.push_back(line("DEL", key("node", gateway_)));
    commands_.tell(std::move(farewell));
    pause_.cancel();
    commands_.stop();
    bells_.stop();
}

asio::awaitable<void> store::keep_lease(std::shared_ptr<store> self) {
    const auto kept = std::move(self);
    while (!kept->closed_) {
        kept->pause_.expires_after(kept->options_.lease / 3);
        std::error_code code;
        co_await kept->pause_.async_wait(asio::redirect_error(asio::use_awaitable, code));
        if (kept->closed_) co_return;
        try {
            co_await kept->renew();
            co_await kept->look_for_orphans();
        } catch (const std::exception&) {
            // Again in a moment. Without Redis, nobody takes anything over.
        }
    }
}

asio::awaitable<void> store::renew() {
    const std::string lease = key("node", gateway_), time = in_milliseconds(options_.lease);
    std::vector<command_line> commands;
    commands.push_back(line("SADD", key("nodes"), gateway_));
    commands.push_back(line("SET", lease, "1", "PX", time, "XX"));
    const std::vector<reply> replies = co_await commands_.call(std::move(commands));
    accepted(replies[0]);
    if (!accepted(replies[1]).is_null()) co_return;
    const reply renewed = co_await commands_.ask(line("SET", lease, "1", "PX", time));
    accepted(renewed);
    if (open_) on_.lapsed();
}

asio::awaitable<void> store::look_for_orphans() {
    const reply nodes = co_await commands_.ask(line("SMEMBERS", key("nodes")));
    for (const reply& node : accepted(nodes).elements) {
        if (node.text == gateway_) continue;
        const reply alive = co_await commands_.ask(line("EXISTS", key("node", node.text)));
        if (accepted(alive).number != 0) continue;
        const reply runs = co_await commands_.ask(line("SMEMBERS", key("runs", node.text)));
        for (const reply& run : accepted(runs).elements) on_.orphaned(run.text, node.text);
        if (!runs.elements.empty()) continue;
        const reply gone = co_await commands_.ask(line("SREM", key("nodes"), node.text));
        accepted(gone);
    }
}

void store::listen(const std::string& run, std::function<void()> rung) {
    bells_.subscribe(key("bell", run), [rung = std::move(rung)](std::string_view) { rung(); });
}

void store::ignore(const std::string& run) {
    bells_.unsubscribe(key("bell", run));
}

asio::awaitable<bool> store::command(std::string gateway, json order) {
    const reply heard = co_await commands_.ask(line("PUBLISH", key("to", gateway), text_of(order)));
    co_return accepted(heard).number > 0;
}

void store::check(std::chrono::steady_clock::time_point now) {
    commands_.check(now, options_.patience);
}

}  // namespace corun::gateway::redis
