#include "gateway/redis/store.hpp"

#include "text/random.hpp"
#include <corun/error.hpp>

#include <asio/co_spawn.hpp>
#include <asio/redirect_error.hpp>
#include <asio/use_awaitable.hpp>

#include <exception>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace corun::gateway::redis {
namespace {

using namespace std::chrono_literals;

/// How many writes a read gets at once.
constexpr const char* page_size = "64";

address address_of(const redis_options& options) {
    address made(options.url);
    made.password = options.password;
    return made;
}

json described(const run_record& record) {
    return {{"user", record.user}, {"conversation", record.conversation}, {"started_at", record.started_at}};
}

run_record record_of(std::string_view text) {
    const json source = json::parse(text, nullptr, false);
    run_record record;
    record.user = string_member(source, "user");
    record.conversation = string_member(source, "conversation");
    if (member(source, "started_at").is_number_integer()) record.started_at = member(source, "started_at");
    return record;
}

/// One entry of a stream: an id, and fields with their values.
void add_to(stored_log& log, const reply& source) {
    if (source.elements.size() != 2) throw std::runtime_error("a log is malformed");
    const auto id = entry_id::parse(source.elements[0].text);
    if (!id) throw std::runtime_error("a log is malformed");
    log_batch batch;
    batch.id = *id;
    const auto& fields = source.elements[1].elements;
    for (std::size_t i = 0; i + 1 < fields.size(); i += 2) {
        const std::string& name = fields[i].text;
        const std::string& value = fields[i + 1].text;
        if (name == "writer") batch.writer = value;
        if (name == "entries") batch.entries = decode_entries(value);
        if (name == "position") batch.after.position = value;
        if (name == "memory" || name == "changes") batch.after.changes = memory::parse(value, nullptr, false);
        if (name == "memory") batch.is_fresh = true;
        if (name == "record") log.record = record_of(value);
        if (name == "question") log.question = value;
    }
    log.batches.push_back(std::move(batch));
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

std::string store::key(std::string_view kind, std::string_view name) const {
    std::string made = options_.prefix;
    made.append(":").append(kind);
    if (!name.empty()) made.append(":").append(name);
    return made;
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

asio::awaitable<void> store::create(std::string run, run_record record, entry_id id, std::string question) {
    std::vector<command_line> commands;
    commands.push_back(line("SADD", key("runs", gateway_), run));
    commands.push_back(line("XADD", key("log", run), id.text(), "writer", gateway_, "record",
                            text_of(described(record)), "question", std::move(question)));
    const std::vector<reply> replies = co_await commands_.call(std::move(commands));
    for (const reply& each : replies) accepted(each);
}

asio::awaitable<bool> store::append(std::string run, log_batch batch) {
    // A log that has been forgotten is not begun again in the middle.
    command_line add = line("XADD", key("log", run), "NOMKSTREAM", batch.id.text(), "writer", gateway_);
    const auto put = [&add](const char* name, std::string value) {
        add.emplace_back(name);
        add.push_back(std::move(value));
    };
    if (!batch.entries.empty()) put("entries", encode(batch.entries));
    if (!batch.after.position.empty()) put("position", batch.after.position);
    const memory& changes = batch.after.changes;
    if (!changes.is_null())
        put(batch.is_fresh ? "memory" : "changes", changes.dump(-1, ' ', false, memory::error_handler_t::replace));
    std::vector<command_line> commands;
    commands.push_back(std::move(add));
    commands.push_back(line("PUBLISH", key("bell", run), batch.id.text()));
    const std::vector<reply> replies = co_await commands_.call(std::move(commands));
    const reply& added = replies[0];
    if (added.is_null()) co_return false;
    if (added.is_error() && added.text.find("equal or smaller") != std::string::npos) co_return false;
    accepted(added);
    co_return true;
}

asio::awaitable<bool> store::begin_epoch(std::string run, entry_id last) {
    // In one step: a gateway that was taken for dead may write at any time, and ids of a new epoch are always greater.
    constexpr const char* if_last = R"(
        local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
        if not last or last[1] ~= ARGV[1] then return false end
        redis.call('XADD', KEYS[1], ARGV[2], 'writer', ARGV[3])
        redis.call('PUBLISH', KEYS[2], ARGV[2])
        return 1)";
    const entry_id mark{last.epoch + 1, last.number};
    const reply begun = co_await commands_.ask(
        line("EVAL", if_last, "2", key("log", run), key("bell", run), last.text(), mark.text(), gateway_));
    co_return !accepted(begun).is_null();
}

asio::awaitable<std::optional<log_batch>> store::last(std::string run) {
    const reply found = co_await commands_.ask(line("XREVRANGE", key("log", run), "+", "-", "COUNT", "1"));
    if (accepted(found).elements.empty()) co_return std::nullopt;
    stored_log log;
    add_to(log, found.elements.front());
    co_return std::move(log.batches.front());
}

asio::awaitable<stored_log> store::read(std::string run, entry_id after) {
    stored_log log;
    std::string from = after == entry_id::before_all() ? "-" : "(" + after.text();
    while (true) {
        const reply page = co_await commands_.ask(line("XRANGE", key("log", run), from, "+", "COUNT", page_size));
        if (accepted(page).elements.empty()) co_return log;
        for (const reply& each : page.elements) add_to(log, each);
        from = "(" + log.batches.back().id.text();
    }
}

asio::awaitable<void> store::finish(std::string run, std::chrono::milliseconds keep) {
    std::vector<command_line> commands;
    commands.push_back(line("PEXPIRE", key("log", run), in_milliseconds(keep)));
    commands.push_back(line("SREM", key("runs", gateway_), run));
    const std::vector<reply> replies = co_await commands_.call(std::move(commands));
    for (const reply& each : replies) accepted(each);
}

asio::awaitable<void> store::claim(std::string run) {
    const reply added = co_await commands_.ask(line("SADD", key("runs", gateway_), run));
    accepted(added);
}

asio::awaitable<void> store::release(std::string run, std::string gateway) {
    const reply removed = co_await commands_.ask(line("SREM", key("runs", gateway), run));
    accepted(removed);
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
